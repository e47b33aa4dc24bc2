"""The embedded judge: image metrics on the CPU."""
