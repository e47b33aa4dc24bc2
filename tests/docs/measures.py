"""What does each number mean that says how sound a file is?  `python -m tests.docs.measures` writes the tables of
docs/formats.md again, from `formats.integrity.measures`."""

from __future__ import annotations

import re
from pathlib import Path

from formats.integrity.measures import MESH_MEASURES, SPLAT_MEASURES, VERSION

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- measures: python -m tests.docs.measures -->\n", "<!-- end of measures -->"


def tables() -> str:
    text = f"`{VERSION}`\n"
    for title, measures in (("of a mesh", MESH_MEASURES), ("of splats", SPLAT_MEASURES)):
        text += f"\n| {title} | unit | definition | mend |\n|---|---|---|---|\n"
        text += "".join(f"| `{row.name}` | {row.unit} | {row.definition} | {row.mend} |\n" for row in measures)
    return text


def written() -> str:
    return PAGE.read_text().split(BEGIN)[1].split(END)[0]


if __name__ == "__main__":
    pattern = f"{re.escape(BEGIN)}.*?{re.escape(END)}"
    PAGE.write_text(re.sub(pattern, lambda _: BEGIN + tables() + END, PAGE.read_text(), flags=re.S))
