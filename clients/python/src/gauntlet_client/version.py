"""Which release is this?  The same number as the platform's, which a test compares."""

__version__ = "0.2.0"
