"""Tests of the formats: what is measured of a file."""
