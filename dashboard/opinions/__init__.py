"""What outsiders say who asked a model of their own about a published round: reports that they signed and posted."""
