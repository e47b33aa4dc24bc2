"""How is the second judge asked about a round, so that a run can be killed at any moment and goes on where it was?

What is still to be asked follows from the rows: each verdict and each answer is written as soon as it is there.  First
come the duels whose official results count; then, where the whole round is asked about, what the matches need that go
on, and the ladder matches that the ruleset wants with the new verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from competition.models import Round
from competition.rulesets.ladder import Audited, Key
from core import clock, store
from core.machine.stateful import FailureClass
from judging.backends.base import Judge, NoAnswer
from judging.integrity_outcomes import with_tie_broken
from judging.panel.answer_rows import description_of, let_go
from judging.panel.duel_verdict import verdict_of
from judging.panel.questions import QUESTIONS
from judging.panel.vlm_panel import members_of
from judging.shadow.answers import ShadowAnswerStore, StoredScores
from judging.shadow.models import ShadowAnswer, ShadowDuel, ShadowRun
from judging.shadow.round_view import NoViews, RoundView, ShadowPlace, in_order
from judging.steps import forfeit_outcome

MOST_SILENT = 5  # duels in a row without an answer
ORDERS = 2


class Halted(Exception):
    """The judge answers nothing: asking on would only cost.  The sentence says why and who must act."""


@dataclass(frozen=True, kw_only=True)
class ShadowBound:
    """The most that a run may still cost: duels without a verdict, and distinct questions.  `counted`: the duels among
    them whose official results count; the others are asked about only where the new verdicts lead there.  `judged` and
    `answered`: what it has already."""

    duels: int
    counted: int
    questions: int
    judged: int
    answered: int

    def price(self, per_thousand: Decimal | None) -> Decimal | None:
        return None if per_thousand is None else per_thousand * self.questions / 1000


def begin(round_: Round, judge: Judge, *, sample: int | None, price: Decimal | None) -> ShadowRun:
    """The run of this judge beside this round, made or taken up again; with the sample that is asked for now."""
    now = clock.now()
    described = description_of(judge)
    run, _ = ShadowRun.objects.get_or_create(
        round=round_,
        judge=judge.version,
        defaults={"judge_name": judge.name, "described": described, "begun_at": now, "last_at": now},
    )
    run.sample, run.price, run.last_at, run.ended_at, run.halted = sample, price, now, None, ""
    run.save()
    return run


def bound(view: RoundView, judge: Judge) -> ShadowBound:
    """Counted from the judge's own questions: of a pair both orders, of an asset and of a prompt each once."""
    rows = [(place, view.row_at(place)) for place in view.bound()]
    places = [place for place, row in rows if row is None or row.exhausted]
    pair, asset, prompt = questions_about(judge)
    files = {(p.match.defender_id, p.match.defender_origin, p.prompt.pk) for p in places}
    files |= {(p.match.challenger_id, p.match.challenger_origin, p.prompt.pk) for p in places}
    prompts = {place.prompt.pk for place in places}
    return ShadowBound(
        duels=len(places),
        counted=sum(place.counts for place in places),
        questions=ORDERS * pair * len(places) + asset * len(files) + prompt * len(prompts),
        judged=len(rows) - len(places),
        answered=ShadowAnswer.objects.filter(run=view.run).count(),
    )


def questions_about(judge: Judge) -> tuple[int, int, int]:
    """How many questions it has about two assets, about one, and about a prompt alone."""
    members = members_of(judge)
    if not members:
        return len(QUESTIONS), 0, 0
    about = [template.about for member in members for template in member.judge_version.templates.values()]
    return about.count("pair"), about.count("asset"), about.count("prompt")


