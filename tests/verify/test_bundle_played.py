"""What the platform publishes, the verifier confirms: whole rounds on random plans, through the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from competition import operator
from tests.verify import played_round
from verify.__main__ import examine_all
from verify.findings import errors


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_published_rounds_have_no_errors(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = played_round.stage(seed=seed, patch=monkeypatch, folder=tmp_path)
    for number in (1, 2, 3):
        played.reveal_some(number)
        played.play(number)
    report = examine_all(tmp_path / "bundles" / "played", operator=operator.keypair().ss58_address)
    assert report is not None and len(report.rounds) == 3
    assert [finding.line() for finding in report.findings if finding.severity == "error"] == []
    assert errors(report.findings) == 0
