"""What does a round leave to the next ones, commit by commit, and can a correction still change it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from competition import attempts
from competition.decisions.attempts import number_of
from competition.models import Attempt, Bankroll, Round
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.ladder import Key
from core import ledger
from judging.matches import leader_commit


def keep(round_: Round, left: Mapping[Key, BankrollTally], *, now: datetime) -> None:
    """Write down what each entry was left with, for the next time the two commits meet."""
    for commit, bankroll in _by_commit(round_, left):
        pair, counts = {"commit": commit, "leader_commit": leader_commit(round_)}, bankroll.to_dict()
        recorded = recorded_bankroll(round_, commit=commit)
        if recorded is not None and not _differs(recorded, bankroll):
            continue  # a corrected round keeps what its first decision wrote of the same match
        attempt = None
        if recorded is not None:
            number, cause = number_of(recorded.attempt) + 1, Attempt.Cause.CORRECTION
            attempt = attempts.nth(round_, number, of="bankroll", cause=cause)
        Bankroll.objects.create(round=round_, attempt=attempt, **pair, **counts)
        ledger.append(round_.competition_id, kind="bankroll", body={"round": round_.number, **pair, **counts}, at=now)


def recorded_bankroll(round_: Round, *, commit: str) -> Bankroll | None:
    rows = Bankroll.objects.filter(round=round_, commit=commit).select_related("attempt")
    return rows.order_by(attempts.LAST_TO_FIRST).first()


def changed_by(round_: Round, left: Mapping[Key, BankrollTally]) -> list[str]:
    """The commits whose bankroll a corrected round would leave otherwise than its first decision did."""
    pairs = [
        (commit, bankroll, recorded_bankroll(round_, commit=commit)) for commit, bankroll in _by_commit(round_, left)
    ]
    return [commit for commit, bankroll, row in pairs if row and _differs(row, bankroll)]


def used_since(round_: Round, *, commits: Sequence[str]) -> bool:
    """Has one of these pairs met in a later round?"""
    later = {"round__competition": round_.competition_id, "round__number__gt": round_.number}
    rows = Bankroll.objects.filter(commit__in=commits, leader_commit=leader_commit(round_), **later)
    return bool(rows.exists())


def _by_commit(round_: Round, left: Mapping[Key, BankrollTally]) -> list[tuple[str, BankrollTally]]:
    commits = dict(round_.submissions.filter(role="challenger").values_list("miner__hotkey", "commit"))
    return [(commits[str(key)], bankroll) for key, bankroll in left.items()]


def _differs(row: Bankroll, bankroll: BankrollTally) -> bool:
    return any(getattr(row, name) != value for name, value in bankroll.to_dict().items())
