"""How is an image built on a GPU host of our own?  By its Docker Engine, from the archive that was audited.

The build has the network (packages are installed), limits, and no secrets: no build arguments, no registry's key, no
files but the archive's.  The image is tagged with the archive's hash, and is run by its digest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from audits.pods.base import INFRASTRUCTURE, MINER, UNCLEAR, Image, PodFault
from audits.pods.builders import control_recipe
from audits.pods.builders.base import ABSENT, BUILT, FAILED, RECIPE, UNKNOWN, Status
from audits.pods.docker import BY_DIGEST, VERSION, engine_at
from audits.pods.rest import LARGEST, Missing, RestRefused
from core.net.failures import FetchFailed
from core.net.limits import Patience

LABEL = "gauntlet.archive"
LONGEST_BUILD_S = 3600
LOG_LETTERS = 20_000
LARGEST_IMAGE = 200 << 30
# Said by the engine about itself or the network, as a rule.  A recipe can print the same: `audits.pods.builds`
# believes an outage that goes on only where a canary fails, too.
OURS = (
    "no space left",
    "toomanyrequests",
    "rate limit",
    "i/o timeout",
    "tls handshake",
    "connection reset",
    "unexpected eof",
    "temporary failure",
    "could not resolve",
    "name or service not known",
    "connection refused",
    "service unavailable",
    "bad gateway",
    "gateway timeout",
    "read timed out",
    "context deadline",
    "context canceled",
    "503 server",
    "502 server",
    "network is unreachable",
    "too many requests",
    "newconnectionerror",
    "connecttimeout",
    "failed to fetch http",
)


class EngineBuilder:
    name = "engine"

    def __init__(self, url: str, *, memory_bytes: int = 32 << 30, patience_s: float = LONGEST_BUILD_S) -> None:
        self.rest, self.memory_bytes, self.patience_s = engine_at(url), memory_bytes, patience_s

    def status(self, image: Image, *, archive: str) -> Status:
        try:
            image_json = self.rest.json("GET", f"{VERSION}/images/{tag_of(archive)}/json")
            status = _built(image_json, archive=archive)
            if status.state == FAILED:
                self.rest.json("DELETE", f"{VERSION}/images/{tag_of(archive)}", query={"force": "1"})
        except Missing:
            return Status(state=ABSENT)
        except (PodFault, RestRefused) as reason:
            return unknown_build(str(reason))
        return status

    def build_control(self) -> Status:
        query = {**self._query(control_recipe.IMAGE, control_recipe.SHA256), "t": control_recipe.TAG, "nocache": "1"}
        with control_recipe.context() as context:
            return self._built(query, context) or Status(state=BUILT)

    def _query(self, image: Image, archive: str) -> dict[str, str]:
        return {
            "t": tag_of(archive),
            "dockerfile": RECIPE,
            "rm": "1",
            "forcerm": "1",
            "pull": "1",
            "memory": str(self.memory_bytes),
            "memswap": str(self.memory_bytes),
            "labels": json.dumps({LABEL: archive, "gauntlet.commit": image.commit}),
        }

    def build(self, image: Image, *, archive: str, context: Path) -> Status:
        log = _Log()
        if (failed := self._built(self._query(image, archive), context, log)) is not None:
            self.remove_leftovers()
            return failed
        status = self.status(image, archive=archive)  # the stream may end without a word: the engine decides
        if status.state == ABSENT:
            return unknown_build("the engine said nothing, and there is no image", log=log.text)
        return Status(state=status.state, digest=status.digest, fault=status.fault, log=log.text)

    def remove_leftovers(self) -> None:
        """Remove the layers and the cache of builds that came to nothing, so that no recipe fills the disk for others.

        Where the engine does not do it now, it is asked again after the next failure.
        """
        dangling = json.dumps({"dangling": {"true": True}})
        for path, query in (("images/prune", {"filters": dangling}), ("build/prune", {"all": "1"})):
            with suppress(Missing, PodFault, RestRefused):
                self.rest.json("POST", f"{VERSION}/{path}", query=query)

    def _built(self, query: Mapping[str, str], context: Path, log: _Log | None = None) -> Status | None:
        """How the build failed; None if it did not say that it did."""
        log, deadline = log or _Log(), time.monotonic() + self.patience_s
        try:
            failed = self._stream(query, context, log)
        except FetchFailed as reason:
            if time.monotonic() < deadline:
                return unknown_build(f"the build's connection broke ({reason.code})", log=log.text)
            sentence = f"The build was not over after {self.patience_s / 60:.0f} minutes."
            return Status(state=FAILED, fault=PodFault(UNCLEAR, "build_too_long", sentence), log=log.text)
        except OSError as reason:
            return unknown_build(f"the archive cannot be read ({type(reason).__name__})", log=log.text)
        return Status(state=FAILED, fault=blame(failed, log.text), log=log.text) if failed else None

    def _stream(self, query: Mapping[str, str], context: Path, log: _Log) -> str:
        """What the build failed with; "" if it reported no failure.  Raises FetchFailed and OSError.

        A build could print for ever: the whole of it has one deadline.
        """
        with (
            context.open("rb") as tar,
            self.rest.stream(
                "POST",
                f"{VERSION}/build",
                query=query,
                body=iter(lambda: tar.read(1 << 20), b""),
                headers={"Content-Type": "application/x-tar"},
                patience=self.patience,
            ) as answer,
        ):
            if answer.status in (400, 404):  # no such recipe, or one that cannot be parsed
                return answer.content(most=LARGEST).decode("utf-8", "replace")[:500] or "the engine refused the recipe"
            if answer.status != 200:
                raise FetchFailed("unexpected_status", str(answer.status))
            return log.follow(answer.lines())

    @property
    def patience(self) -> Patience:
        """For a build or a push: the engine may be silent as long as it takes."""
        return Patience.within(self.patience_s, connect_s=10.0)


class _Log:
    def __init__(self) -> None:
        self.text = ""

    def follow(self, lines: Iterator[bytes]) -> str:
        """The first error that the engine reports; "" if none."""
        failed = ""
        for line in lines:
            try:
                event = json.loads(line) if line.strip() else {}
            except (ValueError, RecursionError):
                event = {"stream": line.decode("utf-8", "replace")}
            if not isinstance(event, dict):
                continue
            text = str(event.get("stream") or event.get("status") or event.get("error") or "")
            self.text = (self.text + text)[-LOG_LETTERS:]
            failed = failed or str(event.get("error") or "")
        return failed


def tag_of(archive: str) -> str:
    return f"gauntlet/solution:{archive[:40]}"


def blame(error: str, log: str) -> PodFault:
    """A recipe that fails is the miner's; a full disk, or a network that was away while it ran, is ours."""
    output = f"{error}\n{log[-2000:]}".lower()
    words = "".join(letter for letter in error[:200] if letter.isprintable())
    if any(piece in output for piece in OURS):
        return PodFault(INFRASTRUCTURE, "build_disturbed", f"The build was disturbed ({words}). We build again.")
    return PodFault(MINER, "build_failed", f"The image could not be built from {RECIPE}: {words}")


def _built(image_json: Any, *, archive: str) -> Status:
    """An image under this name that was not made from this archive is none."""
    row = image_json if isinstance(image_json, dict) else {}
    labels = row.get("Config", {}).get("Labels") or {}
    digest, size = str(row.get("Id", "")), row.get("Size", 0)
    if labels.get(LABEL) != archive or not BY_DIGEST.fullmatch(digest):
        return Status(state=ABSENT)
    if isinstance(size, int) and size > LARGEST_IMAGE:
        sentence = f"The image has {size >> 30} GiB, and may have {LARGEST_IMAGE >> 30}."
        return Status(state=FAILED, fault=PodFault(MINER, "image_too_large", sentence))
    return Status(state=BUILT, digest=digest)


def unknown_build(why: str, *, log: str = "") -> Status:
    fault = PodFault(INFRASTRUCTURE, "build_unknown", f"We do not know how the build is: {why}. We look again.")
    return Status(state=UNKNOWN, fault=fault, log=log)
