"""Where do the demo's miners keep their files?  One process plays all of their hosts.

It serves http://127.0.0.1:PORT/<miner>/<stem>.<glb, ply or js>, waits until the platform has drawn a round's prompts,
and then lets each miner's own code make its files.  `python -m examples.hosting --help`.
"""

import argparse
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urljoin

from examples.cast import MINERS, PLAYERS, Member
from examples.kit import write
from examples.worker import die_with_parent
from formats.registry import FORMATS

ROOT = Path(__file__).parent.parent
TYPES = {row.extension: row.media_type for row in FORMATS.values()}
ADDRESS = re.compile(rf"/([a-z]{{1,40}})/([A-Za-z0-9][A-Za-z0-9._-]{{0,199}})\.({'|'.join(map(re.escape, TYPES))})")
STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
POLL_SECONDS = 0.5
AT_ONCE = 2  # generators at work
LARGEST_ANSWER = 64 << 20


@dataclass(frozen=True)
class Drawn:
    """A round's prompts: stem to (sha256, address of the picture)."""

    round: int
    seed: int
    prompts: dict[str, tuple[str, str]]
    extension: str = "glb"


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of whole files and of single ranges."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    folder: Path

    def do_GET(self) -> None:
        self.respond(body=True)

    def do_HEAD(self) -> None:
        self.respond(body=False)

    def respond(self, *, body: bool) -> None:
        found = ADDRESS.fullmatch(self.path.partition("?")[0])
        path = self.folder / found[1] / f"{found[2]}.{found[3]}" if found else None
        try:
            data = path.read_bytes() if path else None
        except OSError:
            data = None
        if data is None:
            self.say(404, {"Content-Type": "text/plain"}, b"no such file\n" if body else b"", 13)
            return
        headers = {"Content-Type": TYPES[found[3] if found else "glb"], "Accept-Ranges": "bytes"}
        part = wanted(self.headers.get("Range"), size=len(data))
        if part is None:
            self.say(200, headers, data if body else b"", len(data))
        elif not part:
            self.say(416, headers | {"Content-Range": f"bytes */{len(data)}"}, b"", 0)
        else:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
            self.say(206, headers, data[part.start : part.stop] if body else b"", len(part))

    def say(self, code: int, headers: dict[str, str], data: bytes, length: int) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: a round is thousands of requests."""


def wanted(header: str | None, *, size: int) -> range | None:
    """The bytes asked for; None: all of them (no range, or one not understood); empty: none that exist."""
    asked = RANGE.fullmatch(header or "")
    if not asked or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        return range(max(0, size - int(asked[2])), size)
    if asked[2] and int(asked[2]) < int(asked[1]):
        return None
    return range(int(asked[1]), min(size, int(asked[2]) + 1 if asked[2] else size))


def server(folder: Path, *, port: int) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", port), type("BoundHandler", (Handler,), {"folder": folder}))


def drawn(platform: str, *, slug: str) -> Drawn | None:
    """The current round's prompts; None while there are none, or while the platform does not answer."""
    address = urljoin(platform, f"/c/{slug}/r/current/prompts.json")
    try:
        told = json.loads(fetched(address))
        prompts = {
            str(one["stem"]): (str(one["sha256"]), urljoin(address, str(one["url"])))
            for one in told["prompts"]
            if STEM.fullmatch(str(one["stem"]))  # what is no file name cannot be hosted under it
        }
        if not prompts:
            return None
        extension = str(told.get("extension") or "glb")
        return Drawn(int(told["round"]), seed_number(told.get("seed")), prompts, extension)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def seed_number(seed: object) -> int:
    """A round's seed may be a number or 64 hex characters; generators take a number of 32 bits."""
    if isinstance(seed, int):
        return seed & 0xFFFFFFFF
    return int(hashlib.sha256(str(seed).encode()).hexdigest()[:8], 16) if seed else 0


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read(LARGEST_ANSWER)


