"""What may the next round of a competition cost?  As the last rounds of the same configuration did, and says which."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competition import queries
from dashboard.facts.costs import CostEstimate
from dashboard.facts.twins import twin
from dashboard.facts.wording import count
from dashboard.operations import round_costs


class Command(BaseCommand):
    help = "Say what the next round of a competition may cost, from its last rounds of the same configuration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as demo")
        parser.add_argument("--json", action="store_true", help="the estimate as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        competition = queries.competition_named(options["competition"])
        if competition is None:
            raise CommandError(f"there is no competition {options['competition']!r}")
        estimate = round_costs.next_round(competition)
        self.stdout.write(json.dumps(twin(estimate), indent=2) if options["json"] else "\n".join(report(estimate)))


def report(estimate: CostEstimate) -> Iterator[str]:
    yield estimate.sentence
    for line, money in estimate.money_words:
        between = f"({line.range_words}; {count(line.rounds, 'round')})" if line.rounds else ""
        yield f"  {line.name:<16}{line.amount_words:>24}{money:>16}  {between}".rstrip()
