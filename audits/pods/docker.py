"""How are miners' images run on a GPU host of our own?  By the Docker Engine's API, each pod three things of its own.

*The service*: the image by digest, without privileges, with limits, on a network that leads nowhere.  *The network*:
internal, so the kernel of the host drops whatever wants out.  *The gate*: a small container of ours on that network,
through which we reach the service and it reaches the pictures.  While it warms up the service may also use the network
`egress`, where one is configured, to load its weights; the first batch is offered only when the engine itself says that
this is over.  Everything is found again by its name, so a worker may die anywhere.
"""

from __future__ import annotations

import contextlib
import io
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits.pods import control_pod
from audits.pods.base import INFRASTRUCTURE, MINER, UNCLEAR, Image, Pod, PodFault, picture_name
from audits.pods.rest import Missing, Rest, RestRefused, unknown
from core.net import url_guard
from core.net.failures import FetchFailed

VERSION = "/v1.43"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
BY_DIGEST = re.compile(r"[a-z0-9][A-Za-z0-9./:_-]*@sha256:[0-9a-f]{64}|sha256:[0-9a-f]{64}")
PORT, PICTURES = 10006, 10007
LABEL = "gauntlet.pod"
CARD = "the card of the GPU host"  # one engine, one kind
LOG_BYTES = 256 << 10
KILLED = (125, 137, 143)  # not started by its host, SIGKILL, SIGTERM: what a service can also do to itself


@dataclass(frozen=True, kw_only=True)
class Host:
    """A GPU host.  `url` is unix:///path or http(s)://host:port; `gate` and images are named by digest.

    `address` is where the host's published ports are reached; `egress` the network that a warming pod may use, if any.
    """

    url: str
    gate: str
    address: str = "127.0.0.1"
    egress: str = ""
    gpus: int = 1
    memory_bytes: int = 64 << 30
    cpus: int = 8
    processes: int = 4096
    scratch_bytes: int = 16 << 30


