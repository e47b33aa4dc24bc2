"""Targon on loopback: the part of its REST interface that pods use.

A workload is registered, deployed, and torn down; errors are objects with `error` and `reason`; lists come in pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.audits.cloud_server import Answer, CloudServer

KEY = "tgn_notARealKey"
PRICE = 2.49


class TargonCloud(CloudServer):
    """`free`: kind of card -> how many are to be had."""

    def __init__(self, **free: int) -> None:
        super().__init__()
        self.free = {kind.replace("_", "-"): count for kind, count in free.items()} or {"h200-small": 9}
        self.workloads: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.listed = True  # whether the inventory knows of the same
        self.named_at_once = True  # whether a deployed workload has its address from the first
        self.reached_at = ""  # where a service answers for every workload
        self.page = 2
        self.printed: Any = b"loading\nready\n"

    def refusal(self, status: int, words: str) -> Any:
        return {"error": words, "reason": "HTTP_ERROR"}

    def admits(self, authorization: str) -> bool:
        return authorization == f"Bearer {KEY}"

    def open(self, method: str, path: str, body: Any) -> Answer | None:
        if (method, path) != ("GET", "/inventory"):
            return None
        return 200, [
            {
                "name": kind,
                "type": "rental",
                "gpu": True,
                "spec": {"gpu_type": kind.split("-")[0].upper(), "gpu_count": 1},
                "cost_per_hour": PRICE,
                "available": count if self.listed else 1,
            }
            for kind, count in self.free.items()
        ]

    def answer(self, method: str, path: list[str], body: Any, query: Mapping[str, str]) -> Answer:
        match method, path:
            case "GET", ["workloads"]:
                return 200, self.paged(list(self.workloads.values()), query)
            case "POST", ["workloads"]:
                return self.register(body)
            case _, ["workloads", uid, *_] if uid in self.workloads:
                return self.of_workload(method, path[2:], self.workloads[uid])
        return 404, self.refusal(404, "workload not found")

    def of_workload(self, method: str, path: list[str], row: dict[str, Any]) -> Answer:
        uid = row["uid"]
        match method, path:
            case "POST", ["deploy"]:
                return self.deploy(row)
            case "GET", ["state"]:
                return 200, {"uid": uid, "workload_type": "RENTAL", **row["state"]}
            case "GET", ["logs"]:
                return 200, self.printed
            case "DELETE", []:
                del self.workloads[uid]
                if row["state"]["status"] != "registered":
                    self.free[row["resource"]["name"]] += 1
                return 204, None
        return 404, self.refusal(404, "not found")

    def register(self, body: dict[str, Any]) -> Answer:
        if body["resource_name"] not in self.free:
            return 400, self.refusal(400, f"unknown resource {body['resource_name']}")
        self.made += 1
        uid = f"wrk-{self.made}"
        state = {"status": "registered", "message": "", "urls": [], "ready_replicas": 0, "total_replicas": 0}
        summary = {key: body[key] for key in ("name", "image", "type")}
        resource = {"name": body["resource_name"], "gpu_count": 1}
        self.workloads[uid] = {"uid": uid, **summary, "state": state, "resource": resource, "cost_per_hour": PRICE}
        return 201, {**body, **self.workloads[uid]}

    def deploy(self, row: dict[str, Any]) -> Answer:
        kind = row["resource"]["name"]
        if self.free[kind] < 1:
            return 409, self.refusal(409, f"insufficient capacity for {kind}")
        self.free[kind] -= 1
        url = self.reached_at or f"https://{row['uid']}-10006.named.example/"
        urls = [{"port": 10006, "url": url}] if self.named_at_once else []
        row["state"] |= {"status": "provisioning", "urls": urls, "total_replicas": 1}
        return 200, row

    def paged(self, rows: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        begin = int(query.get("cursor") or 0)
        end = begin + self.page
        return {"items": rows[begin:end], "next_cursor": str(end) if end < len(rows) else ""}
