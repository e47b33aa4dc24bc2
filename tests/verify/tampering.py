"""Ways in which somebody without the operator's key may change a bundle: each a function of a random source."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import rfc8785

from tests.verify.made_files import chained, sha256, signed

Files = dict[str, bytes]
FOLDER, LINK = b"<a folder>", b"<a link to itself>"
SIDE_FILES = ("manifest.json", "ledger.jsonl", "checkpoint.txt", "checkpoint.sig.json")


@dataclass(frozen=True)
class Original:
    """A good bundle, the plain events of its ledger, and signed heads from before it was announced."""

    files: Files
    events: list[tuple[str, dict[str, Any]]]
    before: tuple[int, str]
    older: list[Files]

    @property
    def documents(self) -> list[str]:
        return [path for path in self.files if path.endswith(".json") and path not in SIDE_FILES]

    @property
    def blobs(self) -> list[str]:
        return [path for path in self.files if path.startswith("blobs/")]


def original_of(files: Files, *, signer: str | None) -> Original:
    """`signer`: whose older checkpoints are replayed; None where the operator's key is not ours."""
    lines = [json.loads(line) for line in files["ledger.jsonl"].split(b"\n")[:-1]]
    events = [(line["kind"], line["body"]) for line in lines]
    before = (lines[0]["seq"] - 1, lines[0]["previous"])
    announced = next(n for n, (kind, body) in enumerate(events) if kind == "publication.signing" and "bundle" in body)
    cuts = [announced, announced // 2, 1] if signer else []
    return Original(files, events, before, [chained(events[:cut], before=before, signer=signer or "") for cut in cuts])


def _any(source: Original, random: Random) -> str:
    """A file of any kind: blobs are many, so a kind is drawn first."""
    of = random.choice([source.documents, source.blobs, list(SIDE_FILES)])
    return random.choice(of)


def flip_a_bit(source: Original, random: Random) -> Files:
    path = _any(source, random)
    data = bytearray(source.files[path])
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return {path: bytes(data)}


def insert_bytes(source: Original, random: Random) -> Files:
    path = _any(source, random)
    data, more = source.files[path], random.choice([b"\n", b" ", b"\0", random.randbytes(random.randint(1, 9))])
    place = random.randint(0, len(data))
    return {path: data[:place] + more + data[place:]}


def delete_bytes(source: Original, random: Random) -> Files:
    path = _any(source, random)
    data = source.files[path]
    place = random.randrange(len(data))
    return {path: data[:place] + data[place + random.randint(1, 20) :]}


def cut_off(source: Original, random: Random) -> Files:
    path = _any(source, random)
    return {path: source.files[path][: random.randrange(len(source.files[path]))]}


def remove(source: Original, random: Random) -> dict[str, bytes | None]:
    return {_any(source, random): None}


def rename(source: Original, random: Random) -> dict[str, bytes | None]:
    path = _any(source, random)
    return {path: None, _other_name(path, random): source.files[path]}


def double(source: Original, random: Random) -> Files:
    path = _any(source, random)
    return {_other_name(path, random): source.files[path]}


def _other_name(path: str, random: Random) -> str:
    if path.startswith("blobs/"):
        return f"blobs/{random.randbytes(32).hex()}"
    return random.choice([f"{path}.old", f"copy-{path}", f".{path}", f"blobs/{path}", f"more/{path}"])


def add(source: Original, random: Random) -> Files:
    data = random.randbytes(random.randint(0, 30))
    return {random.choice([f"blobs/{sha256(data)}", "notes.json", ".hidden", "a/b/c.json"]): data}


def add_a_folder(source: Original, random: Random) -> Files:
    return {random.choice(["more", "blobs/more", ".git"]): FOLDER}


def put_a_link(source: Original, random: Random) -> Files:
    return {_any(source, random): LINK}


def swap_blobs(source: Original, random: Random) -> Files:
    one, other = random.sample(source.blobs, 2)
    return {one: source.files[other], other: source.files[one]}


def edit_a_value(source: Original, random: Random) -> Files:
    """Nothing else is changed: the manifest lists the old hash."""
    path = random.choice([*source.documents, "manifest.json"])
    return {path: rfc8785.dumps(edited(json.loads(source.files[path]), random))}


def edit_and_list(source: Original, random: Random) -> Files:
    """The manifest lists the new hash; the ledger announced the old one."""
    path = random.choice(source.documents)
    changed = {path: rfc8785.dumps(edited(json.loads(source.files[path]), random))}
    return changed | {"manifest.json": listed(source, changed)}


def edit_and_announce(source: Original, random: Random) -> Files:
    """The ledger, hashed anew, announces the changed bundle; the signature is of the old head."""
    changed = edit_and_list(source, random)
    return changed | {"ledger.jsonl": _announcing(source, changed)["ledger.jsonl"]}


def edit_and_point_to_the_head(source: Original, random: Random) -> Files:
    """The checkpoint, too, says the new head; its signature is of the old text."""
    changed = edit_and_list(source, random)
    return changed | {k: v for k, v in _announcing(source, changed).items() if k != "checkpoint.sig.json"}


def edit_and_sign_with_another_key(source: Original, random: Random) -> Files:
    changed = edit_and_list(source, random)
    return changed | _announcing(source, changed)


def sign_with_another_key(source: Original, random: Random) -> Files:
    return signed(source.files["checkpoint.txt"], signer=f"nobody {random.random()}")


def replay_an_older_head(source: Original, random: Random) -> Files:
    """A head that the operator did sign, with the ledger of then or with that of now."""
    older = random.choice(source.older)
    return older if random.random() < 0.5 else {path: older[path] for path in older if path != "ledger.jsonl"}


def change_the_ledger(source: Original, random: Random) -> Files:
    """Events are dropped, doubled, reordered, changed or added, and hashed anew; signed by nobody, or a stranger."""
    events = [(kind, body) for kind, body in source.events]
    place = random.randrange(len(events))
    way = random.choice(["drop", "double", "swap", "edit", "add", "rename", "cut"])
    if way == "drop":
        del events[place]
    elif way == "double":
        events.insert(random.randrange(len(events)), events[place])
    elif way == "swap":
        other = random.randrange(len(events))
        events[place], events[other] = events[other], events[place]
    elif way == "edit":
        events[place] = (events[place][0], edited(events[place][1], random))
    elif way == "add":
        events.insert(place, ("note", {"say": random.random().hex()}))
    elif way == "rename":
        events[place] = (events[place][0] + "x", events[place][1])
    else:
        events = events[: max(1, place)]
    made = chained(events, before=source.before, signer="somebody")
    return made if random.random() < 0.3 else {"ledger.jsonl": made["ledger.jsonl"]}


def break_the_chain(source: Original, random: Random) -> Files:
    """The same without hashing anew."""
    lines = source.files["ledger.jsonl"].split(b"\n")[:-1]
    place = random.randrange(len(lines))
    way = random.choice(["drop", "double", "swap", "edit"])
    if way == "drop":
        del lines[place]
    elif way == "double":
        lines.insert(place, lines[place])
    elif way == "swap":
        other = random.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    else:
        lines[place] = json.dumps(edited(json.loads(lines[place]), random), sort_keys=True).encode()
    return {"ledger.jsonl": b"".join(line + b"\n" for line in lines)}


def listed(source: Original, changed: Files) -> bytes:
    manifest = json.loads(source.files["manifest.json"])
    for entry in manifest["files"]:
        if entry["path"] in changed:
            entry["sha256"], entry["bytes"] = sha256(changed[entry["path"]]), len(changed[entry["path"]])
    return rfc8785.dumps(manifest)


def _announcing(source: Original, changed: Files) -> Files:
    old, new = sha256(source.files["manifest.json"]), sha256(changed["manifest.json"])
    events = [(kind, {**body, "bundle": new} if body.get("bundle") == old else body) for kind, body in source.events]
    return chained(events, before=source.before, signer="somebody")


def edited(value: Any, random: Random) -> Any:
    """The same JSON with one thing in it changed."""
    if isinstance(value, dict) and value:
        name = random.choice(sorted(value))
        if random.random() < 0.1:
            return {k: v for k, v in value.items() if k != name}
        if random.random() < 0.1:
            return {**value, f"{name}_": value[name]}
        return {**value, name: edited(value[name], random)}
    if isinstance(value, list) and value:
        place = random.randrange(len(value))
        way = random.random()
        if way < 0.1:
            return value[:place] + value[place + 1 :]
        if way < 0.2:
            return [*value, value[place]]
        return [*value[:place], edited(value[place], random), *value[place + 1 :]]
    return _other(value, random)


def _other(value: Any, random: Random) -> Any:
    if isinstance(value, bool) or value is None:
        return random.choice([1, "", not value])
    if isinstance(value, int | float):
        return random.choice([value + 1, -value - 1, str(value), value * 2 + 1])
    if isinstance(value, str) and value:
        place = random.randrange(len(value))
        letter = random.choice([c for c in "0123456789abcdefxyz" if c != value[place]])
        return random.choice([value[:place] + letter + value[place + 1 :], value + letter, value[:-1]])
    return [value]


WAYS: tuple[Callable[[Original, Random], Any], ...] = (
    flip_a_bit,
    insert_bytes,
    delete_bytes,
    cut_off,
    remove,
    rename,
    double,
    add,
    add_a_folder,
    put_a_link,
    swap_blobs,
    edit_a_value,
    edit_and_list,
    edit_and_announce,
    edit_and_point_to_the_head,
    edit_and_sign_with_another_key,
    sign_with_another_key,
    replay_an_older_head,
    change_the_ledger,
    break_the_chain,
)


def mutants(source: Original, *, number: int, seed: int) -> Iterator[tuple[str, Any]]:
    """(way, changed files) so many times, each really another bundle; the same for the same seed."""
    random = Random(seed)
    ways = [way for way in WAYS if source.older or way is not replay_an_older_head]
    made = 0
    while made < number:
        way = ways[made % len(ways)]
        changed = way(source, random)
        if any(source.files.get(path) != data for path, data in changed.items()):
            made += 1
            yield way.__name__, changed


@contextmanager
def changed_folder(folder: Path, changed: dict[str, bytes | None], *, good: Files) -> Iterator[Path]:
    """`folder`, which holds `good`, with the changes; afterwards as it was."""
    try:
        for path, data in changed.items():
            _put(folder / path, data)
        yield folder
    finally:
        for path in changed:
            _put(folder / path, good.get(path))
        for child in sorted(folder.rglob("*"), reverse=True):
            if child.is_dir() and child.name != "blobs":
                child.rmdir()


def _put(place: Path, data: bytes | None) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    if data is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if data == FOLDER:
        place.mkdir()
    elif data == LINK:
        os.symlink(place.name, place)
    else:
        place.write_bytes(data)
