"""How are miners' images run on rented GPUs?  By RunPod's REST interface (rest.runpod.io/v1): one rented pod per pod.

Such a pod is another company's machine: nobody here can close its way out, and every run says so.  The service is
reached by the provider's proxy over HTTPS; it fetches the pictures from the addresses of this site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audits.pods import control_pod
from audits.pods.base import INFRASTRUCTURE, MINER, STEM, UNCLEAR, Image, Pod, PodFault
from audits.pods.rest import Missing, Rest, RestRefused, unknown

BASE = "https://rest.runpod.io/v1"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
BY_DIGEST = re.compile(r"[a-z0-9][A-Za-z0-9./:_-]*@sha256:[0-9a-f]{64}")
PREFIX = "gauntlet-"
PORT = 10006
GONE = ("TERMINATED", "DEAD")
ISOLATION = (
    "a rented machine of another company, reached over its proxy",
    "image by digest, built from the revealed commit",
    "NOT walled off: the service can reach the network while it generates",
    "no access to anything of the platform",
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """`gpus` are the provider's names of the kinds to rent, best first; `pictures` is the address of a prompt's picture
    with {sha256} and {suffix} in it; `proxy` that of a pod with {id} and {port}; `control` an image of this platform by
    digest, in a registry that the provider can reach."""

    key: str = field(repr=False)
    gpus: tuple[str, ...]
    pictures: str
    control: str
    proxy: str = "https://{id}-{port}.proxy.runpod.net"
    base: str = BASE
    cloud: str = "SECURE"
    disk_gb: int = 100
    registry_auth: str = ""


class RunPods:
    """`built` returns the image by digest of a commit; `hash_of` the SHA-256 by which a picture is served."""

    name = "runpod"
    needs_image = True

    def __init__(self, account: Account, *, built: Callable[[Image], str], hash_of: Callable[[Path], str]) -> None:
        if not BY_DIGEST.fullmatch(account.control):
            raise LookupError(f"{account.control!r} (GAUNTLET_DOCKER_GATE) is no image by digest in a registry")
        self.account, self.built, self.hash_of = account, built, hash_of
        self.rest = Rest(account.base, name="the GPU provider", secret=account.key)

    def start(self, image: Image, *, name: str) -> Pod:
        """The provider has no unique names, so it is asked first; a double that two workers made is swept."""
        return self._start(self.built(image), name=name)

    def start_control(self, *, name: str) -> Pod:
        return self._start(self.account.control, name=name, command=control_pod.COMMAND)

    def _start(self, digest: str, *, name: str, command: Sequence[str] = ()) -> Pod:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a pod")
        if not BY_DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no image by digest in a registry")
        named = [row for row in self._all() if row.get("name") == PREFIX + name]
        there = [row for row in named if row.get("desiredStatus") not in GONE and row.get("image") == digest]
        first = min(there, key=lambda row: str(row.get("id")), default=None)
        row = first or self._rent(name, digest, command=command)
        ident = str(row["id"])
        if not re.fullmatch(r"[A-Za-z0-9]{1,64}", ident):
            raise unknown("the provider's name of the pod cannot be read")
        url = self.account.proxy.format(id=ident, port=PORT)
        return Pod(provider=self.name, name=name, address={"url": url}, isolation=ISOLATION, place={"id": ident})

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        if bad := next((stem for stem in pictures if not STEM.fullmatch(stem)), None):
            raise ValueError(f"{bad!r} is not the stem of a prompt")
        return {
            stem: self.account.pictures.format(sha256=self.hash_of(path), suffix=path.suffix)
            for stem, path in pictures.items()
        }

    def alive(self, pod: Pod) -> bool:
        return self.fault(pod) is None

    def fault(self, pod: Pod) -> PodFault | None:
        """Raises PodFault where the provider does not say."""
        try:
            row = self.rest.json("GET", f"/pods/{pod.place['id']}")
        except Missing:
            return PodFault(
                UNCLEAR, "vanished", "The rented pod is gone, taken away or ended from inside. We try again."
            )
        except RestRefused as reason:
            raise unknown(f"the provider answered {reason.status}") from reason
        if not isinstance(row, dict):
            raise unknown("the provider's answer cannot be read")
        wanted = str(row.get("desiredStatus", ""))
        if wanted == "RUNNING":
            return None
        if wanted == "EXITED":
            return blame(row)
        if wanted in GONE:
            return PodFault(
                UNCLEAR, "vanished", "The rented pod was ended, by itself or by its provider. We try again."
            )
        raise unknown(f"the provider calls it {wanted[:20]!r}")

    def stop(self, pod: Pod) -> None:
        self._end(str(pod.place["id"]))

    def log(self, pod: Pod) -> bytes:
        return b"This provider does not hand out what a service printed.\n"

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        """Pods of ours that no row knows, and all but the first of those that have the same name."""
        rows = [row for row in self._all() if str(row.get("name", "")).startswith(PREFIX)]
        known = known_names() if rows else set()
        seen: set[str] = set()
        ended = []
        for row in sorted(rows, key=lambda row: str(row.get("id"))):
            name = str(row["name"]).removeprefix(PREFIX)
            if name not in known or name in seen:
                self._end(str(row["id"]))
                ended.append(name)
            seen.add(name)
        return ended

    def _rent(self, name: str, digest: str, *, command: Sequence[str]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "name": PREFIX + name,
            "imageName": digest,
            "gpuTypeIds": list(self.account.gpus),
            "gpuCount": 1,
            "cloudType": self.account.cloud,
            "interruptible": False,
            "containerDiskInGb": self.account.disk_gb,
            "volumeInGb": 0,
            "ports": [f"{PORT}/http"],
            "env": {},
        }
        if command:
            body["dockerStartCmd"] = list(command)
        if self.account.registry_auth:
            body["containerRegistryAuthId"] = self.account.registry_auth
        try:
            made = self.rest.json("POST", "/pods", body=body)
        except (RestRefused, Missing) as refused:
            raise PodFault(
                INFRASTRUCTURE, "not_started", f"The GPU provider could not start the pod ({refused}). We try again."
            ) from refused
        if not isinstance(made, dict) or not made.get("id"):
            raise unknown("the provider did not say which pod it started")
        return made

    def _all(self) -> list[dict[str, Any]]:
        try:
            rows = self.rest.json("GET", "/pods")
        except (Missing, RestRefused) as reason:
            raise unknown(f"the list of pods was refused ({reason})") from reason
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("id") for row in rows):
            raise unknown("the list of pods cannot be read")
        return rows

    def _end(self, ident: str) -> None:
        try:
            self.rest.json("DELETE", f"/pods/{ident}")
        except Missing:
            return
        except RestRefused as reason:
            raise PodFault(
                INFRASTRUCTURE, "not_stopped", f"The rented pod could not be ended ({reason.status}). We try again."
            ) from reason


def blame(row: Mapping[str, Any]) -> PodFault:
    """Who must act on a pod that exited.

    An exit code says that the service ended by itself; without one, or with a kill's, it may have been anybody.
    """
    code = (row.get("lastExit") or {}).get("exitCode") if isinstance(row.get("lastExit"), dict) else None
    if isinstance(code, int) and code not in (125, 137, 143):
        return PodFault(MINER, "crashed", f"The service ended by itself, with exit code {code}.")
    return PodFault(UNCLEAR, "ended", "The rented pod was ended, and nobody says why. We try again.")
