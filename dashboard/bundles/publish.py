"""How does a finished round become a folder that anybody can check?

`<slug>/<round>/`: the documents of `dashboard.bundles.documents`, their files under `blobs/`, `manifest.json` (path,
sha256, bytes, role of each) whose hash is an event of the ledger, and beside them `ledger.jsonl` (the events from the
reign that defends on) with the signed head, `checkpoint.txt` and `checkpoint.sig.json`, and for a judge that is a model
`calls.jsonl`, on which nothing rests.  Written to a draft, read by the standalone verifier, signed, then renamed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import rfc8785
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import TextField
from django.db.models.functions import Cast

from audits.models import Correction
from audits.reviews import corrections
from competition.models import Checkpoint, LedgerEvent, Round
from competition.publication import ledger_rows
from competition.publication.bundle_folders import folder_of
from competition.publication.bundle_verifier import errors_in_draft
from competition.steps import checkpoint, pause
from core import ledger, store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.stateful import FailureClass
from dashboard.bundles import documents, integrity, judging
from dashboard.facts import prompt_counts
from dashboard.models import Publication, Reissue
from judging import measurements

SOON = timedelta(seconds=2)


def want_publications(now: datetime) -> None:
    """Every finished round is published, once; one that was played elsewhere was published there."""
    for round_ in Round.objects.filter(state="finished", publication=None, source={}):
        Publication.objects.get_or_create(round=round_, defaults=Publication.born(now=now))


def want_reissues(now: datetime) -> None:
    """A corrected decision is published, too; what was published before stays where it is."""
    for correction in Correction.objects.filter(state="applied", reissue=None).order_by("pk"):
        edition = corrections.edition(correction.round)
        Reissue.objects.get_or_create(correction=correction, defaults={"edition": edition, **Reissue.born(now=now)})


def edition_of(publication: Publication | Reissue) -> int:
    return publication.edition if isinstance(publication, Reissue) else 1


def _draft_of(round_: Round, *, edition: int) -> Path:
    target = folder_of(round_, edition=edition)
    return target.with_name(f".draft-{target.name}")


def write(publication: Publication | Reissue, now: datetime) -> Outcome:
    """Write documents, files and manifest, let the verifier read them; then the manifest's hash becomes an event.

    Nothing is written before what was measured of every drawn file is settled.
    """
    round_, edition = publication.round, edition_of(publication)
    if round_.state == "paused":
        return _waiting_for_people(round_)
    if left := measurements.settle(round_, edition=edition, since=publication.since, now=now):
        return Wait(SOON, f"{left} files are not measured yet")
    draft = _draft_of(round_, edition=edition)
    files: list[dict[str, Any]] = []

    def fill() -> None:
        files.extend(write_files(round_, draft, edition=edition))
        _write_texts(draft, _ledger_texts(round_, ledger.head(round_.competition).seq, edition=edition))

    try:
        problem = _problem_of_draft(round_, draft, fill)
    except integrity.StillToMeasure as drawn_meanwhile:
        return Wait(SOON, str(drawn_meanwhile))
    if problem:
        return _pause(publication, problem, now=now)
    prompt_counts.keep(round_)
    digest = _sha256(draft / "manifest.json")
    return Move(
        "signing",
        because=f"{len(files)} files written, the verifier finds no error",
        sets={"bundle_hash": digest, "files": len(files), "bytes": sum(int(str(f["bytes"])) for f in files)},
        facts={"bundle": digest, "files": len(files)},
    )


def sign(publication: Publication | Reissue, now: datetime) -> Outcome:
    """Sign the head of the ledger once the verifier has read all that leads to it, and show bundle and signature."""
    round_, edition = publication.round, edition_of(publication)
    if round_.state == "paused":
        return _waiting_for_people(round_)
    draft, target = _draft_of(round_, edition=edition), folder_of(round_, edition=edition)
    beside = target / "checkpoint.txt"  # the signature that lies beside a bundle that is shown already
    text = beside.read_text() if beside.exists() else None
    if not draft.exists() and (signed := round_.competition.checkpoints.filter(text=text).first()):
        return _published(signed)  # we died between showing it and writing that down
    head = ledger.head(round_.competition)

    def fill() -> None:
        if not (draft / "manifest.json").exists():
            write_files(round_, draft, edition=edition)  # the draft was lost with a disk: the same bytes again
        _write_texts(draft, _ledger_texts(round_, head.seq, edition=edition))

    if problem := _problem_of_draft(round_, draft, fill):
        return _pause(publication, problem, now=now)
    signed = checkpoint(round_.competition, head=head, now=now)
    _write_texts(draft, _signature_texts(signed))
    place(draft, target)
    return _published(signed)


UNWRITABLE = (ValueError, TypeError, LookupError, AttributeError, ObjectDoesNotExist)
"""What rows that contradict each other make of the writing of a bundle."""
CODE = "BUNDLE_REFUSED"


def _problem_of_draft(round_: Round, draft: Path, fill: Callable[[], None]) -> str:
    """Write the draft with `fill` and let the verifier read it: what disagrees, or "".

    Raises StoreFault for a file that the ledger knows and that is lost or rotten: its own code says what to do, and it
    is tried again.  Raises StillToMeasure for a file that was drawn after those to measure were settled.
    """
    try:
        fill()
    except integrity.StillToMeasure:
        raise
    except store.StoreFault as fault:
        events = round_.competition.events.annotate(text=Cast("body", TextField()))
        if events.filter(text__contains=fault.sha256).exists():
            raise
        return f"a row names the file {fault.sha256}, of which the ledger never told"
    except UNWRITABLE as error:
        return f"it cannot be written: {type(error).__name__}: {str(error)[:300]}"
    return ledger_rows.differences(round_.competition) or errors_in_draft(draft)


def _pause(publication: Publication | Reissue, problem: str, *, now: datetime) -> Outcome:
    """Nothing is signed: the round pauses, and its bundle is written anew from the rows once it is resumed."""
    round_ = Round.objects.get(pk=publication.round.pk)
    edition = edition_of(publication)
    shutil.rmtree(_draft_of(round_, edition=edition), ignore_errors=True)
    named = "The bundle" if edition == 1 else f"Edition {edition} of the bundle"
    why = f"{named} is not signed: the verifier says that rows, files and ledger disagree: {problem}."
    if round_.state == "finished" and not engine.move(round_, pause(round_, why, code=CODE, now=now), now=now):
        raise RuntimeError(f"{round_} moved while it was to be paused")  # looked at again
    return _waiting_for_people(Round.objects.get(pk=round_.pk))


def _waiting_for_people(round_: Round) -> Retry:
    """`resume` tries again at once whatever has failed."""
    failure = StepFailure(round_.failure_class or FailureClass.INFRASTRUCTURE, CODE, round_.failure_reason)
    return Retry(engine.backoff(7), failure)


def _published(signed: Checkpoint) -> Move:
    return Move("published", because=f"signed by {signed.signed_by} at event {signed.seq}", sets={"checkpoint": signed})


def place(draft: Path, target: Path) -> None:
    """Show the draft, in the place of whatever is there.  Raises FileNotFoundError where another worker has placed it:
    whoever comes second must not take away what the first has put there."""
    try:
        draft.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        old = target.with_name(f".old-{target.name}")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        draft.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def write_files(round_: Round, draft: Path, *, edition: int = 1) -> list[dict[str, Any]]:
    """All files of the bundle and their manifest, in `draft`.  Same round, same bytes."""
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "blobs").mkdir(parents=True)
    files: list[dict[str, Any]] = []
    for path, document in documents.documents(round_, edition=edition).items():
        (draft / path).write_bytes(rfc8785.dumps(document))
        written = draft / path
        files.append({"path": path, "sha256": _sha256(written), "bytes": written.stat().st_size, "role": "document"})
    for sha256, role in documents.blobs(round_, edition=edition):
        path = f"blobs/{sha256}"
        source = store.default().path(sha256)
        try:
            os.link(source, draft / path)  # a second name for the stored file, which is never written again
        except OSError:
            shutil.copyfile(source, draft / path)  # the disk has no such thing
        files.append({"path": path, "sha256": sha256, "bytes": (draft / path).stat().st_size, "role": role})
    files.sort(key=lambda entry: str(entry["path"]))
    named: dict[str, Any] = {
        "format": documents.FORMAT,
        "competition": round_.competition.slug,
        "round": round_.number,
    }
    (draft / "manifest.json").write_bytes(rfc8785.dumps({**named, "files": files}))
    return files


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ledger_files(publication: Publication | Reissue) -> dict[str, str]:
    """What lies beside a published bundle, as it was signed."""
    if publication.checkpoint is None:
        raise ValueError(f"{publication.round} is published without a signed head")
    signed = publication.checkpoint
    return _ledger_texts(publication.round, signed.seq, edition=edition_of(publication)) | _signature_texts(signed)


def _write_texts(draft: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (draft / name).write_text(text)


def _ledger_texts(round_: Round, head: int, *, edition: int) -> dict[str, str]:
    """Every event of the round, and whatever else happened meanwhile: the pages of neighbours overlap."""
    events = LedgerEvent.objects.filter(competition=round_.competition, seq__gte=_first(round_), seq__lte=head)
    lines = (json.dumps(event.as_json(), sort_keys=True, ensure_ascii=True) for event in events.order_by("seq"))
    texts = {"ledger.jsonl": "".join(f"{line}\n" for line in lines)}
    if judging.by_model(round_):
        calls = judging.calls(round_, documents.published_duels(round_, edition=edition))
        texts["calls.jsonl"] = "".join(f"{line}\n" for line in calls)
    return texts


def _signature_texts(signed: Checkpoint) -> dict[str, str]:
    note = {"signature": signed.signature, "signed_by": signed.signed_by}
    return {"checkpoint.txt": signed.text, "checkpoint.sig.json": json.dumps(note, sort_keys=True)}


def _first(round_: Round) -> int:
    """Where the round's part of the ledger begins: with the reign it was to defend, told just before it was announced.

    That reign may be superseded while the round takes reveals; the one in its place is told later.
    """
    events = LedgerEvent.objects.filter(competition=round_.competition)
    opened = events.filter(kind="round.open", body__round=round_.number).order_by("seq").first()
    if opened is None or round_.number == 1:
        return 1
    reign = events.filter(kind="reign", seq__lt=opened.seq).order_by("-seq").first()
    return reign.seq if reign else 1
