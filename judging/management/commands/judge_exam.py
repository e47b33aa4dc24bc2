"""How much can this judge see?  Twelve damages at five strengths, in more than a thousand pairs of known order.

As `judge_check`, it takes good assets from a module that is named on the command line.  They are trusted, and drawn
here, once: the pictures are kept below GAUNTLET_VAR and serve every later judge.
"""

from __future__ import annotations

import importlib
import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import clock
from judging.backends import judge_named
from judging.backends.base import Judge, Served
from judging.decisions.exam import STRENGTHS
from judging.exam import publishing, rated_sets, report
from judging.exam.damages import DAMAGES
from judging.exam.examiner import ExamRun, JudgeExaminer
from judging.exam.pairs import ALL_PAIRS, ExamPair, ExamPictures, assets_of, exam_pairs, rig_of
from judging.exam.run_files import ExamHalted, ExamTaken
from judging.management.commands.judge_check import examined
from judging.panel.vlm_panel import members_of

OF_MODELS = 16  # pairs at once, where answers are waited for
SEED = 1


class Command(BaseCommand):
    help = "Measure what a judge can see: its share right by damage and strength, its biases, its speed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_exam_arguments(parser)
        parser.add_argument("--at-once", type=positive, metavar="N", help="pairs at once (default: 16 for a model)")
        parser.add_argument("--draw-only", action="store_true", help="draw the pairs' pictures, and ask nothing")
        parser.add_argument("--publish", action="store_true", help="show the result, with pictures, at /method/")
        parser.add_argument("--json", action="store_true", help="the report as JSON")
        parser.add_argument(
            "--people",
            type=Path,
            metavar="FOLDER",
            help="instead: agreement with people's ratings of a set such as DB-3DME (metadata.csv and turntable GIFs)",
        )

    def handle(self, **options: Any) -> None:
        if options["publish"] and (options["kinds"] or options["only"] or options["people"]):
            raise CommandError("only an exam of all kinds and objects is shown: leave --kinds, --only and --people out")
        judge = judge_of(options["judge"], progress=self.progress)
        try:
            if options["people"]:
                document = rated_sets.agreement_document(
                    judge, options["people"], pairs=options["pairs"], seed=options["seed"], progress=self.progress
                )
                text, halted = rated_sets.table(document), ""
            else:
                pictures, pairs = self.draw(options)
                if options["draw_only"]:
                    self.stdout.write(f"{len(pairs)} pairs are drawn below {pictures.folder}")
                    return
                document, halted = self.examine(judge, pictures, pairs, options)
                text = report.table(document)
        except (ExamTaken, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else text)
        if halted:
            self.stderr.write(halted)
            sys.exit(1)

    def draw(self, options: Mapping[str, Any]) -> tuple[ExamPictures, list[ExamPair]]:
        return drawn_pairs(options, progress=self.progress)

    def examine(
        self, judge: Judge, pictures: ExamPictures, pairs: list[ExamPair], options: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str]:
        """The report, and why it is not complete; "" where it is."""
        at_once = options["at_once"] or (OF_MODELS if members_of(judge) else 1)
        halted = ""
        with ExamRun.opened(run_file(judge, pictures, what="exam")) as run:
            try:
                JudgeExaminer(judge, run, at_once=at_once, progress=self.progress).examine(pairs)
            except ExamHalted as error:
                halted = str(error)
            document = report.exam_document(judge, run, pairs, pictures)
        if options["publish"] and not halted:
            publishing.publish(document, pairs, now=clock.now())
            self.progress("It is shown at /method/.")
        return document, halted

    def progress(self, line: str) -> None:
        self.stderr.write(line)


def add_exam_arguments(parser: ArgumentParser) -> None:
    """Which judge, and which pairs: for every command about an exam."""
    parser.add_argument("--judge", default="perceptual-v1", help="name of the judge (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=sorted(DAMAGES), metavar="KIND", help=", ".join(DAMAGES))
    parser.add_argument("--pairs", type=positive, default=ALL_PAIRS, help="about so many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="another draws other pairs (default: %(default)s)")
    parser.add_argument("--pixels", type=positive, default=256, help="edge of a picture (default: %(default)s)")
    parser.add_argument("--objects", default="examples.objects", help="module of good assets")
    parser.add_argument(
        "--prompts", type=Path, default=settings.BASE_DIR / "examples" / "prompts", help="folder of <object>.png"
    )
    parser.add_argument("--only", nargs="+", metavar="OBJECT", help="these objects instead of all")


def judge_of(name: str, *, progress: Any) -> Judge:
    """Raises CommandError where there is none of this name, or where it cannot judge."""
    try:
        judge = judge_named(name)
    except (KeyError, ValueError) as error:
        raise CommandError(f"no judge is called {name!r}: {error}") from error
    for line in examined(judge).lines() if isinstance(judge, Served) else []:
        progress(line)
    return judge


def drawn_pairs(options: Mapping[str, Any], *, progress: Any) -> tuple[ExamPictures, list[ExamPair]]:
    """Raises ValueError for an object that is not there, or a size that no picture can have."""
    module = importlib.import_module(options["objects"])
    assets = assets_of(module, prompts=options["prompts"], only=options["only"])
    pictures = ExamPictures(settings.VAR_DIR / "exam", options["seed"], rig_of(options["pixels"]))
    kinds = [kind for kind in DAMAGES if not options["kinds"] or kind in options["kinds"]]
    progress(f"Drawing at most {options['pairs']} pairs, {len(STRENGTHS)} strengths of {len(kinds)} kinds of damage.")
    return pictures, list(exam_pairs(assets, pictures, kinds=kinds, pairs=options["pairs"], progress=progress))


def run_file(judge: Judge, pictures: ExamPictures, *, what: str) -> Path:
    """Of one judge version and one set of pictures: whatever is examined of it goes on in there."""
    return pictures.folder / "runs" / f"{what}-{judge.version[:16]}-{pictures.key}.jsonl"


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
