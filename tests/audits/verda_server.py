"""Verda on loopback: the part of its REST interface that pods use, and the proxy before its deployments.

Errors are objects with `code` and `message`; a token is had for the client's credentials, and ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.audits.cloud_server import Answer, CloudServer

CLIENT, SECRET = "client-1", "notARealSecret"
CODES = {400: "invalid_request", 401: "unauthorized_request", 402: "insufficient_funds", 404: "not_found"}


class VerdaCloud(CloudServer):
    """`free`: kind of card -> how many are to be had."""

    def __init__(self, **free: int) -> None:
        super().__init__()
        self.free = free or {"H200": 9}
        self.listed = True  # whether the list of kinds knows of the same
        self.deployments: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        self.tokens: list[str] = []
        self.lasts_s: float = 3600
        self.reached_at = ""  # where a service answers for every deployment

    def refusal(self, status: int, words: str) -> Any:
        return {"code": CODES.get(status, "server_error" if status < 503 else "service_unavailable"), "message": words}

    def admits(self, authorization: str) -> bool:
        return bool(self.tokens) and authorization == f"Bearer {self.tokens[-1]}"

    def open(self, method: str, path: str, body: Any) -> Answer | None:
        if (method, path) != ("POST", "/oauth2/token"):
            return None
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        if body != wanted:
            return 400, self.refusal(400, f"Invalid client credentials {body.get('client_secret')}")
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        fields = {"token_type": "Bearer", "expires_in": self.lasts_s, "scope": "cloud-api-v1", "refresh_token": "r"}
        return 200, {"access_token": self.tokens[-1], **fields}

    def answer(self, method: str, path: list[str], body: Any, query: Mapping[str, str]) -> Answer:
        match method, path:
            case "GET", ["serverless-compute-resources"]:
                return 200, [
                    {"name": kind, "size": size, "is_available": count > 0 or not self.listed}
                    for kind, count in self.free.items()
                    for size in (1, 8)
                ]
            case "GET", ["container-deployments"]:
                return 200, list(self.deployments.values())
            case "POST", ["container-deployments"]:
                return self.deploy(body)
            case "GET", ["container-deployments", name, "status"] if name in self.deployments:
                return 200, {"status": self.states[name]}
            case "DELETE", ["container-deployments", name] if name in self.deployments:
                self.free[self.deployments.pop(name)["compute"]["name"]] += 1
                return 200, None
        return 404, self.refusal(404, "Deployment not found")

    def deploy(self, body: dict[str, Any]) -> Answer:
        kind, name = body["compute"]["name"], body["name"]
        if name in self.deployments:
            return 400, self.refusal(400, "A deployment with this name already exists")
        if kind not in self.free:
            return 400, self.refusal(400, f"Unknown compute resource {kind}")
        if self.free[kind] < 1:
            return 503, self.refusal(503, f"Not enough resources to deploy a 1 GPU instance type {kind} in FIN-03")
        self.free[kind] -= 1
        self.states[name] = "initializing"
        self.deployments[name] = {
            **body,
            "containers": [{**each, "name": "main"} for each in body["containers"]],
            "endpoint_base_url": self.reached_at or f"{self.url}/proxy/{name}",
            "created_at": "2026-11-30T00:00:00+00:00",
        }
        return 200, self.deployments[name]
