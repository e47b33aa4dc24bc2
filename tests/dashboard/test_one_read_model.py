"""One fact a noun: every column of its table is in it, and every place that shows the noun shows each of its fields.

Rows of pages and of the API get their fields from the facts (`row_of`), and say beside them what they leave out.  A
bundle is written by hand, because it never changes by chance: what it leaves out stands here, with the reason.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from django.db.models import Model

from audits.models import Audit, Finding, PodRun
from audits.source import evidence
from competition import queries
from competition.models import Asset, Competition, Miner, Prompt, Reign, Reveal, Round, Submission
from dashboard.api.rows import evidence as api_evidence
from dashboard.api.rows import game as api_game
from dashboard.api.rows import judging as api_judging
from dashboard.api.rows import standing as api_standing
from dashboard.api.serializers import descriptions
from dashboard.bundles import correction, documents
from dashboard.bundles import matches as bundle_matches
from dashboard.facts import (
    audit_lists,
    audit_pages,
    duel_pages,
    home_pages,
    leading,
    match_pages,
    matches,
    miner_pages,
    prompt_pages,
    rounds,
)
from dashboard.facts.assets import AssetFacts, asset_facts
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.borders import NOT_IN_BUNDLE, names_of, row_of, shown_as
from dashboard.facts.competitions import CompetitionFacts, competition_facts
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.matches import DuelFacts, MatchFacts, duel_facts, match_facts
from dashboard.facts.people import MinerFacts, miner_facts
from dashboard.facts.pod_runs import PodRunFacts, pod_run_facts
from dashboard.facts.prompts import PromptFacts, prompt_facts
from dashboard.facts.reigns import ReignFacts, reign_facts
from dashboard.facts.reveals import RevealFacts, reveal_facts
from dashboard.facts.round_facts import RoundFacts, round_facts
from dashboard.facts.twins import twin
from judging.models import Duel, Match

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MACHINE = {
    "the machine's own: no reader's": "id lease leased_until attempts due_at kicked_at",
}


FAILED = {"failure_class": "judge", "failure_code": "low_mass", "failure_reason": "No answer."}
COMPETITION = Competition(slug="made", name="Made")
ROUND = Round(
    competition=COMPETITION,
    number=1,
    earliest_reveal_block=1,
    latest_reveal_block=2,
    seed_block=3,
    generation_deadline_block=4,
    since=NOW,
    state="finished",
    **FAILED,
)
LEADER = Submission(round=ROUND, miner=Miner(hotkey="5Leader"), role="leader")
ENTRY = Submission(round=ROUND, miner=Miner(hotkey="5Entry"), role="challenger", copy_of=LEADER)
MATCH = Match(round=ROUND, kind="screen", defender=LEADER, challenger=ENTRY, since=NOW, state="decided", duels_made=2)
PROMPT = Prompt(competition=COMPETITION, stem="cup")
DUEL = Duel(match=MATCH, prompt=PROMPT, position=0, state="void", since=NOW, **FAILED)
AUDIT = Audit(pk=1, round=ROUND, submission=ENTRY, kind="source", state="passed", since=NOW, **FAILED)
AUDIT._prefetched_objects_cache = {"findings": Finding.objects.none()}  # type: ignore[attr-defined]
REIGN = Reign(competition=COMPETITION, sequence=2, miner=ENTRY.miner, weight="1", effective_block=5, won_in=ROUND)
ASSET = Asset(submission=ENTRY, prompt=PROMPT, origin="submitted", state="stored", sha256="a" * 64, since=NOW, **FAILED)
REVEAL = Reveal(competition=COMPETITION, miner=ENTRY.miner, block=1, extrinsic_index=0, payload=b"{}", seen_at=NOW)
POD_RUN = PodRun(submission=ENTRY, purpose="audit", seed=1, state="done", since=NOW, **FAILED)
FACTS: Mapping[type, Any] = {
    type(each): each
    for each in (
        asset_facts(ASSET),
        miner_facts(ENTRY.miner),
        pod_run_facts(POD_RUN),
        reveal_facts(REVEAL, competition=COMPETITION),
        audit_facts(AUDIT, round_=ROUND),
        competition_facts(COMPETITION),
        duel_facts(DUEL, match=MATCH, round_=ROUND),
        entry_facts(ENTRY, round_=ROUND),
        match_facts(MATCH, round_=ROUND),
        prompt_facts(PROMPT, competition=COMPETITION),
        reign_facts(REIGN, competition=COMPETITION),
        round_facts(ROUND),
    )
}


class Recorder:
    """Notes which attributes are read of what it stands for."""

    def __init__(self, real: Any) -> None:
        self._real, self.read = real, set[str]()

    def __getattr__(self, name: str) -> Any:
        if name != "__dataclass_fields__":
            self.read.add(name)
        return getattr(self._real, name)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a bundle has a noun.  `shows`: names of fields; `left_out`: reason -> fields that it does without."""

    name: str
    shows: Callable[[pytest.MonkeyPatch], set[str]]
    left_out: Mapping[str, str] = field(default_factory=dict)


