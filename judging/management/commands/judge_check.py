"""Is this judge fit to judge?  Lets it choose between good assets and broken copies, and prints how often it was right.

The good assets come from a module named on the command line and loaded by that name, because judging may not depend on
the examples: any module with `OBJECTS` (names) and `glb_of(name) -> bytes` will do.  They are trusted, and drawn here.
"""

import hashlib
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from judging.backends import judge_named
from judging.backends.base import Fitness, NoAnswer, Served, Side
from judging.health import checking, degraded_meshes
from judging.health.checking import Case, CheckReport
from judging.panel.openai_client import UnfitServer
from judging.renderers import raycast
from judging.renderers.rig import EMBEDDED, GRID


class Command(BaseCommand):
    help = "Let a judge choose between good assets and broken copies of them; fails below 95 % right."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--judge", default="perceptual-v1", help="name of the judge (default: %(default)s)")
        parser.add_argument("--objects", default="examples.objects", help="module of good assets")
        parser.add_argument(
            "--prompts", type=Path, default=settings.BASE_DIR / "examples" / "prompts", help="folder of <object>.png"
        )
        parser.add_argument("--only", nargs="+", metavar="OBJECT", help="these objects instead of all")
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, **options: Any) -> None:
        try:
            judge = judge_named(options["judge"])
        except (KeyError, ValueError) as error:
            raise CommandError(f"no judge is called {options['judge']!r}: {error}") from error
        started = time.monotonic()
        server = examined(judge) if isinstance(judge, Served) else None
        for line in server.lines() if server else ():
            self.progress(line)
        with tempfile.TemporaryDirectory(prefix="judge-check-") as folder:
            module = importlib.import_module(options["objects"])
            names = options["only"] or sorted(module.OBJECTS)
            cases = drawn(module, names=names, prompts=options["prompts"], into=Path(folder))
            report = checking.checked(judge, cases, progress=self.progress)
        document = checking.as_json(report) | ({"server": server.to_dict()} if server else {})
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else table(report))
        self.progress(f"{time.monotonic() - started:.0f} s")
        if not report.passed:
            sys.exit(1)

    def progress(self, line: str) -> None:
        self.stderr.write(line)


def examined(judge: Served) -> Fitness:
    """What is behind the judge's address, within seconds.  Raises CommandError where it cannot judge."""
    try:
        return judge.examine()
    except NoAnswer as silence:
        table = silence.lines() if isinstance(silence, UnfitServer) else []
        sentence = f"{judge.name} cannot judge ({silence.code}): {silence.sentence}"
        raise CommandError("\n".join([sentence, *table])) from silence


def drawn(module: ModuleType, *, names: list[str], prompts: Path, into: Path) -> Iterator[Case]:
    """All cases, each drawn when its turn comes.  Raises CommandError for an object without a prompt's picture."""
    for name in names:
        reference = prompts / f"{name}.png"
        if name not in module.OBJECTS or not reference.is_file():
            raise CommandError(f"there is no object {name!r} with a picture {reference}")
        data = module.glb_of(name)
        digest = hashlib.sha256(reference.read_bytes()).hexdigest()
        good, scene = side(data, into=into), degraded_meshes.loaded(data)
        for breakage, broken in degraded_meshes.DEGRADATIONS.items():
            yield Case(name, breakage, reference, digest, good, side(degraded_meshes.glb_of(broken(scene)), into=into))


def side(data: bytes, *, into: Path) -> Side:
    sha256 = hashlib.sha256(data).hexdigest()
    names = [name for name in EMBEDDED.pictures() if name != GRID]
    files = {name: into / sha256 / f"{name}.png" for name in names}
    if not (into / sha256).exists():
        (into / sha256).mkdir()
        for name, picture in raycast.draw(data, rig=EMBEDDED, views=names).items():
            cv2.imwrite(str(files[name]), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return Side(sha256, files)


def table(report: CheckReport) -> str:
    head = f"{'breakage':<18}{'pairs':>7}{'right':>7}{'wrong':>7}{'draws':>7}{'void':>7}{'unseen':>8}"
    rows = [
        f"{name:<18}{row.pairs:>7}{row.right:>7}{row.wrong:>7}{row.draws:>7}{row.void:>7}{row.unseen:>8}"
        for name, row in report.rows.items()
    ]
    return "\n".join(
        [
            f"judge {report.judge}, version {report.version[:12]}",
            head,
            *rows,
            f"right {float(report.share):.1%} of {report.pairs} pairs, each judged from both sides "
            f"(at least {float(checking.BAR):.0%} needed); unseen: the breakage changes nothing that can be seen",
            *beside_itself(report),
            f"swapped sides negate exactly: {report.swaps_negated} of {report.swaps}",
            *(f"missed: {line}" for line in report.missed),
            *(f"no answer ({count}): {why}" for why, count in report.silences.most_common()),
            *(["gave up: no answer to several pairs in a row. The operator must act."] if report.gave_up else []),
            "passed" if report.passed else "FAILED",
        ]
    )


def beside_itself(report: CheckReport) -> list[str]:
    """Of a judge that computes: each good asset and itself.  Of a model: the gates of a round, as far as they go."""
    if report.answers is None:
        return [f"self-duels at exactly 0: {report.self_zero} of {report.self_duels}"]
    gates = [f"gate {f.label}: {f.measured} of {f.of}, needed {f.needed}: {f.state}" for f in report.gates]
    figures = checking.answer_figures(report)
    if not figures:
        return gates
    return [
        f"{figures['answers']} answers, {figures['first_attempts']} at the first attempt, {figures['mean_ms']} ms each "
        f"(longest {figures['longest_ms']}), least label mass {figures['least_mass_micro'] / 1_000_000:.3f}",
        *gates,
    ]
