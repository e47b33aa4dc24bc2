"""Does a public state repository agree with itself and with the rules of its era?  Standard library only."""
