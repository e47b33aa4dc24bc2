"""How does a vision-language judge reach its verdict on one duel?

Question by question, as `decisions.cascade` asks for them, each in both orders or about both assets at once.  A
question whose answer is stored is not asked again.  Between questions it checks whether the verdict is still wanted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from judging.backends.base import NoAnswer, Side
from judging.decisions import cascade
from judging.decisions.ballots import MICRO, Ballot, Verdict
from judging.decisions.cascade import AnswersSoFar
from judging.panel.answer_store import AnswerStore, Reply
from judging.panel.questions import pictures
from judging.panel.questions.calls import WHOLE, Asker, Call, expected, likeliest, shares_of
from judging.panel.questions.version import JudgeVersion

ASKS = 3  # times in a row that a question is asked before its duel is laid aside for a while
# What is worth asking again at once.  An answerer has tried all else patiently before it gave up.
HICCUPS = {"bad_json", "bad_logprobs", "bad_parts", "empty_choices", "low_mass", "no_logprobs", "stale_answer"}
MOST_PARTS, LONGEST_PART = 6, 80
ODD = re.compile(r"[^A-Za-z0-9 ,'/-]+")


class Unwanted(Exception):
    """Nobody needs this verdict any more: stop asking."""


class Answerer(Protocol):
    """A model behind some door."""

    def answer(self, calls: Sequence[Call]) -> list[Reply | NoAnswer]:
        """In the order of the calls.  Raises nothing: where there is no answer, the NoAnswer is returned."""
        ...


@runtime_checkable
class Deliberates(Answerer, Protocol):
    """A judge that is asked question by question.  `answers`: where it stores answers when no other store is given."""

    judge_version: JudgeVersion
    answers: AnswerStore


@runtime_checkable
class ConsistsOfJudges(Protocol):
    """A panel: each duel is judged by each of its members."""

    members: tuple[Deliberates, ...]


def members_of(judge: object) -> tuple[Deliberates, ...]:
    """The models that are asked about a duel: one, or those of a panel; none of a judge that computes."""
    if isinstance(judge, ConsistsOfJudges):
        return judge.members
    return (judge,) if isinstance(judge, Deliberates) else ()


@dataclass(frozen=True)
class Deliberation:
    """One duel before one judge.  `asks`: times in a row that a question is asked for want of an answer."""

    version: JudgeVersion
    answerer: Answerer
    answers: AnswerStore
    reference: Path
    defender: Side
    challenger: Side
    wanted: Callable[[], bool] = lambda: True
    answer_namespace: str = ""
    asks: int = ASKS

    def verdict(self) -> Verdict:
        """Raises NoAnswer when a needed answer is missing, and Unwanted when the verdict is not wanted any more."""
        if self.defender.sha256 == self.challenger.sha256:
            return Verdict("draw", 0, "same_file", ())
        so_far = AnswersSoFar(low_contrast=self._low_contrast())
        while (question := cascade.next_question(so_far, bars=self.version.bars)) is not None:
            if not self.wanted():
                raise Unwanted
            so_far = self._with(so_far, question)
        return cascade.verdict(so_far, bars=self.version.bars)

    def ask_everything(self) -> AnswersSoFar:
        """Every question there is about these two, whatever the answers are; on gray only where both have gray views.

        Raises as `verdict` does.
        """
        so_far = AnswersSoFar(low_contrast=self._low_contrast())
        both, gray_views = (self.defender, self.challenger), self.version.templates["gray"].shows
        for question in cascade.QUESTIONS:
            if not self.wanted():
                raise Unwanted
            if question != "gray" or all(name in side.views for side in both for name in gray_views):
                so_far = self._with(so_far, question)
        return so_far

    def _low_contrast(self) -> bool:
        """Whether some of either object is hard to see on white."""
        names = self.version.templates["likeness"].shows
        return any(pictures.low_contrast(side, names) for side in (self.defender, self.challenger))

    def _with(self, so_far: AnswersSoFar, question: str) -> AnswersSoFar:
        for place, name in cascade.SIDES.items():
            if question == name:
                side = self.defender if place == "defender" else self.challenger
                (spoiled,) = self._scores([self._asker.asset("sides", side)])
                return replace(so_far, spoiled={**so_far.spoiled, place: spoiled})
        return replace(so_far, ballots={**so_far.ballots, question: self._ballot(question)})

    def _ballot(self, kind: str) -> Ballot:
        if kind == "checklist":
            # what a good model of the prompt must show, as the model read it from the prompt's picture
            (reply,) = self._replies([self._asker.prompt("parts")])
            parts = parts_of(reply.text)
            left, right = self._scores(
                [self._asker.asset(kind, side, parts=parts) for side in (self.defender, self.challenger)]
            )
            return Ballot(kind, ab=right - left, ba=left - right)
        left_angle, right_angle = self._angles() if kind == "detail" else (None, None)
        angles = [left_angle, right_angle] if left_angle and right_angle else None
        ab = self._asker.pair(kind, self.defender, self.challenger, angles=angles)
        ba = self._asker.pair(kind, self.challenger, self.defender, angles=angles and angles[::-1])
        return Ballot(kind, *self._scores([ab, ba]))

    @property
    def _asker(self) -> Asker:
        return Asker(self.version, self.reference, self.answer_namespace)

    def _angles(self) -> tuple[str, str]:
        """The view of each asset that is nearest to the reference's camera."""
        template = self.version.templates["best_view"]
        replies = self._replies([self._asker.asset("best_view", side) for side in (self.defender, self.challenger)])
        left, right = (template.shows[template.labels[likeliest(shares_of(r.probabilities))]] for r in replies)
        return left, right

    def _scores(self, calls: Sequence[Call]) -> list[int]:
        replies = self._replies(calls)
        labels = [self.version.templates[call.kind].labels for call in calls]
        return [expected(shares_of(r.probabilities), worth) for r, worth in zip(replies, labels, strict=True)]

    def _replies(self, calls: Sequence[Call]) -> list[Reply]:
        """From the answer store where it has them.  New ones are checked and stored, whatever becomes of the others."""
        known = self.answers.read([call.key for call in calls])
        for left in reversed(range(self.asks)):
            missing = [call for call in calls if call.key not in known]
            silences = []
            for call, reply in zip(missing, self.answerer.answer(missing) if missing else [], strict=True):
                try:
                    sound = require_sound(call, reply, least_mass=self.version.bars.least_mass)
                    known[call.key] = self.answers.write(call.key, sound, kind=call.kind, judge=self.version.digest)
                except NoAnswer as silence:
                    silences.append(silence)
            if not silences:
                break
            if not left or any(silence.code not in HICCUPS for silence in silences):
                raise silences[0]
        return [known[call.key] for call in calls]


