"""Did the time of code decide, and rightly?  Each run's time, outputs, card and start stand in the ledger's event of
its end, with the run beside which the leader's code was timed once more; the rule stands in the round's rules, and one
that is not named is the limit of `pods.generation_s`.

How long a run took is taken on trust, as whoever ran it told it then; what follows from it is made here once more.
"""

from __future__ import annotations

from fractions import Fraction

from verify.bundles.events import bodies
from verify.bundles.files import ExaminedBundle, Row

MODES = ("limit", "report", "tiebreak")
SAME_HOUR_S = 3600


def rule_of(rules: Row) -> Row:
    return dict(rules.get("speed", {"mode": "limit"}))


def check(bundle: ExaminedBundle) -> None:
    mode = rule_of(bundle.rules)["mode"]
    if mode not in MODES:
        bundle.note("unknown-ruleset", "round.json", field="rules.speed.mode", found=mode, expected="|".join(MODES))


def limit_code(bundle: ExaminedBundle, entry: str, purpose: str, *, seconds: int, limit: int) -> str:
    """Why a run is rejected for its time; "" where it is not."""
    rule = rule_of(bundle.rules)
    if rule["mode"] == "report":
        return ""
    if seconds > limit:
        return "generation_too_long"
    mean = mean_of(timed(bundle, entry, purpose))
    most = rule.get("most_output_s")
    return "output_too_slow" if most and mean is not None and mean > Fraction(most) else ""


def tie_code(bundle: ExaminedBundle, entry: str, purpose: str, *, margin: Fraction | None) -> str:
    """Whether a narrow win is lost to a leader whose code is faster; "" where it is not, or where there is no basis."""
    rule, own = rule_of(bundle.rules), timed(bundle, entry, purpose)
    if rule["mode"] != "tiebreak" or margin is None or margin >= Fraction(rule["clear"]) or own is None:
        return ""
    judged = timed_runs(bundle, "leader", "leader")
    leader = beside(bundle, entry, purpose) if rule.get("beside") else nearest(own, judged)
    if leader is None or not comparable(own, leader):
        return ""
    means = [mean_of(own), mean_of(leader)]
    if rule.get("beside"):
        before = nearest(leader, judged)
        means.append(mean_of(before) if before is not None and before["card"] == leader["card"] else None)
    known = [mean for mean in means if mean]
    if len(known) < len(means):
        return ""
    return "slower_than_leader" if known[0] / max(known[1:]) - 1 > Fraction(rule["slower"]) else ""


def check_beside(bundle: ExaminedBundle, entry: str, purpose: str, *, margin: Fraction | None) -> None:
    """Where the rules ask for it the leader's code ran beside this run, and came to an end of some kind."""
    rule = rule_of(bundle.rules)
    narrow = "clear" in rule and margin is not None and margin < Fraction(rule["clear"])
    if not rule.get("beside") or not (rule["mode"] == "report" or narrow):
        return
    if not ended_beside(bundle, entry, purpose):
        sentence = "The leader's code did not run beside it, which the rules ask for."
        bundle.note("wrong-audit", "audits.json", field=f"{entry} {purpose}", sentence=sentence)


def beside(bundle: ExaminedBundle, entry: str, purpose: str) -> Row | None:
    """The leader's run beside the last one of that purpose; None where it came to no end, or has no time."""
    ended = [row.get("timed") for row in ended_beside(bundle, entry, purpose) if "failure" not in row]
    return next((dict(row) for row in ended if isinstance(row, dict) and is_timed(row)), None)


def ended_beside(bundle: ExaminedBundle, entry: str, purpose: str) -> list[Row]:
    ends = bodies(bundle, "podrun.done", "podrun.failed", of_round=bundle.round)
    own = [row for row in ends if (row.get("entry"), row.get("purpose")) == (entry, purpose)]
    run = {"entry": entry, "purpose": purpose, "repeat": own[-1].get("repeat") if own else None}
    return [
        row for row in ends if (row.get("entry"), row.get("purpose"), row.get("beside")) == ("leader", "beside", run)
    ]


def measured(rules: Row, *, margin: Fraction | None) -> tuple[Row, Row]:
    """The numbers and limits that a verdict has for the rule's sake, beside those of every audit."""
    rule = rule_of(rules)
    most = {"output_s": rule["most_output_s"]} if "most_output_s" in rule else {}
    if rule["mode"] != "tiebreak":
        return {}, most
    return ({} if margin is None else {"leader_margin": str(margin)}), {**most, "slower_by": rule["slower"]}


def comparable(one: Row, other: Row) -> bool:
    """On one known kind of card, begun within an hour."""
    return bool(one["card"]) and one["card"] == other["card"] and abs(one["begun_s"] - other["begun_s"]) <= SAME_HOUR_S


def nearest(run: Row, others: list[Row]) -> Row | None:
    """On the same card before any other, then begun nearest, then earliest."""

    def place(other: Row) -> tuple[bool, int, int]:
        return other["card"] != run["card"], abs(other["begun_s"] - run["begun_s"]), other["begun_s"]

    return min(others, key=place, default=None)


def mean_of(run: Row | None) -> Fraction | None:
    return Fraction(run["generated_ms"], 1000 * run["outputs"]) if run and run["outputs"] > 0 else None


def timed(bundle: ExaminedBundle, entry: str, purpose: str) -> Row | None:
    """Of the last run of that purpose that came to its end."""
    return next(iter(timed_runs(bundle, entry, purpose)[::-1]), None)


def timed_runs(bundle: ExaminedBundle, entry: str, purpose: str) -> list[Row]:
    rows = bodies(bundle, "podrun.done", of_round=bundle.round)
    of_entry = [row for row in rows if (row.get("entry"), row.get("purpose")) == (entry, purpose)]
    return [dict(row["timed"]) for row in of_entry if is_timed(row.get("timed"))]


def is_timed(value: object) -> bool:
    """Whole numbers and a card, as the platform tells them; anything else was not told by it."""
    if not isinstance(value, dict) or not isinstance(value.get("card"), str):
        return False
    counts = [value.get(name) for name in ("generated_ms", "outputs", "begun_s")]
    return all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts)