class DockerPods:
    """`built` returns the digest that a commit was built into, or raises PodFault."""

    name = "docker"
    needs_image = True

    def __init__(self, host: Host, *, built: Callable[[Image], str]) -> None:
        if not BY_DIGEST.fullmatch(host.gate):
            raise ValueError("the gate's image must be named by digest")
        self.host, self.built, self.engine = host, built, engine_at(host.url)

    def start(self, image: Image, *, name: str, beside: Pod | None = None) -> Pod:
        return self._start(self.built(image), name=name)

    def start_control(self, *, name: str, beside: Pod | None = None) -> Pod:
        """By the gate's image, which holds this platform."""
        return self._start(self.host.gate, name=name, command=control_pod.COMMAND)

    def _start(self, digest: str, *, name: str, command: Sequence[str] = ()) -> Pod:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a pod")
        if not BY_DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no image by digest")
        container = self._inspect(name)
        if container is not None:
            labels = container.get("Config", {}).get("Labels") or {}
            if str(labels.get("gauntlet.image", "")) != digest:
                self._remove(name)
                container = None
        try:
            self._ensure_network(name)
            self._ensure(f"{name}-gate", _gate(self.host, name=name))
            volumes = self._volumes(digest)
            body = _service(self.host, name=name, digest=digest, command=command, volumes=volumes)
            self._ensure_service(name, body)
            self._require_no_volume(name, container or self._inspect(name) or {})
            if self.host.egress and container is None:
                self._join(self.host.egress, name)
            gate = self._inspect(f"{name}-gate") or {}
        except RestRefused as refused:
            raise _not_started(refused.message) from refused
        except Missing as missing:  # the image or a network of ours is not on the host
            raise _not_started(str(missing)) from missing
        published = gate.get("NetworkSettings", {}).get("Ports", {}).get(f"{PORT}/tcp") or []
        if not published:
            raise _not_started("the gate has no port")
        return Pod(
            provider=self.name,
            name=name,
            isolation=isolation(self.host),
            address={"host": self.host.address, "port": int(published[0]["HostPort"])},
            place={"host": self.host.url},
            card=CARD,
        )

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        """From the first batch on the pod has no way out: made so, and then asked of the engine."""
        names = {stem: picture_name(stem, path) for stem, path in pictures.items()}
        try:
            if self.host.egress:
                body = {"Container": pod.name, "Force": True}
                with contextlib.suppress(Missing, RestRefused):  # not on it: `_require_walled` asks what is true
                    self.engine.json("POST", f"{VERSION}/networks/{self.host.egress}/disconnect", body=body)
            self._require_walled(pod.name)
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                for stem, picture in pictures.items():
                    member, content = tarfile.TarInfo(names[stem]), picture.read_bytes()
                    member.size, member.mode = len(content), 0o644
                    tar.addfile(member, io.BytesIO(content))
            path = f"{VERSION}/containers/{pod.name}-gate/archive"
            query = {"path": "/pictures"}
            self.engine.raw("PUT", path, query=query, content=buffer.getvalue(), kind="application/x-tar")
        except (Missing, RestRefused) as reason:
            raise PodFault(
                INFRASTRUCTURE, "no_pictures", f"We could not place the pictures ({reason}). We try again."
            ) from reason
        except OSError as reason:
            raise PodFault(INFRASTRUCTURE, "no_pictures", "We could not read the pictures. We try again.") from reason
        return {stem: f"http://gate:{PICTURES}/{name}" for stem, name in names.items()}

    def alive(self, pod: Pod) -> bool:
        return self.fault(pod) is None

    def fault(self, pod: Pod) -> PodFault | None:
        """Why the pod ended; None while it runs.  Raises PodFault where the engine does not say."""
        container = self._inspect(pod.name)
        if container is None:
            return PodFault(INFRASTRUCTURE, "vanished", "The pod is gone and left no reason. We try again.")
        if (why := blame(container.get("State", {}))) is not None:
            return why
        gate = self._inspect(f"{pod.name}-gate")
        if gate is None or not gate.get("State", {}).get("Running"):
            return PodFault(INFRASTRUCTURE, "gate_lost", "Our own way into the pod is gone. We try again.")
        return None

    def stop(self, pod: Pod) -> None:
        self._remove(pod.name)

    def log(self, pod: Pod) -> bytes:
        query = {"stdout": "1", "stderr": "1", "tail": "2000"}
        try:
            return unframed(self.engine.raw("GET", f"{VERSION}/containers/{pod.name}/logs", query=query))[-LOG_BYTES:]
        except (Missing, RestRefused, PodFault):
            return b""

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        query = {"all": "1", "filters": f'{{"label": ["{LABEL}"]}}'}
        listed = self.engine.json("GET", f"{VERSION}/containers/json", query=query)
        names = sorted({str(row.get("Labels", {}).get(LABEL, "")) for row in listed or []} - {""})
        known = known_names() if names else set()
        orphans = [name for name in names if name not in known and NAME.fullmatch(name)]
        for name in orphans:
            self._remove(name)
        return orphans

    def _volumes(self, digest: str) -> tuple[str, ...]:
        """The paths that an image declares as volumes.  Raises Missing, RestRefused, PodFault."""
        image_json = self.engine.json("GET", f"{VERSION}/images/{digest}/json")
        return tuple(sorted((image_json or {}).get("Config", {}).get("Volumes") or {}))

    def _require_no_volume(self, name: str, container: Mapping[str, Any]) -> None:
        """A volume lies on the host's disk, without a limit: a service could fill it for all others."""
        if any(mount.get("Type") == "volume" for mount in container.get("Mounts") or ()):
            self._remove(name)
            sentence = "The image declares a volume (VOLUME in its Dockerfile). A service writes below /tmp only."
            raise PodFault(MINER, "declares_a_volume", sentence)

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            container = self.engine.json("GET", f"{VERSION}/containers/{name}/json")
        except Missing:
            return None
        except RestRefused as refused:
            raise unknown(f"the engine answered {refused.status}") from refused
        if not isinstance(container, dict) or not isinstance(container.get("State"), dict):
            raise unknown("the engine's answer cannot be read")
        return container

    def _ensure_network(self, name: str) -> None:
        try:
            self.engine.json("GET", f"{VERSION}/networks/{name}-net")
        except Missing:
            body = {"Name": f"{name}-net", "Internal": True, "CheckDuplicate": True, "Labels": {LABEL: name}}
            self._or_exists("POST", f"{VERSION}/networks/create", body=body)

    def _ensure(self, name: str, body: dict[str, Any]) -> None:
        """Created under its name, which only one of two workers can; started, which may be repeated."""
        self._or_exists("POST", f"{VERSION}/containers/create", body=body, query={"name": name})
        if name.endswith("-gate"):
            self._join("bridge", name)
        self.engine.json("POST", f"{VERSION}/containers/{name}/start")

    def _ensure_service(self, name: str, body: dict[str, Any]) -> None:
        """A container that does not start may be its image's doing: an entry point, a user that is not there."""
        try:
            self._ensure(name, body)
        except RestRefused as refused:
            raise PodFault(
                UNCLEAR, "not_started", f"The pod did not start ({refused.message}). We try again."
            ) from refused
        except PodFault as unknown:
            raise PodFault(UNCLEAR, unknown.code, unknown.sentence) from unknown

    def _or_exists(self, method: str, path: str, *, body: Any, query: Mapping[str, str] | None = None) -> None:
        try:
            self.engine.json(method, path, body=body, query=query)
        except RestRefused as refused:
            if refused.status != 409:
                raise

    def _join(self, network: str, name: str) -> None:
        try:
            self.engine.json("POST", f"{VERSION}/networks/{network}/connect", body={"Container": name})
        except RestRefused as refused:
            if refused.status not in (403, 409) and "already exists" not in refused.message:
                raise

    def _require_walled(self, name: str) -> None:
        """One network, and the engine calls it internal; anything else is ours to mend before a prompt is shown."""
        container = self._inspect(name)
        networks = set((container or {}).get("NetworkSettings", {}).get("Networks", {}))
        internal = self.engine.json("GET", f"{VERSION}/networks/{name}-net").get("Internal") is True
        if networks != {f"{name}-net"} or not internal:
            raise PodFault(INFRASTRUCTURE, "egress_open", "The pod could still reach out. We start it again.")

    def _remove(self, name: str) -> None:
        """The service, the gate, the network: each may be gone already."""
        for path in (f"containers/{name}", f"containers/{name}-gate", f"networks/{name}-net"):
            query = {"force": "1", "v": "1"} if path.startswith("containers") else None
            try:
                self.engine.json("DELETE", f"{VERSION}/{path}", query=query)
            except Missing:
                continue
            except RestRefused as refused:
                if refused.status != 409:  # 409: its removal is in progress
                    raise PodFault(
                        INFRASTRUCTURE, "not_stopped", f"The pod {name} could not be stopped. We try again."
                    ) from refused


