"""What do pages read of the judging?  One function per need of a page, each with a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Func, JSONField, Q, QuerySet, Value, When
from django.db.models.functions import Abs

from competition.decisions.attempts import plain
from competition.models import Asset, Competition, Round, Submission
from competition.rulesets import match_words
from formats.integrity.measures import MEASURES
from judging.exam.models import JudgeExam
from judging.models import Duel, Match, Measurement, Rendering, auditing
from judging.renderers.rig import GRAY_PREFIX, GRID, VIEWS

FAULTS = tuple(measure.name for measures in MEASURES.values() for measure in measures if measure.is_fault)
HAS_DEFECT = " || ".join(f"@.{name} > 0" for name in FAULTS)  # a condition on numbers, in jsonpath
SIDES = ("defender__miner", "challenger__miner", "attempt")
MOST_MATCHES = 400


def matches_of(round_: Round, *, entries: Iterable[Submission] = ()) -> list[Match]:
    """In the order of the queue.  `entries`: the round's submissions with their miners, where they are read already."""
    known = {entry.pk: entry for entry in entries if entry.pk}
    matches = list(round_.matches.select_related(*(("attempt",) if known else SIDES)))
    for match in matches if known else ():
        match.defender, match.challenger = known[match.defender_id], known[match.challenger_id]

    def place(match: Match) -> tuple[str, bool, int, int]:
        block = match.challenger.reveal_block
        return match.kind, block is None, block or 0, match.pk

    return sorted(matches, key=place)


def duel_counts(round_: Round) -> dict[int, dict[str, int]]:
    """match -> state -> how many duels."""
    rows = Duel.objects.filter(match__round=round_, match__counts=True).order_by()
    counts: dict[int, dict[str, int]] = {}
    for row in rows.values("match_id", "state").annotate(n=Count("pk")):
        counts.setdefault(row["match_id"], {})[row["state"]] = row["n"]
    return counts


def match_between(round_: Round, *, defender: str, challenger: str) -> Match | None:
    """By hotkeys, `leader` for the round's leader.  Those of audits or with a page of their own are not among these."""
    own_page = [kind for kind in Match.Kind.values if match_words(kind).page != "match"]
    rows = round_.matches.select_related(*SIDES).exclude(auditing()).exclude(kind__in=own_page)
    leads = (
        Q(defender__role="leader")
        if defender == "leader"
        else Q(defender__miner__hotkey=defender, defender__role="challenger")
    )
    return rows.filter(leads, challenger__miner__hotkey=challenger).order_by("kind").first()


def clearest_duels(match: Match, *, most: int) -> list[Duel]:
    rows = match.duels.filter(state="judged").exclude(outcome="draw")
    if match.stopped_after is not None:
        rows = rows.filter(position__lt=match.stopped_after)
    return list(rows.select_related("prompt").order_by(Abs("score_micro").desc(nulls_last=True), "position")[:most])


def clearest_losses(match: Match, *, most: int) -> list[Duel]:
    """The duels that the challenger lost by the most."""
    rows = match.duels.filter(state="judged", outcome=Duel.Outcome.DEFENDER)
    if match.stopped_after is not None:
        rows = rows.filter(position__lt=match.stopped_after)
    return list(rows.select_related("prompt").order_by(F("score_micro").asc(nulls_last=True), "position")[:most])


def match_on_page(round_: Round, page: str, *, challenger: str) -> Match | None:
    """Of a kind that has a page of its own, by the name of its address."""
    kinds = [kind for kind in Match.Kind.values if match_words(kind).page == page]
    rows = round_.matches.select_related(*SIDES).filter(kind__in=kinds)
    return rows.filter(challenger__miner__hotkey=challenger).first()


def audit_match(round_: Round, *, challenger: str) -> Match | None:
    rows = round_.matches.select_related(*SIDES).filter(kind=Match.Kind.AUDIT)
    return rows.filter(challenger__miner__hotkey=challenger).first()


def repeated_matches(round_: Round, *, challenger: str) -> list[Match]:
    """Of a winner that was generated again more than once: every match of its audit, repeat by repeat."""
    rows = round_.matches.select_related(*SIDES).filter(auditing(), challenger__miner__hotkey=challenger)
    ordered = sorted(rows, key=lambda m: (m.challenger_origin, plain(m.kind) == Match.Kind.AGAINST_DEFENDER))
    return ordered if len(ordered) > 1 else []


def duels_of(match: Match) -> list[Duel]:
    """In seed order."""
    return list(match.duels.select_related("prompt", "attempt"))


def matches_against(submissions: Iterable[int]) -> list[Match]:
    """The matches in which these submissions challenged."""
    rows = Match.in_force.filter(challenger__in=set(submissions)).select_related(*SIDES, "round__competition")
    return list(rows.order_by("-round__number", "-kind", "pk")[:MOST_MATCHES])  # screen before ladder


def renderings_of(competition: Competition, hashes: Iterable[str]) -> dict[str, Rendering]:
    """sha256 of a file -> its newest rendering."""
    wanted = {sha256 for sha256 in hashes if sha256}
    if not wanted:
        return {}
    rows = Rendering.objects.filter(competition=competition, sha256__in=wanted).order_by("pk")
    return {row.sha256: row for row in rows}


