"""Can neither operator, block author nor relay choose the seed?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from competition.chain import beacons
from competition.chain.base import ChainFault
from competition.chain.observations import Beacon
from competition.decisions import beacon, seed
from competition.models import Competition
from tests.competition import made
from tests.competition.test_rounds import GOOD
from tests.loopback import Quiet, serving
from tests.verify import made_bundle
from verify.bundles import bundle
from verify.bundles import round as bundle_round

# The League of Entropy's own words for two rounds of its chain `quicknet` (public, for ever the same).
ROUND = 1000
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
# 2023-08-23 15:59:24, the block's time for which round 1000 is the first one half a minute later
BLOCK_MS = beacon.GENESIS_MS + 999 * beacon.PERIOD_MS - beacon.DELAY_MS


@contextmanager
def relay(body: bytes, *, status: int = 200) -> Iterator[str]:
    class Handler(Quiet):
        def do_GET(self) -> None:
            self.answer(body, status=status)

    with serving(Handler) as address:
        yield address


def told(**other: Any) -> bytes:
    return json.dumps({"round": ROUND, "randomness": "00", "signature": SIGNATURE, **other}).encode()


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO = True  # relays on loopback


@pytest.mark.parametrize(("later_ms", "number"), [(-2999, 1000), (0, 1000), (1, 1001), (3000, 1001), (3001, 1002)])
def test_the_round_is_the_first_one_half_a_minute_after_the_block(later_ms: int, number: int) -> None:
    assert beacon.round_after(BLOCK_MS + later_ms) == number


def test_a_block_before_the_beacon_began_has_no_round() -> None:
    with pytest.raises(ValueError, match="before the beacon began"):
        beacon.round_after(0)


def test_only_the_beacons_signature_of_that_round_is_believed() -> None:
    assert beacons.opens(SIGNATURE, number=ROUND)
    assert not beacons.opens(SIGNATURE, number=ROUND + 1)
    for wrong in ("", "00" * 48, SIGNATURE[:-2] + "38", SIGNATURE.upper(), "zz" * 48):
        assert not beacons.opens(wrong, number=ROUND)


def test_a_relay_that_lies_is_passed_over(demo: None, settings: Any) -> None:
    with relay(told(signature="00" * 48)) as liar, relay(told()) as honest:
        settings.BEACON_URLS = [liar, honest]
        assert beacons.fetched(ROUND) == SIGNATURE


@pytest.mark.parametrize("body", [b"", b"{}", b"5", told(round=7), told(signature=5), b"x" * 20_000])
def test_without_an_honest_relay_the_round_waits(demo: None, settings: Any, body: bytes) -> None:
    with relay(body) as address:
        settings.BEACON_URLS = [address, "http://127.0.0.1:1"]
        with pytest.raises(ChainFault, match="no relay gave round 1000"):
            beacons.fetched(ROUND)


def test_a_relay_inside_our_network_is_never_dialled(settings: Any) -> None:
    settings.DEMO = False
    settings.BEACON_URLS = ["http://127.0.0.1:1", "https://10.0.0.1", "https://169.254.169.254"]
    with pytest.raises(ChainFault, match="no relay"):
        beacons.fetched(ROUND)


@pytest.fixture
def competition(db: Any, monkeypatch: pytest.MonkeyPatch) -> Competition:
    built = made.competition()
    built.config = {**built.config, "beacon": beacon.QUICKNET}
    built.save()
    made.chain_of(built).reveal(made.key("a"), json.dumps(GOOD).encode(), block=6)
    monkeypatch.setattr(beacons.beacon, "round_after", lambda block_ms: ROUND)
    return built


def test_a_round_with_a_beacon_waits_for_it_and_draws_with_it(
    competition: Competition, demo: None, settings: Any
) -> None:
    from tests.competition.test_rounds import look

    settings.BEACON_URLS = []
    assert look(competition, block=18) == "open"
    with relay(told()) as address:
        settings.BEACON_URLS = [address]
        assert look(competition, block=18) == "miner_generation"
    round_ = made.first_round(competition)
    kept = Beacon.objects.get(round=round_)
    assert (kept.number, kept.signature) == (ROUND, SIGNATURE)
    told_ = {"round_number": 1, "block_hash": round_.seed_block_hash}
    assert round_.seed == seed.seed("small", beacon=SIGNATURE, **told_)
    assert round_.seed != seed.seed("small", **told_)
    event = competition.events.get(kind="round.miner_generation")
    assert event.body["beacon"] == kept.as_json()


def test_a_beacon_nobody_knows_delays_and_says_so(competition: Competition) -> None:
    competition.config = {**competition.config, "beacon": "dice"}
    competition.save()
    with pytest.raises(ChainFault, match="unknown"):
        beacons.due(made.first_round(competition), now=made.START)


GOOD_DOC = {"kind": beacon.QUICKNET, "round": ROUND, "signature": SIGNATURE, "block_ms": BLOCK_MS}


@pytest.mark.parametrize(
    ("config", "doc", "finds"),
    [
        ("", None, False),
        (beacon.QUICKNET, GOOD_DOC, False),
        (beacon.QUICKNET, None, True),
        ("", GOOD_DOC, True),
        (beacon.QUICKNET, GOOD_DOC | {"kind": "dice"}, True),
        (beacon.QUICKNET, GOOD_DOC | {"block_ms": BLOCK_MS + 1}, True),
        (beacon.QUICKNET, GOOD_DOC | {"round": ROUND + 1, "block_ms": BLOCK_MS + 3000}, True),
        (beacon.QUICKNET, GOOD_DOC | {"signature": "00" * 48}, True),
    ],
)
def test_the_verifier_checks_round_and_signature(
    config: str, doc: dict[str, Any] | None, finds: bool, tmp_path: Any
) -> None:
    examined = bundle.examine(made_bundle.make().write(tmp_path / "bundle"))
    examined.documents["competition.json"]["config"]["beacon"] = config
    examined.documents.pop("beacon.json", None)
    if doc is not None:
        examined.documents["beacon.json"] = doc
    for event in examined.events:
        if event["kind"] == "round.miner_generation" and doc:
            event["body"]["beacon"] = doc
    bundle_round.check_beacon(examined)
    value = bundle_round.beacon_value(examined)
    assert ("wrong-beacon" in {finding.kind for finding in examined.log.findings}) == finds
    assert value == (doc["signature"] if doc else None)
