"""Stored files that are damaged: noticed, mended, looked for."""
