"""The demo competition: its cast, and who keeps it moving."""
