"""Modules of our own, each about one thing that its name tells, with what the subnet's public checker says of it.

`there`: "accepted", or the rule by which it refuses; "(text)" means before anything is run.  `ours`: what this platform
says where that differs, "accepted" or one of our rules; formats/threejs/subnet_rules.py has the reasons.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

HEAD = "export default function generate(THREE) {\n  const group = new THREE.Group();\n"
TAIL = "  return group;\n}\n"
BOX = (
    "  group.add(new THREE.Mesh(new THREE.BoxGeometry(0.4, 0.3, 0.2), "
    "new THREE.MeshStandardMaterial({ color: 0x557799 })));\n"
)
REPEATED = re.compile("⟦(\\d+)×(.*?)⟧", re.DOTALL)


@dataclass(frozen=True)
class SubnetModule:
    there: str
    ours: str
    data: bytes

    @property
    def taken(self) -> bool:
        return self.there == "accepted"

    @property
    def taken_here(self) -> bool:
        return self.ours == "accepted" if self.ours else self.taken


def _read() -> dict[str, SubnetModule]:
    """`body` stands in the usual frame, BOX for the usual mesh, and ⟦3×ab⟧ for ababab."""
    made = {}
    for name, row in json.loads(Path(__file__).with_suffix(".json").read_text()).items():
        text = HEAD + row["body"] + TAIL if "body" in row else row["text"]
        text = re.sub(
            "⟦(\\d+)×(.*?)⟧", lambda many: many[2] * int(many[1]), text.replace("  BOX\n", BOX), flags=re.DOTALL
        )
        made[name] = SubnetModule(there=row["there"], ours=row.get("ours", ""), data=text.encode())
    return made


MODULES = _read()
