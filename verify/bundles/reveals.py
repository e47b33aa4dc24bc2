"""Do the submissions follow from the reveals, were the reveals the miners' own, and who takes part with them?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from verify.bundles.events import agree_rows, bodies, by_name
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ledger import is_signed, is_wallet_signed
from verify.findings import keyed

NAME, ENTRIES = "reveals.json", "submissions.json"
PLACE = ("miner", "block", "extrinsic_index")
FIELDS = ("repo", "commit", "cdn_url")
LONGEST, DEEPEST, LONGEST_VALUE = 4096, 8, 500
SIGNED = b"gauntlet-simulated-extrinsic/1\n"
BY_API, API_PATH, WITHDRAWN = 1_000_000, "/api/v1/me/reveals", "withdrawn"
REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/(?!\.+$)[A-Za-z0-9._-]{1,100}")
HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")

KINDS = {"": "wrong-submission", "objection": "wrong-objection", "copy_of": "wrong-copy"}
Mark = tuple[str, object]


def check(bundle: ExaminedBundle) -> None:
    """Each reveal lies inside the window, was told by the ledger, and is signed."""
    window = bundle.document("round.json")["schedule"]
    first, last = window["earliest_reveal_block"], window["latest_reveal_block"]
    inside = [body for body in bodies(bundle, "reveal") if first <= body.get("block", -1) <= last]
    events = {" ".join(str(body[name]) for name in PLACE): body for body in inside}  # of several in one place the last
    rows = keyed(bundle.document(NAME), *PLACE)
    agree_rows(bundle, NAME, rows, events, ("payload", "objection"))
    for place, row in rows.items():
        if not first <= row["block"] <= last:
            bundle.note("late-reveal", NAME, field=place, found=row["block"], expected=f"{first}..{last}")
        if not is_miners_own(bundle, row, events.get(place, {})):
            bundle.note("unsigned-reveal", NAME, field=place)


def submissions(bundle: ExaminedBundle) -> None:
    rows = [{"who": row["miner" if row["role"] == "challenger" else "role"], **row} for row in bundle.document(ENTRIES)]
    bundle.compare(KINDS, ENTRIES, keyed(rows, "who"), write(bundle))


def write(bundle: ExaminedBundle) -> dict[str, Row]:
    """The submissions by miner, from the reveals, and the leader from the reigns.  An objection's words are ours."""
    rows = {row["miner"]: row for row in bundle.document(ENTRIES) if row["role"] == "challenger"}
    heaps: dict[str, list[Row]] = {}
    for reveal in bundle.document(NAME):
        heaps.setdefault(reveal["miner"], []).append(reveal)
    copied, table = copies(list(rows.values())), {"leader": leader(bundle)}
    for miner, heap in heaps.items():
        submission, due = added_up(heap, demo=bundle.document("competition.json")["demo"])
        due = due or standing(bundle, miner)
        stated = rows.get(miner, {}).get("objection", "")
        table[miner] = {
            **submission,
            "who": miner,
            "miner": miner,
            "role": "challenger",
            "copy_of": copied.get(miner, ""),
            "objection": stated if bool(stated) == bool(due) else due or "",
        }
    return table


def leader(bundle: ExaminedBundle) -> Row:
    """The leader takes part with the code that reigned before the round, as the ledger told of it."""
    reign = by_name(bodies(bundle, "reign"), "sequence").get((str(bundle.defended()),), {})
    return {
        **dict.fromkeys(("who", "entry", "role"), "leader"),
        **dict.fromkeys(("cdn_url", "objection", "copy_of"), ""),
        **dict.fromkeys(("reveal_block", "extrinsic_index")),
        **{name: reign.get(name) for name in ("repo", "commit")},
        "miner": bundle.document("decision.json")["reigns"][bundle.defended() - 1]["hotkey"],
    }


def is_miners_own(bundle: ExaminedBundle, row: Row, event: Row) -> bool:
    """Signed, where a message of the simulated chain or one by the API; of a payload that was cut off there is nothing
    to check."""
    payload = bytes.fromhex(row["payload"])
    if row["extrinsic_index"] >= BY_API or "request" in event:
        return is_requested(row, event, payload=payload)
    whole = event.get("bytes", len(payload)) == len(payload)
    if not whole or not bundle.document("competition.json")["chain"].startswith("simulated:"):
        return True
    return is_signed(by=row["miner"], message=SIGNED + payload, signature=str(event.get("signature", ""))) is not False