class ShadowWorker:
    """One run, asked about to its end by this process.

    `audits`: what the audits come to with the verdicts so far; `progress`: gets a line after each duel; `duels`: how
    many are asked about at once.
    """

    def __init__(
        self,
        view: RoundView,
        judge: Judge,
        *,
        audits: Callable[[RoundView], Mapping[Key, Audited]],
        progress: Callable[[str], None] = lambda line: None,
        duels: int = 1,
    ) -> None:
        self.view, self.run, self.audits, self.progress, self.duels = view, view.run, audits, progress, duels
        self.answers = ShadowAnswerStore(view.run, in_threads=duels > 1)
        self.judge = judge if members_of(judge) else StoredScores(judge, self.answers)
        self.done = self.silent = 0

    def play(self) -> None:
        """Raises Halted; whatever was answered by then is stored, and the next call goes on."""
        try:
            self._judge_all(self._without_verdict(self.view.counted_places()))
            if self.run.sample is None:
                self._play_on()
        except Halted as halted:
            self._note(halted=str(halted))
            raise
        self._note(ended=True)

    def _play_on(self) -> None:
        """Until every match that can be played has ended, and the ruleset wants none that can be played."""
        while True:
            while further := [p for match in self.view.by_pairing.values() for p in self.view.further_places(match)]:
                self._judge_all(in_order(further))
            known = len(self.view.by_pairing)
            for pairing in self.view.decision(audits=self.audits(self.view)).wanted_matches:
                self.view.want(pairing)
            if len(self.view.by_pairing) == known:
                return

    def _without_verdict(self, places: Iterable[ShadowPlace]) -> list[ShadowPlace]:
        """Those that got no answer before are asked about again."""
        rows = [(place, self.view.row_at(place)) for place in places]
        return [place for place, row in rows if row is None or row.exhausted]

    def _judge_all(self, places: Sequence[ShadowPlace]) -> None:
        for row in self._verdicts(places):
            values = {field.name: getattr(row, field.name) for field in ShadowDuel._meta.concrete_fields}
            named = {name: values.pop(name) for name in ("run", "kind", "defender", "challenger", "prompt")}
            del values["id"]
            stored, _ = ShadowDuel.objects.update_or_create(**named, defaults=values)
            self.view.add(stored)
            self.done += 1
            self.silent = self.silent + 1 if row.exhausted else 0
            self._note()
            self.progress(f"{self.done} duels: {row.kind} {row.position + 1}: {row.outcome or row.failure_code}")
            if self.silent == MOST_SILENT:
                raise Halted(f"No answer to {MOST_SILENT} duels in a row: {row.failure_reason} {MEND}")

    def _verdicts(self, places: Sequence[ShadowPlace]) -> Iterator[ShadowDuel]:
        """As they come.  Where one raises, the others that wait are not begun."""
        if self.duels == 1:
            yield from map(self._verdict, places)
            return
        with ThreadPoolExecutor(self.duels, thread_name_prefix="shadow") as threads:
            try:
                for future in as_completed([threads.submit(self._verdict_in_thread, place) for place in places]):
                    yield future.result()
            finally:
                threads.shutdown(cancel_futures=True)

    def _verdict_in_thread(self, place: ShadowPlace) -> ShadowDuel:
        try:
            return self._verdict(place)
        finally:
            let_go()

    def _verdict(self, place: ShadowPlace) -> ShadowDuel:
        match = place.match
        try:
            values = self._verdict_values(place)
        except NoViews as missing:
            values = _void(FailureClass.INFRASTRUCTURE, "NO_VIEWS", str(missing))
        except store.StoreFault as fault:
            values = _void(FailureClass.INFRASTRUCTURE, fault.code, str(fault))
        except NoAnswer as silence:
            values = _void(FailureClass.JUDGE, silence.code[:40], silence.sentence)
        return ShadowDuel(
            run=self.run,
            kind=match.kind,
            defender=match.defender,
            challenger=match.challenger,
            prompt=place.prompt,
            position=place.position,
            made_at=clock.now(),
            **values,
        )

    def _verdict_values(self, place: ShadowPlace) -> dict[str, Any]:
        """What was forfeited stays so, and no judge is asked about it.  Raises NoViews and NoAnswer."""
        if place.duel is not None and place.duel.state == "forfeited":
            return {"state": "forfeited", "outcome": place.duel.outcome}
        left, right = place.sides()
        shas = {"left_sha256": left.sha256 if left else "", "right_sha256": right.sha256 if right else ""}
        if left is None or right is None:
            return {"state": "forfeited", "outcome": forfeit_outcome(left, right), **shas}
        verdict = verdict_of(
            self.judge,
            reference=store.default().path(place.prompt.sha256),
            reference_sha256=place.prompt.sha256,
            defender=left,
            challenger=right,
            answers=self.answers,
        )
        try:
            outcome, detail = with_tie_broken(
                place.match.round, verdict.outcome, verdict.detail(), left=left.sha256, right=right.sha256
            )
        except LookupError:
            return {**_void(FailureClass.INFRASTRUCTURE, "NOT_MEASURED", NOT_MEASURED), **shas}
        return {"state": "judged", "outcome": outcome, "score_micro": verdict.score_micro, "detail": detail, **shas}

    def _note(self, *, ended: bool = False, halted: str = "") -> None:
        now = clock.now()
        self.run.last_at, self.run.halted = now, halted
        self.run.ended_at = now if ended else None
        ShadowRun.objects.filter(pk=self.run.pk).update(last_at=now, halted=halted, ended_at=self.run.ended_at)


def _void(failure_class: FailureClass, code: str, sentence: str) -> dict[str, Any]:
    return {"state": "void", "failure_class": failure_class, "failure_code": code, "failure_reason": sentence}


NOT_MEASURED = "It is a draw that goes to the sounder file, and one of the files is not measured yet."
MEND = "The operator must look at the judge's server, and run the command again: it goes on where it was."
