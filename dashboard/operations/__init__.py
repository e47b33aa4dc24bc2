"""Is the platform well? For the people who run it."""
