"""Is every file of a bundle the one that was announced?  The manifest, the files, the documents."""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import rfc8785

from verify.bundles.shapes import MANIFEST, OPTIONAL, SHAPES, misfit
from verify.findings import Book
from verify.reading import is_crowded

FORMAT = "gauntlet-bundle/1"
BESIDE = ("manifest.json", "ledger.jsonl", "checkpoint.txt", "checkpoint.sig.json", "calls.jsonl")
LARGEST_DOCUMENT = 256 * 2**20
SMALL = 64 * 2**10
"""A signed head and its signature have less than 1 KiB."""
SLACK = 2**20
LONGEST_ENTRY = 512
"""Bytes of one entry of a manifest, at most: path, hash, size and role."""
PIECE = 1 << 20
BLOB = re.compile(r"blobs/([0-9a-f]{64})")
ROLES = ("document", "prompt", "asset", "view")

CANNOT_BE_CANONICAL = (rfc8785.CanonicalizationError, RecursionError, UnicodeError, TypeError)

DOCUMENTS = SHAPES | OPTIONAL


class Bundle:
    """What a bundle holds, as far as it can be read, and what was found wrong with it."""

    def __init__(self, folder: Path, *, prefix: str = "", draft: bool = False) -> None:
        self.folder = folder
        self.draft = draft  # nobody has signed it, and the ledger may not announce it yet
        self.book = Book(prefix=prefix)
        self.round: int | None = None
        self.manifest: dict[str, Any] = {}
        self.documents: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.signed_by = ""
        self.signature_is_good: bool | None = False
        """Of the checkpoint, by the key it names; None where nothing here can check it."""

    def note(
        self, kind: str, file: str, *, say: str, field: str = "", found: object = None, expected: object = None
    ) -> None:
        """Write a finding down: `say` is one sentence, `found` and `expected` are values."""
        at = {"field": field, "found": found, "expected": expected, "round": self.round}
        self.book.note(kind, file=file, sentence=say, **at)  # type: ignore[arg-type]

    def same(self, kind: str, file: str, *, field: str, found: Any, expected: Any, say: str) -> bool:
        """Are both the same JSON?  True is not 1.  Of two lists the first difference is told."""
        if text(found) == text(expected):
            return True
        if isinstance(found, list) and isinstance(expected, list):
            place = next(
                (n for n, pair in enumerate(zip(found, expected, strict=False)) if text(pair[0]) != text(pair[1])), None
            )
            if place is None:
                field, found, expected = f"{field}: how many", len(found), len(expected)
            else:
                field, found, expected = f"{field}[{place}]", found[place], expected[place]
        self.note(kind, file, field=field, found=found, expected=expected, say=say)
        return False

    @cached_property
    def blobs(self) -> dict[str, dict[str, Any]]:
        """sha256 -> the manifest's entry."""
        return {f["sha256"]: f for f in self.manifest.get("files", []) if f["path"].startswith("blobs/")}

    def defended(self) -> int:
        """The place, from 1, of the reign that the round defended: the last but one, unless a correction came since."""
        corrected = self.documents.get("correction.json")
        return int(corrected["defended"]) if corrected else len(self.documents["decision.json"]["reigns"]) - 1

    def aside(self) -> list[dict[str, Any]]:
        """Matches that counted once, in the order of their versions; none of a first edition."""
        return list(self.documents.get("correction.json", {}).get("matches", []))

    def told(self, name: str) -> Any:
        return self.documents[name]


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def read(folder: Path, *, prefix: str = "", draft: bool = False) -> Bundle:
    """Check the bytes and load the documents.  Stops where the manifest itself cannot be read."""
    bundle = Bundle(folder, prefix=prefix, draft=draft)
    _manifest(bundle)
    if bundle.manifest:
        for entry in bundle.manifest["files"]:
            _file(bundle, entry)
        _unknown_files(bundle)
    return bundle


def bytes_of(bundle: Bundle, name: str, *, most: int | None = None) -> bytes | None:
    """The file, where it is there and no larger than `most` bytes and what a round could make it."""
    path = bundle.folder / name
    if path.is_symlink() or not path.is_file():
        bundle.note("file-missing", name, say="The file is not there, or is a link.")
        return None
    limit, size = LARGEST_DOCUMENT if most is None else min(most, LARGEST_DOCUMENT), path.stat().st_size
    if size > limit:
        bundle.note("file-too-large", name, found=size, expected=limit, say="Not read.")
        return None
    data = path.read_bytes()
    if is_crowded(data):
        bundle.note("file-too-large", name, found=size, say="It holds more values than a file of its size; not read.")
        return None
    return data