class Studio:
    """Makes the files of a round: pictures into `folder`/.pictures, files of `members` into `folder`/<miner>."""

    def __init__(self, folder: Path, *, stop: threading.Event, members: Sequence[Member] = PLAYERS) -> None:
        self.folder, self.stop, self.members = folder, stop, members
        self.pictures = folder / ".pictures"
        self.pictures.mkdir(parents=True, exist_ok=True)

    def make(self, round_: Drawn) -> None:
        """All files of all miners.  What is already there is not made again.  OSError if a picture cannot be had."""
        for stem, (sha256, address) in round_.prompts.items():
            self.take(stem, sha256=sha256, address=address)
        members = [one for one in self.members if one.extension == round_.extension]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda one: self.work(one, round_), [one for one in members if one.hosts == "own"]))
            list(pool.map(lambda one: self.work(one, round_), [one for one in members if one.hosts == "some"]))
        for one in members:
            if one.hosts in ("true", "copied"):
                self.work(one, round_)

    def take(self, stem: str, *, sha256: str, address: str) -> None:
        """Fetch a picture unless we have it; files made from another picture of that name go."""
        path = self.pictures / f"{stem}.png"
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return
        data = fetched(address)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise OSError(f"{address} is not the picture that was announced")
        for old in (path for ending in TYPES for path in self.folder.glob(f"*/{stem}.{ending}")):
            old.unlink()
        write(path, data)

    def work(self, one: Member, round_: Drawn) -> None:
        stems = sorted(round_.prompts)
        if one.hosts == "some":
            stems = [stem for place, stem in enumerate(stems) if place % 5 not in (1, 3)]
        out = self.folder / one.slug
        missing = [stem for stem in stems if not (out / f"{stem}.{one.extension}").exists()]
        if one.hosts in ("true", "copied"):
            for stem in missing:
                self.borrow(one, stem, sha256=round_.prompts[stem][0])
        elif missing:
            self.generate(one, missing, seed=round_.seed)
        if not self.stop.is_set():
            write(out / "done", f"{round_.round}\n".encode())

    def generate(self, one: Member, stems: list[str], *, seed: int) -> None:
        command = [sys.executable, "-m", "examples.worker", f"--seed={seed}", str(MINERS / one.folder)]
        command += [str(self.pictures), str(self.folder / one.slug), *stems]
        with subprocess.Popen(command, cwd=ROOT) as process:
            while process.poll() is None:
                if self.stop.wait(0.1):
                    process.terminate()
        if process.returncode and not self.stop.is_set():
            raise OSError(f"{one.name}'s generator ended with {process.returncode}")

    def borrow(self, one: Member, stem: str, *, sha256: str) -> None:
        """Files that are not the miner's own: the true object where the cheat knows the picture, else another's."""
        name = f"{stem}.{one.extension}"
        target, copied = self.folder / one.slug / name, self.folder / one.borrows / name
        known = true_object(stem, sha256=sha256, extension=one.extension) if one.hosts == "true" else None
        if known:
            write(target, known)
        elif copied.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copied, target.with_name(f".{target.name}"))
            target.with_name(f".{target.name}").replace(target)


def true_object(stem: str, *, sha256: str, extension: str) -> bytes | None:
    """The object a picture was drawn from, recognised by its bytes; a real photo has none."""
    from examples import objects, prompts

    name = prompts.by_sha256().get(sha256)
    return objects.FILES[extension](name) if name else None


def watch(studio: Studio, *, platform: str, slug: str) -> None:
    """Make each round's files once its prompts are known, until told to stop."""
    made = None
    while not studio.stop.wait(POLL_SECONDS):
        round_ = drawn(platform, slug=slug)
        if round_ is None or round_ == made:
            continue
        try:
            studio.make(round_)
            made = round_
            print(f"round {round_.round}: files of {len(round_.prompts)} prompts are there", flush=True)
        except (OSError, urllib.error.URLError) as reason:
            print(f"round {round_.round}: {reason}; trying again", file=sys.stderr, flush=True)


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.hosting", description=__doc__)
    parser.add_argument("--platform", required=True, help="address of the platform, as http://127.0.0.1:8000")
    parser.add_argument("--slug", default="demo", help="the competition (default: demo)")
    parser.add_argument("--dir", type=Path, required=True, help="where the files are kept")
    parser.add_argument("--port", type=int, default=8017, help="0 for any free one (default: 8017)")
    parser.add_argument("--miner", action="append", help="host for this one only; may be given again (default: all)")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    told = arguments(given)
    stop = threading.Event()
    die_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    members = [one for one in PLAYERS if told.miner is None or one.name in told.miner]
    studio = Studio(told.dir.resolve(), stop=stop, members=members)
    host = server(told.dir.resolve(), port=told.port)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    print(f"hosting at http://127.0.0.1:{host.server_port}", flush=True)
    watch(studio, platform=told.platform, slug=told.slug)
    host.shutdown()


if __name__ == "__main__":
    main()
