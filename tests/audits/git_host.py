"""A git host on loopback: git's own server (`git http-backend`) behind HTTP, and repositories made by its plumbing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a miner",
    "GIT_AUTHOR_EMAIL": "miner@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "a miner",
    "GIT_COMMITTER_EMAIL": "miner@example.org",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


class Made:
    """One repository of the host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(folder)], env=ENVIRONMENT, check=True)
        for setting in ("uploadpack.allowFilter=true", "http.receivepack=false"):
            self.git("config", *setting.split("="))

    def git(self, *arguments: str, given: bytes = b"") -> str:
        command = ["git", "--git-dir", str(self.folder), *arguments]
        done = subprocess.run(command, env=ENVIRONMENT, input=given, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def raw_tree(self, entries: list[tuple[str, bytes, str]]) -> str:
        """A tree object byte by byte: git's own `mktree` would refuse the names a hostile one has."""
        body = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, name, sha in entries)
        return self.git("hash-object", "-w", "-t", "tree", "--stdin", "--literally", given=body)

    def tree(self, files: Mapping[str, bytes | str], *, programs: frozenset[str] = frozenset()) -> str:
        folders: dict[str, dict[str, bytes | str]] = {}
        entries: list[tuple[str, bytes, str]] = []
        for path, content in files.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = content
            else:
                data = content.encode() if isinstance(content, str) else content
                entries.append(("100755" if path in programs else "100644", first.encode(), self.blob(data)))
        entries += [("40000", name.encode(), self.tree(inside)) for name, inside in folders.items()]
        ordered = sorted(entries, key=lambda entry: entry[1] + (b"/" if entry[0] == "40000" else b""))
        return self.raw_tree(ordered)

    def commit(self, tree: str, *, branch: str | None = "main", parent: str = "") -> str:
        parents = ["-p", parent] if parent else []
        sha = self.git("commit-tree", tree, *parents, "-m", "a commit")
        if branch:
            self.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def push(self, files: Mapping[str, bytes | str], *, branch: str | None = "main", parent: str = "") -> str:
        return self.commit(self.tree(files), branch=branch, parent=parent)


class GitHost:
    """`with GitHost(folder) as host`: repositories below `folder` answer at `host.url`/owner/name.git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: list[int] = []  # set to HTTP codes to be given before the truth is
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"host": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def repository(self, name: str = "miner/solution") -> Made:
        return Made(self.folder / f"{name}.git")

    def __enter__(self) -> GitHost:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Of one host: `type("Handler", (Handler,), {"host": host})`."""

    host: GitHost

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        self.host.asked.append(f"{self.command} {self.path}")
        if self.host.answers:
            self.send_error(self.host.answers.pop(0))
            return
        if not (self.host.folder / path.lstrip("/").split(".git/")[0]).with_suffix(".git").is_dir():
            self.send_error(404)
            return
        self._git(path, query, body)

    def _git(self, path: str, query: str, body: bytes) -> None:
        wanted = {
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.host.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=wanted, input=body, capture_output=True, check=False)
        if not done.stdout:
            print(f"git http-backend ended with {done.returncode}: {done.stderr!r}", file=sys.stderr)
            self.send_error(500)
            return
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        lines = [line.decode().partition(": ") for line in head.split(b"\r\n") if line]
        status = next((value for name, _, value in lines if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, _, value in lines:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass
