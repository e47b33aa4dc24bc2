"""What does a round of title-1 ask of the pods, and how is its outcome told and kept?

The leader and each finalist generate the fresh prompts in batches, each on a pod of its own that stays until the last
title match it plays in is decided: a pod that waits for the next batch is not warmed up twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from audits.models import PodRun
from audits.pods import runs
from competition.decisions import title as titles
from competition.decisions.bankroll import Bankroll, TitleStanding, credits, titled
from competition.decisions.rulesets import Rules
from competition.models import Bankroll as BankrollRow
from competition.models import Round, Submission
from competition.rounds import rules_of
from core import ledger
from core.machine.stateful import FailureClass
from judging.models import Match
from judging.titles import leader_commit


def keep_running(round_: Round, *, now: datetime) -> None:
    """One run for each side of an open title match.

    What a run that failed by its owner's doing was still to bring is forfeited.
    """
    for side in sides_of_open_matches(round_):
        run = runs.want(side, purpose=PodRun.Purpose.TITLE, now=now)
        if run.state == "failed" and run.failure_class == FailureClass.MINER:
            runs.forfeit(run)


def sides_of_open_matches(round_: Round) -> list[Submission]:
    still = Match.objects.filter(round=round_, kind=Match.Kind.TITLE, state__in=Match.graph.acting())
    playing = Q(defended__in=still) | Q(challenged__in=still)
    return list(round_.submissions.filter(playing).select_related("miner").distinct())


def keep(round_: Round, title: titles.Title, *, now: datetime) -> None:
    """Write down what each title match left, for the next time the two commits meet."""
    commits = dict(round_.submissions.filter(role="challenger").values_list("miner__hotkey", "commit"))
    for key, standing in title.standings.items():
        told, pair = counts(standing), {"commit": commits[str(key)], "leader_commit": leader_commit(round_)}
        kept = kept_of(round_, commit=pair["commit"])
        if kept is not None and told == {name: getattr(kept, name) for name in told}:
            continue  # a corrected round keeps what its first decision told of the same match
        BankrollRow.objects.create(round=round_, edition=kept.edition + 1 if kept else 1, **pair, **told)
        ledger.append(round_.competition_id, kind="bankroll", body={"round": round_.number, **pair, **told}, at=now)


def counts(standing: TitleStanding) -> dict[str, Any]:
    left = standing.bankroll
    return {"won": left.won, "drawn": left.drawn, "lost": left.lost, "out": left.out}


def kept_of(round_: Round, *, commit: str) -> BankrollRow | None:
    return BankrollRow.objects.filter(round=round_, commit=commit).order_by("-edition").first()


def changed_by(round_: Round, title: titles.Title) -> list[str]:
    """The commits whose bankroll a corrected round would leave otherwise than its first decision did."""
    commits = dict(round_.submissions.filter(role="challenger").values_list("miner__hotkey", "commit"))
    rows = [(commits[str(key)], counts(standing)) for key, standing in title.standings.items()]
    kept = [(commit, told, kept_of(round_, commit=commit)) for commit, told in rows]
    return [c for c, told, row in kept if row and told != {name: getattr(row, name) for name in told}]


def used_since(round_: Round, *, commits: Sequence[str]) -> bool:
    """Has one of these pairs met in a later round?"""
    later = {"round__competition": round_.competition_id, "round__number__gt": round_.number}
    rows = BankrollRow.objects.filter(commit__in=commits, leader_commit=leader_commit(round_), **later)
    return bool(rows.exists())


def tell(round_: Round, title: titles.Title, *, rejected: Sequence[str]) -> list[dict[str, str]]:
    """The finalists, in the order of their audits and matches, as steps of a ladder against the leader."""
    rules = rules_of(round_)
    rows = [(key, "rejected", "Its audit was rejected: it does not play for the title.") for key in rejected]
    for key, standing in title.standings.items():
        verdict = "advanced" if key == title.leader else "held"
        rows.append((str(key), verdict, sentence(standing, rules=rules, takes=key == title.leader)))
    return [
        {"challenger": key, "defender": "leader", "verdict": verdict, "reason": reason} for key, verdict, reason in rows
    ]


ENDINGS = {
    "title": "it earns the title",
    "out": "it is out",
    "exhausted": "every fresh prompt is used, and it is short of the title",
    "open": "it is open",
}


def sentence(standing: TitleStanding, *, rules: Rules, takes: bool) -> str:
    b, title = standing.bankroll, titled(rules)
    after = ENDINGS[standing.ending]
    if standing.ending == "title" and not takes:
        after = "it earns the title too, and the larger margin or the earlier reveal goes before it"
    return (
        f"Won {b.won}, drew {b.drawn}, lost {b.lost} of {b.counted} on fresh prompts: {held(b, rules=rules)} credits, "
        f"the bar is {title.bar}, at a margin of {float(b.margin) * 100:.4g} %; {after} after {standing.duels} duels."
    )


def held(bankroll: Bankroll, *, rules: Rules) -> str:
    """Two decimals; the exact fraction is in the bundle."""
    hundredths = round(credits(bankroll, title=titled(rules)) * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def say(round_: Round, winner: Submission | None, title: titles.Title) -> str:
    """The round's outcome in one sentence."""
    entered = round_.submissions.filter(role="challenger", objection="").count()
    if winner is None:
        return f"The leader defends against {entered} challenger{'s' * (entered != 1)}."
    before = round_.defending.miner.hotkey if round_.defending else "nobody"
    reason = sentence(title.standings[winner.key], rules=rules_of(round_), takes=True)
    return f"{winner.miner.hotkey} takes the lead from {before}. {reason}"
