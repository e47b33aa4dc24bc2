"""Who won a duel about which the judge stays silent, where it answers about control pictures on the same prompt?

The judge was asked about each side alone.  Whoever's pictures it gives no answer about loses the duel, as if they had
delivered nothing; where it answers about both, or about neither, there is nothing to choose between them.
"""

from judging.decisions.ballots import MICRO, Ballot, Outcome, Verdict

KIND = "silence"


def verdict(*, defender_silences: bool, challenger_silences: bool) -> Verdict:
    """One ballot of its own kind: `ab` is a million where the defender's pictures silence the judge, `ba` where the
    challenger's do."""
    ballot = Ballot(KIND, ab=MICRO * defender_silences, ba=MICRO * challenger_silences)
    outcome: Outcome = "challenger" if ballot.score > 0 else "defender" if ballot.score < 0 else "draw"
    return Verdict(outcome, ballot.score, KIND, (ballot,))