def measurements_of(hashes: Iterable[str]) -> dict[str, Measurement]:
    """sha256 of a file -> how sound it is, by the newest version of the measure that it was asked for."""
    wanted = {sha256 for sha256 in hashes if sha256}
    rows = Measurement.objects.filter(sha256__in=wanted).order_by("pk") if wanted else ()
    return {row.sha256: row for row in rows}


def measured_numbers(hashes: Iterable[str]) -> tuple[str, dict[str, dict[str, Any]]]:
    """The version of the measure by which most of these files were measured, of several the newest; and by the hash of
    each file what it counted.  Numbers of two versions cannot be compared."""
    wanted = {sha256 for sha256 in hashes if sha256}
    if not wanted:
        return "", {}
    by_version: dict[str, dict[str, dict[str, Any]]] = {}
    rows = Measurement.objects.filter(sha256__in=wanted, state="measured").order_by("pk")
    for version, sha256, numbers in rows.values_list("version", "sha256", "numbers"):
        by_version.setdefault(version, {})[sha256] = numbers
    newest_first = reversed(by_version.items())
    return max(newest_first, key=lambda pair: len(pair[1]), default=("", {}))


class EntryIntegrity(Func):
    """Of what stands for an entry, its `measured` files: how many there are, how many of them are `defective`, and the
    `median_triangles` (of splats where they are splats); each as the newest version of the measure has counted it."""

    template = """(
        SELECT jsonb_build_object(
            'measured', count(*),
            'defective', count(*) FILTER (WHERE newest.numbers @? '$ ? (%(defects)s)'),
            'median_triangles', percentile_cont(0.5) WITHIN GROUP (
                ORDER BY coalesce(newest.numbers ->> 'triangles', newest.numbers ->> 'splats')::float
            )
        )
        FROM competition_asset file CROSS JOIN LATERAL (
            SELECT numbers FROM judging_measurement WHERE sha256 = file.sha256 AND state = 'measured'
            ORDER BY id DESC LIMIT 1
        ) newest
        WHERE file.state = 'stored' AND (file.submission_id, file.origin) = (%(expressions)s)
    )"""

    def __init__(self) -> None:
        origin = Case(When(role="leader", then=Value("generated")), default=Value("submitted"))
        super().__init__(F("pk"), origin, output_field=JSONField(), defects=HAS_DEFECT)


def refused_files_of(submissions: Iterable[int]) -> list[Rendering]:
    """Files of these that arrived, and could not be photographed."""
    stored = Asset.objects.filter(submission__in=set(submissions), state="stored")
    return list(Rendering.objects.filter(sha256__in=stored.values("sha256"), state="refused").order_by("pk"))


def rendering_counts(round_: Round) -> dict[str, int]:
    """state -> how many different files of the round."""
    files = round_.submissions.filter(assets__state="stored").values("assets__sha256")
    rows = Rendering.objects.filter(competition_id=round_.competition_id, sha256__in=files).order_by()
    return {row["state"]: row["n"] for row in rows.values("state").annotate(n=Count("sha256", distinct=True))}


def shown_exams() -> list[JudgeExam]:
    """Of each judge version that was examined for all to see, the newest first."""
    return list(JudgeExam.objects.order_by("-made_at", "pk"))


def is_view(sha256: str) -> bool:
    """Is this the picture of a rendering, of where a file is at fault, or of an exam that is shown?"""
    return (
        renderings_with_view(sha256).exists()
        or Measurement.objects.filter(picture=sha256).exists()
        or JudgeExam.objects.filter(pictures__contains=[{"sha256": sha256}]).exists()
    )


def are_defect_positions(sha256: str) -> bool:
    """Is this a file of where another one is at fault?"""
    return Measurement.objects.filter(positions=sha256).exists()


def views_by_record_name(slug: str, sha256: str) -> dict[str, str]:
    """Of a file of this competition: the name that state repositories give a picture of it -> the picture's hash.

    `white/<view>.png` and `gray/<view>.png` by background, and the sheet of four as `grid.png`; where the rig makes no
    sheet, its first picture.
    """
    rows = Rendering.objects.filter(competition__slug=slug, sha256=sha256, state="rendered")
    newest = rows.order_by("pk").last()
    views = dict(newest.views) if newest else {}
    sheet = views.pop(GRID, "") or views.get(VIEWS[0].name) or next((views[name] for name in sorted(views)), "")
    folders = {name: "gray" if name.startswith(GRAY_PREFIX) else "white" for name in views}
    named = {f"{folders[name]}/{name.removeprefix(GRAY_PREFIX)}.png": view for name, view in views.items()}
    return named | ({"grid.png": sheet} if sheet else {})


def renderings_with_view(sha256: str) -> QuerySet[Rendering]:
    """Those that name this picture.  (The ORM has no lookup for a value under any key.)"""
    among = Func(
        F("views"),
        Value(f'$.* ? (@ == "{sha256}")'),
        template="(%(expressions)s::jsonpath)",
        arg_joiner=" @? ",
        output_field=BooleanField(),
    )
    return Rendering.objects.filter(among)
