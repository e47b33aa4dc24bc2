"""A simulated VLM server in a thread, and assets whose worth it knows: what tests of judges that see share."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.vlm_server import Server, Settings
from benchmarks.vlm_server_mind import Mind, Worth
from judging.backends.base import Side
from judging.panel.openai import OpenAI
from judging.panel.openai_client import Door
from judging.panel.questions import pictures
from judging.panel.questions.version import JudgeVersion, version_named

VERSION = replace(version_named("vlm-2"), pixels=64)
FRONT, SIDES = VERSION.templates["likeness"].shows, VERSION.templates["sides"].shows
QUICK = Door("", slots=16, timeout_s=60.0, deadline_s=60.0, pause_s=0.005, longest_pause_s=0.02)


def picture(path: Path, *, shade: int) -> Path:
    """A gray square on white, another for each shade."""
    pixels = np.full((32, 32, 3), 255, np.uint8)
    pixels[8:24, 8:24] = (shade % 200, shade // 200, 80)
    cv2.imwrite(str(path), pixels)
    return path


def side(folder: Path, name: str, *, shade: int) -> Side:
    """All views of one asset; those of different assets differ, and so do its angles."""
    folder = folder / name
    folder.mkdir(parents=True)
    names = (*FRONT, *SIDES, *(f"gray_{view}" for view in FRONT))
    views = {view: picture(folder / f"{view}.png", shade=shade * 20 + i) for i, view in enumerate(names)}
    return Side(hashlib.sha256(name.encode()).hexdigest(), views)


def worths(side: Side, worth: Worth, *, version: JudgeVersion = VERSION) -> dict[str, Worth]:
    """Every picture of the asset that a judge may be shown, by hash."""
    sheets = [
        pictures.sheet(side, t.shows, pixels=version.pixels)
        for t in version.templates.values()
        if t.shows and t.shows[0] in side.views
    ]
    sheets += [pictures.sheet(side, [view], pixels=version.pixels) for view in FRONT]
    return {hashlib.sha256(shown.jpeg()).hexdigest(): worth for shown in sheets}


OPENED: list[OpenAI] = []


@contextmanager
def served(mind: Mind | None = None, **settings: object) -> Iterator[tuple[Server, str]]:
    """A server that listens, and its address.  Judges made meanwhile are closed with it."""
    server = Server(Settings(**{"model": VERSION.served_as, **settings}), mind or Mind())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(server.listen(), loop).result(60)
    try:
        yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        while OPENED:
            OPENED.pop().close()
        asyncio.run_coroutine_threadsafe(ended(listening), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def ended(listening: asyncio.Server) -> None:
    listening.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def judge(url: str, *, version: JudgeVersion = VERSION, **door: object) -> OpenAI:
    made = OpenAI(version, replace(QUICK, url=url, **door))
    OPENED.append(made)
    return made
