"""What the web server does before Django looks at a request."""
