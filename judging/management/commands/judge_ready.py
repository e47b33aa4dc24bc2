"""May a round begin before this model?  `make run JUDGE=…` asks that first, before anything is played.

What is looked at, in this order, each only where the one before is well: the name (version, pin, address), what is
behind the address (reachable, which model, how its probabilities are had), the weights of a model in this process, and
whether the good asset wins in twenty pairs whose broken copies are known.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from judging.backends import judge_named
from judging.backends.base import Judge, NoAnswer, Served
from judging.health import checking
from judging.health.checking import Case, CheckReport, checked, visible
from judging.management.commands.judge_check import drawn
from judging.panel.openai_client import NOBODY
from judging.panel.transformers import Transformers
from judging.panel.vlm_panel import members_of

PAIRS = 20
EXAM_FAILED = 3  # exit: it answers, and did not pass; `run` may play before it all the same
EVERY_S = 5.0  # how often it is said that something still goes on
LOADING = NOBODY | {"http_503"}
"""What a server that still loads its weights looks like: most do not listen until then."""


class Command(BaseCommand):
    help = "Look at a model judge before a round: its address, its weights, and an exam of twenty pairs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("judge", help="name of the judge, as openai:qwen3-vl-8b")
        parser.add_argument("--wait", type=int, default=0, help="seconds to wait for a server that still loads weights")
        parser.add_argument("--objects", default="examples.objects", help="module of good assets")
        parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of the exam (default: %(default)s)")

    def handle(self, **options: Any) -> None:
        name = options["judge"]
        try:
            judge = judge_named(name)
        except (KeyError, ValueError) as error:
            raise CommandError(f"{name} cannot be asked: {str(error).strip(chr(39))}") from error
        if not members_of(judge):
            self.print_line(f"{name} computes: it has no server and no weights to look at")
            return
        self.print_line(f"judge {name}, version {judge.version[:12]}")
        for version in (member.judge_version for member in members_of(judge)):
            if version.picture_tokens:
                cost = f"about {3 * version.picture_tokens:,} tokens a question about two assets"
                self.print_line(f"{version.model}: a picture is {version.picture_tokens:,} tokens, {cost}")
        self.look_behind_the_address(judge, wait_s=options["wait"])
        self.load(judge)
        report = self.exam(judge, pairs=options["pairs"], module=importlib.import_module(options["objects"]))
        for line in result_lines(report):
            self.print_line(line)
        if not report.passed:
            sys.exit(1 if report.gave_up else EXAM_FAILED)

    def print_line(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def look_behind_the_address(self, judge: Judge, *, wait_s: float) -> None:
        """Raises CommandError with the reason and what to do."""
        if not isinstance(judge, Served):
            return
        began = time.monotonic()
        while True:
            try:
                for line in judge.examine().lines():
                    self.print_line(line)
                return
            except NoAnswer as silence:
                waited = time.monotonic() - began
                if silence.code not in LOADING:
                    raise CommandError(f"{judge.name} cannot judge ({silence.code}): {silence.sentence}") from silence
                if waited >= wait_s:
                    more = "If it still loads its weights, JUDGE_WAIT=600 waits so many seconds for it."
                    raise CommandError(f"{judge.name} cannot be reached: {silence.sentence} {more}") from silence
            self.print_line(f"waiting for the server, which may be loading its weights: {waited:.0f} s of {wait_s:.0f}")
            time.sleep(min(EVERY_S, max(0.1, wait_s - waited)))

    def load(self, judge: Judge) -> None:
        """Load the weights of models in this process, so that whatever fails there is a sentence of its own.

        Raises CommandError.
        """
        for member in members_of(judge):
            if isinstance(member, Transformers):
                with self.progress(f"loading the weights of {member.judge_version.served_as}"):
                    silence = member.load()
                if silence is not None:
                    raise CommandError(f"{member.name} cannot judge ({silence.code}): {silence.sentence}")

    def progress(self, words: str) -> StillGoing:
        return StillGoing(words, self.print_line)

    def exam(self, judge: Judge, *, pairs: int, module: ModuleType) -> CheckReport:
        self.print_line(f"exam: {pairs} pairs of a good asset and a broken copy, each judged from both sides")
        with tempfile.TemporaryDirectory(prefix="judge-ready-") as folder:
            cases = islice(seen_cases(module, Path(folder)), pairs)
            numbered = self.numbered(cases, pairs=pairs)
            return checked(judge, numbered)

    def numbered(self, cases: Iterator[Case], *, pairs: int) -> Iterator[Case]:
        for number, case in enumerate(cases, 1):
            self.print_line(f"  {number} of {pairs}: {case.name}, {case.breakage}")
            yield case


class StillGoing:
    """Says every few seconds that something goes on, for how long it has, and how much memory this process has."""

    def __init__(self, words: str, print_line: Any) -> None:
        self.words, self.print_line = words, print_line
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> StillGoing:
        self.print_line(self.words)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()

    def run(self) -> None:
        began = time.monotonic()
        while not self.over.wait(EVERY_S):
            self.print_line(f"  {self.words}: {time.monotonic() - began:.0f} s, {memory_gb():.1f} GB in memory")


def memory_gb() -> float:
    """Of this process, as far as the system tells."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    kilobytes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(kilobytes[0]) / 1e6 if kilobytes else 0.0


def seen_cases(module: ModuleType, folder: Path) -> Iterator[Case]:
    """Pairs of the module's objects whose breakage can be seen, each drawn when its turn comes."""
    prompts = settings.BASE_DIR / "examples" / "prompts"
    cases = drawn(module, names=sorted(module.OBJECTS), prompts=prompts, into=folder)
    return (case for case in cases if visible(case.good.views, case.broken.views))


def result_lines(report: CheckReport) -> list[str]:
    right = sum(row.right for row in report.rows.values())
    lines = [f"exam: {right} of {report.pairs} right, at least {float(checking.BAR):.0%} needed"]
    lines += [f"  missed: {line}" for line in report.missed]
    lines += [f"  no answer ({count}): {why}" for why, count in report.silences.most_common()]
    lines += [
        f"  gate {finding.label}: {finding.measured}, needed {finding.needed}: failed"
        for finding in report.gates
        if finding.state == "failed"
    ]
    figures = checking.answer_figures(report)
    if figures:
        lines.append(f"{figures['answers']} answers, {figures['mean_ms']} ms each (longest {figures['longest_ms']})")
    if report.gave_up:
        lines.append(
            "The judge gives no answer to several pairs in a row: the exam ended there. The operator must act."
        )
    elif not report.passed:
        lines.append("This judge would pause its round: its controls ask the same. Play another, or mend its server.")
    return lines
