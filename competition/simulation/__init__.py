"""How often does a ruleset crown the wrong one, and how often the right one?  Whole rounds, thousands at a time.

The rules are written here a second time, vectorised with numpy; `tests/competition/simulation` plays the same duels
under both and demands the same answers as the exact ones in `competition.decisions`.
"""
