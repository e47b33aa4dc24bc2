"""Copies of published files: light ones for pages, converted ones to use."""
