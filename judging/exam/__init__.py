"""How good is a judge?  Pairs of known order, the exam about them, and what people said of other assets."""
