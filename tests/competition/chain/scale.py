"""How are metadata written in SCALE?  Only what a small runtime's description (V15) needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

PRIMITIVES = {"bool": 0, "char": 1, "str": 2, "u8": 3, "u16": 4, "u32": 5, "u64": 6, "u128": 7}
HASHERS = {"Blake2_128Concat": 2, "Twox64Concat": 5, "Identity": 6}


def compact(number: int) -> bytes:
    if number < 1 << 6:
        return bytes([number << 2])
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    if number < 1 << 30:
        return (number << 2 | 2).to_bytes(4, "little")
    raw = number.to_bytes((number.bit_length() + 7) // 8, "little")
    return bytes([(len(raw) - 4) << 2 | 3]) + raw


def text(value: str) -> bytes:
    return compact(len(value.encode())) + value.encode()


def blob(value: bytes) -> bytes:
    return compact(len(value)) + value


def vector(items: Iterable[bytes]) -> bytes:
    listed = list(items)
    return compact(len(listed)) + b"".join(listed)


def option(value: bytes | None) -> bytes:
    return b"\0" if value is None else b"\1" + value


NO_DOCS = vector([])


@dataclass
class Registry:
    """The portable types, each named by what it is: `u16`, `[u16]`, `[u8;32]`, `(a,b)`, or a name given before."""

    types: list[bytes] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, definition: bytes, *, path: Iterable[str] = ()) -> int:
        self.ids[name] = len(self.types)
        self.types.append(vector(map(text, path)) + vector([]) + definition + NO_DOCS)
        return self.ids[name]

    def of(self, name: str) -> int:
        if name in self.ids:
            return self.ids[name]
        if name in PRIMITIVES:
            return self.add(name, bytes([5, PRIMITIVES[name]]))
        if name.startswith("Compact<"):
            inner = self.of(name[8:-1])
            return self.add(name, b"\6" + compact(inner))
        if name.startswith("[") and ";" in name:
            kind, _, length = name[1:-1].partition(";")
            inner = self.of(kind)
            return self.add(name, b"\3" + int(length).to_bytes(4, "little") + compact(inner))
        if name.startswith("["):
            inner = self.of(name[1:-1])
            return self.add(name, b"\2" + compact(inner))
        if name.startswith("("):
            parts = [self.of(part) for part in split(name[1:-1])]
            return self.add(name, b"\4" + vector(map(compact, parts)))
        raise KeyError(name)

    def fields(self, named: Iterable[tuple[str, str]]) -> bytes:
        return vector(
            option(text(name) if name else None) + compact(self.of(kind)) + option(text(kind)) + NO_DOCS
            for name, kind in named
        )

    def struct(self, name: str, *named: tuple[str, str], path: str = "") -> int:
        return self.add(name, b"\0" + self.fields(named), path=(path or name).split("::"))

    def enum(self, name: str, variants: dict[int, tuple[str, list[tuple[str, str]]]], *, path: str = "") -> int:
        listed = [
            text(label) + self.fields(named) + bytes([index]) + NO_DOCS for index, (label, named) in variants.items()
        ]
        return self.add(name, b"\1" + vector(listed), path=(path or name).split("::"))

    def encoded(self) -> bytes:
        return vector(compact(number) + one for number, one in enumerate(self.types))


def split(inner: str) -> list[str]:
    """`a,(b,c),[d;3]` at its outer commas."""
    parts, depth, last = [], 0, 0
    for at, letter in enumerate(inner):
        depth += (letter in "([<") - (letter in ")]>")
        if letter == "," and not depth:
            parts.append(inner[last:at])
            last = at + 1
    return [*parts, inner[last:]] if inner else []


def storage(registry: Registry, name: str, value: str, default: bytes | None, *keys: tuple[str, str]) -> bytes:
    """One item: `default` None means that a missing value is None; `keys` are (hasher, type)."""
    head = text(name) + bytes([0 if default is None else 1])
    if not keys:
        kind = b"\0" + compact(registry.of(value))
    else:
        key = keys[0][1] if len(keys) == 1 else "(" + ",".join(part for _, part in keys) + ")"
        hashers = vector(bytes([HASHERS[hasher]]) for hasher, _ in keys)
        kind = b"\1" + hashers + compact(registry.of(key)) + compact(registry.of(value))
    return head + kind + blob(b"\0" if default is None else default) + NO_DOCS


def pallet(name: str, *, index: int, stored: list[bytes], constants: list[bytes], **types: int | None) -> bytes:
    held = option(text(name) + vector(stored)) if stored else option(None)
    calls, event, error = (types.get(kind) for kind in ("calls", "event", "error"))
    parts = [option(None if each is None else compact(each)) for each in (calls, event)]
    last = option(None if error is None else compact(error))
    return text(name) + held + b"".join(parts) + vector(constants) + last + bytes([index]) + NO_DOCS


def constant(registry: Registry, name: str, kind: str, value: bytes) -> bytes:
    return text(name) + compact(registry.of(kind)) + blob(value) + NO_DOCS


def api(registry: Registry, name: str, methods: dict[str, tuple[list[tuple[str, str]], str]]) -> bytes:
    listed = [
        text(method)
        + vector(text(label) + compact(registry.of(kind)) for label, kind in inputs)
        + compact(registry.of(output))
        + NO_DOCS
        for method, (inputs, output) in methods.items()
    ]
    return text(name) + vector(listed) + NO_DOCS


def metadata_v15(registry: Registry, *, pallets: list[bytes], apis: list[bytes], **ids: Any) -> bytes:
    extensions = vector(
        text(name) + compact(registry.of(inside)) + compact(registry.of(signed))
        for name, inside, signed in ids["extensions"]
    )
    address, call, signature, extra = (compact(registry.of(ids[k])) for k in ("address", "call", "signature", "extra"))
    extrinsic = b"\4" + address + call + signature + extra + extensions
    outer = compact(registry.of(ids["call"])) + compact(registry.of(ids["event"])) + compact(registry.of(ids["error"]))
    body = vector(pallets) + extrinsic + compact(registry.of("()")) + vector(apis) + outer + vector([])
    return b"meta\x0f" + registry.encoded() + body
