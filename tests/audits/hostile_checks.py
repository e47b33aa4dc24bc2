"""Checks on their bad days, as a sandbox's child runs them."""

from __future__ import annotations

import ctypes
from typing import Any


def hang(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    while True:
        pass


def eat(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def crash(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def lie(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    return {"findings": [{"severity": "passed", "rule": 1}], "document": 3, "parts": []}
