"""What does each miner's heap of reveals add up to, and if to nothing, why?  Nothing a miner writes can raise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FIELDS = ("repo", "commit", "cdn_url")
WITHDRAWN = "withdrawn"  # what {"withdraw": true} reveals for every field: no repo, commit or address is named so
LONGEST_PAYLOAD = 4096  # bytes; the three fields together need less than 700
LONGEST_VALUE = 500  # characters
DEEPEST = 8  # brackets opened; a reveal needs one

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True)
class PayloadReading:
    """What one payload says.  `objection` is a sentence about whatever of it could not be used."""

    fields: Mapping[str, str] = field(default_factory=dict)
    objection: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealMessage:
    """One message of a miner, as the chain or the signed API delivered it."""

    hotkey: str
    block: int
    extrinsic_index: int = 0
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """One miner's reveals of a window, added up.

    `objection` None: a submission, placed by its latest commit reveal.  Otherwise the sentence that tells the miner
    what is wrong.  `remarks` are about single payloads and stop nothing.
    """

    hotkey: str
    repo: str
    commit: str
    cdn_url: str
    reveal_block: int
    extrinsic_index: int
    objection: str | None
    remarks: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[int, int, str]:
        return (self.reveal_block, self.extrinsic_index, self.hotkey)


def read(raw: bytes) -> PayloadReading:
    """Read a payload defensively: bytes with or without their SCALE length, JSON, with quotes of either kind."""
    if len(raw) > LONGEST_PAYLOAD:
        return _no(f"the message is {len(raw)} bytes long; at most {LONGEST_PAYLOAD} are read")
    try:
        text = unprefixed(raw).decode("utf-8")
    except UnicodeDecodeError:
        return _no("the message is not UTF-8 text")
    if text.count("[") + text.count("{") > DEEPEST:
        return _no("the message opens too many brackets; a flat JSON object is expected")
    # as the subnet's public collector reads it, every single quote being a double one; else as it stands
    for form in (text.replace("'", '"'), text):
        try:
            value = json.loads(form)
            break
        except (ValueError, RecursionError):
            continue
    else:
        return _no('the message is not JSON; expected is {"repo": …, "commit": …, "cdn_url": …}')
    if not isinstance(value, dict):
        return _no(f"the message is {_kind(value)}, not a JSON object with repo, commit and cdn_url")
    return _fields(value)


def unprefixed(raw: bytes) -> bytes:
    """Without the SCALE compact length, where the first bytes are exactly the length of the rest (1, 2 or 4 bytes)."""
    if not raw or raw[0] & 3 == 3:  # mode 3 is for lengths no reveal can have; "{" is mode 3
        return raw
    width = (1, 2, 4)[raw[0] & 3]
    if len(raw) < width or int.from_bytes(raw[:width], "little") >> 2 != len(raw) - width:
        return raw
    return raw[width:]


def derive(reveals: Iterable[RevealMessage], *, earliest: int, latest: int, demo: bool = False) -> tuple[Derived, ...]:
    """One entry per miner with a reveal in the window (both ends included), in queue order.

    Per field the latest non-empty value counts.  The place is that of the latest reveal with a commit; a miner without
    one stands where the latest reveal is.
    """
    heaps: dict[str, list[RevealMessage]] = {}
    for reveal in reveals:
        if earliest <= reveal.block <= latest:
            heaps.setdefault(reveal.hotkey, []).append(reveal)
    derived = [_added_up(hotkey, heap, demo=demo) for hotkey, heap in heaps.items()]
    return tuple(sorted(derived, key=lambda entry: entry.place))


def copies(submissions: Iterable[Derived]) -> dict[str, str]:
    """hotkey of a copy -> hotkey of the first to reveal the same commit.  Firsts are not listed."""
    firsts: dict[str, str] = {}
    copied: dict[str, str] = {}
    for entry in sorted(submissions, key=lambda entry: entry.place):
        if entry.objection is None:
            first = firsts.setdefault(entry.commit, entry.hotkey)
            if first != entry.hotkey:
                copied[entry.hotkey] = first
    return copied


def objection(*, repo: str, commit: str, cdn_url: str, demo: bool = False) -> str | None:
    """Why these three values make no submission, as a sentence for the miner."""
    missing = [name for name, value in zip(FIELDS, (repo, commit, cdn_url), strict=True) if not value]
    if repo == commit == cdn_url == WITHDRAWN:
        return "Withdrawn by its miner; a reveal of repo, commit and cdn_url in the window enters again."
    if missing:
        return f"No {' and no '.join(missing)} was revealed in the window; repo, commit and cdn_url are all needed."
    if not _REPO.fullmatch(repo) or repo.split("/")[1].strip(".") == "":
        return f"repo must be owner/name, as on GitHub, not {_shown(repo)}."
    if not _COMMIT.fullmatch(commit):
        return f"commit must be 40 lower-case hex digits, not {_shown(commit)}."
    problem = _url_problem(cdn_url, demo=demo)
    return f"cdn_url {problem}: {_shown(cdn_url)}." if problem else None


def _fields(value: Mapping[str, object]) -> PayloadReading:
    if value.get("withdraw") is True:
        return PayloadReading(dict.fromkeys(FIELDS, WITHDRAWN))
    fields: dict[str, str] = {}
    problems: list[str] = []
    for name in FIELDS:
        given = value.get(name)
        if given is None or given == "":
            continue
        problem = _value_problem(given)
        if problem:
            problems.append(f"{name} {problem}")
        elif isinstance(given, str) and given.strip():
            fields[name] = given.strip()
    if not fields and not problems:
        problems.append("the message has none of repo, commit and cdn_url")
    return PayloadReading(fields, _sentence("; ".join(problems)) if problems else None)


def _value_problem(given: object) -> str | None:
    if not isinstance(given, str):
        return f"must be a text, not {_kind(given)}"
    if len(given) > LONGEST_VALUE:
        return f"is {len(given)} characters long; at most {LONGEST_VALUE} are read"
    if not (given.isascii() and given.strip().isprintable()):
        return "may hold printable ASCII characters only"
    return None


def _added_up(hotkey: str, heap: list[RevealMessage], *, demo: bool) -> Derived:
    latest: dict[str, str] = {}
    remarks: list[str] = []
    heap = sorted(heap, key=lambda reveal: (reveal.block, reveal.extrinsic_index, reveal.raw))
    placed = heap[-1]
    committed = False
    for reveal in heap:
        reading = read(reveal.raw)
        latest.update(reading.fields)
        if "commit" in reading.fields:
            placed, committed = reveal, True
        if reading.objection:
            remarks.append(f"Block {reveal.block}: {reading.objection}")
    placed = placed if committed else heap[-1]
    values = {name: latest.get(name, "") for name in FIELDS}
    return Derived(
        hotkey=hotkey,
        repo=values["repo"],
        commit=values["commit"],
        cdn_url=values["cdn_url"].rstrip("/"),
        reveal_block=placed.block,
        extrinsic_index=placed.extrinsic_index,
        objection=objection(**values, demo=demo),
        remarks=tuple(remarks),
    )


def _url_problem(url: str, *, demo: bool) -> str | None:
    """The form only; where its host leads is decided when it is fetched."""
    try:
        parts = urlsplit(url)
        port = parts.port  # only read, and refused, on access
    except ValueError:
        return "is not a web address"
    if not parts.hostname or "\\" in url or " " in url:
        return "is not a web address"
    if parts.scheme != "https" and not (demo and parts.scheme == "http"):
        return "must start with https://"
    if "@" in parts.netloc:
        return "may not hold a user name or password"
    if "?" in url or "#" in url:
        return "may not hold ? or #, because /<prompt>.glb is added to it"
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    if not _HOST.fullmatch(host.removesuffix(":")):
        return "has a host that is no host name"
    return None if demo or port in (None, 443) else "may use no port but 443"


def _no(problem: str) -> PayloadReading:
    return PayloadReading({}, _sentence(problem))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _shown(value: str) -> str:
    return f"“{value[:120]}{'…' if len(value) > 120 else ''}”"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "a text"
