"""How does a visitor get a file?  Pictures and 3D files by hash, a round's prompts and bundle; is the site well?"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe
from PIL import Image
from rest_framework.decorators import api_view
from rest_framework.response import Response

from competition import queries
from competition.publication.bundle_folders import folder_of
from core import clock, store
from dashboard.doors.numbers import whole_number
from dashboard.facts.external_links import web_address
from dashboard.facts.queries import edition_of, is_light_copy, is_mirrored
from dashboard.operations import round_costs
from dashboard.pages import thumbs, url_lookup
from dashboard.pages.answers import Answered, fresh
from formats import registry
from formats.integrity.marks import EXTENSION
from judging import queries as judging

BUNDLE_TYPES = {".json": "application/json", ".jsonl": "application/x-ndjson", ".txt": "text/plain; charset=utf-8"}
FOR_EVER = "public, max-age=31536000, immutable"
KNOWN_SECONDS = 3600
NOTHING_RUNS = "default-src 'none'; sandbox"  # whatever the bytes are, a browser does nothing with them
PIECE = 1 << 20


@require_safe
def blob(request: HttpRequest, sha256: str, extension: str) -> HttpResponseBase:
    """One file of the store, if the database knows that it is meant to be seen."""
    if not known(sha256, extension):
        raise Http404("No file with this hash was published.")
    return _immutable(request, tag=f'"{sha256}"', make=lambda: _file(sha256, extension))


@require_safe
def thumb(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A small copy of a published picture."""
    if not known(sha256, "png"):
        raise Http404("No picture with this hash was published.")
    return _immutable(request, tag=f'"{sha256}-{thumbs.EDGE}"', make=lambda: _thumb(sha256))


def _immutable(request: HttpRequest, *, tag: str, make: Callable[[], FileResponse]) -> HttpResponseBase:
    """Bytes that never change: kept by the browser for ever, and made only if it does not have them."""
    response: HttpResponseBase = get_conditional_response(request, etag=tag) or make()
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    response.headers["X-Content-Type-Options"] = "nosniff"
    return as_it_is(response)


def as_it_is(response: Answered) -> Answered:
    """Pictures and archives do not get smaller by compressing them again."""
    response.headers["Content-Encoding"] = "identity"
    return response


def _file(sha256: str, extension: str) -> FileResponse:
    """Raises StoreFault, which `DamagedFiles` writes down and answers: a published file that is lost is our damage."""
    opened = store.default().open(sha256)
    attached = extension != "png"
    name = f"{sha256[:16]}.{extension}"
    ours = {"png": "image/png", EXTENSION: "application/octet-stream"}
    media_type = (registry.media_types() | ours)[extension]
    return FileResponse(opened, content_type=media_type, as_attachment=attached, filename=name if attached else "")


def _thumb(sha256: str) -> FileResponse:
    try:
        return FileResponse(thumbs.thumb(sha256).open("rb"), content_type="image/webp")
    except (OSError, Image.DecompressionBombError):
        return _file(sha256, "png")


def known(sha256: str, extension: str) -> bool:
    """A prompt or a view (png), positions of defects, an asset or its light copy (others)?

    A yes never becomes a no, so it is remembered.
    """
    remembered = f"blob:{extension}:{sha256}"
    if cache.get(remembered):
        return True
    if extension in registry.media_types():
        stored = queries.is_stored_asset(sha256) or is_light_copy(sha256)
    elif extension == EXTENSION:
        stored = judging.are_defect_positions(sha256)
    else:
        stored = queries.is_prompt(sha256) or is_mirrored(sha256) or judging.is_view(sha256)
    if stored:
        cache.set(remembered, True, KNOWN_SECONDS)
    return stored


