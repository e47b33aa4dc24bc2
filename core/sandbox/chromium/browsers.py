"""Which browser draws the next asset?  One per process, for a batch of assets, and none for long when nobody draws."""

import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Iterator

from core.sandbox import processes
from core.sandbox.chromium import walls
from core.sandbox.chromium.browser import Browser
from core.sandbox.outcomes import RendererFault

BATCH = 64  # assets
IDLE_SECONDS = 60.0
elsewhere: str | None = None  # the browser's path where there is no Django: on the machine of a miner


def program() -> str | None:
    """The installed browser's path."""
    if elsewhere is not None:
        return elsewhere
    from django.conf import settings  # on the machine of a miner there is no Django

    return walls.program(settings.CHROMIUM)


@functools.cache
def version() -> str:
    """Of the installed browser, which decides single pixels; `none` where there is none."""
    executable = program()
    text = processes.output_of([executable, "--version"], seconds=60) if executable else None
    return next((word for word in (text or "").split() if word[:1].isdigit()), "none")


class Browsers:
    """Lends a browser to one thread at a time."""

    def __init__(self, *, heap_megabytes: int = 1024) -> None:
        self.heap_megabytes = heap_megabytes
        self._lock = threading.Lock()
        self._browser: Browser | None = None
        self._owner = self._drawn = 0
        self._idle: threading.Timer | None = None
        atexit.register(self.close)

    @contextlib.contextmanager
    def one(self, *, fresh: bool = False) -> Iterator[Browser]:
        """A browser that works; `fresh`: that did nothing else before.  After any exception it is not used again."""
        with self._lock:
            if self._idle:
                self._idle.cancel()
            browser = self._ready(fresh=fresh)
            try:
                yield browser
            except BaseException:
                self._drop()
                raise
            self._drawn += 1
            self._idle = threading.Timer(IDLE_SECONDS, self.close)
            self._idle.daemon = True
            self._idle.start()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _ready(self, *, fresh: bool) -> Browser:
        if self._browser and self._owner != os.getpid():
            self._browser = None  # we are a fork of the process that started it: it is not ours
        if self._browser and (fresh or self._drawn >= BATCH or not self._browser.alive):
            self._drop()
        if self._browser is None:
            executable = program()
            if executable is None:
                raise RendererFault(
                    "NO_BROWSER", f"there is no Chromium here: {walls.INSTALL}, or set GAUNTLET_CHROMIUM"
                )
            self._browser, self._owner, self._drawn = (
                Browser(executable, heap_megabytes=self.heap_megabytes),
                os.getpid(),
                0,
            )
        return self._browser

    def _drop(self) -> None:
        if self._browser and self._owner == os.getpid():
            self._browser.close()
        self._browser = None


DRAWING = Browsers()
