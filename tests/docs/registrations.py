"""Which function runs for which row in which state?  `python -m tests.docs.registrations` writes the table anew in
docs/architecture.md, from what the apps have declared; `--show` prints it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
APPS = ("competition", "judging", "audits", "dashboard")
BEGIN, END = "<!-- registrations: python -m tests.docs.registrations -->\n", "<!-- end of registrations -->"


def table() -> str:
    from core.machine.engine import stateful_models
    from core.machine.registry import STEPS, SWEEPS

    rows = ["| row | state | queue | function |", "|---|---|---|---|"]
    for model in sorted(stateful_models(), key=lambda model: (APPS.index(model._meta.app_label), model.__name__)):
        for name, state in model.graph.states.items():
            if function := STEPS.get((model._meta.label, name)):
                where = f"{function.__module__}.{function.__name__}"
                rows.append(f"| {model.__name__} | `{name}` | `{state.queue}` | `{where}` |")
    sweeps = sorted((f"{function.__module__}.{function.__name__}" for function in SWEEPS), key=order)
    return (
        "\n".join(rows)
        + f"\n\nSweeps, called by the reconciler once a second: {', '.join(f'`{s}`' for s in sweeps)}.\n"
    )


def order(name: str) -> tuple[int, str]:
    return APPS.index(name.split(".")[0]), name


def written() -> str:
    return PAGE.read_text().split(BEGIN)[1].split(END)[0]


def write() -> None:
    text = re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: BEGIN + table() + END, PAGE.read_text(), flags=re.S
    )
    PAGE.write_text(text)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
    import django

    django.setup()
    if "--show" in sys.argv:
        sys.stdout.write(table())
    else:
        write()