@api_view(["GET", "HEAD"])
def prompts(request: Any, slug: str, number: int | None = None) -> Response:
    """What miners generate from; without a number: of the current round.  404 until the prompts are drawn."""
    round_ = url_lookup.round_(slug, number) if number is not None else queries.latest_round(slug)
    drawn = queries.drawn_prompts(round_) if round_ else []
    if round_ is None or not drawn:
        raise Http404("The prompts of this round are not drawn yet.")
    shown = [
        {
            "stem": d.prompt.stem,
            "sha256": d.prompt.sha256,
            "url": request.build_absolute_uri(reverse("blob", args=[d.prompt.sha256, "png"]))
            if d.prompt.sha256
            else web_address(d.prompt.url),  # of a round played elsewhere, whose pictures are not here
        }
        for d in drawn
    ]
    try:
        extension = registry.of(round_.competition.config).extension
    except ValueError:
        extension = ""  # of a round that was played elsewhere perhaps none of ours
    fields = {"round": round_.number, "stage": round_.state, "seed": round_.seed, "extension": extension}
    return fresh(Response({**fields, "prompts": shown}))


@require_safe
def prompt_picture(request: HttpRequest, slug: str, stem: str) -> HttpResponse:
    """A prompt's picture by its name, as state repositories give it; its bytes lie under their hash."""
    prompt = queries.prompt_named(slug, stem)
    if prompt is None or not prompt.sha256:
        raise Http404("There is no picture of this prompt here.")
    return fresh(HttpResponseRedirect(reverse("blob", args=[prompt.sha256, "png"])))


@require_safe
def view_picture(request: HttpRequest, slug: str, sha256: str, picture: str) -> HttpResponse:
    """A picture of a file as the subnet's records name it below the file's folder of views: `grid.png`, or
    `white/<view>.png` and `gray/<view>.png` by background.  Its bytes lie under their hash."""
    view = judging.views_by_record_name(slug, sha256).get(picture)
    if view is None:
        raise Http404("There is no such picture of this file here.")
    return fresh(HttpResponseRedirect(reverse("blob", args=[view, "png"])))


def _bundle_folder(request: HttpRequest, slug: str, number: int) -> Path:
    """Of the edition that is asked for: a corrected round has several, and each stays where it is."""
    round_, edition = url_lookup.round_(slug, number), whole_number(request.GET.get("edition", "1")) or 0
    publication = edition_of(round_, edition=edition)
    folder = folder_of(round_, edition=edition)
    if publication is None or publication.state != "published" or not folder.is_dir():
        raise Http404("The bundle of this round is not published yet.")
    return folder


@require_safe
def bundle_file(request: HttpRequest, slug: str, number: int, path: str) -> HttpResponseBase:
    """One file of a published bundle, as text or bytes to keep, never as a page."""
    folder = _bundle_folder(request, slug, number).resolve()
    wanted = (folder / path).resolve()
    if not wanted.is_relative_to(folder) or not wanted.is_file():
        raise Http404("The bundle has no such file.")
    kind = BUNDLE_TYPES.get(wanted.suffix, "application/octet-stream")
    response = FileResponse(wanted.open("rb"), content_type=kind, as_attachment=kind == "application/octet-stream")
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return fresh(response)


@require_safe
def bundle(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """The whole bundle as one tar, written while it is sent."""
    folder = _bundle_folder(request, slug, number)
    name = f"{slug}-{folder.name}"
    response = StreamingHttpResponse(archive(folder, name=name), content_type="application/x-tar")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.tar"'
    return as_it_is(response)


def archive(folder: Path, *, name: str) -> Iterator[bytes]:
    """Pieces of a tar of all files below `folder`, without anybody's names or times in it."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        entry = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix()}")
        entry.size = path.stat().st_size
        yield entry.tobuf()
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Can this process reach its database and its files, and is its clock right?"""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            database = bool(cursor.fetchone())
    except DatabaseError:
        database = False
    answers = {"database": database, "store": Path(settings.STORE_DIR).is_dir()}
    right = not answers["database"] or clock.may_act()
    well = answers["database"] and right
    body = {"status": "ok" if well else "ill", **{name: "ok" if ok else "no answer" for name, ok in answers.items()}}
    body["clock"] = "ok" if right else clock.CLOCK.sentence
    return JsonResponse(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What rounds cost, for whoever draws it over time."""
    form = "text/plain; version=0.0.4; charset=utf-8"
    return HttpResponse(round_costs.as_metrics(), content_type=form, headers={"Cache-Control": "no-store"})
