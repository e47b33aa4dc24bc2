"""Can an outsider compare a bundle's ledger with the chain, from a node or from a file?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.competition.chain.fake_chain import FakeChain
from tests.competition.chain.fake_node import FakeNode, over_http
from tests.competition.chain.rig import subnet
from tests.competition.chain.runtime import codec
from tests.verify import made_bundle
from tests.verify.made_files import SLUG, hotkey
from verify.bundles import bundle, chain
from verify.bundles.chain import COMMITMENTS, account
from verify.bundles.ledger import LedgerHead


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle.make().write(tmp_path / "bundle")


@pytest.fixture
def node() -> Iterator[tuple[FakeChain, str]]:
    made = subnet()
    with over_http(FakeNode(made)) as address:
        yield made, address


def played_on(folder: Path, name: str) -> bundle.Bundle:
    """The examined bundle, said to be of this chain."""
    examined = bundle.examine(folder)
    examined.documents["competition.json"]["chain"] = name
    return examined


def text_of(examined: Any, *, seq: int, head: str = "") -> str:
    head = head or next(event["hash"] for event in examined.events if event["seq"] == seq)
    return LedgerHead(f"gauntlet/{SLUG}", seq, head).text


def commit(made: FakeChain, text: str, *, by: str) -> None:
    told = {"deposit": 0, "block": 1, "info": {"fields": [{f"Raw{len(text)}": text.encode()}]}}
    made.put("Commitments", "CommitmentOf", 17, by, value=told)
    made.produce(5)


def found(examined: Any, **how: Any) -> set[str]:
    before = {finding.kind for finding in examined.log.findings}
    chain.check(examined, **{"node": None, "anchors": None, **how})
    return {finding.kind for finding in examined.log.findings} - before


def test_the_key_of_commitments_is_what_the_runtime_says() -> None:
    assert bytes(codec().storage_prefix("Commitments", "CommitmentOf")).hex() == COMMITMENTS[2:]


def test_addresses_are_read_as_the_library_reads_them() -> None:
    from bittensor_core import ss58_decode

    assert account(hotkey("operator")) == bytes(ss58_decode(hotkey("operator"))).hex()
    for wrong in ("", "5", "0OIl", hotkey("operator")[:-1] + "x", "z" * 48):
        with pytest.raises(ValueError, match="not an ss58 address"):
            account(wrong)


def test_the_anchored_ledger_has_nothing_to_say(folder: Path, node: tuple[FakeChain, str]) -> None:
    examined = played_on(folder, "bittensor:17")
    commit(node[0], text_of(examined, seq=examined.events[-1]["seq"]), by=hotkey("operator"))
    assert found(examined, node=node[1]) == set()


def test_another_ledger_than_the_anchored_one_is_caught(folder: Path, node: tuple[FakeChain, str]) -> None:
    examined = played_on(folder, "bittensor:17")
    commit(node[0], text_of(examined, seq=examined.events[-1]["seq"], head="ab" * 32), by=hotkey("operator"))
    assert found(examined, node=node[1]) == {"anchor-differs"}


def test_an_anchor_of_somebody_else_counts_for_nothing(folder: Path, node: tuple[FakeChain, str]) -> None:
    examined = played_on(folder, "bittensor:17")
    commit(node[0], text_of(examined, seq=examined.events[-1]["seq"]), by=hotkey("somebody"))
    assert found(examined, node=node[1]) == {"not-anchored"}


def test_an_anchor_beyond_the_bundle_is_told_and_no_error(folder: Path, node: tuple[FakeChain, str]) -> None:
    examined = played_on(folder, "bittensor:17")
    commit(node[0], text_of(examined, seq=9_999, head="ab" * 32), by=hotkey("operator"))
    assert found(examined, node=node[1]) == {"anchor-elsewhere"}


def anchors(folder: Path, *texts: str, block_hash: str = "", by: str = "") -> Path:
    rows = [{"hotkey": by or hotkey("operator"), "text": text, "block_hash": block_hash} for text in texts]
    path = folder.parent / "anchors.json"
    path.write_text(json.dumps(rows))
    return path


def test_a_file_of_anchors_is_compared_one_by_one(folder: Path) -> None:
    examined = played_on(folder, "bittensor:17")
    seqs = [event["seq"] for event in examined.events]
    good = [text_of(examined, seq=seq) for seq in (seqs[0], seqs[-1])]
    assert found(examined, anchors=anchors(folder, *good)) == set()
    bad = text_of(examined, seq=seqs[1], head="cd" * 32)
    assert found(examined, anchors=anchors(folder, *good, bad)) == {"anchor-differs"}


def test_a_file_that_tells_of_an_anchor_the_chain_never_had_is_caught(
    folder: Path, node: tuple[FakeChain, str]
) -> None:
    examined = played_on(folder, "bittensor:17")
    text = text_of(examined, seq=examined.events[-1]["seq"])
    at = node[0].blocks[3].hash
    assert found(examined, node=node[1], anchors=anchors(folder, text, block_hash=at)) == {"anchor-differs"}
    commit(node[0], text, by=hotkey("operator"))
    at = node[0].blocks[-1].hash
    assert found(examined, node=node[1], anchors=anchors(folder, text, block_hash=at)) == set()


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"hotkey":"x"}]', b'[{"text":5}]', b"\xff"])
def test_a_file_that_is_none_is_told(folder: Path, body: bytes) -> None:
    path = folder.parent / "anchors.json"
    path.write_bytes(body)
    assert found(played_on(folder, "bittensor:17"), anchors=path) == {"chain-unread"}


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "ws://127.0.0.1:1", "file:///etc/passwd", ""])
def test_a_node_that_does_not_answer_is_told(folder: Path, address: str) -> None:
    examined = played_on(folder, "bittensor:17")
    assert found(examined, node=address or "nonsense") == {"chain-unread"}


class EndlessNode(FakeNode):
    """Lists keys that are nobody's, and always more of them."""

    def do_state_getKeysPaged(self, prefix: str, count: int, start: str, block_hash: str | None = None) -> list[str]:
        return [prefix + "00" * 40] * count


def test_a_node_that_lists_keys_without_end_is_given_up(folder: Path) -> None:
    with over_http(EndlessNode(subnet())) as address, pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "MOST_KEYS", 3 * chain.PAGE)
        assert found(played_on(folder, "bittensor:17"), node=address) == {"chain-unread"}


def test_a_simulated_chain_anchors_nothing(folder: Path) -> None:
    assert found(played_on(folder, "simulated:x"), node="http://127.0.0.1:1") == {"not-anchored"}


def test_the_platform_commits_what_the_verifier_reads() -> None:
    from core import ledger

    longest = "s" * 50
    signed = ledger.checkpoint_text(
        origin=f"gauntlet/{longest}", seq=10**9, head="ab" * 32, round_number=1, stage="open", block=5
    )
    text = "\n".join(signed.split("\n")[:3])
    assert len(text.encode()) <= 128
    assert LedgerHead.of(text) == LedgerHead(f"gauntlet/{longest}", 10**9, "ab" * 32)
