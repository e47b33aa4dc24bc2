"""What the tests of records share: import a folder and say what came of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from competition.records.sources import open_sources
from dashboard.records.importing import ImportSummary, import_source
from tests.verify import made_records
from tests.verify.made_records import Files

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RECORDS = Path(__file__).resolve().parents[3] / "shared" / "records"


def imported(path: Path, *, now: datetime = NOW) -> ImportSummary:
    (source,) = open_sources(path)
    return import_source(source, now=now, progress=lambda what, done, total: None)


def made(era: int, root: Path) -> Path:
    """A good repository of our own making, written out as the real ones are."""
    return made_records.write(made_records.ERAS[era](), root / f"era-{era}")


def named(files: Files, name: str) -> Files:
    """The same repository under another name."""
    files["config.json"]["name"] = name
    for path, content in files.items():
        if path.endswith("submissions.json"):
            files[path] = json.loads(json.dumps(content).replace('"made-', f'"{name}-'))
    return files
