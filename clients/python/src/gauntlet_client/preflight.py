"""Would the platform take my files, and would they beat the leader's?

The platform's own code checks, draws and judges, in a process of its own.  The judge here is the embedded one: it
compares pictures.  Where a competition is judged by a model, its verdicts may differ, and the report says so.  Where
a browser has to draw and there is none, files are checked only, and the report says that, too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from gauntlet_client import archives, calls, downloading, platform_code
from gauntlet_client.client import Client
from gauntlet_client.errors import Unusable

EMBEDDED = "perceptual-v1"
FORMAT = "glb"
NOT_DRAWN = (
    "No Chromium is installed here, which draws for this competition: the files were only checked against the rules of "
    "their format. No picture was made and nothing was compared with the leader's files."
)
NOT_RUN = " A module's text was checked; it was not run, and the rules for what it builds were not looked at."
NOT_DRAWN_FIX = "apt-get install chromium-headless-shell (or chromium), or set GAUNTLET_CHROMIUM to the path of one."
FILES = Path("~/.cache/gauntlet")
Watch = Callable[[str, int, int], None]  # what is done, how much of it, of how much


def unwatched(what: str, done: int, of: int) -> None:
    """Nobody looks."""


@dataclass(kw_only=True)
class Report:
    """`prompts`: what was found, prompt by prompt.  A missing or refused file is a forfeit.

    `not_drawn`: why no picture was made and nothing compared, or "".
    """

    competition: str
    round: int
    judge: str
    judges_there: str
    format: str = FORMAT
    renderer: str = ""
    not_drawn: str = ""
    prompts: list[dict[str, Any]] = field(default_factory=list)
    win_margin: str | None = None

    def count(self, outcome: str) -> int:
        return sum(row.get("verdict", {}).get("outcome") == outcome for row in self.prompts)

    @property
    def forfeits(self) -> list[dict[str, Any]]:
        return [row for row in self.prompts if "refused" in row or row.get("missing")]

    @property
    def margin(self) -> Fraction | None:
        """(W - L) / counted against the leader; None where nothing was judged.  Forfeits are lost."""
        won, drawn, lost = self.count("challenger"), self.count("draw"), self.count("defender")
        if not won + drawn + lost:
            return None
        lost += len(self.forfeits)
        return Fraction(won - lost, won + drawn + lost)

    def document(self) -> dict[str, Any]:
        margin = self.margin
        return {
            "competition": self.competition,
            "round": self.round,
            "format": self.format,
            "renderer": self.renderer,
            "pictured": not self.not_drawn,
            "not_drawn": self.not_drawn,
            "fix": NOT_DRAWN_FIX if self.not_drawn else "",
            "judge": self.judge,
            "judge_of_the_competition": self.judges_there,
            "same_judge": self.judge == self.judges_there,
            "won": self.count("challenger"),
            "drawn": self.count("draw"),
            "lost": self.count("defender"),
            "void": self.count("void"),
            "forfeits": len(self.forfeits),
            "margin": None if margin is None else str(margin),
            "win_margin": self.win_margin,
            "prompts": self.prompts,
        }


def examine(
    client: Client,
    files: Path,
    *,
    competition: str,
    round_: int | None = None,
    most: int | None = None,
    watch: Watch = unwatched,
) -> Report:
    """The files `<stem>.<extension>` of a folder against the leader's of a round (the last one that is published)."""
    platform_code.require_drawing()
    told = client.ask(calls.competition(competition))
    drawing = drawing_of(told)
    require_files(files, drawing)
    leaders = published(client, competition, round_)
    report = Report(
        competition=competition,
        round=leaders[0]["round"],
        judge=EMBEDDED,
        judges_there=part(told, "judge"),
        format=drawing.format,
        not_drawn=drawing.lacking,
        win_margin=told["config"].get("rules", {}).get("win_margin"),
    )
    task = gathered(client, files, leaders[:most], competition=competition, drawing=drawing, watch=watch)
    report.prompts += [row for row in task if row.get("missing")]
    draw([row for row in task if not row.get("missing")], report, drawing=drawing, watch=watch)
    report.prompts.sort(key=lambda row: str(row["prompt"]))
    return report