def parsed(bundle: Bundle, name: str, data: bytes) -> Any:
    """The JSON in `data`, or None with a finding."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        bundle.note("not-json", name, found=str(error), say="The file is not JSON.")
        return None
    if value is None:
        bundle.note("not-json", name, found="null", say="The file says nothing.")
    return value


def canonical(value: Any) -> bytes | None:
    """RFC 8785, or None where a value has no canonical form (NaN, an integer beyond 2^53, half a surrogate pair)."""
    try:
        return bytes(rfc8785.dumps(value))
    except CANNOT_BE_CANONICAL:
        return None


def _document(bundle: Bundle, name: str, data: bytes, shape: Any) -> Any:
    """A canonical document of the given shape, or None with a finding."""
    value = parsed(bundle, name, data)
    if value is None:
        return None
    problem = misfit(value, shape)  # before its canonical form is made, which takes longest
    if problem:
        kind = "bad-manifest" if name == "manifest.json" else "malformed-document"
        bundle.note(kind, name, field=problem[0], found=problem[1], expected=problem[2], say="Not of the form it has.")
        return None
    if canonical(value) != data:
        bundle.note("not-canonical", name, say="The bytes are not the canonical form (RFC 8785) of what they say.")
        return None
    return value


def _manifest(bundle: Bundle) -> None:
    files = sum(len(names) for _, _, names in os.walk(bundle.folder))
    data = bytes_of(bundle, "manifest.json", most=SLACK + LONGEST_ENTRY * files)
    manifest = None if data is None else _document(bundle, "manifest.json", data, MANIFEST)
    if manifest is None:
        return
    bundle.manifest, bundle.round = manifest, manifest["round"]
    bundle.same(
        "bad-manifest",
        "manifest.json",
        field="format",
        found=manifest["format"],
        expected=FORMAT,
        say="Another format; another verifier is needed.",
    )
    paths = [entry["path"] for entry in manifest["files"]]
    bundle.same(
        "bad-manifest",
        "manifest.json",
        field="files",
        found=paths,
        expected=sorted(set(paths)),
        say="The files are not listed once each, in order.",
    )
    for name in [name for name in SHAPES if name not in paths]:
        bundle.note("file-missing", name, say="The manifest does not list this document.")
    for entry in manifest["files"]:
        good = entry["role"] in ROLES and (entry["role"] == "document") == (entry["path"] in DOCUMENTS)
        if not good or not (entry["path"] in DOCUMENTS or BLOB.fullmatch(entry["path"])):
            said = "No such path, or not in this role."
            bundle.note("bad-manifest", "manifest.json", field=entry["path"], found=entry["role"], say=said)
            bundle.manifest = {}


def _file(bundle: Bundle, entry: dict[str, Any]) -> None:
    path = entry["path"]
    blob = BLOB.fullmatch(path)
    if blob:
        found, size = _digest(bundle, path)
        bundle.same("wrong-name", path, field="path", found=blob[1], expected=entry["sha256"], say="Not its own hash.")
    else:
        data = bytes_of(bundle, path, most=SLACK + 2 * entry["bytes"])
        found, size = (None, 0) if data is None else (hashlib.sha256(data).hexdigest(), len(data))
        document = None if data is None else _document(bundle, path, data, DOCUMENTS[path])
        if document is not None:
            bundle.documents[path] = document
    if found is not None:
        said = "The bytes changed."
        bundle.same("wrong-hash", path, field="sha256", found=found, expected=entry["sha256"], say=said)
        bundle.same("wrong-size", path, field="bytes", found=size, expected=entry["bytes"], say="The size changed.")


def _digest(bundle: Bundle, path: str) -> tuple[str | None, int]:
    """Hash and size of a file of any size, read piece by piece."""
    place, digest, size = bundle.folder / path, hashlib.sha256(), 0
    if place.is_symlink() or not place.is_file():
        bundle.note("file-missing", path, say="The file is not there, or is a link.")
        return None, 0
    with place.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def _unknown_files(bundle: Bundle) -> None:
    """Whatever lies there and is not listed; what the documents never name is looked for by `bundle_assets`."""
    listed = {entry["path"] for entry in bundle.manifest["files"]} | set(BESIDE)
    for place in sorted(bundle.folder.rglob("*")):
        path = place.relative_to(bundle.folder).as_posix()
        known = path in listed or (path == "blobs" and place.is_dir() and not place.is_symlink())
        if not known:
            bundle.note("foreign-file", path, say="The manifest does not list this.")