def is_requested(row: Row, event: Row, *, payload: bytes) -> bool:
    """Did the miner sign a request, as the API takes it, with exactly these bytes?"""
    lines = str(event.get("request", "")).split("\n")
    asks = len(lines) == 7 and (lines[0], lines[1], lines[3]) == ("gauntlet/1", "POST", API_PATH)
    if not asks or row["extrinsic_index"] < BY_API or lines[4] != hashlib.sha256(payload).hexdigest():
        return False
    message, signature = "\n".join(lines).encode(), str(event.get("signature", ""))
    return is_wallet_signed(by=row["miner"], message=message, signature=signature) is not False


def added_up(heap: list[Row], *, demo: bool) -> tuple[Row, str | None]:
    """(the submission, what is objectionable in it): per field the latest non-empty value; the place is that of the
    latest reveal with a commit."""
    values, place = dict.fromkeys(FIELDS, ""), None
    heap = sorted(heap, key=lambda reveal: (reveal["block"], reveal["extrinsic_index"]))
    for reveal in heap:
        fields = fields_of(bytes.fromhex(reveal["payload"]))
        values |= fields
        place = reveal if "commit" in fields else place
    place = place or heap[-1]
    submission = {
        "entry": place["miner"],
        "repo": values["repo"][:200],
        "commit": values["commit"][:40],
        "cdn_url": values["cdn_url"].rstrip("/"),
        "reveal_block": place["block"],
        "extrinsic_index": place["extrinsic_index"],
    }
    return submission, objection(values, demo=demo)


def standing(bundle: ExaminedBundle, miner: str) -> str | None:
    """What a competition requires of a hotkey beyond its messages, by what the ledger told of it then."""
    required = bundle.document("competition.json")["config"].get("entry")
    if not required:
        return None
    event = by_name(bodies(bundle, "submission", of_round=bundle.round), "miner").get((miner,), {})
    stands = event.get("standing") or {}
    least = int(required.get("least_alpha", 0)) * 10**9
    if (required.get("registered") or least) and stands.get("uid") is None:
        return "not registered"
    return "stake" if int(stands.get("alpha", 0)) < least else None


def objection(values: Mapping[str, str], *, demo: bool) -> str | None:
    """What of these three values cannot be used, in a word; None where all can.

    A demo takes http:// addresses and any port, because its miners host on the same machine.
    """
    repo, commit, url = (values[name] for name in FIELDS)
    if not (repo and commit and url):
        return "a field is missing"
    if not REPO.fullmatch(repo):
        return "repo"
    if not re.fullmatch("[0-9a-f]{40}", commit):
        return "commit"
    return None if is_address(url, demo=demo) else "cdn_url"


def is_address(url: str, *, demo: bool) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if not parts.hostname or set(url) & set("\\ ?#") or "@" in parts.netloc:
        return False
    if parts.scheme not in (("https", "http") if demo else ("https",)):
        return False
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    return bool(HOST.fullmatch(host.removesuffix(":"))) and (demo or port in (None, 443))


def fields_of(raw: bytes) -> dict[str, str]:
    """What can be read of one payload: an object with texts, with or without the SCALE length before it.

    Single quotes are double ones, as the subnet's public collector has it; a text that is no JSON then is read as it
    stands.
    """
    if len(raw) > LONGEST:
        return {}
    value: object = None
    try:
        text = unprefixed(raw).decode()
        for form in (text.replace("'", '"'), text) if text.count("[") + text.count("{") <= DEEPEST else ():
            with suppress(ValueError):
                value = json.loads(form)
                break
    except (ValueError, RecursionError):
        return {}
    given = value if isinstance(value, dict) else {}
    if given.get("withdraw") is True:
        return dict.fromkeys(FIELDS, WITHDRAWN)
    texts = {name: given[name] for name in FIELDS if isinstance(given.get(name), str)}
    plain = {name: text for name, text in texts.items() if text.isascii() and len(text) <= LONGEST_VALUE}
    return {name: text.strip() for name, text in plain.items() if text.strip() and text.strip().isprintable()}


