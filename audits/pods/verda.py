"""How are GPUs rented at Verda (formerly DataCrunch)?  By its REST interface (api.verda.com/v1): one container
deployment with exactly one replica per pod.

A deployment's name is unique in its account, and is all that it is asked by.  Two keys: the client's credentials rent
and end, and never leave this platform; the inference key only opens the proxy before the deployments.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from audits.pods.base import INFRASTRUCTURE, UNCLEAR, PodFault
from audits.pods.rented import NO_CAPACITY, NO_LOG, PORT, PREFIX, Offer, Rental, rows_in
from audits.pods.rest import KeyRefused, Missing, Rest, RestRefused, unknown

BASE = "https://api.verda.com/v1"
DEPLOYMENTS = "/container-deployments"
# Where the service does not answer, our own questions to it find that out, by the clocks that every pod runs on.
RUNS = ("initializing", "image_pulling", "version_updating", "degraded", "unhealthy", "healthy")
LOOKS_AT_ONCE = 8  # requests that the proxy lets through to a busy service: status, health, results


@dataclass(frozen=True, kw_only=True)
class VerdaAccount:
    client: str
    secret: str = field(repr=False)
    gpus: tuple[Offer, ...]
    base: str = BASE


class Verda:
    name = "verda"

    def __init__(self, account: VerdaAccount) -> None:
        self.account, self.offers = account, account.gpus
        self.rest = VerdaRest(account)

    def rentals(self) -> list[Rental]:
        rows = rows_in(self.rest.json("GET", DEPLOYMENTS))
        return [rental_of(row) for row in rows if str(row.get("name", "")).startswith(PREFIX)]

    def available(self) -> Collection[str] | None:
        rows = rows_in(self.rest.json("GET", "/serverless-compute-resources"))
        return {str(row.get("name")) for row in rows if row.get("size") == 1 and row.get("is_available") is True}

    def rent(self, name: str, image: str, *, gpu: str, command: Sequence[str]) -> Rental:
        container = {
            "image": image,
            "exposed_port": PORT,
            "healthcheck": {"enabled": True, "port": PORT, "path": "/health"},
            "entrypoint_overrides": {"enabled": True, "cmd": list(command)} if command else {"enabled": False},
            "env": [],
        }
        made = self.rest.json(
            "POST",
            DEPLOYMENTS,
            body={
                "name": name,
                "is_spot": False,
                "compute": {"name": gpu, "size": 1},
                "container_registry_settings": {"is_private": False},
                "containers": [container],
                "scaling": one_replica(),
            },
        )
        if not isinstance(made, dict):
            raise unknown("the provider did not say which pod it started")
        return rental_of({"compute": {"name": gpu}, **made, "name": name})

    def fault(self, ident: str) -> PodFault | None:
        answer = self.rest.json("GET", f"{DEPLOYMENTS}/{ident}/status")
        status = str(answer.get("status", "")) if isinstance(answer, dict) else ""
        if status in RUNS:
            return None
        if status == "quota_reached":
            sentence = "The account's quota at the GPU provider is reached. Raise it, or end what else runs there."
            return PodFault(INFRASTRUCTURE, NO_CAPACITY, sentence)
        if status == "paused":
            return PodFault(UNCLEAR, "ended", "The rented pod was paused, and nobody says why. We try again.")
        raise unknown(f"the provider calls it {status[:20]!r}")

    def end(self, ident: str) -> None:
        self.rest.json("DELETE", f"{DEPLOYMENTS}/{ident}")

    def log(self, ident: str) -> bytes:
        return NO_LOG


class VerdaRest(Rest):
    """Asks with a token that the client's credentials are changed for; a new one when it ends, or was not taken."""

    SPARE_S = 60.0

    def __init__(self, account: VerdaAccount) -> None:
        super().__init__(account.base, name="the GPU provider")
        self._account, self._until = account, 0.0
        self._without_token = Rest(account.base, name="the GPU provider")

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        kind: str = "application/json",
    ) -> bytes:
        if time.monotonic() >= self._until:
            self._log_in()
        try:
            return super().raw(method, path, query=query, content=content, kind=kind)
        except KeyRefused:
            self._log_in()
            return super().raw(method, path, query=query, content=content, kind=kind)

    def _log_in(self) -> None:
        """No word of a refusal is repeated: it may hold what was sent."""
        credentials = {
            "grant_type": "client_credentials",
            "client_id": self._account.client,
            "client_secret": self._account.secret,
        }
        answer = None
        with suppress(Missing, RestRefused):
            answer = self._without_token.json("POST", "/oauth2/token", body=credentials)
        if answer is None:  # raised here, so that the refusal is no context of it either
            raise KeyRefused("the GPU provider refuses our credentials")
        token, lasts = (answer.get("access_token"), answer.get("expires_in")) if isinstance(answer, dict) else ("", 0)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token or not token:
            raise unknown("the GPU provider's token cannot be read")
        self.headers = {"Authorization": f"Bearer {token}"}
        self._until = time.monotonic() - self.SPARE_S
        if isinstance(lasts, int | float) and 0 < lasts < 1e6:
            self._until += lasts


def one_replica() -> dict[str, Any]:
    """Exactly one machine, which stays while it is idle; the proxy hands on our questions while it generates."""
    return {
        "min_replica_count": 1,
        "max_replica_count": 1,
        "scale_down_policy": {"delay_seconds": 3600},
        "scale_up_policy": {"delay_seconds": 600},
        "queue_message_ttl_seconds": 600,
        "concurrent_requests_per_replica": LOOKS_AT_ONCE,
        "scaling_triggers": {"queue_load": {"threshold": LOOKS_AT_ONCE}},
    }


def rental_of(row: Mapping[str, Any]) -> Rental:
    url = row.get("endpoint_base_url")
    if not isinstance(url, str) or not url:
        raise unknown("the provider does not say where the pod is reached")
    compute, containers = row.get("compute"), row.get("containers")
    first = containers[0] if isinstance(containers, list) and containers else None
    image = first.get("image") if isinstance(first, dict) else None
    if isinstance(image, dict):  # answers may name it with its date
        image = image.get("name")
    name = str(row["name"])
    return Rental(
        ident=name,
        name=name.removeprefix(PREFIX),
        image=str(image or ""),
        address={"url": url.rstrip("/"), "key": Verda.name},
        gpu=str(compute.get("name", "")) if isinstance(compute, dict) else "",
        usd_per_hour=None,  # its interface prices kinds, not deployments: what the operator states holds
    )
