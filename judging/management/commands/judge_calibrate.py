"""Which bars would serve a model better?  Picked on half of the exam's assets, and measured on the other half."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from judging.decisions.calibration import calibrated
from judging.exam import calibrating
from judging.exam.run_files import ExamHalted, ExamTaken
from judging.management.commands.judge_exam import (
    OF_MODELS,
    add_exam_arguments,
    drawn_pairs,
    judge_of,
    positive,
    run_file,
)
from judging.panel.vlm_panel import Deliberates, members_of


class Command(BaseCommand):
    help = "Pick a model's bars on one half of the exam's assets, and report on the other. Changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_exam_arguments(parser)
        parser.add_argument("--at-once", type=positive, default=OF_MODELS, metavar="N", help="pairs at once")
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, **options: Any) -> None:
        judge = judge_of(options["judge"], progress=self.stderr.write)
        if not isinstance(judge, Deliberates):
            panel = "asks two models, each with bars of its own; name one of them"
            computes = "computes its verdicts and has no bars; name a model, such as openai:vlm-2"
            raise CommandError(f"{judge.name} {panel if members_of(judge) else computes}")
        try:
            pictures, pairs = drawn_pairs(options, progress=self.stderr.write)
            cases = calibrating.calibration_cases(
                judge,
                pairs,
                path=run_file(judge, pictures, what="bars"),
                at_once=options["at_once"],
                progress=self.stderr.write,
            )
            today = judge.judge_version.bars
            picked = calibrated(cases, bars=today, seed=options["seed"])
        except (ExamHalted, ExamTaken, ValueError) as error:
            raise CommandError(str(error)) from error
        document = calibrating.calibration_document(judge, picked, cases=len(cases), seed=options["seed"])
        text = calibrating.table(document, today=asdict(today))
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else text)
