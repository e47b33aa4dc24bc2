"""How code or parsers that are not ours run without harming anybody."""
