"""One fact a noun: every column of its table is in it, and every place that shows the noun shows each of its fields.

A column that is added and forgotten, in the facts or at one of the places, fails here.  What a place leaves out on
purpose stands beside the place, with the reason.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Model

from audits.models import Audit, Finding
from audits.source import evidence
from competition.models import Competition, Miner, Prompt, Reign, Round, Submission
from dashboard.api.rows import evidence as api_evidence
from dashboard.api.rows import game as api_game
from dashboard.api.rows import judging as api_judging
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
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.competitions import CompetitionFacts, competition_facts
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.matches import DuelFacts, MatchFacts, duel_facts, match_facts
from dashboard.facts.prompts import PromptFacts, prompt_facts
from dashboard.facts.reigns import ReignFacts, reign_facts
from dashboard.facts.round_facts import RoundFacts, round_facts
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
FACTS: Mapping[type, Any] = {
    type(each): each
    for each in (
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


def names_of(facts: type) -> set[str]:
    """Fields and addresses."""
    addresses = {name for name, value in vars(facts).items() if isinstance(value, property)}
    return addresses | {each.name for each in fields(facts) if not each.name.startswith("_")}


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
    """Where a noun is shown.  `shows`: names of fields; `left_out`: reason -> fields that it does without."""

    name: str
    shows: Callable[[pytest.MonkeyPatch], set[str]]
    left_out: Mapping[str, str] = field(default_factory=dict)


def shape(owner: type) -> Callable[[pytest.MonkeyPatch], set[str]]:
    return lambda monkeypatch: {each.name for each in fields(owner)}


def reads(module: Any, name: str, make: Callable[[], Any], facts: type) -> Callable[[pytest.MonkeyPatch], set[str]]:
    """What `make` reads of the facts that `module.name` gives it."""

    def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
        recorder = Recorder(FACTS[facts])
        monkeypatch.setattr(module, name, lambda *args, **more: recorder)
        monkeypatch.setattr(bundle_matches, "played", lambda match: [])
        monkeypatch.setattr(evidence, "told", lambda audit: {})
        monkeypatch.setattr(documents, "_pool_when_drawn", lambda row: [])
        make()
        return recorder.read

    return read


ROW = SimpleNamespace(round=None, drawn=SimpleNamespace(select_related=lambda name: []))
NAMED_BY_URL = "its url and its place on the page name it"
PLACES: Mapping[type, tuple[Place, ...]] = {
    MatchFacts: (
        Place(
            name="list of matches: MatchLine in dashboard/facts/matches.py, templates/parts/forest_table.html",
            shows=shape(matches.MatchLine),
            left_out={
                NAMED_BY_URL: "id competition round version since",
                "its own page says it": "defender_origin challenger_origin judge judge_name",
                "`tally`, `settled` and `duels` are made of it": "counted margin_micro duels_made",
            },
        ),
        Place(
            name="page of a match: MatchPage in dashboard/facts/match_pages.py, templates/match.html",
            shows=shape(match_pages.MatchPage),
            left_out={
                NAMED_BY_URL: "id version since",
                "`tally` and `counts` are made of it": "counted margin_micro duels_made",
                "`early` says it in a sentence": "stopped stopped_after stop",
            },
        ),
        Place(
            name="API: match in dashboard/api/rows/judging.py",
            shows=reads(api_judging, "match_facts", lambda: api_judging.match(ROW), MatchFacts),  # type: ignore[arg-type]
            left_out={
                "the id of what counts stays the same in every version": "version",
                "`tally` is made of it": "counted margin_micro duels_made",
            },
        ),
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
            name="round's page: EntryLine in dashboard/facts/rounds.py, templates/round.html",
            shows=shape(rounds.EntryLine),
            left_out={
                NAMED_BY_URL: "id competition round round_url",
                "`miner` has the key and the page": "entry url",
                "`objection` says why it is none": "eligible",
                "the block orders them on a page": "extrinsic_index",
            },
        ),
        Place(
            name="miner's page: Participation in dashboard/facts/miner_pages.py, templates/miner.html",
            shows=shape(miner_pages.Participation),
            left_out={
                "the page is the miner's": "id entry miner url",
                "`objection` says why it is none": "eligible",
                "the block orders them on a page": "extrinsic_index",
            },
        ),
        Place(
            name="API: submission in dashboard/api/rows/game.py",
            shows=reads(api_game, "entry_facts", lambda: api_game.submission(ROW), EntryFacts),  # type: ignore[arg-type]
            left_out={"`competition` and `round` lead there": "round_url"},
        ),
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
    RoundFacts: (
        Place(
            name="round's page: RoundPage in dashboard/facts/rounds.py, templates/round.html",
            shows=shape(rounds.RoundPage),
            left_out={
                NAMED_BY_URL: "id",
                "`leader` is made of it": "defending",
                "`tracker` says it": "since waiting_for failure_class failure_code failure_reason",
            },
        ),
        Place(
            name="list of rounds: RoundLine in dashboard/facts/home_pages.py, templates/home.html",
            shows=shape(home_pages.RoundLine),
            left_out={
                NAMED_BY_URL: "id competition competition_name",
                "its own page says it": "since ruleset rules schedule seed_block_hash seed defending decision "
                "waiting_for failure_class failure_code failure_reason source",
            },
        ),
        Place(
            name="API: round_ in dashboard/api/rows/game.py",
            shows=reads(api_game, "round_facts", lambda: api_game.round_(ROW), RoundFacts),  # type: ignore[arg-type]
            left_out={"the competition's row has it": "competition_name"},
        ),
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
            name="strip and lists: DuelLine in dashboard/facts/matches.py, templates/parts/strip.html",
            shows=shape(matches.DuelLine),
            left_out={
                NAMED_BY_URL: "id match since",
                "`result` and `meaning` are made of it": "state outcome beyond",
                "its own page says it": "defender_sha256 challenger_sha256 detail take failure_class failure_code "
                "failure_reason",
            },
        ),
        Place(
            name="page of a duel: DuelPage in dashboard/facts/duel_pages.py, templates/duel.html",
            shows=shape(duel_pages.DuelPage),
            left_out={
                NAMED_BY_URL: "id match since",
                "`verdict` says it in a sentence": "meaning state outcome beyond",
                "`defender` and `challenger` have the files": "defender_sha256 challenger_sha256",
                "a page shows the take that counts": "take",
                "the class and the sentence say it to a person": "failure_code",
            },
        ),
        Place(
            name="API: duel in dashboard/api/rows/judging.py",
            shows=reads(
                api_judging,
                "duel_facts",
                lambda: api_judging.duel(SimpleNamespace(match=ROW)),  # type: ignore[arg-type]
                DuelFacts,
            ),
            left_out={
                "`result` is made of it": "outcome beyond meaning",
                "the prompt's row has it": "prompt_sha256",
                "the API shows the take that counts": "take",
            },
        ),
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
            name="round's page: AuditSummary in dashboard/facts/rounds.py, templates/round.html",
            shows=shape(rounds.AuditSummary),
            left_out={
                NAMED_BY_URL: "id competition round entry version since",
                "`verdict` is it": "state",
                "the audit's page says it": "code people limits numbers waiting_for failure_class failure_code "
                "failure_reason case_url",
            },
        ),
        Place(
            name="list of audits: AuditLine in dashboard/facts/audit_lists.py, templates/audits.html",
            shows=shape(audit_lists.AuditLine),
            left_out={
                NAMED_BY_URL: "id competition entry version since",
                "`verdict` is it": "state",
                "`limited` is made of it": "limits numbers",
                "the audit's page says it": "code people waiting_for failure_class failure_code failure_reason "
                "case_url",
            },
        ),
        Place(
            name="page of an audit: AuditPart in dashboard/facts/audit_pages.py, templates/parts/audit_evidence.html",
            shows=shape(audit_pages.AuditPart),
            left_out={
                "the page is about them": "id competition round entry miner url",
                "`verdict` is it": "state",
                "`numbers` has each beside its limit": "limits",
                "the class and the sentence say it to a person": "failure_code",
                "the ledger has the time": "since",
            },
        ),
        Place(
            name="API: audit in dashboard/api/rows/evidence.py",
            shows=reads(api_evidence, "audit_facts", lambda: api_evidence.audit(ROW), AuditFacts),  # type: ignore[arg-type]
            left_out={
                "`miner` is whose it is, and the id has the entry": "entry",
                "the case on the reviews' page names them": "people case_url",
            },
        ),
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
    ReignFacts: (
        Place(
            name="list of reigns: ReignLine in dashboard/facts/home_pages.py, templates/home.html",
            shows=shape(home_pages.ReignLine),
            left_out={"the page of leaders says it": "id competition sequence repo commit round_url"},
        ),
        Place(
            name="steps of the weight: Step in dashboard/facts/leading.py, templates/leaders.html",
            shows=shape(leading.ReignStep),
            left_out={"the term above it, and the page, say it": "id competition sequence repo commit"},
        ),
        Place(
            name="API: reign in dashboard/api/rows/game.py",
            shows=reads(
                api_game,
                "reign_facts",
                lambda: api_game.reign(SimpleNamespace(competition=None)),  # type: ignore[arg-type]
                ReignFacts,
            ),
            left_out={"`competition` and `won_in` lead there": "round_url"},
        ),
    ),
    PromptFacts: (
        Place(
            name="gallery and page of a prompt: PromptLine in dashboard/facts/prompt_pages.py, templates/prompts.html",
            shows=shape(prompt_pages.PromptLine),
            left_out={
                NAMED_BY_URL: "id competition",
                "`prompt` is it": "stem",
                "`sha256` and `link` show the picture": "picture_url bytes",
            },
        ),
        Place(
            name="API: prompt in dashboard/api/rows/game.py",
            shows=reads(
                api_game,
                "prompt_facts",
                lambda: api_game.prompt(SimpleNamespace(competition=None)),  # type: ignore[arg-type]
                PromptFacts,
            ),
            left_out={"`picture_url` is it where there is no picture of ours": "link"},
        ),
    ),
    CompetitionFacts: (
        Place(
            name="front page: HomePage in dashboard/facts/home_pages.py, templates/home.html",
            shows=shape(home_pages.HomePage),
            left_out={
                NAMED_BY_URL: "id",
                "`labels` name what stands behind each edge": "judge renderer chain pods active",
                "for programs: the API has it": "config signed_reveals created_at",
            },
        ),
        Place(
            name="API: competition in dashboard/api/rows/game.py",
            shows=reads(api_game, "competition_facts", lambda: api_game.competition(COMPETITION), CompetitionFacts),
            left_out={
                "the id is it": "competition",
                "`parts` name what stands behind each edge": "judge renderer chain pods",
            },
        ),
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


def every_place() -> Iterator[Any]:
    for facts, places in PLACES.items():
        for place in places:
            yield pytest.param(facts, place, id=f"{facts.__name__}: {place.name.partition(':')[0]}")


@pytest.mark.parametrize(("facts", "place"), list(every_place()))
def test_every_place_shows_each_field_of_the_facts(facts: type, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = names_of(facts) - place.shows(monkeypatch)
    forgotten = sorted(missing - words(place.left_out))
    assert not forgotten, (
        f"{place.name} does not show {forgotten} of {facts.__name__}: add them there, or under their reason to "
        "`left_out` in tests/dashboard/test_one_read_model.py"
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