def unprefixed(raw: bytes) -> bytes:
    """Without the SCALE compact length, where the first bytes are exactly the length of the rest."""
    if raw and raw[0] & 3 != 3:
        width = (1, 2, 4)[raw[0] & 3]
        if len(raw) >= width and int.from_bytes(raw[:width], "little") >> 2 == len(raw) - width:
            return raw[width:]
    return raw


def in_reveal_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["reveal_block"] or 0, row["extrinsic_index"] or 0, row["miner"]))


def copies(rows: list[Row]) -> dict[str, str]:
    """Miner of a copy -> miner who was first to reveal the same commit."""
    first: dict[str, str] = {}
    for row in in_reveal_order([row for row in rows if not row["objection"]]):
        first.setdefault(row["commit"], row["miner"])
    of = {row["miner"]: first[row["commit"]] for row in rows if not row["objection"]}
    return {miner: original for miner, original in of.items() if miner != original}


def challengers(bundle: ExaminedBundle) -> list[Row]:
    """Who entered without an objection, in reveal order."""
    rows = bundle.document("submissions.json")
    return in_reveal_order([row for row in rows if row["role"] == "challenger" and not row["objection"]])


def order_of(bundle: ExaminedBundle) -> list[str]:
    return [row["entry"] for row in challengers(bundle)]


def groups(bundle: ExaminedBundle) -> tuple[list[list[Row]], list[Row]]:
    """(entries: the submissions of each in reveal order; canaries: submissions of the leader's own commit)."""
    leader = leader_commit(bundle)
    order = challengers(bundle)
    files: dict[str, dict[str, str]] = {row["entry"]: {} for row in order}
    for asset in bundle.document("assets.json"):
        if asset["origin"] == "submitted" and asset["state"] == "stored":
            files[asset["entry"]][asset["prompt"]] = asset["sha256"]
    challenging = [row for row in order if row["commit"] != leader]
    joined: dict[Mark, Mark] = {}
    for row in challenging:
        first, *more = _marks(row, files)
        for mark in (first, *more):
            joined[_root(joined, mark)] = _root(joined, first)
    entries: dict[Mark, list[Row]] = {}
    for row in challenging:
        entries.setdefault(_root(joined, _marks(row, files)[0]), []).append(row)
    return list(entries.values()), [row for row in order if row["commit"] == leader]


def leader_commit(bundle: ExaminedBundle) -> str:
    return next((str(s["commit"]) for s in bundle.document("submissions.json") if s["role"] == "leader"), "")


def commit_of(bundle: ExaminedBundle, entry: str) -> str:
    return next((str(s["commit"]) for s in bundle.document("submissions.json") if s["entry"] == entry), "")


def _marks(row: Row, files: dict[str, dict[str, str]]) -> list[Mark]:
    """What a submission shares with those that are the same entry: its commit, or all of its files."""
    delivered = files[row["entry"]]
    return [("commit", row["commit"]), *([("files", tuple(sorted(delivered.items())))] if delivered else [])]


def _root(joined: dict[Mark, Mark], mark: Mark) -> Mark:
    """The one mark that stands for all that are joined with it."""
    while (above := joined.setdefault(mark, mark)) != mark:
        joined[mark] = joined[above]
        mark = joined[mark]
    return mark


def represented(group: list[Row], rejected: set[str]) -> list[str]:
    """All who represented an entry, one after the other: each rejection of a commit brings the next commit's first."""
    turns: list[str] = []
    fallen: set[str] = set()
    for row in group:
        if row["commit"] not in fallen:
            turns.append(row["entry"])
            if row["entry"] not in rejected:
                break
            fallen.add(row["commit"])
    return turns


def representatives(entries: list[list[Row]], rejected: set[str]) -> list[str]:
    """Of each entry the first whose commit no audit rejected."""
    last = [represented(group, rejected)[-1:] for group in entries]
    return [entry for turn in last for entry in turn if entry not in rejected]


def ever_representing(bundle: ExaminedBundle) -> list[str]:
    """All who represented their entry at some time of the round, each of whom is screened, and the canaries."""
    entries, canaries = groups(bundle)
    rejected = {audit["entry"] for audit in bundle.document("audits.json") if audit["verdict"] == "rejected"}
    turns = [entry for group in entries for entry in represented(group, rejected)]
    return [row["entry"] for row in canaries] + turns
