"""Who plays in the demo, with which code, and what does each reveal and host?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from bittensor_core import Keypair

from competition.solution import commit_of
from examples.kit import repositories

MINERS = repositories()
Hosting = Literal["nothing", "own", "some", "true", "copied"]


@dataclass(frozen=True)
class Told:
    """One reveal: how many blocks after the window opens, and which fields, or the raw bytes of a broken one."""

    after: int
    fields: tuple[str, ...] = ("repo", "commit", "cdn_url")
    quote: str = '"'
    raw: bytes | None = None


@dataclass(frozen=True)
class Member:
    """`folder`: the code that is revealed and hosted from; `hosts`: which files are then found at the asset URL;
    `borrows`: the slug of the member whose files a copy hosts, and a cheat where there is no true object."""

    name: str
    role: str
    folder: str
    hosts: Hosting
    reveals: tuple[Told, ...] = ()
    extension: str = "glb"
    borrows: str = "chooser"

    @cached_property
    def key(self) -> Keypair:
        """A development key: anyone can derive it, so it must never guard anything."""
        return Keypair.create_from_uri(f"//gauntlet-demo/{self.name}")

    @property
    def hotkey(self) -> str:
        return self.key.ss58_address

    @property
    def slug(self) -> str:
        """The miner's place below the hosting's address."""
        return self.name.lower()

    @property
    def repo(self) -> str:
        return f"demo/{self.folder}"

    @property
    def commit(self) -> str:
        return commit_of(MINERS / self.folder)

    def cdn_url(self, hosting: str) -> str:
        return f"{hosting.rstrip('/')}/{self.slug}"

    def payloads(self, hosting: str) -> list[tuple[int, bytes]]:
        """(blocks after the window opens, payload), for a hosting at this base URL."""
        values = {"repo": self.repo, "commit": self.commit, "cdn_url": self.cdn_url(hosting)}
        return [(told.after, payload(told, values)) for told in self.reveals]


def payload(told: Told, values: Mapping[str, str]) -> bytes:
    if told.raw is not None:
        return told.raw
    text = json.dumps({name: values[name] for name in told.fields})
    return text.replace('"', told.quote).encode()


LEADER = Member(
    name="Extruder",
    role="Leads when the demo begins. The platform runs its code; it hosts nothing.",
    folder="extruder",
    hosts="nothing",
)
CHALLENGERS = (
    Member("Lathe", "Turns every silhouette on a lathe. Good for bottles, odd for books.", "lathe", "own", (Told(1),)),
    Member(
        "Billboard",
        "Prints the picture on thin card: fine from the front, nothing from the side. Reveals with single quotes.",
        "billboard",
        "own",
        (Told(2, quote="'"),),
    ),
    Member(
        "Cheat",
        "Hosts the true objects, which its revealed code cannot make. The generation audit is there for it.",
        "cheat",
        "true",
        (Told(3),),
    ),
    Member(
        "Chooser",
        "Decides between lathe and silhouette for each picture. The best honest code here.",
        "chooser",
        "own",
        (Told(4),),
    ),
    Member("Garbled", "Reveals the message 5. It stops nobody but itself.", "spinner", "nothing", (Told(4, raw=b"5"),)),
    Member("Gaps", "A coarse lathe that hosts only three files of five: forfeits.", "spinner", "some", (Told(5),)),
    Member(
        "Twofold",
        "A puffed silhouette. Reveals repo and address first and the commit later, which sets its place in the queue.",
        "pillow",
        "own",
        (Told(2, ("repo", "cdn_url")), Told(6, ("commit",))),
    ),
    Member("Copy", "Reveals Chooser's commit later and hosts Chooser's files.", "chooser", "copied", (Told(7),)),
)
# The members of the demos of other formats: one leads, the others challenge.
OTHER_LEADERS = (
    Member("Spray", "Lathe work as splats. Leads where splats are asked for.", "spray", "nothing", (), "ply"),
    Member(
        "Carver", "Writes programs that cut outlines. Leads where modules are asked for.", "carver", "nothing", (), "js"
    ),
)
OTHER_CHALLENGERS = (
    Member("Mist", "A puffed silhouette as splats.", "mist", "own", (Told(1),), "ply"),
    Member("Turner", "Writes programs that turn every silhouette on a lathe.", "turner", "own", (Told(1),), "js"),
)
# Beside Turner, where modules are asked for.
MODULE_CHALLENGERS = (
    Member(
        "Forger",
        "Hosts the true objects as programs, which its revealed code cannot write. The generation audit catches it.",
        "forger",
        "true",
        (Told(2),),
        "js",
        "sculptor",
    ),
    Member(
        "Sculptor",
        "Turns or blows up silhouettes by program, with the picture on them. The best honest code for modules.",
        "sculptor",
        "own",
        (Told(3),),
        "js",
    ),
    Member(
        "Bobbin",
        "Writes programs of a coarse lathe, and hosts only three modules of five: forfeits.",
        "bobbin",
        "some",
        (Told(4),),
        "js",
    ),
    Member(
        "Echo",
        "Reveals Sculptor's commit later and hosts Sculptor's modules.",
        "sculptor",
        "copied",
        (Told(5),),
        "js",
        "sculptor",
    ),
)
PLAYERS = (*CHALLENGERS, *OTHER_CHALLENGERS, *MODULE_CHALLENGERS)
CAST = (LEADER, *CHALLENGERS, *OTHER_CHALLENGERS, *OTHER_LEADERS, *MODULE_CHALLENGERS)
LAST_REVEAL = max(told.after for member in CAST for told in member.reveals)


def member(name: str) -> Member:
    """By name or slug, any case.  KeyError for nobody."""
    found = {one.slug: one for one in CAST}
    return found[name.lower()]


def by_hotkey() -> dict[str, Member]:
    return {one.hotkey: one for one in CAST}


def folder_of(repo: str) -> Path:
    """Where the code of `demo/<folder>` lies.  KeyError for a repository that is not the demo's."""
    known = {f"demo/{path.parent.name}": path.parent for path in MINERS.glob("*/generator.py")}
    return known[repo]
