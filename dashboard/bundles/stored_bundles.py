"""Is every published bundle still there, whole?  One that is lost, cut or changed is written again from the database.

The manifest's hash, which is an event of the ledger, decides: only a folder with that hash takes the old one's place.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from pathlib import Path

from django.conf import settings

from competition.publication import bundle_folders
from competition.stored_files import damage
from competition.stored_files.damage import BUNDLE, Mender
from core import store
from dashboard.bundles import publish
from dashboard.models import LightCopy, MirroredFile, Publication, Reissue, WinnerCopy

LOOKED_AT_ONCE = 3  # bundles a look, by turns: the size of each file
BESIDE = ("ledger.jsonl", "checkpoint.txt", "checkpoint.sig.json")
_turn = {"after": 0}


def copies() -> Iterable[str]:
    for model in (LightCopy, WinnerCopy):
        yield from model.objects.filter(state="made").values_list("sha256", flat=True).iterator()
    yield from MirroredFile.objects.exclude(sha256="").values_list("sha256", flat=True).iterator()


def another_copy(sha256: str) -> Path | None:
    """In a published bundle, where it is a copy and not a second name of the damaged file."""
    for path in sorted(Path(settings.BUNDLE_DIR).glob(f"*/*/blobs/{sha256}")):
        if store.sha256_of(path) == sha256:
            return path
    return None


def published(digest: str) -> Publication | Reissue:
    """Raises ValueError where no bundle with this hash was published."""
    rows = (model.objects.filter(bundle_hash=digest, state="published").first() for model in (Publication, Reissue))
    first = next((row for row in rows if row is not None), None)
    if first is None:
        raise ValueError(f"No bundle {digest} was published.")
    return first


def digests() -> Iterable[str]:
    first = Publication.objects.filter(state="published", round__source={}).order_by("pk")
    later = Reissue.objects.filter(state="published").order_by("pk")
    return list(chain.from_iterable(rows.values_list("bundle_hash", flat=True) for rows in (first, later)))


def problem(digest: str) -> str:
    """`missing`, `cut`, `rotten`, or "": every file is read."""
    publication = published(digest)
    folder = bundle_folders.folder_of(publication.round, edition=publish.edition_of(publication))
    cut = _cut(folder, digest)
    if cut:
        return cut
    for entry in json.loads((folder / "manifest.json").read_bytes())["files"]:
        if store.sha256_of(folder / entry["path"]) != entry["sha256"]:
            return "rotten"
    for name, text in publish.ledger_files(publication).items():
        if not (folder / name).is_file() or (folder / name).read_text() != text:
            return "rotten"
    return ""


def _cut(folder: Path, digest: str) -> str:
    """What the names and sizes of the files already show."""
    if not folder.is_dir():
        return "missing"
    manifest = folder / "manifest.json"
    if not manifest.is_file() or not all((folder / name).is_file() for name in BESIDE):
        return "cut"
    if store.sha256_of(manifest) != digest:
        return "rotten"
    files = json.loads(manifest.read_bytes())["files"]
    whole = all((at := folder / one["path"]).is_file() and at.stat().st_size == one["bytes"] for one in files)
    return "" if whole else "cut"


def restore(digest: str) -> bool:
    """Write it anew.  Raises ValueError where the database gives another bundle; StoreFault where a file is ill."""
    publication = published(digest)
    round_, edition = publication.round, publish.edition_of(publication)
    target = bundle_folders.folder_of(round_, edition=edition)
    draft = target.with_name(f".mending-{target.name}")
    try:
        publish.write_files(round_, draft, edition=edition)
        if store.sha256_of(draft / "manifest.json") != digest:
            raise ValueError("The database no longer gives the files that the ledger announced.")
        for name, text in publish.ledger_files(publication).items():
            (draft / name).write_text(text)
        publish.place(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True


PUBLISHED_BUNDLES = Mender(expected=digests, problem=problem, restore=restore)


def look_at_bundles(now: datetime) -> None:
    """A few at a time, so that a lost folder is noticed by itself; what sizes do not show is a scrub's to find."""
    rows = Publication.objects.filter(state="published", round__source={}).select_related("round__competition")
    turn = list(rows.filter(pk__gt=_turn["after"]).order_by("pk")[:LOOKED_AT_ONCE])
    _turn["after"] = turn[-1].pk if len(turn) == LOOKED_AT_ONCE else 0
    for publication in turn:
        folder = bundle_folders.folder_of(publication.round)
        problem = _cut(folder, publication.bundle_hash)
        known = damage.damaged().filter(what=BUNDLE, sha256=publication.bundle_hash)
        if problem and not known.exists():
            damage.report(publication.bundle_hash, problem=problem, now=now, what=BUNDLE)
