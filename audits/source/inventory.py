"""What does a solution consist of?  Packages, models and base images, each with its exact version or none.

The list is written as a CycloneDX document, so that other tools can read it, and is what advisories are looked up for.
"""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from audits.source import dockerfile, pins, python, revisions
from audits.source.tree import SourceFile, Tree

LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,99}")
MOST = 3000
NOWHEN = datetime(2000, 1, 1, tzinfo=UTC)  # a document about the same commit must be the same bytes
OURS = uuid.UUID("6f1d5d4e-3b8a-4c55-9a3d-2f6f3f0f7a11")


@dataclass(frozen=True, kw_only=True, order=True)
class InventoryPart:
    """`kind`: pypi, model or image; `version` is "" where it is not exact."""

    kind: str
    name: str
    version: str
    file: str


def parts(tree: Tree) -> list[InventoryPart]:
    """All of them, each once, in a fixed order; at most MOST."""
    listed = set(models(tree))
    for source in tree.files:
        if pins.FILES.fullmatch(source.path):
            listed |= set(requirements(source))
        elif source.name in LOCKS:
            pinned = [pair for pair in locked(source) or () if NAME.fullmatch(pair[0]) and VERSION.fullmatch(pair[1])]
            listed |= {
                InventoryPart(kind="pypi", name=canonicalize_name(name), version=version, file=source.path)
                for name, version in pinned
            }
        elif dockerfile.NAMES.fullmatch(source.path):
            listed |= set(base_images(source))
    return sorted(part for part in listed if NAME.fullmatch(part.name.split("/")[-1]) or part.kind != "pypi")[:MOST]


def requirements(source: SourceFile) -> Iterator[InventoryPart]:
    """The packages that a requirements file names."""
    for _, line in pins.logical_lines(source):
        try:
            wanted = Requirement(pins.without_options(line))
        except InvalidRequirement:
            continue
        exact = [s.version for s in wanted.specifier if s.operator in ("==", "===") and not s.version.endswith(".*")]
        version = exact[0] if exact else ""
        yield InventoryPart(kind="pypi", name=canonicalize_name(wanted.name), version=version, file=source.path)


def locked(source: SourceFile) -> list[tuple[str, str]] | None:
    """(name, version) of every package of a lock file; None if it cannot be read."""
    try:
        if source.name == "Pipfile.lock":
            lock: Any = json.loads(source.text or "")
            return [(n, str(p.get("version", "")).removeprefix("==")) for n, p in lock.get("default", {}).items()]
        lock = tomllib.loads(source.text or "")
        packages = lock.get("package", lock.get("packages", []))
        return [(str(p.get("name", "")), str(p.get("version", ""))) for p in packages]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def base_images(source: SourceFile) -> Iterator[InventoryPart]:
    """The images that a recipe begins with."""
    for _, word, rest in dockerfile.instructions(source):
        if word == "FROM" and (image := dockerfile.base_of(rest)[0]) and "$" not in image:
            name, _, digest = image.partition("@")
            yield InventoryPart(kind="image", name=name[:200], version=digest[:80], file=source.path)


def models(tree: Tree) -> Iterator[InventoryPart]:
    """The models that Python code loads from a hub by name."""
    for module in python.modules(tree):
        for node, name in module.calls():
            what = revisions.what_of(module, node) if revisions.LOADS.fullmatch(name) else None
            if what and revisions.MODEL.fullmatch(what):
                revision = revisions.revision_of(module, node)
                version = revision if isinstance(revision, str) and revisions.COMMIT.fullmatch(revision) else ""
                yield InventoryPart(kind="model", name=what, version=version, file=module.source.path)


def document(listed: list[InventoryPart], *, commit: str) -> str:
    """CycloneDX 1.6 as JSON, the same for the same parts."""
    from cyclonedx.model.bom import Bom  # 0.1 s that only the inventory needs
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL

    kinds = {
        "pypi": ComponentType.LIBRARY,
        "image": ComponentType.CONTAINER,
        "model": ComponentType.MACHINE_LEARNING_MODEL,
    }
    bom = Bom(serial_number=uuid.uuid5(OURS, commit or "no commit"))
    bom.metadata.timestamp = NOWHEN
    bom.metadata.component = Component(name="solution", version=commit or None, type=ComponentType.APPLICATION)
    for part in listed:
        where = {"pypi": "pypi", "image": "docker", "model": "huggingface"}.get(part.kind, "generic")
        group, _, name = part.name.rpartition("/")
        address = PackageURL(type=where, namespace=group or None, name=name, version=part.version or None)
        bom.components.add(
            Component(
                name=part.name,
                version=part.version or None,
                type=kinds[part.kind],
                purl=address,
                bom_ref=f"{part.kind}:{part.name}@{part.version}:{part.file}",
            )
        )
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


def version() -> str:
    return metadata.version("cyclonedx-python-lib")
