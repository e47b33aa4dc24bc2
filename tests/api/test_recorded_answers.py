"""An answer of the API changes only on purpose: recorded answers are the answers of today."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api import recording
from tests.api.examples import COMMAND, EXAMPLES, RECORDED, as_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def today(db: None) -> tuple[dict[str, Any], dict[str, Any]]:
    recorded, examples = recording.record()
    return json.loads(as_text(recorded)), json.loads(as_text(examples))


def test_every_address_answers_as_recorded_and_the_examples_are_those_answers(today: Any) -> None:
    recorded, examples = today
    before = json.loads(RECORDED.read_text())
    assert sorted(recorded) == sorted(before), f"run `{COMMAND}`: it records other requests than these"
    changed = [name for name in before if recorded[name] != before[name]]
    for name in changed[:1]:
        assert recorded[name] == before[name], (
            f"{name} answers otherwise than recorded, as do {len(changed)} requests. /api/v1/ keeps its shape: if this "
            f"is only an addition, run `{COMMAND}` and look at the difference."
        )
    kept = json.loads(EXAMPLES.read_text())
    stale = [name for name in {*examples, *kept} if examples.get(name) != kept.get(name)]
    assert not stale, f"run `{COMMAND}`: the examples of {', '.join(sorted(stale))} are stale"
