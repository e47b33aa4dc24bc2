"""Play thousands of rounds of made-up challengers under the rulesets: whom do they crown, and at what cost?"""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition import rulesets
from competition.simulation import figures, stopping_on_records
from competition.simulation.plots import draw
from competition.simulation.population import POPULATIONS, Population


def rules(text: str) -> rulesets.Rules:
    """A ruleset's name, or a JSON object as rounds store it: {"name": "title-1", "title": {"prompts": 256}}."""
    try:
        return rulesets.read(json.loads(text) if text.startswith("{") else {"name": text})
    except (ValueError, TypeError) as error:
        raise ArgumentTypeError(str(error)) from error


class Command(BaseCommand):
    help = (
        "Play rounds of made-up challengers under every ruleset: how often is somebody crowned who is not better, how "
        "often is somebody better crowned, and for how many prompts, duels and judge calls?"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rules",
            type=rules,
            action="append",
            help=f"{', '.join(sorted(rulesets.RULESETS))} or JSON; repeatable (all)",
        )
        parser.add_argument("--population", action="append", choices=sorted(POPULATIONS), help="repeatable (all)")
        parser.add_argument("--rounds", type=int, default=5000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
        parser.add_argument("--plot", type=Path, help="write a chart to this .html or .json file")
        parser.add_argument("--records", type=Path, help="instead: what screens of public records save by stopping")
        for field in dataclasses.fields(Population):
            if field.name not in ("name", "prompts"):
                kind = str if field.name == "judge" else type(field.default)
                parser.add_argument(f"--{field.name}", type=kind, help="replaces that of the populations")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["rules"] or [rulesets.RULESETS[name].defaults for name in sorted(rulesets.RULESETS)]
        if options["records"]:
            self.on_records(chosen, folder=options["records"], seed=options["seed"])
            return
        if options["rounds"] < 1:
            raise CommandError(f"--rounds {options['rounds']}: play at least one")
        rows = [
            figures.simulate(one, population, rounds=options["rounds"], seed=options["seed"])
            for population in populations(options)
            for one in chosen
        ]
        report = json.dumps([row.as_json() for row in rows], indent=1) if options["json"] else figures.table(rows)
        self.stdout.write(report)
        if options["plot"]:
            draw(rows, path=options["plot"])

    def on_records(self, chosen: list[rulesets.Rules], *, folder: Path, seed: int) -> None:
        hopeful = [one for one in chosen if rulesets.RULESETS[one.name].kind("screen").ends_hopeless]
        if not hopeful:
            raise CommandError("--records needs a ruleset that ends a hopeless screen, as title-1 does")
        for one in hopeful:
            try:
                saved = stopping_on_records.measure(folder, rules=one, seed=seed)
            except FileNotFoundError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{one.name}: {saved}")


def populations(options: dict[str, Any]) -> list[Population]:
    """Those asked for, with the numbers given on the command line in place of their own."""
    given = {
        field.name: options[field.name]
        for field in dataclasses.fields(Population)
        if field.name not in ("name", "prompts") and options[field.name] is not None
    }
    named = options["population"] or (["equal"] if given else sorted(POPULATIONS))
    return [dataclasses.replace(POPULATIONS[name], **given) for name in named]
