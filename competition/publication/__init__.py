"""What must be true of a bundle before it is signed, and where it lies."""
