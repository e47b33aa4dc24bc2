"""Where do people of the platform work?  Sign-in, the list of what waits, one page per case, the delivery log."""
