"""How is a judge asked about one duel?  In both orders of each question, while an answer can change the verdict."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from judging.backends.base import Answer, Judge, NoAnswer, Question, Side
from judging.decisions import ballots, two_families
from judging.decisions.ballots import MICRO, Ballot, FamilyVerdict, Verdict
from judging.panel.answer_store import AnswerStore
from judging.panel.questions.version import JudgeVersion
from judging.panel.vlm_panel import Deliberation, members_of

__all__ = ["Verdict", "verdict_of", "verdict_together"]

ASKS = 3  # times in a row that one question is asked before its duel is laid aside for a while


def verdict_of(
    judge: Judge,
    *,
    reference: Path,
    reference_sha256: str,
    defender: Side,
    challenger: Side,
    answers: AnswerStore | None = None,
    wanted: Callable[[], bool] = lambda: True,
    answer_namespace: str = "",
) -> Verdict:
    """The verdict on one duel.  Raises NoAnswer when any answer is missing: an outage is not a draw.

    For judges that deliberate: `answers` stores what was answered, `wanted`: whether anybody still waits;
    `answer_namespace`: the name under which the questions are asked again ("" where a stored answer serves).
    """
    if members := members_of(judge):
        versions = [member.judge_version for member in members]
        deliberations = [
            Deliberation(
                member.judge_version,
                member,
                member.answers if answers is None else answers,
                reference,
                defender,
                challenger,
                wanted,
                answer_namespace,
            )
            for member in members
        ]
        return verdict_together(versions, [_family_verdict(each, single=len(members) == 1) for each in deliberations])
    taken: dict[str, Ballot] = {}
    while (kind := ballots.next_kind(taken)) is not None:
        ab = Question(kind, reference, reference_sha256, defender, challenger)
        ba = Question(kind, reference, reference_sha256, challenger, defender)
        taken[kind] = Ballot(kind, ab=_score(judge, ab), ba=_score(judge, ba))
    return ballots.verdict(taken)


def verdict_together(versions: Sequence[JudgeVersion], verdicts: Sequence[Verdict]) -> Verdict:
    """What a judge of these versions comes to; `verdicts`: of each, in the same order."""
    if len(verdicts) == 1:
        return verdicts[0]
    rows = zip(versions, verdicts, strict=True)
    return two_families.verdict([FamilyVerdict(version.family, version.served_as, own) for version, own in rows])


def _family_verdict(deliberation: Deliberation, *, single: bool) -> Verdict:
    """Raises NoAnswer, which names the family where it is one of two."""
    try:
        return deliberation.verdict()
    except NoAnswer as silence:
        if single:
            raise
        raise NoAnswer(silence.code, f"{deliberation.version.family}: {silence.sentence}") from silence


def _score(judge: Judge, question: Question) -> int:
    """The score in millionths.  A hiccup is asked again at once, so that it does not cost the answers before it."""
    for left in reversed(range(ASKS)):
        try:
            return round(require_sound(judge.ask(question)).score * MICRO)
        except NoAnswer:
            if not left:
                raise
    raise AssertionError("ASKS is at least 1")


def require_sound(answer: Answer) -> Answer:
    """Raises NoAnswer for what is no answer to the question."""
    if not (math.isfinite(answer.score) and -1 <= answer.score <= 1):
        raise NoAnswer("bad_score", f"The judge answered {answer.score!r}, which is not between -1 and 1.")
    if not (math.isfinite(answer.mass) and answer.mass * MICRO >= ballots.STANDARD.least_mass):
        raise NoAnswer("low_mass", f"The judge was not answering the question (mass {answer.mass:.2f}).")
    return answer
