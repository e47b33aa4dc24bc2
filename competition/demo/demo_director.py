"""Is the demo moving, and has it played as many rounds as it was asked to?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, connection

from competition import chain
from competition.demo import demo_setting
from competition.models import Competition, Miner, Round
from core import clock

LOOK_SECONDS = 1.0


class Director:
    """Keeps the demo moving, and asks everything to stop once its first `rounds` rounds are published, or one of them
    cannot be: `trouble` says why, whose fault it is and who must act."""

    def __init__(self, *, print_line: Callable[[str], None], files: Path, rounds: int | None) -> None:
        self.print_line, self.files, self.rounds = print_line, files, rounds
        self.trouble = ""
        self.standing = "no round was announced"
        self.played = False
        self.due_at = 0.0
        self.tries_before: dict[int, int] = {}

    def __call__(self, stop: Callable[[], None]) -> None:
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + LOOK_SECONDS
        try:
            if clock.may_act():
                self.look(stop, now=clock.now())
        except DatabaseError:
            pass  # it is being revived; the next look finds it
        finally:
            connection.close()

    def look(self, stop: Callable[[], None], *, now: datetime) -> None:
        for competition in Competition.objects.filter(chain.on_simulated(), active=True):
            # the first ones, not any so many: a bundle takes its time, and a later round's may be done before
            rows = competition.rounds.select_related("competition", "publication").order_by("number")
            wanted = [] if self.rounds is None else list(rows[: self.rounds])
            if not self._decided(wanted):
                line = demo_setting.keep_moving(competition, files=self.files, patient=self.rounds is None, now=now)
                if line:
                    self.print_line(line)
            if self.rounds is not None:
                self._judge_progress(wanted, stop)

    def _decided(self, wanted: list[Round]) -> bool:
        """Is all decided that was asked for, published or not yet?  For rounds after that the clock need not hurry."""
        return len(wanted) == self.rounds and all(round_.state == "finished" for round_ in wanted)

    def _judge_progress(self, wanted: list[Round], stop: Callable[[], None]) -> None:
        self.trouble = next((trouble for round_ in wanted if (trouble := self._trouble_with(round_))), "")
        self.standing = ", ".join(f"round {round_.number} was {standing(round_)}" for round_ in wanted)
        if self._decided(wanted) and all(standing(round_) == "published" for round_ in wanted):
            for round_ in wanted:
                self._print_decision(round_)
            self.played = True
        if self.played or self.trouble:
            stop()

    def _trouble_with(self, round_: Round) -> str:
        """Why the round stands still until somebody acts, or "".  A bundle that failed before is tried first."""
        if round_.state == "paused":
            return f"round {round_.number} is paused: {round_.failure_reason} (class: {round_.failure_class})"
        publication = getattr(round_, "publication", None)
        if publication is None:
            return ""
        before = self.tries_before.setdefault(publication.pk, publication.attempts)
        if not publication.exhausted or publication.lease is not None or publication.attempts == before:
            return ""
        return (
            f"round {round_.number} is decided and not published: {publication.failure_reason} "
            f"(class: {publication.failure_class}) The operator must act, then run this again."
        )

    def _print_decision(self, round_: Round) -> None:
        decision = round_.decision or {}
        lines = [f"round {round_.number}: {round_.headline}"]
        for rung in decision.get("ladder", []):
            lines.append(f"    {rung['challenger']} met {rung['defender']}: {rung['verdict']}. {rung['reason']}")
        lines.append(
            f"    leader {decision.get('leader')} with weight {decision.get('weight')} "
            f"from block {decision.get('effective_block')}"
        )
        lines.append(f"    bundle {round_.publication.bundle_hash}")
        for line in lines:
            self.print_line(named(line))


def standing(round_: Round) -> str:
    """Its own state or, once it is decided, its bundle's."""
    publication = getattr(round_, "publication", None)
    return publication.state if publication is not None else str(round_.state)


def named(text: str) -> str:
    """The text with the demo's miners by name: `Chooser (5FPDcD7u)` reads better than 48 characters."""
    for hotkey, label in Miner.objects.exclude(label="").values_list("hotkey", "label"):
        text = text.replace(hotkey, f"{label} ({hotkey[:8]})")
    return text
