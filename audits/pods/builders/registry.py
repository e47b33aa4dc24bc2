"""How does an image get to machines other than the builder's?  The engine builds and pushes it; it is named by digest.

The registry's key is given to the engine with the push alone, after the build is over: no recipe ever runs beside it.
The digest is the one that the engine reports of its push; a rented machine is given that, never a tag.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audits.pods.base import Image, PodFault
from audits.pods.builders import control_recipe
from audits.pods.builders.base import ABSENT, BUILT, Status
from audits.pods.builders.engine import EngineBuilder, tag_of, unknown_build
from audits.pods.docker import VERSION
from audits.pods.rest import Missing, RestRefused
from core.net.failures import FetchFailed

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/[a-z0-9][a-z0-9/_.-]*")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class PushingBuilder:
    """`repository` is host/path of a registry; `key` is "user:password" of somebody who may push there."""

    name = "registry"

    def __init__(self, builder: EngineBuilder, *, repository: str, key: str = "") -> None:
        if not NAME.fullmatch(repository):
            raise ValueError(f"{repository!r} is no repository of a registry: write registry.example.org/solutions")
        self.builder, self.repository, self.key = builder, repository, key

    def status(self, image: Image, *, archive: str) -> Status:
        """BUILT means pushed: the engine stores the pushed digest beside its image."""
        status = self.builder.status(image, archive=archive)
        if status.state != BUILT:
            return status
        try:
            image_json = self.builder.rest.json("GET", f"{VERSION}/images/{tag_of(archive)}/json")
        except (Missing, RestRefused, PodFault) as reason:
            return unknown_build(str(reason))
        digest = next((d for d in image_json.get("RepoDigests") or [] if str(d).startswith(f"{self.repository}@")), "")
        return Status(state=BUILT, digest=str(digest)) if digest else Status(state=ABSENT)

    def build_control(self) -> Status:
        built = self.builder.build_control()
        return self._pushed(built, image=control_recipe.TAG, tag="control") if built.state == BUILT else built

    def build(self, image: Image, *, archive: str, context: Path) -> Status:
        """Builds only what the engine does not have yet, then pushes it."""
        status = self.builder.status(image, archive=archive)
        if status.state == ABSENT:
            status = self.builder.build(image, archive=archive, context=context)
        return self._pushed(status, image=tag_of(archive), tag=archive[:40]) if status.state == BUILT else status

    def _pushed(self, status: Status, *, image: str, tag: str) -> Status:
        engine = self.builder.rest
        user, _, password = self.key.partition(":")
        login = {"username": user, "password": password, "serveraddress": self.repository.partition("/")[0]}
        headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}
        path, patience = f"{VERSION}/images/{self.repository}/push", self.builder.patience
        try:
            engine.json("POST", f"{VERSION}/images/{image}/tag", query={"repo": self.repository, "tag": tag})
            with engine.stream("POST", path, query={"tag": tag}, headers=headers, patience=patience) as answer:
                digest = _digest(answer.lines()) if answer.status == 200 else ""  # "": the push was refused
        except (FetchFailed, OSError, Missing, RestRefused, PodFault) as reason:
            return unknown_build(f"the push broke ({type(reason).__name__})", log=status.log)
        if not digest:
            return unknown_build("the registry did not say what it has", log=status.log)
        return Status(state=BUILT, digest=f"{self.repository}@{digest}", log=status.log)


def _digest(lines: Iterator[bytes]) -> str:
    digest = ""
    for line in lines:
        try:
            event: Any = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            continue
        if not isinstance(event, dict) or event.get("error"):
            return ""
        aux = event.get("aux")
        named = str(aux.get("Digest", "")) if isinstance(aux, dict) else ""
        digest = named if DIGEST.fullmatch(named) else digest
    return digest
