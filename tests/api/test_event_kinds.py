"""Every kind of event that the code writes is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from dashboard.api import event_kinds

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = re.compile(r'ledger\.append\([^()]*(?:\([^()]*\)[^()]*)*?kind="([a-z.]+)"')


def test_every_kind_that_is_written_by_name_is_documented() -> None:
    sources = [path for app in ("competition", "judging", "audits", "dashboard") for path in (ROOT / app).rglob("*.py")]
    written = {kind for path in sources for kind in WRITTEN.findall(path.read_text())}
    assert written and written == set(event_kinds.OTHERS), "list the kind in dashboard/api/event_kinds.py"


def test_every_move_that_is_an_event_is_documented() -> None:
    page = (ROOT / "docs" / "api" / "webhooks.md").read_text()
    for name, states in event_kinds.of_moves().items():
        assert f"| `{name}.*` |" in page and all(f"`{state}`" in page for state in states)
    assert "round.finished" in {f"round.{state}" for state in event_kinds.of_moves()["round"]}