def engine_at(url: str) -> Rest:
    try:
        url_guard.configured(url)
    except FetchFailed as failed:
        raise ValueError(f"{url!r} is no engine: write unix:///var/run/docker.sock or https://host:2376") from failed
    return Rest(url, name="the engine")


def isolation(host: Host) -> tuple[str, ...]:
    """What holds a pod in on such a host, and what does not."""
    warming = "loads its weights from the network while it warms up" if host.egress else "no network while it warms up"
    return (
        "own machine for pods, reached by its engine",
        "image by digest, built from the revealed commit",
        warming,
        "no network but our gate once the first batch is offered, as the engine confirms",
        "no privileges, no new ones, read-only system, limits of memory, processors and processes for the whole pod",
        "shares the host's kernel and GPU driver with other pods",
    )


def _service(
    host: Host, *, name: str, digest: str, command: Sequence[str] = (), volumes: Sequence[str] = ()
) -> dict[str, Any]:
    """`volumes`: paths that the image declares as such; they lie in memory, like /tmp."""
    devices = [{"Driver": "nvidia", "Count": host.gpus, "Capabilities": [["gpu"]]}] if host.gpus else []
    return {
        "Image": digest,
        **({"Cmd": list(command)} if command else {}),
        "Hostname": "pod",
        "Labels": {LABEL: name, "gauntlet.image": digest},
        "HostConfig": {
            "NetworkMode": f"{name}-net",
            "Memory": host.memory_bytes,
            "MemorySwap": host.memory_bytes,
            "NanoCpus": host.cpus * 1_000_000_000,
            "PidsLimit": host.processes,
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": f"rw,size={host.scratch_bytes},mode=1777"},  # noqa: S108, inside the pod
            "Mounts": [
                {"Type": "tmpfs", "Target": path, "TmpfsOptions": {"SizeBytes": host.scratch_bytes}} for path in volumes
            ],
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "DeviceRequests": devices,
            "Init": True,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}},
        },
    }


def _gate(host: Host, *, name: str) -> dict[str, Any]:
    """Ours: carries connections to the service, and hands out pictures below /pictures."""
    return {
        "Image": host.gate,
        "Cmd": ["python", "-m", "audits.pods.gate", name, "/pictures"],
        "Hostname": "gate",
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "Labels": {LABEL: name},
        "HostConfig": {
            "NetworkMode": f"{name}-net",
            "PortBindings": {f"{PORT}/tcp": [{"HostIp": host.address, "HostPort": ""}]},
            "Memory": 512 << 20,
            "PidsLimit": 64,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "RestartPolicy": {"Name": "no"},
        },
        "NetworkingConfig": {"EndpointsConfig": {f"{name}-net": {"Aliases": ["gate"]}}},
    }


def blame(state: Mapping[str, Any]) -> PodFault | None:
    """Who must act on the end of a container; None while it runs.

    Its own memory limit and its own exit are the miner's; a kill may be anybody's.
    """
    if state.get("Running") or state.get("Status") in ("created", "restarting"):
        return None
    code = state.get("ExitCode")
    if state.get("OOMKilled"):
        return PodFault(MINER, "out_of_memory", "The service used more memory than a pod has.")
    if state.get("Error") or code in (*KILLED, None) or state.get("Status") in ("removing", "dead", "paused"):
        return PodFault(
            UNCLEAR, "ended", f"The pod was killed, by itself or by its host (exit code {code}). We try again."
        )
    return PodFault(MINER, "crashed", f"The service ended by itself, with exit code {code}.")


def unframed(framed: bytes) -> bytes:
    """The engine's log stream: frames of a stream number, three zero bytes, a length, and as many bytes."""
    pieces, at = [], 0
    while at + 8 <= len(framed) and framed[at] in (0, 1, 2) and framed[at + 1 : at + 4] == b"\0\0\0":
        size = int.from_bytes(framed[at + 4 : at + 8], "big")
        pieces.append(framed[at + 8 : at + 8 + size])
        at += 8 + size
    return b"".join(pieces) if at else framed


def _not_started(why: str) -> PodFault:
    return PodFault(INFRASTRUCTURE, "not_started", f"The host could not start the pod ({why}). We try again.")