def require_files(files: Path, drawing: Drawing) -> None:
    """Raises Unusable for what cannot be the folder that is meant; single missing files are the report's."""
    fix = f"Name the folder that holds your <prompt>.{drawing.extension} files."
    if not files.is_dir():
        raise Unusable(f"{files} is no folder.", fix=fix, code="no_folder")
    if next(files.glob(f"*.{drawing.extension}"), None) is None:
        raise Unusable(
            f"{files} holds no .{drawing.extension} file, and this competition takes {drawing.format} files.",
            fix=fix,
            code="no_files",
        )


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a competition takes, and with what it is drawn here; `chromium`: a path, "" where none is installed."""

    format: str
    renderer: str
    rig: dict[str, Any]
    chromium: str

    @property
    def extension(self) -> str:
        return str(platform_code.formats()[self.format]["extension"])

    @property
    def lacking(self) -> str:
        if self.renderer != "threejs" or self.chromium:
            return ""
        return NOT_DRAWN + (NOT_RUN if platform_code.formats()[self.format]["runs_code"] else "")


def drawing_of(told: dict[str, Any]) -> Drawing:
    """Of a competition as the API tells it.  Raises Unusable for one that this client is too old for."""
    kind, formats = told["config"].get("format", FORMAT), platform_code.formats()
    drawn_by = formats.get(kind, {"renderers": []})["renderers"]
    renderer = part(told, "renderer") or next(iter(drawn_by), "")
    if renderer not in drawn_by:
        known = ", ".join(f"{name} (drawn by {' or '.join(row['renderers'])})" for name, row in formats.items())
        raise Unusable(
            f"It takes {kind} files drawn by {renderer or 'nothing known here'}; this client examines {known}.",
            fix="Update gauntlet-client; the rules for files are in /rules/.",
            code="other_format",
        )
    chromium = platform_code.chromium() or "" if renderer == "threejs" else ""
    return Drawing(format=kind, renderer=renderer, rig=told["config"]["rig"], chromium=chromium)


def part(told: dict[str, Any], name: str) -> str:
    return next((str(row["name"]) for row in told["parts"] if row["part"] == name), "")


def draw(todo: list[dict[str, Any]], report: Report, *, drawing: Drawing, watch: Watch) -> None:
    """What the platform's code says of each, into the report."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-preflight-") as folder:
        for done, row in enumerate(desk(todo, drawing=drawing, folder=Path(folder))):
            if "renderer" in row:
                report.renderer = row["renderer"]
            else:
                report.prompts.append(row)
            watch("checking" if drawing.lacking else "drawing and judging", done, len(todo))


def published(client: Client, competition: str, round_: int | None) -> list[dict[str, Any]]:
    """The leader's files of one round, by prompt: of the newest round where they can be had."""
    query = {"competition": competition, "role": "leader", "state": "stored", "round": round_}
    rows = client.each(calls.get("assets", **query))
    served = [usable(row, "file_url", stem="prompt") for row in rows if row.get("file_url")]
    if not served:
        raise Unusable(
            f"No files of a leader are published in {competition}" + (f", round {round_}." if round_ else " yet."),
            fix="Wait for the round to finish, or name another with --round.",
            code="no_leader",
        )
    newest = max(int(row["round"]) for row in served)
    of_round = {row["prompt"]: row for row in served if row["round"] == newest}
    return [of_round[stem] for stem in sorted(of_round)]


def usable(row: dict[str, Any], address: str, *, stem: str) -> dict[str, Any]:
    """A row whose file is fetched into the cache by its hash, and drawn in a folder of its prompt's name.

    Raises Damaged where it names anything but a hash, a plain name and a path of the server.
    """
    plain = archives.HASH.fullmatch(str(row.get("sha256"))) and archives.PART.fullmatch(str(row.get(stem)))
    if not plain or type(row.get("round", 0)) is not int:
        raise archives.Damaged("The server lists a file without a hash or a plain name.", fix=downloading.NO_API)
    downloading.own_address(row[address])
    return row


def gathered(
    client: Client, files: Path, leaders: list[dict[str, Any]], *, competition: str, drawing: Drawing, watch: Watch
) -> list[dict[str, Any]]:
    """What each duel needs: mine, and to compare it the leader's file and the prompt's picture, kept for next time."""
    prompts = [] if drawing.lacking else client.each(calls.get("prompts", competition=competition))
    pictures = {row["stem"]: usable(row, "picture_url", stem="stem") for row in prompts if row.get("picture_url")}
    cache, found = FILES.expanduser(), []
    for done, row in enumerate(leaders, 1):
        stem, mine = row["prompt"], files / f"{row['prompt']}.{drawing.extension}"
        watch("fetching the leader's files", done, len(leaders))
        if not mine.is_file():
            found.append({"prompt": stem, "missing": True, "sentence": f"{mine.name} is not in {files}: a forfeit."})
            continue
        if drawing.lacking:
            found.append({"stem": stem, "file": str(mine)})
            continue
        if stem not in pictures:
            raise archives.Damaged(f"The server lists no picture of the prompt {stem}.", fix=downloading.NO_API)
        picture = pictures[stem]
        theirs = downloading.fetch(client, row["file_url"], cache / row["sha256"], sha256=row["sha256"])
        shown = downloading.fetch(client, picture["picture_url"], cache / picture["sha256"], sha256=picture["sha256"])
        found.append({"stem": stem, "file": str(mine), "leader": str(theirs), "picture": str(shown)})
    return found


def desk(prompts: list[dict[str, Any]], *, drawing: Drawing, folder: Path) -> Iterator[dict[str, Any]]:
    """What the platform's code says, line by line."""
    task = folder / "task.json"
    task.write_text(json.dumps({"prompts": prompts, "pictures": str(folder / "pictures"), **asdict(drawing)}))
    process = platform_code.start([str(Path(__file__).with_name("desk.py")), str(task)], hear=True)
    try:
        for line in process.stdout or ():
            yield json.loads(line)
    except GeneratorExit:
        process.kill()
        raise
    finally:
        process.wait()
    if process.returncode:
        raise Unusable(
            f"Drawing ended with {process.returncode}; its last words are above.",
            fix="Check that the pins of gauntlet-client[preflight] are installed.",
            code="desk_failed",
        )
