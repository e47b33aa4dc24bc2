"""`python -m verify BUNDLE`: exit codes, the pinned operator, and what an outsider without our packages is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verify import made_bundle, tampering
from tests.verify.lies_about_decisions import LIES
from tests.verify.made_files import hotkey, signed
from verify.__main__ import examine_all, main
from verify.bundles import bundle
from verify.bundles import files as bundle_files
from verify.bundles import ledger as bundle_ledger
from verify.findings import EVERY
from verify.kinds import BUNDLE_KINDS, KINDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle.make().write(tmp_path / "bundles" / "1")


def test_no_errors_is_0_and_the_key_is_told_when_it_is_not_pinned(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder)]) == 0
    said = capsys.readouterr().out
    assert "[operator-not-pinned]" in said and hotkey("operator") in said and "0 errors, 1 notable." in said
    assert f"made round 1: {hotkey('ash')} takes the lead" in said


def test_a_pinned_operator_leaves_nothing_to_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--operator", hotkey("operator"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["errors"], told["notable"], told["findings"]) == (0, 0, [])


def test_another_operator_than_the_pinned_one_is_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--operator", hotkey("ash")]) == 1
    assert "[foreign-signature]" in capsys.readouterr().out


def test_a_whole_bundle_signed_anew_by_somebody_is_caught_only_by_pinning(folder: Path) -> None:
    """Why an outsider must know the operator's address."""
    for path, data in signed((folder / "checkpoint.txt").read_bytes(), signer="somebody").items():
        (folder / path).write_bytes(data)
    assert main([str(folder)]) == 0
    assert main([str(folder), "--operator", hotkey("operator")]) == 1


def test_a_lie_is_1_and_a_folder_of_bundles_is_looked_through(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = made_bundle.make()
    next(iter(LIES))(made)
    shutil.rmtree(folder)
    made.write(folder)
    assert main([str(folder.parent)]) == 1
    assert "1/audits.json" in capsys.readouterr().out


def test_a_draft_that_is_being_written_is_no_bundle(folder: Path) -> None:
    folder.rename(folder.with_name(".draft-1"))
    assert examine_all(folder.parent) is None and main([str(folder.parent)]) == 2


@pytest.mark.parametrize("missing", ["rfc8785", "bittensor_core"])
def test_the_verifier_runs_alone_and_says_what_it_lacks(missing: str, folder: Path, tmp_path: Path) -> None:
    """Copied elsewhere, without the platform, and without one of the two packages."""
    shutil.copytree(ROOT / "verify", tmp_path / "alone" / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "alone" / f"{missing}.py").write_text(f"raise ModuleNotFoundError('none', name='{missing}')\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "GAUNTLET"))}
    ran = subprocess.run(
        [sys.executable, "-m", "verify", str(folder)],
        cwd=tmp_path / "alone",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if missing == "rfc8785":
        assert ran.returncode == 2 and "pip install rfc8785" in ran.stderr
    else:
        assert ran.returncode == 0 and "[signature-unchecked]" in ran.stdout


def test_a_document_too_large_to_be_true_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_files, "LARGEST_DOCUMENT", 100)
    kinds = {finding.kind for finding in bundle.examine(folder).log.findings}
    assert "file-too-large" in kinds


@pytest.mark.parametrize("told", [b"NaN", b"1e999", b'"\\ud800"', b"9007199254740993", b"[" * 100_000, b"{}", b"null"])
@pytest.mark.parametrize("name", ["manifest.json", "matches.json", "ledger.jsonl", "checkpoint.sig.json"])
def test_strange_json_is_a_finding_and_no_crash(name: str, told: bytes, folder: Path) -> None:
    good = (folder / name).read_bytes()
    for data in (
        told,
        told + b"\n",
        good.replace(b":1,", b":" + told + b",", 1),
        good.replace(b": 1,", b": " + told + b",", 1),
    ):
        (folder / name).write_bytes(data)
        if data != good:
            assert any(f.severity == "error" for f in bundle.examine(folder).log.findings)


def test_a_key_that_is_no_key_has_signed_nothing() -> None:
    good = signed(b"text", signer="operator")
    signature = json.loads(good["checkpoint.sig.json"])["signature"]
    assert bundle_ledger.is_signed(by=hotkey("operator"), message=b"text", signature=signature)
    for by in ("", "5", "nobody", hotkey("ash"), hotkey("operator") + "x"):
        assert bundle_ledger.is_signed(by=by, message=b"text", signature=signature) is False
    for other in ("", "00", signature[:-2], signature.upper(), signature + "00", f" {signature}"):
        assert bundle_ledger.is_signed(by=hotkey("operator"), message=b"text", signature=other) is False


def test_no_bit_of_a_signature_can_be_flipped() -> None:
    signature = bytes.fromhex(json.loads(signed(b"text", signer="operator")["checkpoint.sig.json"])["signature"])
    for bit in range(8 * len(signature)):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not bundle_ledger.is_signed(by=hotkey("operator"), message=b"text", signature=flipped.hex())


def test_kinds_of_bundles_and_of_repositories_have_different_names() -> None:
    assert not set(KINDS) & set(BUNDLE_KINDS) and set(EVERY) == {*KINDS, *BUNDLE_KINDS}


def test_every_way_of_tampering_is_a_function_with_a_name() -> None:
    assert len({way.__name__ for way in tampering.WAYS}) == len(tampering.WAYS) == 20
