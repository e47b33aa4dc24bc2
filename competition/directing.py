"""Is the demo moving, and has it played as many rounds as it was asked to?"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from django.db import DatabaseError, connection
from django.utils import timezone

from competition import demo
from competition.models import Competition, Miner, Round

LOOK_SECONDS = 1.0


class Director:
    """Keeps the demo moving, and asks everything to stop once `rounds` of them are published, or one is paused."""

    def __init__(self, *, say: Callable[[str], None], files: Path, rounds: int | None) -> None:
        self.say, self.files, self.rounds = say, files, rounds
        self.paused = ""
        self.played = False
        self.due_at = 0.0

    def __call__(self, stop: Callable[[], None]) -> None:
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + LOOK_SECONDS
        try:
            self.look(stop)
        except DatabaseError:
            pass  # it is being revived; the next look finds it
        finally:
            connection.close()

    def look(self, stop: Callable[[], None]) -> None:
        for competition in Competition.objects.filter(chain__startswith="simulated:", active=True):
            line = demo.keep_moving(competition, files=self.files, patient=self.rounds is None, now=timezone.now())
            if line:
                self.say(line)
            if self.rounds is not None:
                self._judge_progress(competition, stop)

    def _judge_progress(self, competition: Competition, stop: Callable[[], None]) -> None:
        paused = competition.rounds.filter(state="paused").first()
        published = competition.rounds.filter(publication__state="published").order_by("number")
        if paused:
            self.paused = f"round {paused.number} is paused: {paused.failure_reason}"
            stop()
        elif published.count() >= (self.rounds or 0):
            for round_ in published:
                self._tell(round_)
            self.played = True
            stop()

    def _tell(self, round_: Round) -> None:
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
            self.say(named(line))


def named(text: str) -> str:
    """The text with the demo's miners by name: `Chooser (5FPDcD7u)` reads better than 48 characters."""
    for hotkey, label in Miner.objects.exclude(label="").values_list("hotkey", "label"):
        text = text.replace(hotkey, f"{label} ({hotkey[:8]})")
    return text
