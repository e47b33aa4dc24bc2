"""Can a posted report be what `python -m verify BUNDLE --ask` came to for this bundle?  Pure: no clock, no database.

The answers themselves are not posted, so nobody here can know whether the model was really asked.  What can be computed
is: sums, shares, intervals and what follows from them must agree with each other, and whatever the bundle says too
(judge, matches, duels, winner, flip distance) with the bundle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.bundles.answers import MILLION
from verify.second_opinion.agreement import CHANGES, FORMAT, NOBODY, OPEN, STANDS, UNCOVERED, share

OPINION = "gauntlet-opinion/1"
MOST = 10**7  # questions or duels: more than any round has
MODEL = re.compile(r"[A-Za-z0-9._/~][A-Za-z0-9 ._:/\\~@+,=-]{0,199}")
"""Servers name a model as they like, often by its path: nothing here is markup, and nothing is invisible."""
WORD = re.compile(r"[a-z_]{1,40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
HOTKEY = re.compile(r"5[1-9A-HJ-NP-Za-km-z]{47}")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
LEADS = re.compile(f"leader|{NOBODY}|{HOTKEY.pattern}")
RESULTS = (STANDS, CHANGES, UNCOVERED)
VERDICTS = ("same", "changed", OPEN, "unanswered")
MOST_NAMES = 32
HIGHEST_DIFFERENCE = 10 * MILLION


@dataclass(frozen=True)
class ReportProblem:
    """What is wrong with a posted report, and where."""

    field: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CitedBundle:
    """What the published bundle says of itself.  `duels`: those that a model judged; `answers`: those to questions
    that compare something; `kinds`: of such questions."""

    competition: str
    round: int
    judge: str
    judge_version: str
    judge_model: str
    kinds: tuple[str, ...]
    duels: int
    answers: int
    matches: int
    winner: str
    flip_distance: int | None


Check = Callable[[Any], bool]


def number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


def millionths(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MILLION


def perhaps(check: Check) -> Check:
    return lambda value: value is None or check(value)


def text(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def one_of(*values: str) -> Check:
    return lambda value: isinstance(value, str) and value in values


def counts(*names: str) -> Check:
    return lambda value: isinstance(value, dict) and value.keys() == {*names} and all(map(number, value.values()))


def counts_by(pattern: re.Pattern[str]) -> Check:
    """Of any names of this form, each at least once."""
    return lambda value: (
        isinstance(value, dict)
        and len(value) <= MOST_NAMES
        and all(map(text(pattern), value))
        and all(number(each) and each for each in value.values())
    )


def listed(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= MOST_NAMES and all(map(check, value))


def fields(shape: Mapping[str, Check]) -> Check:
    return lambda value: (
        isinstance(value, dict) and value.keys() == shape.keys() and all(shape[name](value[name]) for name in shape)
    )


def interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(millionths, value)) and value[0] <= value[1]


SHARE: dict[str, Check] = {
    "same": number,
    "of": number,
    "share_micro": perhaps(millionths),
    "interval95_micro": perhaps(interval),
}
REPORT: dict[str, Check] = {
    "format": one_of(FORMAT),
    "competition": text(SLUG),
    "round": number,
    "bundle": text(SHA256),
    "judge": text(MODEL),
    "judge_version": text(SHA256),
    "judge_model": text(MODEL),
    "model": text(MODEL),
    "answered_as": listed(lambda value: value == "" or text(MODEL)(value)),
    "measured_by": counts_by(re.compile("log-probabilities|words")),
    "seed": text(re.compile(r"[\x20-\x7e]{1,100}")),
    "duels": counts("cited", "with_pictures", "drawn"),
    "questions": counts("cited", "drawn", "answered"),
    "unanswered": counts_by(WORD),
    "answers": fields(SHARE),
    "by_kind": listed(
        fields(
            {
                **SHARE,
                "kind": text(WORD),
                "difference_micro": perhaps(lambda value: type(value) is int and 0 <= value <= HIGHEST_DIFFERENCE),
            }
        )
    ),
    "matches": counts(*RESULTS),
    "verdicts": fields({**SHARE, **dict.fromkeys(VERDICTS, number)}),
    "winner": fields(
        {
            "official": text(LEADS),
            "with_these_answers": text(LEADS),
            "result": one_of(*RESULTS),
            "flip_distance": perhaps(number),
            "duels": counts(OPEN, "unanswered"),
        }
    ),
}
DOCUMENT: dict[str, Check] = {
    "format": one_of(OPINION),
    "asker": text(HOTKEY),
    "report_sha256": text(SHA256),
    "report": lambda value: isinstance(value, dict),
}


def malformed(document: Mapping[str, Any]) -> ReportProblem | None:
    """Exactly these fields, each of its kind; then the numbers can be read without a further look."""
    report = document.get("report")
    places = [("", DOCUMENT, document), ("report.", REPORT, report if isinstance(report, dict) else {})]
    for prefix, shape, value in places:
        if odd := sorted(shape.keys() ^ value.keys(), key=str):
            name = odd[0] if odd[0] in shape else "of another name"
            return ReportProblem(f"{prefix}{name}", "is missing, or none that such a report has")
        if wrong := [name for name in shape if not shape[name](value[name])]:
            return ReportProblem(f"{prefix}{wrong[0]}", "does not have the form of this field")
    return None


def problems(report: Mapping[str, Any], bundle: CitedBundle) -> Iterator[ReportProblem]:
    """Of a well-formed report: what contradicts the bundle, or itself."""
    yield from against_bundle(report, bundle)
    yield from of_sums(report)
    yield from of_shares(report)
    yield from of_winner(report)


def against_bundle(report: Mapping[str, Any], bundle: CitedBundle) -> Iterator[ReportProblem]:
    for name in ("competition", "round", "judge", "judge_version", "judge_model"):
        if report[name] != getattr(bundle, name):
            yield ReportProblem(f"report.{name}", f"is not the bundle's: {getattr(bundle, name)}")
    winner, kinds = report["winner"], [row["kind"] for row in report["by_kind"]]
    for name, posted, expected in (
        ("duels.cited", report["duels"]["cited"], bundle.duels),
        ("matches", sum(report["matches"].values()), bundle.matches),
        ("winner.official", winner["official"], bundle.winner),
        ("winner.flip_distance", winner["flip_distance"], bundle.flip_distance),
    ):
        if posted != expected:
            yield ReportProblem(f"report.{name}", f"is {posted}, and in the bundle {expected}")
    if report["questions"]["cited"] > bundle.answers:
        yield ReportProblem("report.questions.cited", f"is more than the bundle's {bundle.answers} answers")
    if kinds != sorted(set(kinds)) or not set(kinds) <= set(bundle.kinds):
        yield ReportProblem("report.by_kind", "names other kinds of questions than the bundle, or one twice")


def of_sums(report: Mapping[str, Any]) -> Iterator[ReportProblem]:
    duels, questions, answers, verdicts = (report[name] for name in ("duels", "questions", "answers", "verdicts"))
    for name, holds in (
        ("duels", 1 <= duels["drawn"] <= duels["with_pictures"] <= duels["cited"]),
        ("questions", 1 <= questions["answered"] <= questions["drawn"] <= questions["cited"]),
        ("unanswered", questions["answered"] + sum(report["unanswered"].values()) == questions["drawn"]),
        ("measured_by", sum(report["measured_by"].values()) == questions["answered"]),
        ("answers.of", answers["of"] == questions["answered"]),
        ("by_kind", all(sum(row[of] for row in report["by_kind"]) == answers[of] for of in ("same", "of"))),
        ("verdicts.of", verdicts["same"] + verdicts["changed"] == verdicts["of"]),
        ("verdicts", sum(verdicts[each] for each in VERDICTS) == duels["drawn"]),
    ):
        if not holds:
            yield ReportProblem(f"report.{name}", "does not add up")


def of_shares(report: Mapping[str, Any]) -> Iterator[ReportProblem]:
    duels, verdicts = report["duels"], report["verdicts"]
    for name, row in (
        ("answers", report["answers"]),
        ("verdicts", verdicts),
        *(("by_kind", row) for row in report["by_kind"]),
    ):
        same, of = row["same"], row["of"]
        expected = round(Fraction(same * MILLION, of)) if of else None
        if same > of or row["share_micro"] != expected or (row["interval95_micro"] is None) != (not of):
            yield ReportProblem(f"report.{name}", "has a share that is not its answers by all")
            return
    drawn = [duels["drawn"]] if not report["unanswered"] else range(duels["drawn"], 0, -1)
    possible = (interval_of(report["answers"], drawn=each, whole=duels["with_pictures"]) for each in drawn)
    if report["answers"]["interval95_micro"] not in possible:
        yield ReportProblem("report.answers.interval95_micro", "is not the interval of these numbers")
    expected_interval = interval_of(verdicts, drawn=verdicts["of"], whole=duels["with_pictures"])
    if verdicts["interval95_micro"] != expected_interval:
        yield ReportProblem("report.verdicts.interval95_micro", f"is not {expected_interval}")


def interval_of(row: Mapping[str, int], *, drawn: int, whole: int) -> list[int] | None:
    computed = share(row["same"], row["of"], drawn=drawn, whole=whole).interval95_micro
    return list(computed) if computed else None


def of_winner(report: Mapping[str, Any]) -> Iterator[ReportProblem]:
    winner, matches = report["winner"], report["matches"]
    other = winner["with_these_answers"] != winner["official"]
    if other != (winner["result"] == CHANGES):
        yield ReportProblem("report.winner.result", "does not follow from who leads")
    if winner["result"] == STANDS and matches[STANDS] != sum(matches.values()):
        yield ReportProblem("report.winner.result", "stands, though a match does not, or is not covered")
    if report["verdicts"]["changed"] == 0 and (other or matches[CHANGES]):
        yield ReportProblem("report.verdicts.changed", "is 0, though something would change")
    if sum(winner["duels"].values()) > report["duels"]["cited"]:
        yield ReportProblem("report.winner.duels", "is more than all duels")
