"""The embedded PostgreSQL server, and how Django reaches it."""
