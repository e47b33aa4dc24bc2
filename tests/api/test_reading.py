"""What a program may rely on when it reads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.serializers import ListSerializer

from competition.models import Asset, Checkpoint, LedgerEvent, Reign
from core import ledger
from judging.models import Match
from tests.api import contract
from tests.api.contract import get
from tests.api.recording import TABLES, V1
from tests.dashboard import made_round
from tests.dashboard.made_round import NOW, Made

ROUND = f"{V1}/competitions/made/rounds/1"


def things(made: Made) -> list[str]:
    """An address of each kind that answers with one thing."""
    winner = made.miners[1].hotkey
    match = f"{ROUND}/matches/screen/leader/{winner}"
    of_competition = [f"{V1}/competitions/made{tail}" for tail in ("", "/leader", "/statistics", "/ledger/1")]
    of_round = [f"{ROUND}{tail}" for tail in ("", "/progress", "/ladder", "/statistics", "/judge-health")]
    more = [f"{ROUND}/submissions/leader", f"{ROUND}/submissions/{winner}", match, f"{match}/duels/prompt-000"]
    more += [f"{ROUND}/costs", f"{V1}/competitions/made/estimate"]
    return [
        f"{V1}/",
        *of_competition,
        *of_round,
        *more,
        f"{V1}/weights",
        f"{V1}/miners/{winner}/standing?competition=made",
    ]


@pytest.fixture
def kept(made: Made) -> Made:
    """With measured files, a ledger and a signed head."""
    from django.db import transaction

    with transaction.atomic():
        for kind, body in (("round.open", {"round": 1}), ("reign", {"sequence": 2, "weight": "1"})):
            event = ledger.append(made.competition.pk, kind=kind, body=body, at=NOW)
    told = {"text": "made\n2\n", "signature": "00" * 64, "signed_by": made.miners[0].hotkey}
    Checkpoint.objects.create(competition=made.competition, seq=event.seq, created_at=NOW, **told)
    made_round.measure(Asset.objects.filter(submission__round=made.finished, state="stored"))
    return made


@pytest.mark.parametrize("table", TABLES)
def test_a_table_reads_as_documented(client: Client, kept: Made, table: str) -> None:
    body = get(client, f"{V1}/{table}")
    assert body["results"] or table in ("findings", "appeals", "opinions")
    one = get(client, f"{V1}/{table}?limit=1")
    assert len(one["results"]) <= 1


def test_each_thing_reads_as_documented(client: Client, kept: Made) -> None:
    for path in things(kept):
        body = get(client, path)
        schema = contract.operation(path, "GET")["responses"]["200"]["content"]["application/json"]["schema"]
        shape = contract.document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        missing = {name for name in shape["properties"] if not name.endswith("_rounded")} - set(body)
        assert not missing, f"{path} leaves out {missing}"


def test_every_documented_read_is_tried_here(kept: Made) -> None:
    tried = {contract.operation(path, "GET")["operationId"] for path in [*things(kept), *(f"{V1}/{t}" for t in TABLES)]}
    documented = {
        told["get"]["operationId"]
        for told in contract.document()["paths"].values()
        if "get" in told and not told["get"].get("security")
    }
    assert documented - tried <= {"match_duels"}


def test_pages_follow_each_other_without_gap_or_overlap(client: Client, made: Made) -> None:
    whole = [row["id"] for row in get(client, f"{V1}/duels?limit=200")["results"]]
    seen, path = [], f"{V1}/duels?limit=7"
    while path:
        answer = client.get(path)
        body = answer.json()
        seen += [row["id"] for row in body["results"]]
        if body["next"]:
            assert answer.headers["Link"] == f'<{body["next"]}>; rel="next"'
        path = body["next"]
    assert seen == whole
    assert len(set(seen)) == len(seen) > 20
    backwards = [row["id"] for row in get(client, f"{V1}/duels?limit=200&order=desc")["results"]]
    assert backwards == whole[::-1]


def test_only_the_fields_asked_for_are_sent(client: Client, made: Made) -> None:
    rows = client.get(f"{V1}/matches?fields=id,state").json()["results"]
    assert all(set(row) == {"id", "state"} for row in rows)
    refused = get(client, f"{V1}/matches?fields=id,secret", status=400)
    assert refused["error"]["field"] == "fields"
    assert "margin" not in refused["error"]["fix"] or "tally" in refused["error"]["fix"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("round=one", "round"),
        ("round=-1", "round"),
        ("round=99999999999999999999", "round"),
        ("colour=red", "colour"),
        ("round=1&round=2", "round"),
        ("competition=a%00b", "competition"),
        ("hotkey=%F0%9F%92%A9", "hotkey"),
        ("hotkey=5%EF%BC%91abcdef", "hotkey"),
        ("round=%D9%A1", "round"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%2e%2e", "cursor"),
        ("order=random", "order"),
        ("fields=", "fields"),
        ("format=xml", "format"),
        ("state=JUDGED", "state"),
        ("competition=" + "a" * 300, "competition"),
        ("prompt=..%2Fetc", "prompt"),
        ("%E2%80%AEnuor=1", "of this name"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(client: Client, made: Made, query: str, field: str) -> None:
    error = get(client, f"{V1}/duels?{query}", status=400)["error"]
    assert (error["field"], error["class"]) == (field, "miner")
    assert error["sentence"] and error["fix"]


def test_an_unchanged_answer_costs_no_body(client: Client, made: Made) -> None:
    first = client.get(f"{V1}/reigns")
    again = client.get(f"{V1}/reigns", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Reign.objects.filter(sequence=2).update(weight="1/2")
    assert client.get(f"{V1}/reigns", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_watched_round_costs_no_body_until_something_moves(client: Client, made: Made) -> None:
    from django.core.cache import cache

    path = f"{V1}/competitions/made/rounds/2/progress"
    tag = client.get(path).headers["ETag"]
    cache.clear()
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304, "blocks that pass are no movement"
    made.running.matches.first().duels.filter(state="judging").first().delete()
    cache.clear()
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def numbers_in(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON document a number stands."""
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for name, value in items:
            yield from numbers_in(value, (*at, name))
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield at


