"""Where does the code of a revealed commit come from?  One protocol; a git host, or folders of this machine."""
