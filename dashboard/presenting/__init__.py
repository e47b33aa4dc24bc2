"""What does each page say?  Plain frozen facts, made from rows; templates and `.json` twins show the same ones."""