def reads(module: Any, name: str, make: Callable[[], Any], facts: type) -> Callable[[pytest.MonkeyPatch], set[str]]:
    """What `make` reads of the facts that `module.name` gives it."""

    def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
        recorder = Recorder(FACTS[facts])
        monkeypatch.setattr(module, name, lambda *args, **more: recorder)
        monkeypatch.setattr(bundle_matches, "played", lambda match: [])
        monkeypatch.setattr(evidence, "summary", lambda audit: {})
        monkeypatch.setattr(documents, "_pool_when_drawn", lambda row: [])
        make()
        return recorder.read

    return read


ROW = SimpleNamespace(round=None, drawn=SimpleNamespace(select_related=lambda name: []))
PLACES: Mapping[type, tuple[Place, ...]] = {
    MatchFacts: (
        Place(
            name="bundle: match_document in dashboard/bundles/matches.py",
            shows=reads(
                bundle_matches,
                "match_facts",
                lambda: bundle_matches.match_document(ROW, round_=None),  # type: ignore[arg-type]
                MatchFacts,
            ),
            left_out={
                "a bundle holds one round and no address": "id competition round url",
                "every match of a bundle is decided; times stand in the ledger": "state since",
                "`counted` stands in it as it is": "tally",
                "the verifier makes it from the duels": "stop duels_made",
            },
        ),
    ),
    EntryFacts: (
        Place(
            name="bundle: _entry in dashboard/bundles/documents.py",
            shows=lambda monkeypatch: (
                documents._entry(recorder := Recorder(FACTS[EntryFacts])),  # type: ignore[arg-type]
                recorder.read,
            )[1],
            left_out={
                "a bundle holds one round and no address": "id competition round round_url url",
                "the verifier makes it from `objection`": "eligible",
            },
        ),
    ),
    AssetFacts: (
        Place(
            name="bundle: _asset in dashboard/bundles/documents.py",
            shows=lambda monkeypatch: (
                documents._asset(recorder := Recorder(FACTS[AssetFacts])),  # type: ignore[arg-type]
                recorder.read,
            )[1],
            left_out={
                "a bundle holds one round and no address": "id competition round file_url",
                "the format names it": "content_type",
                "every file of a bundle is settled; times stand in the ledger": "waiting_for since",
                "a sentence is for people; the bundle has class and code": "failure_reason",
            },
        ),
    ),
    RevealFacts: (
        Place(
            name="bundle: _reveal in dashboard/bundles/documents.py",
            shows=lambda monkeypatch: (
                documents._reveal(recorder := Recorder(FACTS[RevealFacts])),  # type: ignore[arg-type]
                recorder.read,
            )[1],
            left_out={
                "a bundle holds one round and no address": "id competition",
                "the verifier makes it from all bytes": "payload payload_bytes fields",
                "the chain's time of the block counts": "seen_at",
            },
        ),
    ),
    RoundFacts: (
        Place(
            name="bundle: _round in dashboard/bundles/documents.py",
            shows=reads(documents, "round_facts", lambda: documents._round(ROW), RoundFacts),  # type: ignore[arg-type]
            left_out={
                "a bundle holds one round and no address": "id url",
                "competition.json has it": "competition competition_name",
                "decision.json has it": "headline decision",
                "the rules name it": "ruleset",
                "every round of a bundle is finished; times stand in the ledger": "stage since waiting_for "
                "failure_class failure_code failure_reason",
                "the reigns before it say it": "defending",
                "a round that was played elsewhere has its own records": "source",
            },
        ),
    ),
    DuelFacts: (
        Place(
            name="bundle: _duel in dashboard/bundles/matches.py",
            shows=lambda monkeypatch: (
                bundle_matches._duel(recorder := Recorder(FACTS[DuelFacts])),  # type: ignore[arg-type]
                recorder.read,
            )[1],
            left_out={
                "a bundle holds one round and no address": "id match url",
                "round.json has it": "prompt_sha256",
                "the verifier makes it from `state` and `outcome`": "result meaning",
                "times stand in the ledger": "since",
                "a sentence is for people; the bundle has class and code": "failure_reason",
            },
        ),
    ),
    AuditFacts: (
        Place(
            name="bundle: audit_document in dashboard/bundles/correction.py",
            shows=reads(
                correction,
                "audit_facts",
                lambda: correction.audit_document(ROW, round_=None),  # type: ignore[arg-type]
                AuditFacts,
            ),
            left_out={
                "a bundle holds one round and no address": "id competition round case_url url",
                "submissions.json has it by `entry`": "miner",
                "every audit of a bundle is decided; times stand in the ledger": "waiting_for failure_class "
                "failure_code failure_reason since",
            },
        ),
    ),
    CompetitionFacts: (
        Place(
            name="bundle: _competition in dashboard/bundles/documents.py",
            shows=reads(
                documents,
                "competition_facts",
                lambda: documents._competition(ROUND),
                CompetitionFacts,
            ),
            left_out={
                "the slug is the id": "competition",
                "a bundle has no address": "url",
                "`config` has it": "signed_reveals",
                "times stand in the ledger": "created_at",
                "only what is played here has a bundle": "active",
            },
        ),
    ),
}


