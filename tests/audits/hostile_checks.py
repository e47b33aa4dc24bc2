"""Checks on their bad days, as a sandbox's child runs them: on whatever tree holds `HOSTILE`, or on every tree."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Any

from audits.source import examining

HOSTILE = b"made against a check"
Work = Callable[[dict[str, Any], bytes], dict[str, Any]]


def only_on_hostile(broken: Work) -> Work:
    return lambda task, data: broken(task, data) if HOSTILE in data else examining.work(task, data)


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
    return {"findings": [], "document": "x" * (64 << 20), "parts": []}


def recurse(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    return recurse(task, data)


WAYS = {work.__name__: work for work in (hang, sleep, eat, crash, quit_, leave, lie, flood, recurse)}
on_hostile_hang, on_hostile_sleep, on_hostile_eat = map(only_on_hostile, (hang, sleep, eat))
on_hostile_crash, on_hostile_quit_, on_hostile_leave = map(only_on_hostile, (crash, quit_, leave))
on_hostile_lie, on_hostile_flood, on_hostile_recurse = map(only_on_hostile, (lie, flood, recurse))
rehearse = examining.rehearse
