"""What does each kind of row say of itself?  Dataclasses: the documentation is made from them."""
