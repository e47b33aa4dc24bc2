"""Endpoints, lag, agreement, wallet, permit and what would be set, in one readable table; sends nothing."""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from competition import weights
from competition.chain.base import ChainFault
from competition.chain.observations import Anchor
from core import clock, operator_key


class Command(BaseCommand):
    help = "Ask every endpoint, compare, and show the wallet and the weights that are due. Nothing is sent or written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chain", help="bittensor:<netuid>; by default that of every active competition")
        parser.add_argument("--anchors", metavar="SLUG", help="print the anchors of a competition as JSON, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["anchors"]:
            self.stdout.write(json.dumps(anchors(options["anchors"]), indent=1))
            return
        from competition.chain import running  # the chain's client: 0.5 s and 60 MB

        try:
            running.endpoints()
            chains = [options["chain"]] if options["chain"] else running.names()
            if not chains:
                raise CommandError("no active competition is played on bittensor:<netuid>; name one with --chain")
            wrong = [name for name in chains if not self.healthy(name)]
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if wrong:
            raise CommandError(f"{', '.join(wrong)}: the operator must act, see above")

    def healthy(self, name: str) -> bool:
        from competition.chain import running, terminal_tables  # the chain's client: 0.5 s and 60 MB
        from competition.chain.node_quorum import Known, Watcher

        address = str(operator_key.keypair().ss58_address)
        watcher = Watcher(
            running.netuid_of(name),
            endpoints=running.endpoints(),
            quorum=settings.CHAIN_QUORUM,
            timeout_s=settings.CHAIN_TIMEOUT_SECONDS,
            hotkey=address,
        )

        async def look() -> Any:
            try:
                return await watcher.look(Known())
            finally:
                await watcher.close()

        seen = asyncio.run(look())
        self.write(name, terminal_tables.endpoints(seen))
        self.write("Agreement", terminal_tables.agreement(seen))
        if seen.reading:
            self.write("Operator", terminal_tables.wallet(address, seen.reading.subnet))
        return self.due(name) and not seen.fault

    def due(self, name: str) -> bool:
        """What `runchain` would do, from what it has written down."""
        from competition.chain import terminal_tables  # the chain's client: 0.5 s and 60 MB

        try:
            made = weights.plan(name, now=clock.now(), look_only=True)
        except (ChainFault, weights.Unproven) as error:
            self.write("Weights", [f"cannot be decided: {error}"])
            return False
        switch = "on" if settings.CHAIN_SETS_WEIGHTS else "off: nothing is sent"
        self.write("Weights", [*terminal_tables.difference(made), f"GAUNTLET_CHAIN_SETS_WEIGHTS is {switch}"])
        return made.action.do != "refuse"

    def write(self, title: str, lines: list[str]) -> None:
        self.stdout.write(f"{title}\n" + "".join(f"  {line}\n" for line in lines))


def anchors(slug: str) -> list[dict[str, Any]]:
    """What was committed at which block, for `python -m verify BUNDLE --anchors FILE`."""
    rows = Anchor.objects.filter(checkpoint__competition__slug=slug).exclude(block=None).select_related("chain")
    return [
        {
            "chain": row.chain.name,
            "block": row.block,
            "block_hash": row.block_hash,
            "hotkey": row.hotkey,
            "text": row.text,
        }
        for row in rows
    ]
