"""What is wrong with a file is told by the kind of that wrong, and every kind is told by some change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785

from tests.verify import lies_about_answers, lies_about_reviews, made_bundle
from tests.verify.made_files import Made, chained, hotkey, signed
from tests.verify.test_bundle_lies import LIES
from verify.bundles import bundle
from verify.findings import LoggedFinding
from verify.kinds import BUNDLE_TELLING as TELLING
from verify.kinds import BUNDLE_WRONG as WRONG

Change = Callable[[Path], None]


def examined(folder: Path) -> list[LoggedFinding]:
    return bundle.examine(folder, operator=hotkey("operator")).log.findings


def replaced(name: str, old: bytes, new: bytes) -> Change:
    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        assert old in data
        (folder / name).write_bytes(data.replace(old, new, 1))

    return change


def listed_otherwise(field: str, value: object) -> Change:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest["files"][-1][field] = value
        (folder / "manifest.json").write_bytes(rfc8785.dumps(manifest))

    return change


def renamed(folder: Path) -> None:
    """Under another hash, and listed so."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    first = next(entry for entry in manifest["files"] if entry["path"].startswith("blobs/"))
    new = f"blobs/{'0' * 64}"
    (folder / first["path"]).rename(folder / new)
    first["path"] = new
    (folder / "manifest.json").write_bytes(rfc8785.dumps(manifest))


def removed(folder: Path) -> None:
    (folder / "audits.json").unlink()


def linked(folder: Path) -> None:
    (folder / "audits.json").rename(folder.parent / "audits.json")
    (folder / "audits.json").symlink_to(folder.parent / "audits.json")


def added(folder: Path) -> None:
    (folder / "notes.txt").write_text("?")


def folder_linked(folder: Path) -> None:
    (folder / "more").symlink_to(folder.parent)


def event_left_out(folder: Path) -> None:
    lines = (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(lines[:7] + lines[8:]))


def signed_by_somebody(folder: Path) -> None:
    for path, data in signed((folder / "checkpoint.txt").read_bytes(), signer="somebody").items():
        (folder / path).write_bytes(data)


CHANGES: dict[str, list[Change]] = {
    "file-missing": [removed, linked],
    "foreign-file": [added, folder_linked],
    "not-json": [replaced("audits.json", b"[", b"]")],
    "not-canonical": [replaced("audits.json", b",", b", ")],
    "bad-manifest": [listed_otherwise("role", "asset"), listed_otherwise("path", "../audits.json")],
    "wrong-hash": [listed_otherwise("sha256", "0" * 64), replaced("audits.json", b"MIT", b"GPL")],
    "wrong-size": [listed_otherwise("bytes", 1)],
    "wrong-name": [renamed],
    "malformed-document": [replaced("audits.json", b'"kind"', b'"kine"')],
    "ledger-broken": [replaced("ledger.jsonl", b'"bytes": ', b'"bytes": 1')],
    "ledger-gap": [event_left_out],
    "not-announced": [listed_otherwise("bytes", 1)],
    "wrong-checkpoint": [replaced("checkpoint.txt", b"made", b"maid")],
    "bad-signature": [replaced("checkpoint.txt", b"block", b"clock")],
    "foreign-signature": [signed_by_somebody],
}
SHOWN_ELSEWHERE = {"file-too-large", "series-broken", "series-differs", "two-heads"}
SHOWN_ELSEWHERE |= {"wrong-measurements"}  # test_integrity_played
SHOWN_ELSEWHERE |= {"checkpoint-differs", "checkpoint-unread", "ledger-unread"}  # test_kept_checkpoints
SHOWN_ELSEWHERE |= {"anchor-differs", "chain-unread", "not-anchored", "wrong-beacon"}  # tests/competition/chain
LIED = {*LIES.values(), *lies_about_answers.LIES.values(), *lies_about_reviews.LIES.values()}


@pytest.mark.parametrize(
    ("kind", "change"), [(kind, change) for kind, changes in CHANGES.items() for change in changes]
)
def test_what_is_wrong_with_a_file_has_its_own_name(kind: str, change: Change, tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    change(folder)
    assert kind in {finding.kind for finding in examined(folder)}


def test_every_kind_of_error_is_shown_by_some_change() -> None:
    assert set(WRONG) - LIED - set(CHANGES) == SHOWN_ELSEWHERE


def paused_and_resumed(made: Made) -> None:
    place = next(n for n, (kind, _) in enumerate(made.events) if kind == "round.duels")
    body = made.events[place][1]
    stop = {**body, "from": "downloading", "to": "paused", "because": "The judge does not answer."}
    back = {**body, "from": "paused", "to": "downloading"}
    made.events[place:place] = [("round.paused", stop), ("round.downloading", back)]


def told_by_a_person(made: Made) -> None:
    """A finding needed somebody, who let it pass."""
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (hotkey("ash"), "source"))
    audit["findings"][0]["severity"] = "person"
    audit |= {
        "code": "author_agreed",
        "reason": "Asked the author.",
        "people": ["ann", "bob"],
        "numbers": {**audit["numbers"], "person": 1, "notice": 0},
    }
    event = made.event("audit.passed", entry=hotkey("ash"), audit="source")
    place = next(n for n, (_, body) in enumerate(made.events) if body is event)
    asked = {**event, "from": "gathering", "to": "reviewing"}
    by = [{"name": "ann", "role": "reviewer"}, {"name": "bob", "role": "lead"}]
    decided = {**event, "from": "reviewing", "code": "author_agreed", "because": "Asked the author.", "by": by}
    ruling = {
        "round": event["round"],
        "entry": hotkey("ash"),
        "audit": "source",
        "case": "audit",
        "ruling": 1,
        "outcome": "passed",
        "code": "author_agreed",
        "because": "Asked the author.",
    }
    confirmed = {**ruling, "from": "proposed", "to": "confirmed", "by": by}
    made.events[place : place + 1] = [
        ("audit.reviewing", asked),
        ("ruling.proposed", {**ruling, "by": by[:1]}),
        ("ruling.confirmed", confirmed),
        ("audit.passed", decided),
    ]


def not_read_back(made: Made) -> None:
    made.events[-1][1]["read_back"] = "differs"


def drawn_earlier(made: Made) -> None:
    """As if this were a later round, whose files had been drawn before."""
    made.events = [(kind, body) for kind, body in made.events if kind != "rendering.rendered"]


TOLD: dict[str, Callable[[Made], None]] = {
    "paused": paused_and_resumed,
    "audit-by-person": told_by_a_person,
    "not-read-back": not_read_back,
}


@pytest.mark.parametrize("kind", TOLD)
def test_what_a_reader_should_know_is_told_and_is_no_error(kind: str, tmp_path: Path) -> None:
    made = made_bundle.make()
    TOLD[kind](made)
    found = examined(made.write(tmp_path))
    assert [finding.line() for finding in found if finding.severity == "error"] == []
    assert kind in {finding.kind for finding in found} and kind in TELLING


def test_in_the_first_round_every_rendering_is_told(tmp_path: Path) -> None:
    made = made_bundle.make()
    drawn_earlier(made)
    assert "ledger-differs" in {finding.kind for finding in examined(made.write(tmp_path))}


def test_an_empty_ledger_announces_nothing(tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path)
    for path, data in chained([]).items():
        (folder / path).write_bytes(data)
    assert {"ledger-broken", "not-announced"} <= {finding.kind for finding in examined(folder)}
