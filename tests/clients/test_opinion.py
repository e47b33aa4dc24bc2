"""Is what the verifier writes, and the client signs, a report that the platform takes?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gauntlet_client import calls
from gauntlet_client.keys import Key

from dashboard.opinions import posting
from dashboard.opinions.reports import malformed, problems
from tests.judging.vlm_stage import served
from tests.verify import model_bundle
from tests.verify.model_bundle import EYES
from verify.second_opinion.command import Choices, second_opinion


@pytest.mark.parametrize("sample", [None, 12])
def test_what_the_verifier_writes_and_the_client_signs_is_taken(tmp_path: Path, sample: int | None) -> None:
    """Its winner is named as a test names miners; a real one is a hotkey."""
    bundle = model_bundle.judged(tmp_path)
    winner, key = bundle.documents["decision.json"]["winner"], Key.from_secret("//asker")
    with served(model_bundle.Mind(**EYES)) as (_, url):
        report = tmp_path / "report.json"
        answers = tmp_path / "answers.jsonl"
        assert second_opinion(bundle, Choices(url, yes=True, sample=sample, answers=answers, report=report)) == 0
    for name in ("judging.json", "matches.json", "decision.json", "statistics.json"):
        text = json.dumps(bundle.documents[name]).replace(f'"winner": "{winner}"', f'"winner": "{key.address}"')
        (bundle.folder / name).write_text(text)
    told = json.loads(report.read_text().replace(f'"{winner}"', f'"{key.address}"'))
    value = calls.opinion(told, key=key).send
    assert value is not None and malformed(value["document"]) is None
    assert list(problems(value["document"]["report"], posting.read_bundle(bundle.folder))) == []
    assert posting.signed(value["document"], signature=value["signature"])
    assert len(json.dumps(value)) < 16_384
