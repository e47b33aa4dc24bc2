"""Which answers are recorded, and which of them does the documentation show?

python -m tests.api.examples      writes dashboard/api/examples.json and tests/api/recorded.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "dashboard" / "api" / "examples.json"
RECORDED = ROOT / "tests" / "api" / "recorded.json"
COMMAND = "python -m tests.api.examples"


def as_text(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    from django.core.management import call_command

    import tests.api.fuzz  # noqa: F401  sets Django up over a database of its own

    call_command("migrate", interactive=False, verbosity=0)
    from tests.api import recording

    recorded, examples = recording.record()
    for path, value in ((RECORDED, recorded), (EXAMPLES, examples)):
        path.write_text(as_text(value))
        print(f"{len(value)} answers, {path.stat().st_size:,} bytes, in {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
