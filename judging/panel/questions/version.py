"""What exactly makes up a version of a judge?  Model, revision, templates and thresholds: one folder, one hash.

A version is a folder `templates/judging/<name>/`: `judge.json` holds everything but the words, `<question>.txt` the
words.  A change of meaning anywhere is another judge, whose answers are never mixed with those of this one.

A version that names a family leaves its revision to the operator, who pins it together with the licence that stands
beside those weights: neither is guessed here, and without a pin nobody is asked.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from judging.decisions.ballots import MICRO
from judging.decisions.cascade import Bars
from judging.panel.questions import identity

FOLDER = Path(__file__).resolve().parents[3] / "templates" / "judging"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
ABOUT = {
    "likeness": "pair",
    "artifacts": "pair",
    "detail": "pair",
    "gray": "pair",
    "best_view": "asset",
    "checklist": "asset",
    "sides": "asset",
    "parts": "prompt",
}
PANEL_RULES = "panel-1"
"""The rules of a judge that consists of two versions: see `judging.decisions.two_families`."""
REVISION = re.compile(r"[0-9a-f]{40}")
OF_FAMILIES = ("family", "licence", "image_token", "pixels_per_token")
"""What only a version that names its family has: without it a description, and so its hash, is as it always was."""
MODES = ("logprobs", "json")
CONSTRAINTS = ("", "structured_outputs")


class BadVersion(ValueError):
    """The folder of a judge version is not valid; the sentence says why."""


@dataclass(frozen=True)
class Template:
    """One question.  `shows`: view names, drawn as one sheet per asset; `labels`: answer -> millionths.

    `asks` is the whole text; the only thing ever put into it is `{parts}`, the list a model made of the prompt's own
    picture.  No word of a miner enters it.
    """

    kind: str
    about: str
    shows: tuple[str, ...]
    asks: str
    labels: Mapping[str, int]


@dataclass(frozen=True)
class JudgeVersion:
    """`mode`: `logprobs` for one token and its probabilities, `json` for servers that give none.

    `constrain`: how a server was told to answer with a label; empty since `vlm-2`, for what is forced is not measured.
    `door`: what runs the model, for the same weights answer differently elsewhere.
    `server`: what the server's version must begin with; empty: any.  `pixels`: longer side of a picture sent.
    `family`: whose weights descend from one another have one name; empty: not stated.  `licence`: its SPDX name.
    `image_token`: the placeholder of a picture in the model's own chat template; `pixels_per_token`: the side of the
    square that one of them stands for; `chat`: what the chat template is told (`{"enable_thinking": false}`).
    """

    name: str
    model: str
    revision: str
    server: str
    mode: str
    constrain: str
    pixels: int
    system: str
    templates: Mapping[str, Template]
    bars: Bars
    door: str = "openai"
    family: str = ""
    licence: str = ""
    image_token: str = ""
    pixels_per_token: int = 0
    chat: Mapping[str, bool] = field(default_factory=dict)

    @property
    def picture_tokens(self) -> int:
        """Tokens of one square picture; 0 where the version does not state what a token stands for."""
        return (self.pixels // self.pixels_per_token) ** 2 if self.pixels_per_token else 0

    @property
    def served_as(self) -> str:
        """The name the server must serve it under, so that each answer says which weights gave it."""
        return f"{self.model}@{self.revision}"

    def described(self) -> dict[str, Any]:
        own = ("door", "model", "revision", "server", "mode", "constrain", "pixels", "system")
        plain = {name: getattr(self, name) for name in own}
        if self.family:
            plain |= {name: getattr(self, name) for name in OF_FAMILIES} | {"chat": dict(self.chat)}
        questions = {
            kind: asdict(template) | {"shows": list(template.shows)} for kind, template in self.templates.items()
        }
        return {"rules": "cascade-1", **plain, "questions": questions, "bars": asdict(self.bars)}

    @cached_property
    def digest(self) -> str:
        return identity.digest(self.described())


@cache
def version_named(name: str) -> JudgeVersion:
    """Raises BadVersion, a ValueError, for a folder that is missing or not valid."""
    if not NAME.fullmatch(name) or not (FOLDER / name / "judge.json").is_file():
        known = ", ".join(sorted(p.parent.name for p in FOLDER.glob("*/judge.json")))
        raise BadVersion(f"there is no judge version {name!r} in templates/judging; there are: {known}")
    return read(FOLDER / name)


def read(folder: Path) -> JudgeVersion:
    try:
        document = json.loads((folder / "judge.json").read_text())
        questions = document.pop("questions")
        if set(questions) != set(ABOUT):
            raise BadVersion(f"{folder.name}: the questions must be {', '.join(ABOUT)}")
        templates = {kind: _template(folder, kind, value) for kind, value in questions.items()}
        bars, system = Bars(**document.pop("bars")), _words(folder / "system.txt")
        version = JudgeVersion(name=folder.name, system=system, templates=templates, bars=bars, **document)
    except BadVersion:
        raise
    except (KeyError, TypeError, OSError, ValueError) as error:
        raise BadVersion(f"{folder.name}: {type(error).__name__}: {error}") from error
    _require_sound(version)
    return version


def pinned(version: JudgeVersion, pins: Mapping[str, tuple[str, str]]) -> JudgeVersion:
    """The version with the revision that the operator pinned.  `pins`: version -> (revision, licence).

    Raises BadVersion where a revision is still to be pinned, where it is pinned in the folder already, and where the
    operator read another licence beside the weights than the version states.
    """
    pin = pins.get(version.name)
    if pin is None and version.revision:
        return version
    if pin is None:
        raise BadVersion(
            f"{version.name} leaves the revision of {version.model} to you: read the licence beside the weights, and "
            f"set GAUNTLET_VLM_PINS={version.name}=<the commit's 40 hex digits>:{version.licence}"
        )
    revision, licence = pin
    if version.revision not in ("", revision):
        raise BadVersion(
            f"{version.name} is pinned to {version.revision} in its folder: GAUNTLET_VLM_PINS cannot move it"
        )
    if not REVISION.fullmatch(revision):
        raise BadVersion(f"{version.name}: a revision is a commit's 40 hex digits, not {revision[:60]!r}")
    if licence.casefold() != version.licence.casefold():
        raise BadVersion(
            f"{version.name} states the licence {version.licence or 'of none'}, and you pinned {licence[:60]!r}: read "
            "what stands beside the weights, and copy the version under another name if its licence has changed"
        )
    return replace(version, revision=revision)


def described_together(versions: Sequence[JudgeVersion]) -> dict[str, Any]:
    """What a judge of these versions consists of; empty of none, as it always was of one."""
    if len(versions) < 2:
        return versions[0].described() if versions else {}
    return {"rules": PANEL_RULES, "judges": [version.described() for version in versions]}


def versions_of(name: str, described: Mapping[str, Any]) -> tuple[JudgeVersion, ...]:
    """The versions that a judge of this description consists of: two of a panel, one of any other."""
    parts = described["judges"] if described.get("rules") == PANEL_RULES else [described]
    return tuple(of_described(name, part) for part in parts)


def of_described(name: str, described: Mapping[str, Any]) -> JudgeVersion:
    """The version that was described like this, whatever its folder holds now."""
    plain = {key: value for key, value in described.items() if key not in ("rules", "questions", "bars")}
    questions = described["questions"].items()
    templates = {kind: Template(**{**value, "shows": tuple(value["shows"])}) for kind, value in questions}
    return JudgeVersion(name=name, templates=templates, bars=Bars(**described["bars"]), **plain)


def _template(folder: Path, kind: str, value: Mapping[str, Any]) -> Template:
    labels = {str(label): micro for label, micro in value["labels"].items()}
    if any(type(micro) is not int or abs(micro) > MICRO for micro in labels.values()):
        raise BadVersion(f"{folder.name}: labels of {kind} must be worth whole millionths from -1000000 to 1000000")
    if ABOUT[kind] != "prompt" and len(set(labels.values())) < 2:
        raise BadVersion(f"{folder.name}: {kind} needs labels of different worth, or no answer says anything")
    return Template(kind, ABOUT[kind], tuple(value["shows"]), _words(folder / f"{kind}.txt"), labels)


def _words(path: Path) -> str:
    """One paragraph: line breaks in the file are for its readers."""
    return " ".join(path.read_text().split())


def _require_sound(version: JudgeVersion) -> None:
    if version.mode not in MODES or version.constrain not in CONSTRAINTS:
        raise BadVersion(f"{version.name}: mode is one of {MODES}, constrain one of {CONSTRAINTS}")
    if type(version.pixels) is not int or not 28 <= version.pixels <= 4096:
        raise BadVersion(f"{version.name}: pixels must be a whole number from 28 to 4096")
    if not all(isinstance(text, str) for text in (version.model, version.revision, version.server)):
        raise BadVersion(f"{version.name}: model, revision and server are texts")
    if not version.model or not (version.revision or version.family):
        raise BadVersion(f"{version.name}: a model and its revision must be named")
    if version.family:
        _require_family_complete(version)


def _require_family_complete(version: JudgeVersion) -> None:
    if not (re.fullmatch(r"[a-z0-9-]{1,20}", version.family) and version.licence and version.image_token):
        raise BadVersion(f"{version.name}: beside a family stand its licence and its image_token, all of them texts")
    side = version.pixels_per_token
    if type(side) is not int or side < 1 or version.pixels % side:
        raise BadVersion(f"{version.name}: pixels must be a whole number of times pixels_per_token")
    if any(type(value) is not bool for value in version.chat.values()):
        raise BadVersion(f"{version.name}: chat holds what the chat template is told, each true or false")
