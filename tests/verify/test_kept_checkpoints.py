"""Somebody kept an old signed head and nothing else: is it of the history that a bundle or a site tells now?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from competition.models import Checkpoint, Competition
from core import ledger
from tests.verify import made_bundle
from tests.verify.made_files import Made, hotkey, signed
from verify.__main__ import Options, examine_all, main

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
PINNED = ["--operator", hotkey("operator")]


def shortened(made: Made, events: int) -> dict[str, bytes]:
    """The signed head as it was when the ledger had so many events."""
    earlier = made.copy()
    earlier.events = earlier.events[:events]
    return earlier.files()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An old checkpoint.txt with its signature beside it, of a made round's event 20."""
    files = shortened(made_bundle.make(), 20)
    (tmp_path / "kept").mkdir()
    for name in ("checkpoint.txt", "checkpoint.sig.json"):
        (tmp_path / "kept" / name).write_bytes(files[name])
    return tmp_path / "kept" / "checkpoint.txt"


def rewritten(tmp_path: Path) -> Path:
    """The same round, its history told anew and signed by the same operator."""
    made = made_bundle.make().copy()
    made.events[3][1]["told"] = "anew"
    return made.write(tmp_path / "rewritten")


def answer(folder: Path) -> dict[str, Any]:
    note = json.loads((folder / "checkpoint.sig.json").read_bytes())
    return {"id": "made/20", "competition": "made", "seq": 20, "text": (folder / "checkpoint.txt").read_text(), **note}


FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a row": lambda row: row,
    "a list": lambda row: [row],
    "a page": lambda row: {"results": [row], "next": None},
}


def test_a_head_of_the_same_history_is_compared_and_leaves_nothing_to_say(kept: Path, tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    for path in (kept, kept.parent):
        assert main([str(folder), *PINNED, "--checkpoint", str(path)]) == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_head_of_another_history_is_an_error_on_a_simulated_chain_too(
    form: str, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kept.json"
    file.write_text(json.dumps(FORMS[form](answer(kept.parent))))
    folder = rewritten(tmp_path)
    assert main([str(folder), *PINNED]) == 0, "by itself the second history is whole"
    capsys.readouterr()
    assert main([str(folder), *PINNED, "--checkpoint", str(file)]) == 1
    said = capsys.readouterr().out
    assert "ledger.jsonl event 20" in said
    assert "[checkpoint-differs]" in said
    assert said.count(hotkey("operator")) >= 3


def test_two_signed_heads_at_one_place_are_named(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rewritten(tmp_path)
    true = made_bundle.make().files()
    for name in ("checkpoint.txt", "checkpoint.sig.json"):
        kept.with_name(name).write_bytes(true[name])
    assert main([str(folder), *PINNED, "--checkpoint", str(kept)]) == 1
    assert "[two-heads]" in capsys.readouterr().out


def kinds(folder: Path, file: Path, *, operator: str | None = hotkey("operator")) -> set[str]:
    report = examine_all(folder, options=Options(operator=operator, checkpoint=file))
    assert report is not None
    return {finding.kind for finding in report.findings}


def test_a_head_that_lies_elsewhere_says_where_to_look(kept: Path, tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    text = kept.read_text().split("\n")
    text[1] = "99999"
    for name, data in signed("\n".join(text).encode(), signer="operator").items():
        kept.with_name(name).write_bytes(data)
    assert kinds(folder, kept) == {"checkpoint-elsewhere"}


def test_a_head_that_nobody_or_somebody_else_signed_proves_nothing(kept: Path, tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    for name, data in signed(kept.read_bytes(), signer="ash").items():
        kept.with_name(name).write_bytes(data)
    assert kinds(folder, kept) == {"foreign-signature", "series-differs"}
    kept.with_name("checkpoint.sig.json").unlink()
    assert "bad-signature" in kinds(folder, kept)


UNREADABLE = ["", "{", "[]", "{}", "[5]", "null", "5", '{"text": 5}', "gauntlet/other\n5\n" + "A" * 43 + "="]


@pytest.mark.parametrize("content", UNREADABLE)
def test_a_file_without_a_head_of_this_ledger_is_told(content: str, tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    (tmp_path / "kept.json").write_text(content)
    assert "checkpoint-unread" in kinds(folder, tmp_path / "kept.json")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    folder = made_bundle.make().write(tmp_path / "bundle")
    assert "checkpoint-unread" in kinds(folder, tmp_path / "nothing")


@pytest.fixture
def site(transactional_db: None, live_server: Any) -> Iterator[str]:
    """A site that serves a ledger of 260 events, which is more than a page, and its signed heads."""
    competition = Competition.objects.create(
        slug="served",
        name="Served",
        ruleset="margin-1",
        judge="x",
        renderer="x",
        chain="simulated:x",
        pods="x",
        created_at=NOW,
    )
    with transaction.atomic():
        for number in range(260):
            event = ledger.append(competition.pk, kind="pool", body={"prompts": number}, at=NOW)
            if number + 1 in (30, 260):
                sign(competition, event)
    yield f"{live_server.url}/c/served"


def sign(competition: Competition, event: Any) -> None:
    text = ledger.checkpoint_text(
        origin=f"gauntlet/{competition.slug}", seq=event.seq, head=event.hash, round_number=1, stage="open", block=1
    )
    note = json.loads(signed(text.encode(), signer="operator")["checkpoint.sig.json"])
    Checkpoint.objects.create(competition=competition, seq=event.seq, text=text, created_at=NOW, **note)


def kept_of(seq: int, tmp_path: Path, *, of_another_history: bool = False) -> str:
    text = Checkpoint.objects.get(seq=seq).text
    if of_another_history:
        lines = text.split("\n")
        lines[2] = "A" * 43 + "="
        text = "\n".join(lines)
    note = json.loads(signed(text.encode(), signer="operator")["checkpoint.sig.json"])
    (tmp_path / "kept.json").write_text(json.dumps({"text": text, **note}))
    return str(tmp_path / "kept.json")


def test_an_old_head_is_held_against_the_ledger_that_a_site_serves(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([site, *PINNED, "--checkpoint", kept_of(30, tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "231 events, 1 checkpoints compared" in said
    assert main([site, *PINNED, "--checkpoint", kept_of(30, tmp_path, of_another_history=True)]) == 1
    assert "[checkpoint-differs]" in capsys.readouterr().out
    assert main([site, *PINNED]) == 0
    assert "260 events" in capsys.readouterr().out
    assert main([site]) == 0
    assert "NOBODY PINNED THIS KEY" in capsys.readouterr().out.splitlines()[-1]


def test_a_site_that_cannot_be_read_is_told(live_server: Any, transactional_db: None, tmp_path: Path) -> None:
    assert main(["http://127.0.0.1:9/c/served"]) == 1
    assert main([f"{live_server.url}/nothing"]) == 1
    assert main([f"{live_server.url}/c/no-such-one"]) == 1
