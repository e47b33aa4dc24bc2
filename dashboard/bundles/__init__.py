"""The published bundle of a round: its documents, its folder, its signature."""
