"""How is the browser started so that a page in it can harm nobody?

Its own sandbox stays on (namespaces and seccomp around each page), which it refuses to root: root becomes `nobody`.
Around the whole browser stand namespaces of ours: no network, and no process that outlives it.  A wall that the machine
does not offer is named with "WITHOUT", as in `confinement`, never passed over.
"""

import functools
import os
import shutil
from pathlib import Path

from core.sandbox import processes
from core.sandbox.processes import NOBODY

# The headless shell first: the same engine, whose start takes a third of the processor time and half the memory.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
INSTALL = "apt-get install chromium-headless-shell (or chromium)"
SPACES = ("--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
FLAGS = (
    "--headless=new",
    "--no-startup-window",
    "--remote-debugging-pipe",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-webrtc",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-features=Translate,OptimizationHints,MediaRouter,WebRtcHideLocalIpsWithMdns",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--mute-audio",
    "--block-new-web-contents",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def program(named: str) -> str | None:
    """The browser's path: the one named, or the first that is installed."""
    names = (named,) if named else PROGRAMS
    return next((path for name in names if (path := shutil.which(name))), None)


def command(browser: str, *, home: Path) -> tuple[list[str], list[str]]:
    """The command line, and the walls it puts up."""
    before, walls = [*_spaces()], []
    walls.append("no network" if before else "WITHOUT no network (namespaces are not offered)")
    if os.geteuid() == 0:
        before += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        os.chown(home, NOBODY, NOBODY)
        walls.append("not root")
    own = _sandboxes()
    walls.append("browser sandbox" if own else "WITHOUT browser sandbox (user namespaces are not offered)")
    walls += ["requests answered by the host", "fresh context per asset", "memory, processor and wall limits"]
    flags = [*FLAGS, *(() if own else ("--no-sandbox",)), f"--user-data-dir={home / 'profile'}", "about:blank"]
    return [*before, browser, *flags], walls


def environment(home: Path) -> dict[str, str]:
    """Nothing is inherited."""
    at = str(home)
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": at,
        "TMPDIR": at,
        "XDG_CACHE_HOME": at,
        "XDG_CONFIG_HOME": at,
        "XDG_RUNTIME_DIR": at,
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
    }


@functools.cache
def _spaces() -> tuple[str, ...]:
    mapped = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    before = ("unshare", *mapped, *SPACES, "--")
    return before if _works([*before, "true"]) else ()


@functools.cache
def _sandboxes() -> bool:
    """Chromium's sandbox needs a user namespace, also inside ours."""
    dropped = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    return _works([*_spaces(), *dropped, "unshare", "--user", "--map-current-user", "--pid", "--fork", "true"])


def _works(words: list[str]) -> bool:
    return processes.output_of(words, seconds=20) is not None
