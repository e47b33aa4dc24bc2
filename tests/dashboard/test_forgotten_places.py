"""A field that was added to the facts and forgotten at one of the places that show them is found here.

The JSON twin and the CSV sheet write every field by themselves (`dashboard/facts/twins.py`, `pages/csv_tables.py`).
A template names its fields, so it is compared with the dataclass; what is left out on purpose stands in `LEFT_OUT`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from typing import Any, get_type_hints

from django.template import engines
from django.urls import get_resolver

from dashboard.facts import audit_pages, plots, review_pages, shadow_pages
from dashboard.facts.matches import DuelLine, MatchLine
from dashboard.facts.people import Who
from dashboard.facts.prompt_pages import PromptLine
from dashboard.facts.twins import twin
from dashboard.pages.answers import FactsPage
from dashboard.pages.csv_tables import Sheet, written
from tests.dashboard.template_types import Walk, bare, dataclasses_in, element_of, hints

# What a view hands to its template beside `page`.
BESIDE: Mapping[str, Mapping[str, Any]] = {
    "round.html": {"rows": list[MatchLine]},
    "match.html": {"shown": tuple[DuelLine, ...]},
    "audit.html": {"plots": list[plots.Plot]},
    "prompts.html": {"shown": tuple[PromptLine, ...]},
}
# Templates of views that are no `Page`.
OTHERS: Mapping[str, Mapping[str, Any]] = {
    "reviewing/work_list.html": {"page": review_pages.WorkList},
    "reviewing/case.html": {"page": review_pages.CasePage, "evidence": audit_pages.AuditPage},
    "reviewing/letters.html": {"rows": tuple[review_pages.LetterRow, ...]},
    "reviewing/shadows.html": {"page": shadow_pages.ShadowList},
    "reviewing/shadow.html": {"page": shadow_pages.ShadowPage, "plot": plots.Plot},
}

DRAWN = "drawn, and in the table below, by a template tag or a plot that is given the whole row"
IN_WORDS = "told in a sentence beside it, which is made from it"
NARROW = "for programs: the page has no room for it, and what a person needs of it is there"
ELSEWHERE = "the page that the row links to shows it"
JOINED = "in the lines of a table that are made of both sides' rows"
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    DRAWN: {
        "Axis": "names shape",
        "ChartsPage": "win_margin margins times prompts",
        "MatchFigures": "interval_95 interval_shown limit holds sign_p",
        "Group": "key",
        "IntegrityDistribution": "edges",
        "IntegritySpread": "steps",
        "Limit": "at upright words",
        "MarginRow": "round kind defender challenger won drawn lost void forfeits_challenger forfeits_defender counted "
        "margin state url",
        "Point": "between group url words x y size",
        "TimeRow": "round miner what seconds limit_s url",
    },
    IN_WORDS: {
        "AppealWindow": "block",
        "BlockClock": "ends_block blocks_left seconds_left ends_at",
        "CasePage": "kind",
        "CostEstimate": "competition basis judge usd usd_least usd_most",
        "CostLine": "item",
        "Credits": "carried",
        "DecidedRow": "name",
        "ExamCurve": "kind",
        "ExamPoint": "strength",
        "ShownExam": "seen",
        "Dethroned": "competition weight until_block",
        "IndependentAskers": "independent median lowest highest",
        "Kin": "share own_share",
        "Lead": "competition weight later since_block won_in defences",
        "CurrentLeader": "effective_block in_effect",
        "MatchLine": "state stopped stopped_after",
        "MinerPage": "leads still_paid",
        "Objection": "version verdict ground",
        "PromptsPage": "never_decisive",
        "Proposal": "number code",
        "EstimateLine": "item usd",
        "Receipt": "flip_distance",
        "RoundCosts": "competition final known_usd unknown",
        "RoundLine": "leader",
        "SharedFile": "share",
        "Stated": "margin",
        "StatusPage": "well",
        "Step": "stage ends_block",
        "TitleRules": "finalists prompts batch stakes bar out futility_z",
        "WeightInForce": "since_block",
        "WorkRow": "kind",
    },
    ELSEWHERE: {
        "DuelLine": "prompt",
        "EntryLine": "cdn_url",
        "CompetitionData": "competition",
        "HomePage": "ruleset",
        "Met": "kind match_url",
        "Objection": "statement block",
        "Participation": "weightiest_url",
        "RoundPage": "decision",
    },
    JOINED: {
        "IntegrityFacts": "numbers",
        "IntegrityNumber": "name label unit definition value fault",
    },
    NARROW: {
        "AuditPart": "code",
        "Calls": "prompt_tokens completion_tokens",
        "CheckRow": "ruleset walls raw_sha256",
        "ControlLine": "take",
        "Diff": "their_path",
        "DuelPage": "judge",
        "ExamPoint": "wrong draws",
        "IndependentAsker": "report_sha256",
        "IndependentAskers": "bundle",
        "IntegrityDistribution": "name",
        "JudgePage": "mode bars attempts first_answer last_answer",
        "LastScrub": "bytes",
        "LetterRow": "id since",
        "MatchPage": "defender_origin challenger_origin",
        "RecordFinding": "kind",
        "Stated": "matrix recomputed",
        "StuckRow": "kind",
        "WorkCount": "last_message",
    },
}


def owners(kind: type) -> Iterator[Any]:
    """The pages or sheets that some address answers with."""
    for pattern in get_resolver().url_patterns:
        owner = getattr(getattr(pattern, "callback", None), "__self__", None)
        if isinstance(owner, kind):
            yield owner


@cache
def facts_of(owner: FactsPage | Sheet) -> Any:
    facts = bare(get_type_hints(owner.facts)["return"])
    assert dataclasses.is_dataclass(facts), f"say in its annotation which dataclass {owner.facts.__name__} returns"
    return facts


@cache
def walked() -> tuple[Walk, frozenset[type], frozenset[type]]:
    """All templates; the dataclasses that they could show; and those of them that are a whole page."""
    walk, shown, whole = Walk(engines["django"].engine), set(), set()
    pages = [(page.template, facts_of(page)) for page in owners(FactsPage) if page.template]
    given = [(name, {"page": facts, **BESIDE.get(name, {})}) for name, facts in pages] + list(OTHERS.items())
    for name, known in given:
        walk.template(name, known)
        shown |= {each for hint in known.values() for each in dataclasses_in(hint)}
        whole |= {known["page"]} if "page" in known else set()
    return walk, frozenset(shown), frozenset(whole)


def left_out() -> set[tuple[str, str]]:
    return {(owner, field) for rows in LEFT_OUT.values() for owner, names in rows.items() for field in names.split()}


def test_every_field_of_the_facts_is_in_a_template_or_left_out_for_a_reason() -> None:
    walk, shown, whole = walked()
    missing = {
        (owner.__name__, field.name)
        for owner in shown
        for field in dataclasses.fields(owner)
        if (owner, field.name) not in walk.shown and not (owner in whole and field.name == "url")
    }
    forgotten = sorted(f"{owner}.{field}" for owner, field in missing - left_out())
    assert not forgotten, (
        "no template shows these: add them in templates/ where their dataclass is shown, or under the reason in "
        f"LEFT_OUT why a visitor does without: {forgotten}"
    )
    settled = sorted(f"{owner}.{field}" for owner, field in left_out() - missing)
    assert not settled, f"LEFT_OUT names what a template shows, or what is gone; take it off the list: {settled}"


def test_a_template_reads_only_what_its_dataclass_has() -> None:
    walk, _, _ = walked()
    assert not walk.misspelt(), f"Django shows nothing for a misspelt name, and says nothing: {walk.misspelt()}"


def test_the_twin_writes_every_field_of_every_dataclass() -> None:
    _, shown, _ = walked()
    for owner in shown:
        row = dataclasses.make_dataclass("Row", [(field.name, Any) for field in dataclasses.fields(owner)])
        names = [field.name for field in dataclasses.fields(owner) if not field.name.startswith("_")]
        assert list(twin(row(**dict.fromkeys((f.name for f in dataclasses.fields(owner)), 1)))) == names


def some(hint: Any) -> Any:
    """Any value of this type, as full as can be."""
    hint = bare(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint(**{field.name: some(hints(hint)[field.name]) for field in dataclasses.fields(hint)})
    plain = {
        int: 7,
        float: 0.5,
        bool: True,
        str: "text",
        Fraction: Fraction(1, 2),
        datetime: datetime(2026, 3, 1, tzinfo=UTC),
    }
    if hint in plain:
        return plain[hint]
    element = element_of(hint)
    return (some(element),) if element is not Any else {"name": "text"} if hint is not Any else "text"


def test_every_field_of_a_row_fills_a_cell_of_its_sheet() -> None:
    for sheet in owners(Sheet):
        row = element_of(hints(facts_of(sheet))[sheet.table])
        header, cells = (line.split(",") for line in written([some(row)], nested=True).splitlines())
        names = [field.name for field in dataclasses.fields(row) if not field.name.startswith("_")]
        for name in names:
            columns = [n for n, column in enumerate(header) if column == name or column.startswith(f"{name}_")]
            assert any(cells[n] for n in columns), f"{row.__name__}.{name} is empty in every line of its CSV sheet"


def test_a_miner_in_a_list_is_its_hotkey_in_a_cell() -> None:
    two = [Who(hotkey="5One", label="One", key="5One"), Who(hotkey="5Two", label="", key="5Two")]
    assert written([{"copies": two, "numbers": [1, 2]}], nested=True) == "copies,numbers\n5One 5Two,1 2\n"
