"""Checks on their bad days, as a sandbox's child runs them: on whatever tree holds `HOSTILE`, or on every tree.

Which bad day it is stands where a commit would, so that one sandbox serves for all of them.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Any

from audits.source import examining

HOSTILE = b"made against a check"
ON_HOSTILE = "on_hostile_"
Work = Callable[[dict[str, Any], bytes], dict[str, Any]]


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    way = task["commit"]
    if way.startswith(ON_HOSTILE) and HOSTILE not in data:
        return examining.work(task | {"commit": "0" * 40}, data)
    return WAYS[way.removeprefix(ON_HOSTILE)](task, data)


def hang(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    while True:
        pass


def sleep(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    signal.pause()
    return {}


def eat(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def crash(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def quit_(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    os._exit(0)


def leave(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    raise SystemExit(3)


def lie(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    return {"findings": [{"severity": "passed", "rule": 1}], "document": 3, "parts": []}


def flood(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    return {"findings": [], "document": "x" * (25 << 20), "parts": []}


def recurse(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    return recurse(task, data)


WAYS: dict[str, Work] = {way.__name__: way for way in (hang, sleep, eat, crash, quit_, leave, lie, flood, recurse)}
rehearse = examining.rehearse
