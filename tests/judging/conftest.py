"""Which fixtures do tests of the judging share?"""

from tests.judging.heard_round import round_, serving

__all__ = ["round_", "serving"]
