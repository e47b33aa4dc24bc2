"""Whatever a miner puts on the chain is kept and explained, and platform and verifier read it alike."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from competition.chain.base import RawReveal
from competition.decisions import eligibility
from competition.models import Competition, LedgerEvent, Reveal
from competition.reveals import ingest
from tests.hostile.reveals import COMMIT, GOOD, PAYLOADS
from verify.bundles import reveals as bundle_reveals

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
MIXED = (
    b"{'repo': \"owner/name\", 'commit': 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', "
    b"'cdn_url': 'https://cdn.example.org/x'}"
)


def test_there_are_many_kinds() -> None:
    assert len(PAYLOADS) >= 200
    assert len(set(PAYLOADS.values())) >= 200


@pytest.mark.parametrize("name", PAYLOADS)
def test_platform_and_verifier_read_each_alike(name: str) -> None:
    payload = PAYLOADS[name]
    reading = eligibility.read(payload)
    assert dict(reading.fields) == bundle_reveals.fields_of(payload)
    if not reading.fields:
        assert reading.objection is not None
        assert reading.objection.endswith(".")
    reveal = eligibility.RevealMessage(hotkey="5a", block=7, raw=payload)
    for demo in (False, True):
        (entry,) = eligibility.derive([reveal], earliest=1, latest=9, demo=demo)
        row = {"miner": "5a", "block": 7, "extrinsic_index": 0, "payload": payload.hex()}
        submission, objection = bundle_reveals.added_up([row], demo=demo)
        assert (entry.objection is None) == (objection is None)
        assert (entry.repo[:200], entry.commit[:40], entry.cdn_url) == (
            submission["repo"],
            submission["commit"],
            submission["cdn_url"],
        )


@pytest.fixture
def competition(db: None) -> Competition:
    return Competition.objects.create(
        slug="hostile",
        name="Hostile",
        ruleset="margin-1",
        judge="scripted:first",
        renderer="none",
        chain="simulated:x",
        pods="none",
        config={},
        created_at=NOW,
    )


def test_each_is_kept_and_explained_and_none_stops_the_next(competition: Competition) -> None:
    for number, payload in enumerate(PAYLOADS.values()):
        raw = RawReveal(hotkey=f"5{number:06}", block=10 + number, extrinsic_index=0, payload=payload, signature=b"")
        assert ingest.store(competition, raw, now=NOW)
        assert not ingest.store(competition, raw, now=NOW), "seen again it changes nothing"
    kept = {row.block - 10: row for row in Reveal.objects.filter(competition=competition)}
    assert len(kept) == len(PAYLOADS)
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        row = kept[number]
        assert bytes(row.payload) == payload[: ingest.STORED_BYTES], name
        assert row.fields or row.objection.endswith("."), name
    assert LedgerEvent.objects.filter(competition=competition, kind="reveal").count() == len(PAYLOADS)


def test_both_kinds_of_quotes_are_read_as_the_public_collector_reads_them() -> None:
    fields = {"repo": "owner/name", "commit": "a" * 40, "cdn_url": "https://cdn.example.org/x"}
    assert eligibility.read(MIXED) == eligibility.PayloadReading(fields)
    (entry,) = eligibility.derive([eligibility.RevealMessage(hotkey="5a", block=7, raw=MIXED)], earliest=1, latest=9)
    assert entry.objection is None
    assert bundle_reveals.fields_of(MIXED) == fields


READABLE = [
    "single quotes",
    "mixed quotes",
    "one text opens with one kind and closes with the other",
    "double quotes and an apostrophe in a note",
]


@pytest.mark.parametrize("name", READABLE)
def test_a_message_is_read_whatever_its_quotes_are(name: str) -> None:
    assert eligibility.read(PAYLOADS[name]) == eligibility.PayloadReading(GOOD)


def test_where_the_quotes_allow_two_readings_the_collectors_is_taken() -> None:
    payload = b"{\"note\": \"', 'repo': 'other/repo', 'x': '\", \"commit\": \"" + COMMIT.encode() + b'"}'
    assert eligibility.read(payload).fields == {"repo": "other/repo", "commit": COMMIT}
    assert bundle_reveals.fields_of(payload) == eligibility.read(payload).fields
