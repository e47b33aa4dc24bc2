"""Which pictures of imported rounds do other hosts still have, and how do they come here?

Each address is tried once, by the guarded fetch, and what came of it is written down; only whole pictures of a sane
size are kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import transaction
from PIL import Image

from competition.models import Competition, Prompt
from core import store
from core.net import fetch
from core.net.failures import FetchFailed
from core.net.host_slots import InProcess
from core.net.limits import Patience
from dashboard.facts.records import pictures_of
from dashboard.models import MirroredFile
from judging.models import Duel

FORMATS = ("PNG", "JPEG", "WEBP")
LARGEST_BYTES = 20 * 2**20
LARGEST_EDGE = 8192
AT_ONCE = 4  # over all hosts, so that none is asked for more
GROUP = 64  # addresses whose outcome is written together


class NoPicture(Exception):
    """What came is no picture that can be shown; says why."""


@dataclass(frozen=True, kw_only=True)
class Came:
    url: str
    sha256: str = ""
    bytes: int = 0
    failure: str = ""
    ours: bool = False  # our own outage: nothing is known of the address, and it will be tried again


def addresses(competition: Competition, *, number: int | None = None, prompts_only: bool = False) -> list[str]:
    """Every picture's address once: prompts first, then what both sides of each duel showed."""
    pool = Prompt.objects.filter(competition=competition).exclude(url="")
    duels = Duel.objects.filter(match__round__competition=competition)
    if number is not None:
        pool = pool.filter(draws__round__number=number)
        duels = duels.filter(match__round__number=number)
    urls = dict.fromkeys(pool.order_by("stem").values_list("url", flat=True))
    if not prompts_only:
        details = duels.order_by("match_id", "position").values_list("detail", flat=True)
        urls |= dict.fromkeys(url for detail in details.iterator() for url in pictures_of(detail))
    return [url for url in urls if url.startswith(("https://", "http://"))]


def mirror(urls: Iterable[str], *, retry_failed: bool, now: datetime, on_result: Callable[[Came], None]) -> None:
    """Fetch what is not here.  `retry_failed`: also what failed before."""
    rows = MirroredFile.objects.all() if not retry_failed else MirroredFile.objects.exclude(sha256="")
    tried = set(rows.values_list("url", flat=True))
    waiting = iter([url for url in urls if url not in tried])
    slots = InProcess(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as pool, tempfile.TemporaryDirectory(prefix="gauntlet-mirror-") as folder:
        while group := list(islice(waiting, GROUP)):
            fetches = [pool.submit(_fetch, url, Path(folder) / str(n), slots) for n, url in enumerate(group)]
            came = []
            for done in as_completed(fetches):
                on_result(done.result())
                came.append(done.result())
            _keep(came, now=now)


def _fetch(url: str, into: Path, slots: InProcess) -> Came:
    try:
        fetch.fetch(url, policy=policy(), into=into, slots=slots)
        require_picture(into)
        return Came(url=url, sha256=store.default().put(into), bytes=into.stat().st_size)
    except FetchFailed as failed:
        return Came(url=url, failure=failed.sentence, ours=failed.failure_class == "infrastructure")
    except NoPicture as reason:
        return Came(url=url, failure=str(reason))
    finally:
        into.unlink(missing_ok=True)


def policy() -> fetch.FetchPolicy:
    witness, _, port = settings.FETCH_WITNESS.partition(":")
    return fetch.FetchPolicy(
        max_bytes=LARGEST_BYTES,
        patience=Patience(total_s=60),
        loopback_ports=range(1024, 65536) if settings.DEMO else (),
        spare_bytes=64 * 2**20 if settings.DEMO else 2**30,
        witness=(witness, int(port or 443)) if witness else None,
    )


def require_picture(path: Path) -> None:
    """A header is read and the file is checked; nothing is drawn."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NoPicture(f"What came is no picture that can be read: {error}") from error
    if max(width, height) > LARGEST_EDGE:
        raise NoPicture(f"The picture has {width} x {height} pixels; {LARGEST_EDGE} are allowed.")


@transaction.atomic
def _keep(came: list[Came], *, now: datetime) -> None:
    for one in (one for one in came if not one.ours):
        fields = {"sha256": one.sha256, "bytes": one.bytes, "failure": one.failure, "tried_at": now}
        MirroredFile.objects.update_or_create(url=one.url, defaults=fields)
        if one.sha256:
            Prompt.objects.filter(url=one.url).update(sha256=one.sha256, bytes=one.bytes)