def require_sound(call: Call, reply: Reply | NoAnswer, *, least_mass: int) -> Reply:
    """Raises NoAnswer: what is not certainly an answer to this question is none, and above all no draw."""
    if isinstance(reply, NoAnswer):
        raise reply
    if not call.labels:
        parts_of(reply.text)
        return reply
    shares = reply.probabilities
    if set(shares) - set(call.labels) or not all(math.isfinite(p) and 0 <= p <= 1 for p in shares.values()):
        raise NoAnswer("bad_logprobs", "The judge's probabilities are not numbers between 0 and 1.")
    if not (math.isfinite(reply.mass) and reply.mass <= 1.001):
        raise NoAnswer("bad_logprobs", f"The judge's probabilities add up to {reply.mass!r}.")
    mass = sum(shares_of(shares).values())
    if mass * MICRO < least_mass * WHOLE or not mass:
        raise NoAnswer("low_mass", f"The judge was not answering the question (mass {reply.mass:.2f}).")
    return reply


def parts_of(text: str) -> list[str]:
    """The six parts of a list that a model wrote as JSON, in plain letters.  Raises NoAnswer for anything else."""
    try:
        parts = json.loads(text)["parts"]
        plain = [" ".join(ODD.sub(" ", part).split())[:LONGEST_PART] for part in parts[:MOST_PARTS]]
        if not isinstance(parts, list) or len(plain) != MOST_PARTS or not all(plain):
            raise ValueError(parts)
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer("bad_parts", "The judge did not name six parts of the prompt's object.") from error
    return plain
