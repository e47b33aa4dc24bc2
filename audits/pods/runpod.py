"""How are GPUs rented at RunPod?  By its REST interface (rest.runpod.io/v1): one rented pod per pod."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audits.pods import rented
from audits.pods.base import PodFault
from audits.pods.rented import NO_LOG, PORT, PREFIX, Offer, Rental, rows_in, usd, vanished
from audits.pods.rest import Rest, unknown

BASE = "https://rest.runpod.io/v1"
GONE = ("TERMINATED", "DEAD")


@dataclass(frozen=True, kw_only=True)
class RunPodAccount:
    """`proxy` is the address of a pod with {id} and {port} in it."""

    key: str = field(repr=False)
    gpus: tuple[Offer, ...]
    proxy: str = "https://{id}-{port}.proxy.runpod.net"
    base: str = BASE
    cloud: str = "SECURE"
    disk_gb: int = 100
    registry_auth: str = ""


class RunPod:
    name = "runpod"

    def __init__(self, account: RunPodAccount) -> None:
        self.account, self.offers = account, account.gpus
        self.rest = Rest(account.base, name="the GPU provider", secret=account.key)

    def rentals(self) -> list[Rental]:
        rows = rows_in(self.rest.json("GET", "/pods"))
        ours = [row for row in rows if str(row.get("name", "")).startswith(PREFIX)]
        return [self._rental(row) for row in ours if row.get("desiredStatus") not in GONE]

    def available(self) -> Collection[str] | None:
        return None  # its REST interface has no such question

    def rent(self, name: str, image: str, *, gpu: str, command: Sequence[str]) -> Rental:
        body: dict[str, Any] = {
            "name": name,
            "imageName": image,
            "gpuTypeIds": [gpu],
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
        made = self.rest.json("POST", "/pods", body=body)
        if not isinstance(made, dict) or not made.get("id"):
            raise unknown("the provider did not say which pod it started")
        return self._rental({"image": image, **made, "name": name}, gpu=gpu)

    def fault(self, ident: str) -> PodFault | None:
        row = self.rest.json("GET", f"/pods/{ident}")
        if not isinstance(row, dict):
            raise unknown("the provider's answer cannot be read")
        wanted = str(row.get("desiredStatus", ""))
        if wanted == "RUNNING":
            return None
        if wanted == "EXITED":
            return blame(row)
        if wanted in GONE:
            return vanished("was ended, by itself or by its provider")
        raise unknown(f"the provider calls it {wanted[:20]!r}")

    def end(self, ident: str) -> None:
        self.rest.json("DELETE", f"/pods/{ident}")

    def log(self, ident: str) -> bytes:
        return NO_LOG

    def _rental(self, row: Mapping[str, Any], *, gpu: str = "") -> Rental:
        card, ident = row.get("gpu"), str(row.get("id", ""))
        paid = usd(row.get("adjustedCostPerHr"))
        return Rental(
            ident=ident,
            name=str(row["name"]).removeprefix(PREFIX),
            image=str(row.get("image") or ""),
            address={"url": self.account.proxy.format(id=ident, port=PORT)},
            gpu=str(card.get("id") or gpu) if isinstance(card, dict) else gpu,
            usd_per_hour=usd(row.get("costPerHr")) if paid is None else paid,
        )


def blame(row: Mapping[str, Any]) -> PodFault:
    """Who must act on a pod that exited."""
    ended = row.get("lastExit")
    return rented.blame(ended.get("exitCode") if isinstance(ended, dict) else None)
