"""The ground floor: what any platform of rounds, workers and files needs; it knows nothing of the game."""
