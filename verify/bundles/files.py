"""Is every file of a bundle the one that was announced?  The manifest, the files, the documents."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import rfc8785

from verify.bundles.shapes import MANIFEST, OPTIONAL, SHAPES, misfit
from verify.findings import FindingLog
from verify.reading import CROWDED, BadJson, is_crowded, parse_bytes

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
Row = dict[str, Any]


class ExaminedBundle:
    """What a bundle holds, as far as it can be read, and what was found wrong with it."""

    def __init__(self, folder: Path, *, prefix: str = "", draft: bool = False) -> None:
        self.folder = folder
        self.draft = draft  # nobody has signed it, and the ledger may not announce it yet
        self.log = FindingLog(prefix=prefix)
        self.note, self.compare = self.log.note, self.log.compare
        self.manifest: Row = {}
        self.documents: Row = {}
        self.events: list[Row] = []
        self.signed_by = ""
        self.signature_is_good: bool | None = False
        """Of the checkpoint, by the key it names; None where nothing here can check it."""

    @property
    def round(self) -> int | None:
        """Its number, None before the manifest is read."""
        return self.log.round

    def compare_sets(self, missing: str, extra: str, file: str, actual: Iterable[str], expected: Iterable[str]) -> None:
        """Is each of the expected there as often as it is expected, and nothing else?"""
        have, want = Counter(list(actual)), Counter(list(expected))
        for name in sorted({*have, *want}):
            if have[name] != want[name]:
                kind = missing if have[name] < want[name] else extra
                self.note(kind, file, field=name, found=have[name], expected=want[name])

    @cached_property
    def blobs(self) -> dict[str, Row]:
        """sha256 -> the manifest's entry."""
        return {f["sha256"]: f for f in self.manifest.get("files", []) if f["path"].startswith("blobs/")}

    @cached_property
    def measured(self) -> dict[str, Row | None]:
        """sha256 -> what was counted in the file; None of one that broke the measurement.  Without those that could not
        be measured for a reason of the platform's: nothing may follow from them."""
        rows = self.documents.get("integrity.json", {"files": []})["files"]
        return {
            row["sha256"]: row["numbers"]
            for row in rows
            if row["numbers"] is not None or (row.get("failure") or {"class": "miner"})["class"] == "miner"
        }

    def defended(self) -> int:
        """The place, from 1, of the reign that the round defended: the last but one, unless a correction came since."""
        corrected = self.documents.get("correction.json")
        return int(corrected["defended"]) if corrected else len(self.documents["decision.json"]["reigns"]) - 1

    def aside(self) -> list[Row]:
        """Matches that counted once, in the order of their versions; none of a first edition."""
        return list(self.documents.get("correction.json", {}).get("matches", []))

    def audits_aside(self) -> list[Row]:
        """Verdicts that counted once; none of a first edition."""
        return list(self.documents.get("correction.json", {}).get("set_aside", []))

    @property
    def matches(self) -> list[Row]:
        """All that ever counted: those that count now, and those that were made anew for a correction."""
        return [*self.document("matches.json"), *self.aside()]

    @property
    def rules(self) -> Row:
        return dict(self.document("round.json")["rules"])

    @property
    def titled(self) -> bool:
        """Does the round have title matches?"""
        return "title" in self.rules

    @property
    def fresh(self) -> list[Row]:
        """The fresh prompts in seed order; none where the ruleset has no title match."""
        rows = self.documents.get("title.json", {"fresh": []})["fresh"]
        return sorted(rows, key=lambda row: int(row["position"]))

    def document(self, name: str) -> Any:
        return self.documents[name]


def _is_there(bundle: ExaminedBundle, name: str) -> bool:
    path = bundle.folder / name
    if path.is_symlink() or not path.is_file():
        bundle.note("file-missing", name, sentence="The file is not there, or is a link.")
        return False
    if not os.access(path, os.R_OK):
        bundle.note("file-missing", name, sentence="The file may not be read by whoever runs this.")
        return False
    return True


def bytes_of(bundle: ExaminedBundle, name: str, *, most: int | None = None) -> bytes | None:
    """The file, where it is there and no larger than `most` bytes and what a round could make it."""
    path = bundle.folder / name
    if not _is_there(bundle, name):
        return None
    limit, size = LARGEST_DOCUMENT if most is None else min(most, LARGEST_DOCUMENT), path.stat().st_size
    if size > limit:
        bundle.note("file-too-large", name, found=size, expected=limit, sentence="Not read.")
        return None
    data = path.read_bytes()
    if is_crowded(data):
        bundle.note("file-too-large", name, found=size, sentence=CROWDED)
        return None
    return data


