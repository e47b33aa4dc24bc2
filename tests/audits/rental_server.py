"""A GPU rental on loopback: the part of RunPod's REST interface that pods use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.audits.cloud_server import Answer, CloudServer

KEY = "rpa_notARealKey"
FULL = "There are no longer any instances available with the requested specifications. Please refresh and try again."


class Rental(CloudServer):
    """`full`: no card is to be had; `sold_out`: none of these kinds is."""

    def __init__(self) -> None:
        super().__init__()
        self.pods: dict[str, dict[str, Any]] = {}
        self.rented = 0
        self.full = False
        self.full_status = 500
        self.sold_out: set[str] = set()

    def admits(self, authorization: str) -> bool:
        return authorization == f"Bearer {KEY}"

    def answer(self, method: str, path: list[str], body: Any, query: Mapping[str, str]) -> Answer:
        match method, path:
            case "GET", ["pods"]:
                return 200, list(self.pods.values())
            case "POST", ["pods"]:
                kinds = [kind for kind in body["gpuTypeIds"] if kind not in self.sold_out]
                if self.full or not kinds:
                    return self.full_status, {"error": FULL}
                self.rented += 1
                row = {"id": f"pod{self.rented}", "name": body["name"], "image": body["imageName"]}
                row |= {"gpu": {"id": kinds[0], "count": 1}, "costPerHr": "3.99", "adjustedCostPerHr": 3.59}
                self.pods[row["id"]] = {**row, "desiredStatus": "RUNNING", "ports": body["ports"], "env": body["env"]}
                return 201, self.pods[row["id"]]
            case "GET", ["pods", ident] if ident in self.pods:
                return 200, self.pods[ident]
            case "DELETE", ["pods", ident] if ident in self.pods:
                del self.pods[ident]
                return 204, None
        return 404, self.refusal(404, "pod not found")
