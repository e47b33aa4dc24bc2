"""What is one headless browser, and one page in it that shares nothing with the next?

The page gets no network: every request it makes comes here and is answered from `files`, or refused.  Whoever uses a
page tells from the exception what happened: `Exhausted` (the page's doing), everything else may be ours.
"""

import base64
import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.sandbox import metering, processes
from core.sandbox.chromium import using, walls
from core.sandbox.chromium.pipe import CallFailed, Event, OutOfTime, Pipe, PipeBroken
from core.sandbox.chromium.using import BrowserUse
from core.sandbox.outcomes import RendererFault
from core.sandbox.policy import SandboxPolicy

ORIGIN = "https://darkroom.invalid"
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self' blob:; img-src blob: data:; style-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
START_SECONDS = 60.0
LEAST_PIXELS = 256  # a smaller window draws no frames
GONE = (PipeBroken, OutOfTime, OSError)
# What one asset may use in a browser that did nothing else before, where nothing else is said.
BROWSING = SandboxPolicy(memory=4 << 30, cpu_seconds=120, wall_seconds=480.0)


class Exhausted(Exception):
    """The page used more than it may: `what` is memory or cpu."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} above {limit}")
        self.what, self.limit = what, limit


def excess(now: BrowserUse, *, before: BrowserUse, allowance: SandboxPolicy) -> Exhausted | None:
    """What was used too much, `before` being what was used when it was allowed.

    A full heap spends the processor's time on searching for room, longer on a slow machine: whoever holds too much when
    time runs out was stopped by memory, so that every machine names the same cause.  Up to twice the heap is let be:
    what was thrown away is not collected at once.
    """
    grown = now.memory - before.memory
    if now.memory > allowance.memory:
        return Exhausted("memory", allowance.memory)
    if grown > 2 * allowance.heap:
        return Exhausted("memory", allowance.heap)
    if now.cpu_seconds - before.cpu_seconds > allowance.cpu_seconds:
        full = grown > allowance.heap
        return Exhausted("memory", allowance.heap) if full else Exhausted("cpu", allowance.cpu_seconds)
    return None


Files = Mapping[str, bytes | str]  # path to content


class Browser:
    """A running Chromium behind the walls of `walls.py`.  One thread at a time."""

    def __init__(self, program: str, *, heap_megabytes: int = 1024) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="gauntlet-browser-"))
        self.files: Files = {}
        self.refused: list[str] = []  # requests of the page that were not answered
        self.allowance, self.before, self.looked = BROWSING, BrowserUse(memory=0, cpu_seconds=0.0), 0.0
        self.crashed = False
        command, self.walls = walls.command(program, home=self.home)
        command.insert(-1, f"--js-flags=--max-old-space-size={heap_megabytes}")
        try:
            self._start(command)
            self.version = str(self.pipe.call("Browser.getVersion")["product"])
            self.pipe.call("Browser.setDownloadBehavior", behavior="deny")
        except (*GONE, CallFailed, KeyError) as error:
            self.close()
            raise RendererFault("NO_BROWSER", f"the browser did not start: {error!r}") from error

    def _start(self, command: list[str]) -> None:
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        self.pipe = Pipe(reading=ours_in, writing=ours_out, hear=self._hear, tick=self._tick)
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
        try:
            self.process = processes.start_browser(command, environment=walls.environment(self.home), ends=high)
        finally:
            for end in (*high, theirs_in, theirs_out):
                os.close(end)
        self.pipe.deadline = time.monotonic() + START_SECONDS

    @property
    def alive(self) -> bool:
        return self.process.poll() is None and not self.crashed

    @contextlib.contextmanager
    def page(self, files: Files, *, size: int, allowance: SandboxPolicy) -> Iterator["BrowserPage"]:
        """A page of `size` pixels in a context of its own, showing `files["/"]`; the context ends with it."""
        self.files, self.refused = files, []
        self.allow(allowance)
        context = self.pipe.call("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
        try:
            yield BrowserPage(self, context, size=size)
        finally:
            if hasattr(self, "process"):  # before its context ends, with which the page's own process goes
                metering.used(using.of(self.process.pid).cpu_seconds - self.before.cpu_seconds)
            if self.alive:
                self.pipe.deadline = max(self.pipe.deadline, time.monotonic() + 10)
                self.pipe.call("Target.disposeBrowserContext", browserContextId=context)
            self.files = {}

    def allow(self, allowance: SandboxPolicy) -> None:
        """From now on, whatever was used before."""
        self.allowance = allowance
        self.before = using.of(self.process.pid)
        self.pipe.deadline = time.monotonic() + allowance.wall_seconds

    def close(self) -> None:
        """End it and everything in it; its namespace of processes goes with it."""
        process = getattr(self, "process", None)
        if process is not None:
            processes.end(process)
            self.pipe.close()
            del self.process
        for _ in range(50):  # a process that is just ending may still write there
            shutil.rmtree(self.home, ignore_errors=True)
            if not self.home.exists():
                return
            time.sleep(0.02)

    def _tick(self) -> None:
        """While we wait: does it use too much?"""
        if time.monotonic() - self.looked < 0.25 or not hasattr(self, "process"):
            return
        self.looked = time.monotonic()
        if too_much := excess(using.of(self.process.pid), before=self.before, allowance=self.allowance):
            raise too_much

    def _hear(self, event: Event) -> None:
        params = event.get("params", {})
        if event.get("method") == "Fetch.requestPaused":
            self._answer(params, session=event.get("sessionId", ""))
        elif event.get("method") == "Inspector.targetCrashed":
            self.crashed = True
            raise PipeBroken("the page crashed")

    def _answer(self, params: Event, *, session: str) -> None:
        url = str(params["request"]["url"])
        content = self.files.get(url.removeprefix(ORIGIN)) if url.startswith(ORIGIN) else None
        if content is None:
            self.refused.append(url[:200])
            self.pipe.send_only(
                "Fetch.failRequest", session=session, requestId=params["requestId"], errorReason="BlockedByClient"
            )
            return
        body = content.encode() if isinstance(content, str) else content
        kind = TYPES.get(Path(url).suffix, "application/octet-stream") if not url.endswith("/") else "text/html"
        headers = {"Content-Type": kind, "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        self.pipe.send_only(
            "Fetch.fulfillRequest",
            session=session,
            requestId=params["requestId"],
            responseCode=200,
            responseHeaders=[{"name": name, "value": value} for name, value in headers.items()],
            body=base64.b64encode(body).decode(),
        )


class BrowserPage:
    """A page that shows what its browser's `files` say."""

    def __init__(self, browser: Browser, context: str, *, size: int) -> None:
        self.browser = browser
        call = browser.pipe.call
        size = max(size, LEAST_PIXELS)
        target = call("Target.createTarget", url="about:blank", browserContextId=context, width=size, height=size)
        self.session = str(call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"])
        self.call("Inspector.enable")
        self.call("Fetch.enable", patterns=[{"urlPattern": "*"}])
        self.call("Emulation.setDeviceMetricsOverride", width=size, height=size, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=f"{ORIGIN}/")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.pipe.call(method, session=self.session, **params)

    def ask(self, expression: str, *, awaited: bool = True) -> Any:
        """The value of an expression.  Raises Thrown with the page's words; they are not to be trusted."""
        reply = self.call("Runtime.evaluate", expression=expression, awaitPromise=awaited, returnByValue=True)
        if "exceptionDetails" in reply:
            details = reply["exceptionDetails"]
            raise Thrown(str(details.get("exception", {}).get("description") or details.get("text"))[:400])
        return reply.get("result", {}).get("value")

    def until(self, expression: str) -> None:
        """Until the page's scripts are there."""
        while not self.ask(expression):
            time.sleep(0.01)

    def picture(self, size: int) -> bytes:
        """What the page shows, as PNG, taken by the browser and not by the page."""
        clip = {"x": 0, "y": 0, "width": size, "height": size, "scale": 1}
        reply = self.call(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=False, optimizeForSpeed=True
        )
        return base64.b64decode(reply["data"])


class Thrown(Exception):
    """A script of the page threw."""
