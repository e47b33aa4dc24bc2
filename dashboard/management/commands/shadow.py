"""What would another judge have said of a round?  Asks it beside the official verdicts, and reports the difference."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audits.reviews.shadow_audits import shadow_audited
from competition.models import Round
from competition.rulesets import BadRules
from core import clock
from core.queue.advisory_lock import Taken, hold_lock
from dashboard.facts import shadow_pages
from dashboard.facts.shadow_pages import ShadowPage
from dashboard.facts.twins import twin
from judging.backends import judge_named
from judging.backends.base import Judge, Served
from judging.management.commands.judge_check import examined
from judging.panel.vlm_panel import members_of
from judging.shadow import queries, shadow_worker
from judging.shadow.round_view import RoundView

OF_MODELS = 16  # duels at once, where answers are waited for


class Command(BaseCommand):
    help = "Judge a round with another judge, beside the official verdicts. Nothing official is written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("competition", help="the competition's slug, such as demo")
        parser.add_argument("round", type=int, help="the round's number")
        parser.add_argument("--judge", required=True, help="name of the second judge, such as openai:vlm-2")
        parser.add_argument("--sample", type=positive, metavar="N", help="only N duels, the same ones each time")
        parser.add_argument(
            "--most-questions",
            type=int,
            metavar="N",
            help="ask nothing where more could be needed (0: only say how many)",
        )
        parser.add_argument("--price", type=price, metavar="AMOUNT", help="of 1,000 questions, in your currency")
        parser.add_argument(
            "--duels", type=positive, metavar="N", help="duels at once (default: 16 for a model, else 1)"
        )
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Round.objects.select_related("competition", "defending__miner")
        round_ = rows.filter(competition__slug=options["competition"], number=options["round"]).first()
        if round_ is None:
            raise CommandError(f"there is no round {options['round']} in {options['competition']!r}")
        judge = self.judge(options["judge"])
        try:
            with hold_lock(f"shadow {round_.pk} {judge.version}"):
                page, halted = self.play(round_, judge, options)
        except Taken as taken:
            raise CommandError("another process asks this judge about this round already: wait for its end") from taken
        except BadRules as error:
            raise CommandError(f"this version cannot play the rules of {round_}: {error}") from error
        self.stdout.write(json.dumps(twin(page), indent=2) if options["json"] else "\n".join(report(page)))
        if halted:
            self.stderr.write(halted)
            sys.exit(1)

    def judge(self, name: str) -> Judge:
        """Raises CommandError where there is none of this name, or where it cannot judge."""
        try:
            judge = judge_named(name)
        except (KeyError, ValueError) as error:
            raise CommandError(f"no judge is called {name!r}: {error}") from error
        for line in examined(judge).lines() if isinstance(judge, Served) else []:
            self.stderr.write(line)
        return judge

    def play(self, round_: Round, judge: Judge, options: Mapping[str, Any]) -> tuple[ShadowPage, str]:
        """The report, and why it is not complete; "" where it is."""
        with transaction.atomic():
            run = shadow_worker.begin(round_, judge, sample=options["sample"], price=options["price"])
            view = RoundView(run)
            bound = shadow_worker.bound(view, judge)
            for line in announcement(bound, price=options["price"]):
                self.stderr.write(line)
            most = options["most_questions"]
            if most is not None and bound.questions > most:
                raise CommandError(
                    f"nothing was asked: {bound.questions} questions are more than --most-questions {most}"
                )
            run.most_duels = bound.duels + bound.judged
            run.most_questions = bound.questions + bound.answered
            run.save()
        at_once = options["duels"] or (OF_MODELS if members_of(judge) else 1)
        halted = ""
        try:
            shadow_worker.ShadowWorker(
                view, judge, audits=shadow_audited, progress=self.stderr.write, duels=at_once
            ).play()
        except shadow_worker.Halted as error:
            halted = str(error)
        return shadow_pages.shadow_page(queries.run_numbered(run.pk), now=clock.now()), halted


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def price(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not (amount.is_finite() and 0 <= amount < 10**8):
        raise ValueError(text)
    return amount


def announcement(bound: shadow_worker.ShadowBound, *, price: Decimal | None) -> list[str]:
    """What it may cost, before anything is asked."""
    further = bound.duels - bound.counted
    lines = [
        f"{bound.judged} duels have a verdict of this judge, {bound.counted} with an official result have none.",
        f"At most {bound.questions} questions about {bound.duels} duels: {further} of these are asked about only where "
        "matches go on, or others are wanted, with the new verdicts.",
    ]
    cost = bound.price(price)
    return [*lines, f"At most {cost:.2f} at {price} for 1,000 questions."] if cost is not None else lines


def report(page: ShadowPage) -> list[str]:
    agreement, leader, cost = page.agreement, page.leader, page.cost
    low, high = agreement.interval_95
    lines = [f"{page.judge} beside {page.official_judge} in round {page.round} of {page.competition}", page.sentence]
    if agreement.share is not None:
        kappa = "not defined" if agreement.kappa is None else f"{float(agreement.kappa):.3f}"
        lines += [
            f"agreement {float(agreement.share):.1%} (95 %: {low:.1%} to {high:.1%}), kappa {kappa}, "
            f"{agreement.opposite} with opposite winners",
            "",
            f"{'official, then the second judge':<34}{'left':>8}{'draw':>8}{'right':>8}",
            *(f"{row.official:<34}{row.defender:>8}{row.draw:>8}{row.challenger:>8}" for row in agreement.matrix),
        ]
    lines += ["", *map(match_words, page.changed)]
    lines += [f"{row.kind} audit of {row.entry.name}: {row.before}, then {row.after}" for row in page.audits]
    names = [who.name if who else "nobody" for who in (leader.before, leader.after)]
    certain = f" (not certain: {leader.still_open})" if leader.still_open else ""
    lines.append(f"leader: {names[0]}, then {names[1]}{certain}")
    lines += [f"no verdict on {row.duels} ({row.failure_class}, {row.code}): {row.reason}" for row in page.failures]
    price = f", {cost.cost} at {cost.price} for 1,000" if cost.cost else ""
    return [*lines, f"{cost.questions} questions (at most {cost.most_questions}), {cost.answering_s} s{price}"]


def match_words(match: shadow_pages.ShadowMatch) -> str:
    names = f"{match.kind}: {match.challenger.name} against {match.defender.name}"
    margins = [f"{float(margin):+.2%}" for margin in (match.margin, match.shadow_margin) if margin is not None]
    return f"{names}: {match.result}, then {match.shadow_result} (margin {', then '.join(margins)})"
