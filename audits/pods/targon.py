"""How are GPUs rented at Targon (Bittensor's subnet 4)?  By its REST interface (api.targon.com/tha/v2): one workload of
type RENTAL per pod, which is registered first and deployed then.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from audits.pods.base import UNCLEAR, PodFault
from audits.pods.rented import NO_LOG, PORT, PREFIX, Offer, Rental, rows_in, usd, vanished
from audits.pods.rest import Missing, Rest, RestRefused, unknown

BASE = "https://api.targon.com/tha/v2"
RUNS = ("provisioning", "deploying", "running")
ENDED = ("error", "failed", "suspended", "stopped")
GONE = ("deleted", "deleting", "terminated")
REGISTERED = "registered"
PAGES = 100
LOG_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class TargonAccount:
    """`proxy` is the address of a pod with {id} and {port} in it, for as long as the provider does not name it."""

    key: str = field(repr=False)
    gpus: tuple[Offer, ...]
    proxy: str = "https://{id}-{port}.caas.targon.com"
    base: str = BASE


class Targon:
    name = "targon"

    def __init__(self, account: TargonAccount) -> None:
        self.account, self.offers = account, account.gpus
        self.rest = Rest(account.base, name="the GPU provider", secret=account.key)

    def rentals(self) -> list[Rental]:
        ours = [row for row in self._workloads() if str(row.get("name", "")).startswith(PREFIX)]
        return [self._rental(row) for row in ours if status_of(row.get("state")) not in GONE]

    def available(self) -> Collection[str] | None:
        rows = rows_in(self.rest.json("GET", "/inventory", query={"type": "rental", "gpu": "true"}))
        free = {str(row.get("name")): row.get("available") for row in rows}
        return {kind for kind, count in free.items() if isinstance(count, int) and count > 0}

    def rent(self, name: str, image: str, *, gpu: str, command: Sequence[str]) -> Rental:
        """What is registered and was then refused a machine is taken back; what cannot be taken back is swept."""
        body: dict[str, Any] = {
            "type": "RENTAL",
            "name": name,
            "image": image,
            "resource_name": gpu,
            "ports": [{"port": PORT, "protocol": "TCP", "routing": "PROXIED"}],
        }
        if command:
            body |= {"commands": list(command[:1]), "args": list(command[1:])}
        made = self.rest.json("POST", "/workloads", body=body)
        if not isinstance(made, dict) or not made.get("uid"):
            raise unknown("the provider did not say which pod it registered")
        registered = {"resource_name": gpu, **made, "name": name, "image": image}
        ident = self._rental(registered).ident
        try:
            deployed = self.rest.json("POST", f"/workloads/{ident}/deploy")
        except (Missing, RestRefused):
            with suppress(Missing, RestRefused, PodFault):
                self.end(ident)
            raise
        changed = {key: deployed.get(key) for key in ("state", "cost_per_hour")} if isinstance(deployed, dict) else {}
        return self._rental(registered | {key: value for key, value in changed.items() if value is not None})

    def fault(self, ident: str) -> PodFault | None:
        state = self.rest.json("GET", f"/workloads/{ident}/state")
        status = status_of(state)
        if status in RUNS:
            return None
        if status in ENDED:  # events have exit codes, but no page says whose: a control pod decides
            return PodFault(UNCLEAR, "ended", f"The rented pod ended ({status}), and nobody says why. We try again.")
        if status in GONE:
            return vanished("was ended, by itself or by its provider")
        raise unknown(f"the provider calls it {status[:20]!r}")

    def end(self, ident: str) -> None:
        self.rest.json("DELETE", f"/workloads/{ident}")

    def log(self, ident: str) -> bytes:
        """Plain text, or an object with it in `output`: the interface's descriptions differ."""
        raw = self.rest.raw("GET", f"/workloads/{ident}/logs", query={"tail": "2000"})
        with suppress(ValueError, RecursionError):
            answer = json.loads(raw)
            if isinstance(answer, dict) and isinstance(answer.get("output"), str):
                raw = answer["output"].encode(errors="replace")
        return raw[-LOG_BYTES:] or NO_LOG

    def _workloads(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        query = {"type": "RENTAL"}
        for _ in range(PAGES):
            page = self.rest.json("GET", "/workloads", query=query)
            if not isinstance(page, dict) or "items" not in page:
                raise unknown("the list of pods cannot be read")
            rows += rows_in(page["items"] or [])  # an empty list may be written as null
            cursor = page.get("next_cursor")
            if not cursor:
                return rows
            query["cursor"] = str(cursor)
        raise unknown(f"the list of pods has more than {PAGES} pages")

    def _rental(self, row: Mapping[str, Any]) -> Rental:
        ident, state, resource = str(row.get("uid", "")), row.get("state"), row.get("resource")
        card = row.get("resource_name") or (resource.get("name") if isinstance(resource, dict) else "")
        return Rental(
            ident=ident,
            name=str(row["name"]).removeprefix(PREFIX),
            image=str(row.get("image") or ""),
            address={"url": url_in(state) or self.account.proxy.format(id=ident, port=PORT)},
            gpu=str(card or ""),
            usd_per_hour=usd(row.get("cost_per_hour")),
            started=status_of(state) != REGISTERED,
        )


def status_of(state: object) -> str:
    """In small letters: the interface's pages write them large, its clients small."""
    return str(state.get("status", "")).lower() if isinstance(state, dict) else ""


def url_in(state: object) -> str:
    urls = state.get("urls") if isinstance(state, dict) else None
    if not isinstance(urls, list):
        return ""
    ours = [row.get("url") for row in urls if isinstance(row, dict) and row.get("port") == PORT]
    return next((url.rstrip("/") for url in ours if isinstance(url, str) and url), "")
