"""One round of the watching: look, write down, set weights, anchor.  The loop around it is `manage.py runchain`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models.functions import Now

os.environ.setdefault("BITTENSOR_RUNTIME_CACHE_DIR", str(settings.VAR_DIR / "chain"))

from competition import weights
from competition.chain import anchoring, recording
from competition.chain.base import ChainFault, SendResult
from competition.chain.bittensor import Node
from competition.chain.node_quorum import ChainLook, Watcher
from competition.chain.observations import ObservedChain
from competition.models import Competition
from core import operator_key

log = logging.getLogger(__name__)
T = TypeVar("T")


class Turn:
    """One chain and its nodes.  Rows are touched between, never inside, the asynchronous questions."""

    def __init__(self, name: str, *, runner: asyncio.Runner, sure: Callable[[], bool]) -> None:
        self.name, self.netuid, self.runner, self.sure = name, netuid_of(name), runner, sure
        self.failures = 0
        self.watcher = Watcher(
            self.netuid,
            endpoints=endpoints(),
            quorum=settings.CHAIN_QUORUM,
            timeout_s=settings.CHAIN_TIMEOUT_SECONDS,
            hotkey=str(operator_key.keypair().ss58_address),
        )

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(what)

    def look(self, *, now: datetime) -> ChainLook:
        chain = recording.row_of(self.name)
        look = self.run(self.watcher.look(recording.known(chain)))
        fresh = recording.record(chain, look, now=now)
        if look.fault:
            log.warning("%s: %s (%s)", self.name, look.fault, look.code)
        elif look.reading:
            log.info("%s: block %s, %s new messages", self.name, look.reading.block, fresh)
        return look

    def weigh(self, *, now: datetime, send: bool) -> str:
        """Set the weights where that is due; the sentence that the status page shows."""
        try:
            made = weights.plan(self.name, now=now)
        except (ChainFault, weights.Unproven) as error:
            return self._note(f"cannot be decided: {error}")
        note = f"{made.action.do}: {made.action.because}"
        if made.action.do == "set" and not send:
            note += " (GAUNTLET_CHAIN_SETS_WEIGHTS is off: nothing is sent)"
        elif made.action.do == "set":
            sent = weights.carry_out(made, send=self._send_weights, sure=self.sure, now=now)
            note += "" if sent is None else f" ({'sent' if sent.landed is not False else 'refused'}) {sent.error}"
        return self._note(note)

    def anchor(self, *, now: datetime) -> None:
        chain = ObservedChain.objects.get(name=self.name)
        for competition in Competition.objects.filter(chain=self.name, active=True):
            try:
                anchor = anchoring.due(chain, competition, now=now)
            except ChainFault:
                continue
            if anchor and self.sure():
                sent = anchoring.carry_out(anchor, send=self._send_anchor, block=chain.block)
                log.info("%s: anchor of event %s: %s", competition.slug, anchor.checkpoint.seq, sent)

    def _note(self, note: str) -> str:
        ObservedChain.objects.filter(name=self.name).update(weights_said=note.strip()[:500], weights_at=Now())
        log.info("%s: weights, %s", self.name, note)
        return note

    def _best(self) -> Node:
        """The endpoint to send through: one that answered, the quickest first; another one after each failure."""
        rows = ObservedChain.objects.get(name=self.name).endpoints.exclude(finalised=None)
        names = list(rows.order_by("-finalised", "seconds").values_list("shown", flat=True))
        known = [self.watcher.nodes[name] for name in names if name in self.watcher.nodes]
        able = known or list(self.watcher.nodes.values())
        return able[self.failures % len(able)]

    def _send_weights(self, values: dict[int, int]) -> SendResult:
        how = {"key": operator_key.keypair(), "period": weights.PERIOD}
        return self._sent(self.run(self._best().set_weights(self.netuid, values, **how)))

    def _send_anchor(self, text: bytes) -> SendResult:
        how = {"key": operator_key.keypair(), "period": weights.PERIOD}
        return self._sent(self.run(self._best().commit(self.netuid, text, **how)))

    def _sent(self, sent: SendResult) -> SendResult:
        self.failures += not sent.landed
        return sent

    def close(self) -> None:
        self.run(self.watcher.close())


def netuid_of(name: str) -> int:
    return int(name.partition(":")[2])


def names() -> list[str]:
    """The real chains that active competitions are played on."""
    rows = Competition.objects.filter(active=True, chain__startswith="bittensor:")
    return sorted(set(rows.values_list("chain", flat=True)))


def endpoints() -> list[str]:
    """Raises ImproperlyConfigured where they cannot agree on anything."""
    urls = list(dict.fromkeys(settings.CHAIN_ENDPOINTS))
    bad = [url for url in urls if not url.startswith(("ws://", "wss://"))]
    if bad:
        raise ImproperlyConfigured(f"GAUNTLET_CHAIN_ENDPOINTS: {bad[0][:60]!r} must begin with wss:// or ws://")
    if len(urls) < settings.CHAIN_QUORUM:
        raise ImproperlyConfigured(
            f"GAUNTLET_CHAIN_ENDPOINTS names {len(urls)} endpoints, and GAUNTLET_CHAIN_QUORUM needs "
            f"{settings.CHAIN_QUORUM} that agree: name more, separated by commas"
        )
    return urls
