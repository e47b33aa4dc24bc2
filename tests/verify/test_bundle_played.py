"""What the platform publishes, the verifier confirms: whole rounds on random plans, through the database."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from competition.models import Round
from core import operator_key
from dashboard.bundles import publish
from dashboard.facts import prompt_counts
from dashboard.models import PromptCount
from judging.models import Match
from tests.verify import played_round, tampering
from tests.verify.conftest import once
from verify.__main__ import examine_all
from verify.bundles import bundle
from verify.findings import errors

ROUNDS = (1, 2)
Played = Callable[..., Path]


@pytest.fixture
def played(db: None, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Play a competition, and publish each round once more beside it; the database is as before."""

    def play(*, seed: int, order: int = 0) -> Path:
        def playing(folder: Path) -> None:
            with monkeypatch.context() as patch:
                stage = played_round.stage(seed=seed, order=order, patch=patch, folder=folder)
                for number in ROUNDS:
                    stage.reveal_some(number)
                    stage.play(number)
                what_is_kept_is_what_the_duels_say()
                for number in ROUNDS:
                    publish.write_files(Round.objects.get(number=number), folder / "again" / str(number))

        return once(f"margins {seed} {order}", playing) / "bundles" / "played"

    return play


def hashes(folder: Path) -> list[str]:
    """The bundles' hashes: of their manifests, which hold the hashes of all their files."""
    return [hashlib.sha256((folder / str(n) / "manifest.json").read_bytes()).hexdigest() for n in ROUNDS]


def what_is_kept_is_what_the_duels_say() -> None:
    """Sums that pages read instead of duels: written with a decision, and with a publication."""
    assert all(match.duels_made == match.duels.count() for match in Match.objects.filter(state="decided"))
    kept = PromptCount.objects.values("round__number", "prompt_id", *prompt_counts.COUNTS)
    counted = {r.number: prompt_counts.counted([r.pk])[r.pk] for r in Round.objects.filter(state="finished")}
    assert sorted(counted) == list(ROUNDS)
    assert {(row.pop("round__number"), row.pop("prompt_id")): row for row in kept} == {
        (number, prompt): told for number, counts in counted.items() for prompt, told in counts.items()
    }


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 2))])
def test_published_rounds_have_no_errors(seed: int, played: Played) -> None:
    report = examine_all(played(seed=seed), operator=operator_key.keypair().ss58_address)
    assert report is not None and len(report.rounds) == len(ROUNDS)
    assert [finding.line() for finding in report.findings if finding.severity == "error"] == []


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 3])
def test_a_bundle_does_not_depend_on_who_was_first(seed: int, played: Played) -> None:
    assert hashes(played(seed=seed)) == hashes(played(seed=seed, order=2))


def test_a_round_published_again_gives_the_same_bytes(played: Played) -> None:
    folder = played(seed=1)
    assert hashes(folder) == hashes(folder.parents[1] / "again")


def test_every_tampering_with_a_published_bundle_is_caught(played: Played, tmp_path: Path) -> None:
    folder = shutil.copytree(played(seed=1) / "1", tmp_path / "1")
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for path, data in files.items():  # blobs are second names of the store's files
        (folder / path).unlink()
        (folder / path).write_bytes(data)
    source, survivors = tampering.original_of(files, signer=None), []
    for way, changed in tampering.mutants(source, number=40, seed=3):
        with tampering.changed_folder(folder, changed, good=files):
            found = bundle.examine(folder, operator=operator_key.keypair().ss58_address).log.findings
        survivors += [] if errors(found) else [(way, sorted(changed))]
    assert not survivors
