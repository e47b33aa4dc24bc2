"""A Docker Engine on loopback: the part of its API (v1.43) that pods and builds use, with its state and its errors.

No container runs here: what one does is set by the test (`exits`, `dies`).  Written from the engine's published API; a
real engine was not at hand, and the documents say so.
"""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

GATE = "registry.example.org/gauntlet@sha256:" + "9" * 64
PUBLISHED = "40123"
RUNNING = {"Status": "running", "Running": True, "ExitCode": 0, "OOMKilled": False, "Error": ""}


class Engine:
    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {GATE: {"Id": "sha256:" + "9" * 64, "Config": {"Labels": {}}}}
        self.containers: dict[str, dict[str, Any]] = {}
        self.networks: dict[str, dict[str, Any]] = {"bridge": {"Internal": False}, "out": {"Internal": False}}
        self.files: dict[str, dict[str, bytes]] = {}
        self.contexts: list[dict[str, bytes]] = []
        self.built: Callable[[dict[str, bytes]], list[dict[str, Any]]] = lambda files: [{"stream": "done\n"}]
        self.printed = b"loading weights\n"  # by every service
        self.ill: list[int] = []  # answers to give instead of the truth
        self.key, self.keys = "", list[str]()  # of the question in hand, and of all pushes
        self.push_fails = False
        self.stubborn = False  # refuses to take a container off a network
        self.volumes: list[str] = []  # that each built image declares
        self.size = 1 << 30  # bytes of each built image
        self.leftovers = False  # layers of failed builds lie on its disk
        self.asked: list[str] = []
        self.created: list[dict[str, Any]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Engine:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def ends(self, name: str, **state: Any) -> None:
        self.containers[name]["State"] = {**RUNNING, "Status": "exited", "Running": False, **state}

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = path.removeprefix("/v1.43/").split("/")
        told = json.loads(body) if body[:1] in (b"{", b"[") else {}
        match method, parts:
            case _, ["images" | "build" as kind, *name]:
                return self._build_or_image(method, kind, name, query, body)
            case "GET", ["containers", "json"]:
                label = json.loads(query["filters"])["label"][0]
                rows = [{"Id": n, "Labels": c["Config"]["Labels"]} for n, c in self.containers.items()]
                return 200, [row for row in rows if label in row["Labels"]]
            case "POST", ["containers", "create"]:
                return self._create(query["name"], told)
            case _, ["containers", name, *rest]:
                return self._container(method, name, rest, body)
            case "POST", ["networks", "create"]:
                if told["Name"] in self.networks:
                    return 409, {"message": "network already exists"}
                self.networks[told["Name"]] = {"Internal": told["Internal"], "Labels": told["Labels"]}
                return 201, {"Id": told["Name"]}
            case _, ["networks", name, *rest]:
                return self._network(method, name, rest, told)
        return 400, {"message": f"not in this stand-in: {method} {path}"}

    def _build_or_image(
        self, method: str, kind: str, name: list[str], query: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        match method, name:
            case "POST", ["prune"]:
                self.leftovers = False
                return 200, {"SpaceReclaimed": 9}
            case "POST", [] if kind == "build":
                return 200, self._build(query, body)
            case "DELETE", _:
                return 200, [{"Deleted": self.images.pop("/".join(name))["Id"]}]
        return self._image(method, "/".join(name[:-1]), name[-1], query)

    def _image(self, method: str, name: str, verb: str, query: dict[str, str]) -> tuple[int, Any]:
        match method, verb:
            case "GET", "json":
                return (200, found) if (found := self.images.get(name)) else _no("No such image")
            case "POST", "tag":
                self.images[f"{query['repo']}:{query['tag']}"] = self.images[name]
                return 201, None
            case "POST", "push":
                return 200, self._push(name, query["tag"])
        return 400, {"message": f"not in this stand-in: {method} images/{name}/{verb}"}

    def _push(self, name: str, tag: str) -> list[dict[str, Any]]:
        self.keys.append(self.key)
        if self.push_fails:
            return [{"status": "Preparing"}, {"error": "denied: requested access to the resource is denied"}]
        digest = "sha256:" + "e" * 64
        self.images[f"{name}:{tag}"].setdefault("RepoDigests", []).append(f"{name}@{digest}")
        return [{"status": "Pushed"}, {"aux": {"Tag": tag, "Digest": digest, "Size": 9}}]

    def _build(self, query: dict[str, str], body: bytes) -> list[dict[str, Any]]:
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            files = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
        self.contexts.append(files)
        said = self.built(files)
        if isinstance(said, Iterator):
            return said  # a build that goes on
        if not any("error" in line for line in said):
            config = {"Labels": json.loads(query["labels"]), "Volumes": {path: {} for path in self.volumes}}
            self.images[query["t"]] = {"Id": "sha256:" + "b" * 64, "Config": config, "Size": self.size}
            self.images["sha256:" + "b" * 64] = self.images[query["t"]]
        return said

    def _create(self, name: str, told: dict[str, Any]) -> tuple[int, Any]:
        if name in self.containers:
            return 409, {"message": f"The container name {name} is already in use"}
        if told["Image"] not in self.images:
            return _no("No such image")
        self.created.append(told)
        network = told["HostConfig"]["NetworkMode"]
        if network not in self.networks:
            return _no(f"network {network} not found")
        ports = {
            port: [{"HostIp": "127.0.0.1", "HostPort": PUBLISHED}]
            for port in told["HostConfig"].get("PortBindings", {})
        }
        self.containers[name] = {
            "Config": {"Labels": told["Labels"], "Image": told["Image"], "Hostname": told["Hostname"]},
            "HostConfig": told["HostConfig"],
            "State": {**RUNNING, "Status": "created", "Running": False},
            "NetworkSettings": {"Networks": {network: {}}, "Ports": ports},
            "Mounts": self._mounts(told),
        }
        return 201, {"Id": name, "Warnings": []}

    def _mounts(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        """What is asked for, and an anonymous volume at each path of the image where nothing is."""
        asked = {mount["Target"]: mount["Type"] for mount in told["HostConfig"].get("Mounts", [])}
        declared = self.images[told["Image"]]["Config"].get("Volumes") or {}
        mounts = dict.fromkeys(declared, "volume") | asked
        return [{"Type": kind, "Destination": path} for path, kind in mounts.items()]

    def _container(self, method: str, name: str, rest: list[str], body: bytes) -> tuple[int, Any]:
        found = self.containers.get(name)
        if found is None:
            return _no(f"No such container: {name}")
        match method, rest:
            case "GET", ["json"]:
                return 200, found
            case "POST", ["start"]:
                again = found["State"]["Running"]
                found["State"] = dict(RUNNING)
                return (304 if again else 204), None
            case "DELETE", []:
                del self.containers[name]
                return 204, None
            case "GET", ["logs"]:
                line = self.printed
                return 200, b"\1\0\0\0" + len(line).to_bytes(4, "big") + line
            case "PUT", ["archive"]:
                with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                    self.files[name] = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
                return 200, None
        return 400, {"message": "not in this stand-in"}

    def _network(self, method: str, name: str, rest: list[str], told: dict[str, Any]) -> tuple[int, Any]:
        if name not in self.networks:
            return _no(f"network {name} not found")
        on = self.containers.get(told.get("Container", ""), {}).get("NetworkSettings", {}).get("Networks", {})
        match method, rest:
            case "GET", []:
                return 200, self.networks[name]
            case "DELETE", []:
                del self.networks[name]
                return 204, None
            case "POST", ["connect"]:
                if name in on:
                    return 403, {"message": "endpoint already exists in network"}
                on[name] = {}
                return 200, None
            case "POST", ["disconnect"]:
                if name not in on:
                    return _no("container is not connected to the network")
                if not self.stubborn:
                    del on[name]
                return 200, None
        return 400, {"message": "not in this stand-in"}


def _no(why: str) -> tuple[int, Any]:
    return 404, {"message": why}


def _encoded(payload: Any, *, lines: bool) -> bytes:
    """Bytes as they are, nothing as nothing, else JSON: a line for each row where `lines` are asked for."""
    if isinstance(payload, bytes | None):
        return payload or b""
    many = lines and isinstance(payload, list)
    return ("\n".join(json.dumps(line) for line in payload) if many else json.dumps(payload)).encode()


def _handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            parts = urlsplit(self.path)
            body = self._body()
            engine.asked.append(f"{self.command} {parts.path}")
            engine.key = self.headers.get("X-Registry-Auth", "")
            if engine.ill:
                status, told = engine.ill.pop(0), {"message": "ill"}
            else:
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                status, told = engine.answer(self.command, parts.path, query, body)
            if isinstance(told, Iterator):
                self._drip(told)
                return
            body = _encoded(told, lines=parts.path.endswith(("/build", "/push")))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self, lines: Iterator[dict[str, Any]]) -> None:
            """Until the other side hangs up."""
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for line in lines:
                    self.wfile.write(json.dumps(line).encode() + b"\n")

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        do_GET = do_POST = do_PUT = do_DELETE = _any

        def log_message(self, *_: object) -> None:
            pass

    return Handler