def test_facts_know_no_request() -> None:
    """Pages, the API, feeds and bundles read the same facts; what only a page needs stands in `dashboard/pages/`."""
    law = "dashboard/facts holds dataclasses, their queries and builders; a view of a page belongs in dashboard/pages"
    for path in sorted(Path(inspect.getfile(rounds)).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                whole = node.module or ""
                views = whole.startswith(("dashboard.pages", "dashboard.api", "django.shortcuts", "django.views"))
                answers = whole == "django.http" and [each.name for each in node.names] != ["Http404"]
                assert not views and not answers, f"{path.name}:{node.lineno} imports {whole}: {law}"


def words(reasons: Mapping[str, str]) -> set[str]:
    return {name for names in reasons.values() for name in names.split()}


ROWS: Mapping[type, tuple[type, ...]] = {
    MinerFacts: (miner_pages.MinerPage, api_game.MinerRow),
    AssetFacts: (api_game.AssetRow,),
    PodRunFacts: (audit_pages.PodRunLine, api_standing.PodLog),
    RevealFacts: (rounds.OddReveal, api_game.RevealRow),
    MatchFacts: (matches.MatchLine, match_pages.MatchPage, api_judging.MatchRow),
    EntryFacts: (rounds.EntryLine, miner_pages.Participation, api_game.SubmissionRow),
    RoundFacts: (rounds.RoundPage, home_pages.RoundLine, api_game.RoundRow),
    DuelFacts: (matches.DuelLine, duel_pages.DuelPage, api_judging.DuelRow),
    AuditFacts: (rounds.AuditSummary, audit_lists.AuditLine, audit_pages.AuditPart, api_evidence.AuditRow),
    ReignFacts: (home_pages.ReignLine, leading.ReignStep, api_game.ReignRow),
    PromptFacts: (prompt_pages.PromptLine, api_game.PromptRow),
    CompetitionFacts: (home_pages.HomePage, api_game.CompetitionRow),
}


@pytest.mark.parametrize("facts", ROWS, ids=lambda facts: facts.__name__)
def test_every_row_of_a_page_and_of_the_api_shows_each_field_of_the_facts(facts: type) -> None:
    for row in ROWS[facts]:
        missing = names_of(facts).keys() - {each.name for each in fields(row)}
        forgotten = sorted(missing - words(getattr(row, "left_out", {})))
        assert not forgotten, f"{row.__name__} has not {forgotten}: write @row_of({facts.__name__}, …) below @dataclass"


@dataclass(frozen=True, kw_only=True)
class CupFacts:
    size: int
    glaze: Annotated[str, "What covers it.", NOT_IN_BUNDLE]
    maker: str

    @property
    def url(self) -> str:
        return f"/cups/{self.size}/"


def test_a_field_more_in_the_facts_is_in_the_row_with_its_value_and_its_words() -> None:
    @dataclass(frozen=True, kw_only=True)
    @row_of(CupFacts, but={"nobody's business": "maker"})
    class CupRow:
        size: int

    row = shown_as(CupRow, CupFacts(size=3, glaze="blue", maker="M"))
    assert twin(row) == {"size": 3, "glaze": "blue", "url": "/cups/3/"}
    assert descriptions(CupRow) == {"glaze": "What covers it."}
    assert not_in_bundle(CupFacts) == {"glaze"}


@pytest.mark.parametrize("wrong", ["size", "handle"])
def test_a_row_that_leaves_out_what_it_has_or_what_is_not_there_is_no_class(wrong: str) -> None:
    with pytest.raises(TypeError, match=wrong):

        @row_of(CupFacts, but={"a mistake": wrong})
        class CupRow:
            size: int


def not_in_bundle(facts: type) -> set[str]:
    return {name for name, hint in names_of(facts).items() if NOT_IN_BUNDLE in getattr(hint, "__metadata__", ())}


def every_place() -> Iterator[Any]:
    for facts, places in PLACES.items():
        for place in places:
            yield pytest.param(facts, place, id=f"{facts.__name__}: {place.name.partition(':')[0]}")


@pytest.mark.parametrize(("facts", "place"), list(every_place()))
def test_a_bundle_has_each_field_of_the_facts(facts: type, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = names_of(facts).keys() - place.shows(monkeypatch) - not_in_bundle(facts)
    forgotten = sorted(missing - words(place.left_out))
    assert not forgotten, (
        f"{place.name} does not show {forgotten} of {facts.__name__}: add them there, or under their reason to "
        "`left_out` in tests/dashboard/test_one_read_model.py; what depends on luck is NOT_IN_BUNDLE in the facts"
    )
    shown = sorted(words(place.left_out) - missing)
    assert not shown, f"{place.name} shows {shown}, or they are gone: take them off `left_out`"


COLUMNS: Mapping[str, tuple[Any, Callable[[Any], Any], Mapping[str, str]]] = {
    "Match": (
        MATCH,
        lambda row: match_facts(row, round_=ROUND),
        {
            **MACHINE,
            "only matches that count are shown": "counts",
            "the facts are given the round": "round",
            "`state` and `verdict` say what it waits for; it cannot fail": "waiting_for failure_class failure_code "
            "failure_reason",
        },
    ),
    "Duel": (
        DUEL,
        lambda row: duel_facts(row, match=MATCH, round_=ROUND),
        {**MACHINE, "the facts are given the match": "match", "`failure_reason` says it": "waiting_for"},
    ),
    "Audit": (
        AUDIT,
        lambda row: audit_facts(row, round_=ROUND),
        {
            **MACHINE,
            "the facts are given the round": "round",
            "a correction's own page and document name the audits that it made": "correction",
        },
    ),
    "Reign": (
        REIGN,
        lambda row: reign_facts(row, competition=COMPETITION),
        {
            "no reader's": "id",
            "the facts are given the competition": "competition",
            "only the exported records carry it": "image",
            "the correction's document names it": "supersedes",
        },
    ),
    "Prompt": (
        PROMPT,
        lambda row: prompt_facts(row, competition=COMPETITION),
        {"no reader's": "id", "the facts are given the competition": "competition"},
    ),
    "Competition": (COMPETITION, competition_facts, {"no reader's": "id"}),
    "Asset": (ASSET, asset_facts, MACHINE),
    "Miner": (ENTRY.miner, miner_facts, {"no reader's": "id"}),
    "Reveal": (
        REVEAL,
        lambda row: reveal_facts(row, competition=COMPETITION),
        {"no reader's": "id", "the facts are given the competition": "competition"},
    ),
    "PodRun": (
        POD_RUN,
        pod_run_facts,
        {
            **MACHINE,
            "given beside it": "submission",
            "by it the pod is found again, and is reached": "handle",
            "each row has as much of it as its reader may see": "log",
            "`speed` has it": "mean_output_s",
            "the page of the audited run says what ran beside it": "beside",
        },
    ),
    "Submission": (
        ENTRY,
        lambda row: entry_facts(row, round_=ROUND),
        {"no reader's": "id", "given beside it": "round"},
    ),
    "Round": (
        ROUND,
        round_facts,
        {
            **MACHINE,
            "`schedule` is made of it": "earliest_reveal_block latest_reveal_block seed_block "
            "generation_deadline_block paused_from paused_at_block",
            "the ledger and the bundle's `integrity.json` name it, and each measurement its own": "measure",
        },
    ),
}


@pytest.mark.parametrize("noun", COLUMNS)
def test_every_column_is_in_the_facts(noun: str) -> None:
    row, build, left_out = COLUMNS[noun]
    recorder = Recorder(row)
    build(recorder)
    model: type[Model] = type(row)
    missing = {column.name for column in model._meta.concrete_fields} - recorder.read
    forgotten = sorted(missing - words(left_out))
    assert not forgotten, f"nobody sees {forgotten} of {noun}: add them to its facts, or to COLUMNS with the reason"
    assert not words(left_out) - missing, f"the facts have {sorted(words(left_out) - missing)}: take them off COLUMNS"


def test_entries_come_in_the_order_of_the_queue() -> None:
    """A sum over joined rows would group them, and grouped rows have no order unless a query names one."""
    assert queries.entry_rows(Submission.objects.all()).ordered
