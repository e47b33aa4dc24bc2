"""What does a duel come to that two families of models judged?  A win counts only where neither contradicts the other.

Who overfits one model wins nothing by it: both families must name the same side, or one must see nothing to choose.
Where they name opposite sides the duel is a draw, and its detail says so.  Scores are millionths, positive for the
challenger: half the sum, toward zero, where both name a side; that of the only one that does, where one does.
"""

from collections.abc import Sequence

from judging.decisions.ballots import FamilyVerdict, Verdict, toward_zero

AGREE, ONE, DISAGREE, NEUTRAL = "both_families", "one_family", "families_disagree", "draw_band"


def verdict(families: Sequence[FamilyVerdict]) -> Verdict:
    """Of two verdicts on the same duel, in the panel's order; the same file twice is judged by nobody."""
    first, second = (each.verdict for each in families)
    if first.decided_by == second.decided_by == "same_file":
        return first
    decisive = [each for each in (first, second) if each.outcome != "draw"]
    rows = tuple(families)
    if not decisive:
        return Verdict("draw", 0, NEUTRAL, (), rows)
    if len({each.outcome for each in decisive}) == 2:
        return Verdict("draw", 0, DISAGREE, (), rows)
    score = toward_zero(sum(each.score_micro for each in decisive), len(decisive))
    return Verdict(decisive[0].outcome, score, AGREE if len(decisive) == 2 else ONE, (), rows)