def changed(document: Any, at: tuple[Any, ...]) -> Any:
    """The document with the number there one greater."""
    copy = json.loads(json.dumps(document))
    inside = copy
    for name in at[:-1]:
        inside = inside[name]
    inside[at[-1]] += 1
    return copy


@pytest.mark.parametrize("most", [8, pytest.param(40, marks=pytest.mark.long)])
def test_no_number_of_any_row_can_change_under_the_same_tag(
    client: Client, kept: Made, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Neither by the tag nor by a date is an answer called unchanged in which any number is another: `most` of each."""
    from dashboard.api.serializers import RowSerializer

    represent = RowSerializer.to_representation

    def bent(at: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
        """A row whose number there is one greater; rows inside of rows are left alone."""

        def bend(serializer: Any, row: Any) -> Any:
            shown, outer = represent(serializer, row), serializer.parent
            whole = outer is None or (isinstance(outer, ListSerializer) and outer.parent is None)
            return changed(shown, at) if whole else shown

        return bend

    tried = 0
    for path in [*(f"{V1}/{table}?limit=1" for table in TABLES), *things(kept)]:
        monkeypatch.setattr(RowSerializer, "to_representation", represent)
        for name in ("default", "throttles"):
            caches[name].clear()
        first = client.get(path)
        assert "Last-Modified" not in first.headers, f"{path} promises that a row stays as it is"
        rows = first.json()["results"] if "?limit" in path else [first.json()]
        asked = {"If-None-Match": first.headers["ETag"]}
        later = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
        assert client.get(path, headers=later).status_code == 200
        if path.endswith("/progress"):
            continue  # its tag leaves the clock out on purpose, as the next test says
        for at in [where for row in rows for where in numbers_in(row)][:most]:
            monkeypatch.setattr(RowSerializer, "to_representation", bent(at))
            for name in ("default", "throttles"):
                caches[name].clear()
            assert client.get(path, headers=asked).status_code == 200, f"{path}: {at} changed under one tag"
            tried += 1
    assert tried > 60


def test_progress_leaves_nothing_but_the_clock_out_of_its_tag(made: Made) -> None:
    from dashboard.api import progress

    told = progress.tracker(made.running, now=NOW)
    tag = progress.tag(told)
    for field in fields(told):
        other = replace(told, **{field.name: "another"})
        if field.name == "clock":
            assert told.clock is None or progress.tag(replace(told, clock=replace(told.clock, block=9))) == tag
        elif field.name != "sentence":
            assert progress.tag(other) != tag, f"{field.name} may change under the same tag"


def test_a_match_that_is_counted_anew_is_another_answer(client: Client, made: Made) -> None:
    path = f"{V1}/matches?competition=made&round=1"
    first = client.get(path)
    Match.objects.filter(round=made.finished, kind="screen").update(won=F("won") + 1)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.json() != first.json()
    dated = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert client.get(path, headers=dated).status_code == 200


@pytest.mark.parametrize("table", TABLES)
def test_tables_open_as_csv_and_as_parquet(client: Client, kept: Made, table: str) -> None:
    rows = client.get(f"{V1}/{table}").json()["results"]
    sheet = client.get(f"{V1}/{table}", headers={"Accept": "text/csv"})
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(sheet.content.decode())))
    parquet = client.get(f"{V1}/{table}?format=parquet")
    assert parquet.headers["Content-Type"] == "application/vnd.apache.parquet"
    read = pq.read_table(io.BytesIO(parquet.content)).to_pylist()
    assert len(lines) == len(read) == len(rows)
    if rows and "id" in rows[0]:
        assert [line["id"] for line in lines] == [row["id"] for row in read] == [row["id"] for row in rows]


def test_a_miners_text_is_no_formula_of_the_readers(client: Client, db: None) -> None:
    made_round.make(hostile="=1+1")
    sheet = client.get(f"{V1}/submissions?format=csv").content.decode()
    cells = [cell for line in csv.reader(io.StringIO(sheet)) for cell in line]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


def test_filters_narrow(client: Client, made: Made) -> None:
    winner = made.miners[1]
    for query, holds in (
        (f"submissions?hotkey={winner.hotkey}", lambda row: row["miner"]["hotkey"] == winner.hotkey),
        (f"submissions?hotkey={winner.hotkey[:8]}", lambda row: row["miner"]["hotkey"] == winner.hotkey),
        ("submissions?eligible=false", lambda row: row["objection"]),
        ("submissions?as_of_round=1", lambda row: row["round"] == 1),
        ("matches?kind=screen&round=1", lambda row: (row["kind"], row["round"]) == ("screen", 1)),
        (f"matches?challenger={winner.hotkey}", lambda row: row["challenger"]["entry"] == winner.hotkey),
        ("matches?defender=leader", lambda row: row["defender"]["entry"] == "leader"),
        ("duels?outcome=challenger", lambda row: row["result"] in ("won", "unneeded", "forfeit_defender")),
        ("assets?state=failed", lambda row: row["failure"]["failure_class"] == "miner"),
        ("rounds?stage=finished", lambda row: row["stage"] == "finished"),
        ("reigns?as_of_block=100", lambda row: row["effective_block"] <= 100),
        ("reigns?as_of_round=0", lambda row: row["won_in"] is None),
        ("prompts?round=1", lambda row: row["competition"] == "made"),
    ):
        rows = get(client, f"{V1}/{query}")["results"]
        assert rows and all(map(holds, rows)), query


def test_a_pool_that_no_round_has_shown_stays_hidden(client: Client, made: Made) -> None:
    from competition.models import Prompt

    Prompt.objects.create(competition=made.competition, stem="hidden", sha256="f" * 64, bytes=1)
    stems = [row["stem"] for row in get(client, f"{V1}/prompts?limit=200")["results"]]
    assert stems and "hidden" not in stems


def test_the_leader_as_of_a_block_or_a_round(client: Client, made: Made) -> None:
    first, second = made.miners[0].hotkey, made.miners[1].hotkey
    at = f"{V1}/competitions/made/leader"
    early = get(client, f"{at}?as_of_block=100")
    assert (early["reign"]["leader"]["hotkey"], early["following"]["leader"]["hotkey"]) == (first, second)
    assert get(client, f"{at}?as_of_block=2099")["reign"]["leader"]["hotkey"] == second
    assert get(client, f"{at}?as_of_round=1")["reign"]["leader"]["hotkey"] == second
    get(client, f"{at}?as_of_round=2", status=404)
    get(client, f"{at}?as_of_round=1&as_of_block=1", status=400)


def test_weights_add_up_and_come_with_their_proof(client: Client, kept: Made) -> None:
    from fractions import Fraction

    from competition.models import SimulatedChain

    SimulatedChain.objects.get(name="made").registrations.create(uid=7, hotkey=kept.miners[1].hotkey)
    body = get(client, f"{V1}/weights?competition=made&as_of_block=5000")
    assert sum(Fraction(share["weight"]) for share in body["vector"]) == 1
    assert [(s["uid"], s["who"], s["weight"]) for s in body["vector"]] == [(7, "leader", "1")]
    assert (body["covered"], body["event"]["kind"], body["checkpoint"]["seq"]) == (True, "reign", 2)
    assert "simulated" in body["remark"]
    early = get(client, f"{V1}/weights?competition=made&as_of_block=1")
    assert [share["who"] for share in early["vector"]] == ["owner"], "its leader is not registered"


def test_a_reign_that_no_checkpoint_covers_is_not_paid_yet(client: Client, kept: Made) -> None:
    """As the process that sets weights has it (`competition.weights.proven`)."""
    from django.db import transaction

    from competition.models import Reign, SimulatedChain

    third, registered = kept.miners[2], SimulatedChain.objects.get(name="made").registrations
    registered.create(uid=7, hotkey=kept.miners[1].hotkey)
    registered.create(uid=8, hotkey=third.hotkey)
    Reign.objects.create(
        competition=kept.competition,
        sequence=3,
        miner=third,
        repo="a/b",
        commit="c" * 40,
        weight="1",
        effective_block=4000,
    )
    with transaction.atomic():
        ledger.append(kept.competition.pk, kind="reign", body={"sequence": 3, "weight": "1"}, at=NOW)
    body = get(client, f"{V1}/weights?competition=made&as_of_block=5000")
    assert [(s["uid"], s["who"], s["weight"]) for s in body["vector"]] == [(7, "leader", "1")]
    assert body["covered"] is True and "Reign 3 is decided" in body["remark"]
    assert get(client, f"{V1}/competitions/made/leader?as_of_block=5000")["reign"]["leader"]["hotkey"] == third.hotkey


def test_a_standing_tells_place_margin_gap_and_every_prompt(client: Client, made: Made) -> None:
    body = get(client, f"{V1}/miners/{made.miners[1].hotkey}/standing?round=1")
    assert (body["place"], body["rank"], body["ranked"]) == (1, 1, 2), "two delivered nothing, and are not ranked"
    assert body["margin"] == "5/11" or body["margin_rounded"] > 0
    assert body["gap"] == 0 and body["interval_95"]
    assert len([p for p in body["prompts"] if "/screen/" in p["match"]]) == 12
    assert {audit["kind"] for audit in body["audits"]} == {"source", "generation"}
    silent = get(client, f"{V1}/miners/{made.miners[4].hotkey}/standing?round=1")
    assert [(c["what"], c["failure_class"], c["count"]) for c in silent["causes"]] == [("file", "miner", 12)]
    running = get(client, f"{V1}/miners/{made.miners[2].hotkey}/standing")
    assert (running["round"], running["margin"]) == (2, None)
    assert running["estimate"]["duels_ahead"] == 6
    get(client, f"{V1}/miners/5unknown/standing", status=404)


def queries(client: Client, path: str) -> int:
    caches["default"].clear()  # what an answer costs that nobody asked for a moment ago
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(path)
    assert answer.status_code == 200
    return len(seen)


@pytest.mark.usefixtures("clock_measured")
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(client: Client, made: Made) -> None:
    paths = [f"{V1}/{table}?limit=200" for table in TABLES] + things(made)[4:]
    paths = [path for path in paths if "/ledger/1" not in path]
    for path in paths:
        client.get(path)
    few = {path: queries(client, path) for path in paths}
    made_round.make(slug="more", miners=12, prompts=24)
    many = {path: queries(client, path) for path in paths}
    assert many == few
    assert max(few.values()) <= 30, few


def test_a_question_that_takes_too_long_is_ended(client: Client, made: Made, monkeypatch: Any) -> None:
    from dashboard.api.resources import game

    def slow(self: Any, page: list[Any]) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        return []

    monkeypatch.setattr(game.Rounds, "to_rows", slow)
    monkeypatch.setattr("django.conf.settings.API_QUERY_SECONDS", 1)
    answer = client.get(f"{V1}/rounds")
    error = contract.check(f"{V1}/rounds", answer)["error"]
    assert (answer.status_code, error["code"], error["class"]) == (503, "too_slow", "infrastructure")
    assert answer.headers["Retry-After"] == "5"
    monkeypatch.setattr("django.conf.settings.API_QUERY_SECONDS", 60)
    assert client.get(f"{V1}/reigns").status_code == 200, "the connection is well again"


def test_a_fault_of_ours_is_ours_and_tells_nothing_else(client: Client, made: Made, monkeypatch: Any) -> None:
    from dashboard.api.resources import game

    monkeypatch.setattr(game.Rounds, "to_rows", lambda self, page: 1 / 0)
    answer = client.get(f"{V1}/rounds")
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["class"] == "infrastructure" and "division" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing", "/api/v2/rounds", "/api/v1/rounds/", "/api/v1/%00"])
def test_an_address_that_is_none_is_told_in_json(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_other_methods_are_refused(client: Client, made: Made) -> None:
    for call in (client.post, client.put, client.patch, client.delete, client.options):
        answer = call(f"{V1}/rounds")
        assert answer.status_code == 405, call
        assert "GET" in answer.headers["Allow"]
        assert contract.check(f"{V1}/rounds", answer)["error"]["code"] == "method_not_allowed"


def test_too_many_requests_are_told_when_to_come_again(client: Client, made: Made, monkeypatch: Any) -> None:
    monkeypatch.setattr("django.conf.settings.API_REQUESTS_PER_MINUTE", 3)
    answers = [client.get(f"{V1}/reigns") for _ in range(5)]
    assert [a.status_code for a in answers].count(429) >= 1
    last = answers[-1]
    assert contract.check(f"{V1}/reigns", last)["error"]["retry_after_s"] == int(last.headers["Retry-After"]) > 0
    assert last.headers["RateLimit-Remaining"] == "0"
    assert last.headers["RateLimit"].startswith('"address";r=0;t=')
    assert client.get(f"{V1}/nothing").status_code == 429, "an address that is none costs as much"
    elsewhere = client.get(f"{V1}/reigns", REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-For": "1.2.3.4"})
    assert elsewhere.status_code == 200


def test_a_visitors_word_on_its_address_counts_only_from_our_own_proxy(
    client: Client, made: Made, monkeypatch: Any
) -> None:
    monkeypatch.setattr("django.conf.settings.API_REQUESTS_PER_MINUTE", 2)
    call: Callable[[str], Any] = lambda told: client.get(f"{V1}/reigns", headers={"X-Forwarded-For": told})  # noqa: E731
    assert [call(f"1.1.1.{n}").status_code for n in range(4)][-1] == 429
    monkeypatch.setattr("django.conf.settings.API_PROXIES", 1)
    assert call("9.9.9.9, 8.8.8.8").status_code == 200
    assert [call(f"{n}.1.1.1, 8.8.8.8").status_code for n in range(4)][-1] == 429, "the last one is our proxy's word"


def test_the_document_is_valid_and_complete(client: Client, db: None) -> None:
    from drf_spectacular.validation import validate_schema

    answer = client.get(f"{V1}/openapi.json")
    body = answer.json()
    assert body["openapi"].startswith("3.1") and "RateLimit" in answer.headers
    assert client.get(f"{V1}/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    validate_schema(body)
    for path, operations in body["paths"].items():
        for method, told in operations.items():
            assert told["summary"] and told["tags"], f"{method} {path}"
            assert {"400", "429", "503"} <= set(told["responses"]), f"{method} {path}"
            assert all(parameter["description"] for parameter in told.get("parameters", ())), f"{method} {path}"


def test_the_ledger_chain_can_be_checked_from_the_api(client: Client, kept: Made) -> None:
    rows = get(client, f"{V1}/ledger?competition=made&limit=200")["results"]
    previous = ledger.GENESIS
    for row in rows:
        assert row["previous"] == previous
        assert row["hash"] == ledger.event_hash(previous, kind=row["kind"], seq=row["seq"], body=row["body"])
        previous = row["hash"]
    assert len(rows) == LedgerEvent.objects.count()


def test_the_judges_health_is_what_pauses_a_round(client: Client, made: Made) -> None:
    from competition.models import Prompt
    from judging.health import controls
    from judging.models import Control

    prompts = list(Prompt.objects.filter(competition=made.competition))
    Control.objects.bulk_create(
        Control(
            round=made.finished,
            kind="canary",
            prompt=prompt,
            variant="blurred",
            state="judged",
            since=NOW,
            score_micro=-300_000 if place else 300_000,
        )
        for place, prompt in enumerate(prompts)
    )
    body = get(client, f"{ROUND}/judge-health")
    told = {gate["gate"]: gate["state"] for gate in body["gates"]}
    assert told == {finding.gate: finding.state for finding in controls.measured(made.finished).findings}
    assert (told["canary"], told["self"], body["well"]) == ("failed", "unproven", False)
    assert len(body["controls"]) == len(prompts)
