"""What is asked of a request before any page sees it."""