def parsed(bundle: ExaminedBundle, name: str, data: bytes) -> Any:
    """The JSON in `data`, or None with a finding."""
    try:
        value = parse_bytes(data)
    except BadJson as error:
        bundle.note("not-json", name, found=str(error), sentence="The file is not JSON.")
        return None
    if value is None:
        bundle.note("not-json", name, found="null", sentence="The file says nothing.")
    return value


def canonical(value: Any) -> bytes | None:
    """RFC 8785, or None where a value has no canonical form (NaN, an integer beyond 2^53, half a surrogate pair)."""
    try:
        return bytes(rfc8785.dumps(value))
    except CANNOT_BE_CANONICAL:
        return None


def _document(bundle: ExaminedBundle, name: str, data: bytes, shape: Any) -> Any:
    """A canonical document of the given shape, or None with a finding."""
    value = parsed(bundle, name, data)
    if value is None:
        return None
    problem = misfit(value, shape)  # before its canonical form is made, which takes longest
    if problem:
        kind = "bad-manifest" if name == "manifest.json" else "malformed-document"
        bundle.note(kind, name, field=problem[0], found=problem[1], expected=problem[2])
        return None
    if canonical(value) != data:
        bundle.note("not-canonical", name)
        return None
    return value


def check_files(bundle: ExaminedBundle) -> None:
    """Check the bytes and load the documents.  Stops where the manifest itself cannot be read."""
    folder = bundle.folder
    files = sum(len(names) for _, _, names in os.walk(folder))
    data = bytes_of(bundle, "manifest.json", most=SLACK + LONGEST_ENTRY * files)
    manifest = None if data is None else _document(bundle, "manifest.json", data, MANIFEST)
    if manifest is None:
        return
    bundle.manifest, bundle.log.round = manifest, manifest["round"]
    check_manifest(bundle)
    if bundle.manifest:
        for entry in manifest["files"]:
            read_entry(bundle, entry)
        listed = {entry["path"] for entry in manifest["files"]} | set(BESIDE)
        for place in sorted(folder.rglob("*")):
            path = place.relative_to(folder).as_posix()
            if path not in listed and not (path == "blobs" and place.is_dir() and not place.is_symlink()):
                bundle.note("foreign-file", path, sentence="The manifest does not list this.")


def check_manifest(bundle: ExaminedBundle) -> None:
    """Its format, each path once and in its role; with one that cannot be or stands twice, nothing is read."""
    files = bundle.manifest["files"]
    paths = [entry["path"] for entry in files]
    bundle.compare("bad-manifest", "manifest.json", bundle.manifest["format"], FORMAT, field="format")
    bundle.compare("bad-manifest", "manifest.json", paths, sorted(set(paths)), field="files")
    if len(set(paths)) != len(paths):
        sentence = "A path stands twice, so nothing that it lists was read."
        bundle.note("bad-manifest", "manifest.json", field="files", sentence=sentence)
        bundle.manifest = {}
    for name in [name for name in SHAPES if name not in paths]:
        bundle.note("file-missing", name, sentence="The manifest does not list this document.")
    for entry in files:
        role, path = entry["role"], entry["path"]
        of_blob = role in ROLES and role != "document" and bool(BLOB.fullmatch(path))
        if not (role == "document" if path in DOCUMENTS else of_blob):
            bundle.note("bad-manifest", "manifest.json", field=path, found=role)
            bundle.manifest = {}


def read_entry(bundle: ExaminedBundle, entry: Row) -> None:
    path, blob = entry["path"], BLOB.fullmatch(entry["path"])
    if blob:
        measured = digest_of(bundle, path)
        bundle.compare("wrong-name", path, blob[1], entry["sha256"], field="path")
    else:
        data = bytes_of(bundle, path, most=SLACK + 2 * entry["bytes"])
        measured = None if data is None else (hashlib.sha256(data).hexdigest(), len(data))
        document = None if data is None else _document(bundle, path, data, DOCUMENTS[path])
        if document is not None:
            bundle.documents[path] = document
    if measured is not None:
        bundle.compare("wrong-hash", path, measured[0], entry["sha256"], field="sha256")
        bundle.compare("wrong-size", path, measured[1], entry["bytes"], field="bytes")


def digest_of(bundle: ExaminedBundle, path: str) -> tuple[str, int] | None:
    """Hash and size of a file of any size, read piece by piece; None with a finding where there is none."""
    digest, size = hashlib.sha256(), 0
    if not _is_there(bundle, path):
        return None
    with (bundle.folder / path).open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size
