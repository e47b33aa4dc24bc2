"""What would another judge have said of a round?  It judges beside the official one, in tables of its own.

Nothing official is written or moved: no match, duel or stored answer, no event, no document of a bundle.
"""
