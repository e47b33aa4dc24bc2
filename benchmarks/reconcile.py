"""What does one look of the reconciler cost after years?  `python -m benchmarks.reconcile [--rounds 500 …]`.

Fills a database of its own: rounds with every file, its pictures' row, duels and events.  Then, in the same run:
an idle look while the newest round is judged; the first look at a round whose files have just arrived; and, for
comparison, the anti-join by `NOT IN` that this was before, on so many rows as end within a minute.
`--var` keeps the database, which is then measured as often as one likes.
"""

# ruff: noqa: E402 (the folder is chosen before Django reads its settings)

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

SIZES = (("rounds", 500), ("miners", 20), ("prompts", 128), ("arriving", 101), ("repeats", 40))
PARSER = argparse.ArgumentParser(description=__doc__)
PARSER.add_argument("--var", type=Path, help="a folder for the database that stays")
for name, default in SIZES:
    PARSER.add_argument(f"--{name}", type=int, default=default)
ASKED = PARSER.parse_args() if __name__ == "__main__" else PARSER.parse_args([])
FOLDER = ASKED.var.resolve() if ASKED.var else Path(tempfile.mkdtemp(prefix="gauntlet-reconcile-"))
os.environ |= {
    "GAUNTLET_VAR": str(FOLDER),
    "DATABASE_URL": "",
    "DJANGO_SETTINGS_MODULE": "competition.settings",
    "BROKER_URL": "stub://",
    "GAUNTLET_LOG_LEVEL": "ERROR",
}

import django

django.setup()

from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext

from benchmarks.pages_fill import NOW, Size, database, fill
from competition.models import Asset, Competition, Round
from core.machine import engine
from dashboard.models import LightCopy
from judging.models import Measurement, Rendering

LATER = NOW + timedelta(days=365)
NOT_IN_ROWS = 20_000


def main() -> None:
    with database(FOLDER, kept=bool(ASKED.var)):
        report(Competition.objects.filter(slug="bench").first() or filled())


def filled() -> Competition:
    began = time.perf_counter()
    competition = fill(Size(rounds=ASKED.rounds, miners=ASKED.miners, prompts=ASKED.prompts, with_files=ASKED.rounds))
    counts = f"{Asset.objects.count():,} files, {Rendering.objects.count():,} of them drawn"
    print(f"filled in {time.perf_counter() - began:.0f} s: {competition.rounds.count()} rounds, {counts}")
    return competition


def report(competition: Competition) -> None:
    newest = competition.rounds.order_by("-number")[0]
    Round.objects.filter(pk=newest.pk).update(state="duels", due_at=LATER + timedelta(days=1))
    while engine.reconcile(now=LATER):
        Measurement.objects.update(state="measured")
        LightCopy.objects.update(state="made")
    print("\n| a look | rows | queries | p50 ms | p95 ms |\n|---|---|---|---|---|")
    print(_idle(newest))
    print(_arriving(competition, newest))
    print(_not_in(competition, newest))


def _idle(round_: Round) -> str:
    with CaptureQueriesContext(connection) as seen:
        engine.reconcile(now=LATER)
    looks = sorted(_timed(lambda: engine.reconcile(now=LATER)) for _ in range(ASKED.repeats))
    p50, p95 = looks[len(looks) // 2], looks[int(len(looks) * 0.95)]
    files = Asset.objects.filter(submission__round=round_).count()
    return f"| nothing is due, a round is judged | {files:,} | {len(seen)} | {1000 * p50:.0f} | {1000 * p95:.0f} |"


def _arriving(competition: Competition, round_: Round) -> str:
    """So many files as `arriving` miners deliver are without their pictures' row: those of the newest rounds."""
    wanted = ASKED.arriving * ASKED.prompts
    rounds = competition.rounds.order_by("-number")[: -(-ASKED.arriving // ASKED.miners)].values_list("pk", flat=True)
    Round.objects.filter(pk__in=list(rounds)).update(state="duels", due_at=LATER + timedelta(days=1))
    files = Asset.objects.filter(submission__round__in=list(rounds)).values_list("sha256", flat=True)[:wanted]
    Rendering.objects.filter(sha256__in=list(files)).delete()
    with CaptureQueriesContext(connection) as seen:
        seconds = _timed(lambda: engine.reconcile(now=LATER))
    made = Rendering.objects.exclude(state="rendered")
    count = made.count()
    made.update(state="rendered", due_at=LATER + timedelta(days=1))
    Round.objects.filter(pk__in=list(rounds)).exclude(pk=round_.pk).update(state="finished")
    return f"| first sight of files that arrived | {count:,} | {len(seen)} | {1000 * seconds:.0f} | |"


def _not_in(competition: Competition, round_: Round) -> str:
    """The same question for the newest round by `NOT IN`, over some thousands of the rows of history."""
    newest = list(Rendering.objects.order_by("-pk").values_list("pk", flat=True)[:NOT_IN_ROWS])
    some = Rendering.objects.filter(competition=competition, pk__gte=newest[-1])
    stored = Asset.objects.filter(submission__round=round_, state="stored")
    listed = stored.exclude(sha256__in=some.values("sha256"))
    joined = stored.filter(~Exists(some.filter(sha256=OuterRef("sha256"))))
    slow, quick = (_timed(lambda rows=rows: len(rows.values_list("sha256"))) for rows in (listed, joined))
    return (
        f"| one question by NOT IN, {1000 * quick:.0f} ms by NOT EXISTS | {NOT_IN_ROWS:,} | 1 | {1000 * slow:.0f} | |"
    )


def _timed(look: Callable[[], object]) -> float:
    began = time.perf_counter()
    look()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
