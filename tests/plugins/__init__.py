"""Toys of each kind of plug-in, which live outside the platform's own folders."""
