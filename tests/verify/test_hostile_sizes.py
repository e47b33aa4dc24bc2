"""What verifying a hostile bundle costs is bounded by its size, and no flood of findings hides the rest."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verify import made_bundle, made_records
from tests.verify.made_files import hotkey
from verify.__main__ import examine_all, main
from verify.bundles import bundle
from verify.bundles.judging import last_take
from verify.bundles.shapes import COUNTS, FEW, misfit
from verify.findings import MOST_OF_A_KIND, FindingLog
from verify.reading import is_crowded
from verify.records.repository import examine

ROOT = Path(__file__).resolve().parents[2]
MILLION = 1_000_000
MOST_MEMORY = 400 * 2**20  # of addresses; the interpreter with the signature's library takes half of it

FLOODS: dict[str, bytes] = {
    "empty objects": b"[" + b"{}," * (4 * MILLION) + b"{}]",
    "empty lists": b"[" + b"[]," * (4 * MILLION) + b"[]]",
    "numbers": b"[" + b"1," * (6 * MILLION) + b"1]",
    "lines": b"\n" * (11 * MILLION),
    "lines of empty objects": b"{}\n" * (4 * MILLION),
    "quotes": b'"' + b'\\"' * (5 * MILLION) + b"," * (2 * MILLION),
}
NAMES = ("manifest.json", "matches.json", "assets.json", "ledger.jsonl", "checkpoint.txt", "checkpoint.sig.json")
QUICK = ("matches.json", "ledger.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle.make().write(tmp_path / "bundle")


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
)
def test_a_document_that_would_fill_the_memory_is_not_read(name: str, folder: Path) -> None:
    command = [sys.executable, "-m", "verify", str(folder)]
    for flood, data in FLOODS.items():
        (folder / name).write_bytes(data)
        ran = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=300, preexec_fn=limited, check=False
        )
        assert (ran.returncode, ran.stderr) == (1, ""), flood
        assert f"{name}" in ran.stdout, flood


@pytest.mark.parametrize("name", ["config.json", "leader.json", "rounds/0/submissions.json", "rounds/0/prompts.txt"])
def test_a_record_that_would_fill_the_memory_is_not_read(name: str, tmp_path: Path) -> None:
    root = made_records.write(made_records.era_1(), tmp_path)
    for flood, data in FLOODS.items():
        if name.endswith(".txt") == ("lines" in flood):
            (root / name).write_bytes(data)
            found = {(finding.kind, finding.file) for finding in examine(root).findings}
            assert found & {("unreadable-file", name), ("malformed-json", name)}, flood


def test_commas_and_brackets_inside_texts_are_no_values() -> None:
    """A miner who writes commas into its repo's name makes nobody's bundle unreadable."""
    honest = json.dumps([{"repo": ",[{" * 60, "commit": "c" * 40}] * 10_000).encode()
    assert not is_crowded(honest)
    assert is_crowded(json.dumps([[]] * 100_000).encode())


def test_of_a_flood_of_findings_some_are_shown_and_all_are_counted() -> None:
    log = FindingLog()
    for number in range(1000):
        log.note("unknown-file", file=f"{number}", sentence="Nobody announced it.")
        log.note("unknown-file", file=f"{number}", sentence="Nobody announced it.")
    log.note("score", file="here", sentence="Not the score.")
    report = log.report()
    assert (report.errors, report.notable) == (1, 1000)
    assert len(report.findings) == MOST_OF_A_KIND + 1
    assert report.left_out("notable") == {"unknown-file": 1000 - MOST_OF_A_KIND}


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = made_records.era_1() | {f"more/{number}.txt": "?" for number in range(3)}
    files |= {f"{number}.txt": "?" for number in range(300)}
    root = made_records.write(files, tmp_path)
    assert main([str(root)]) == 0
    said = capsys.readouterr().out
    assert f"and {300 - MOST_OF_A_KIND} more [unknown-file]" in said
    assert "   300 notable unknown-file" in said
    assert "0 errors, 300 notable." in said
    main([str(root), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["notable"], len(told["findings"])) == (300, MOST_OF_A_KIND)
    assert told["left_out"] == {"unknown-file": 300 - MOST_OF_A_KIND}


def test_a_value_of_any_length_makes_a_short_finding() -> None:
    log = FindingLog()
    log.note("score", file="f" * 10**6, field="x" * 10**6, found=["y" * 10**6] * 5, sentence="z" * 10**6)
    assert all(len(str(value)) <= 4000 for value in log.findings[0].as_json().values())


def test_who_signed_and_that_nobody_pinned_it_is_the_last_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for options in ([], ["--errors"]):
        assert main([str(folder), *options]) == 0
        *_, counts, last = capsys.readouterr().out.splitlines()
        assert counts == "0 errors, 1 notable."
        assert hotkey("operator") in last
        assert "NOBODY PINNED THIS KEY" in last
        assert "--operator" in last
    assert main([str(folder), "--operator", hotkey("operator"), "--errors"]) == 0
    *_, counts, last = capsys.readouterr().out.splitlines()
    assert (counts, last) == ("0 errors, 0 notable.", f"Signed by {hotkey('operator')}, the pinned operator.")


def test_a_program_reads_who_signed_and_the_true_number_whatever_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(folder), "--errors", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["errors"], told["notable"], told["findings"]) == (0, 1, [])
    assert told["signed_by"] == [{"address": hotkey("operator"), "good": True, "pinned": None}]


def test_every_other_signature_is_said_to_be_what_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(folder), "--operator", hotkey("ash")])
    assert capsys.readouterr().out.splitlines()[-1].endswith("who is NOT the pinned operator.")
    (folder / "checkpoint.sig.json").write_text(
        json.dumps({"signature": "00" * 64, "signed_by": hotkey("operator")}, sort_keys=True)
    )
    main([str(folder), "--operator", hotkey("operator")])
    assert "the signature is not by this key" in capsys.readouterr().out.splitlines()[-1]
    (folder / "checkpoint.sig.json").unlink()
    main([str(folder)])
    assert capsys.readouterr().out.splitlines()[-1].startswith("Signed by nobody")
    (folder / "manifest.json").write_text("{")
    main([str(folder)])
    assert capsys.readouterr().out.splitlines()[-1].startswith("Signed by nobody")


def test_of_several_bundles_the_key_that_nobody_can_trust_is_last(tmp_path: Path) -> None:
    for name in ("1", "2"):
        made_bundle.make().write(tmp_path / name)
    report = examine_all(tmp_path, operator=hotkey("operator"))
    assert report is not None
    assert [(signer.good, signer.pinned) for signer in report.signers] == [(True, True)]


def test_a_sentence_about_a_match_names_no_version_that_it_has_not(folder: Path) -> None:
    lines = (folder / "ledger.jsonl").read_text().splitlines(keepends=True)
    (folder / "ledger.jsonl").write_text("".join(line for line in lines if "match.decided" not in line))
    found = [
        f for f in bundle.examine(folder).log.findings if f.file == "matches.json" and "does not tell" in f.sentence
    ]
    assert found
    assert not any("None" in finding.field for finding in found)


HUGE = 2**52


def test_a_count_without_end_costs_no_time(tmp_path: Path) -> None:
    """Tallies are counted from the duels, whatever they say; takes of controls are no more than their rows."""
    made = made_bundle.make()
    for match in made.documents["matches.json"]:
        match["tally"] |= {"won": HUGE, "void": HUGE}
    found = {finding.kind for finding in bundle.examine(made.write(tmp_path)).log.findings}
    assert "wrong-tally" in found
    assert last_take([{"take": HUGE}] * 3) == 3


def test_a_bankroll_of_endless_duels_is_not_played() -> None:
    counts = {"won": HUGE, "drawn": 0, "lost": 0, "out": False}
    assert misfit(counts, COUNTS) == (".won", HUGE, FEW)
