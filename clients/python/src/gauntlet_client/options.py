"""What do all commands take, and how do they end when something is wrong?"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gauntlet_client import calls, keys
from gauntlet_client.client import SERVER, Client
from gauntlet_client.errors import Trouble, Unreachable, Unusable
from gauntlet_client.keys import Key

out = Console(highlight=False, soft_wrap=True)
NO_ANSWERS = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What a document raises that is not of the form that docs/api describes."""
err = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Options:
    server: str
    as_json: bool
    wallet: str | None
    hotkey: str | None
    key_file: Path | None

    def key(self) -> Key | None:
        return keys.found(wallet=self.wallet, hotkey=self.hotkey, key_file=self.key_file)

    def client(self) -> Client:
        return Client(self.server, key=self.key())

    def show(self, document: Any, shown: Callable[[Any], None]) -> None:
        """As JSON where that was asked for, else as a person reads it."""
        if self.as_json:
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            shown(document)


COMMON = (
    click.option(
        "--server", envvar="GAUNTLET_SERVER", default=SERVER, show_default=True, help="Address of the platform."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON."),
    click.option("--wallet", help="Name of a Bittensor wallet (or GAUNTLET_WALLET)."),
    click.option("--hotkey", help="Name of its hotkey (or GAUNTLET_HOTKEY; `default` without)."),
    click.option("--key-file", type=click.Path(path_type=Path), help="A key file, or a file with a mnemonic."),
)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A command that takes the common options; trouble ends it with a sentence, what to do, and an exit code."""

    @functools.wraps(function)
    def run(
        *, server: str, as_json: bool, wallet: str | None, hotkey: str | None, key_file: Path | None, **own: Any
    ) -> None:
        try:
            function(Options(server, as_json, wallet, hotkey, key_file), **own)
        except Trouble as trouble:
            complain(trouble, as_json=as_json)
            sys.exit(trouble.exit_code)
        except NO_ANSWERS as error:
            unread = Unreachable(
                f"The server answered with something that this client cannot read: {type(error).__name__}.",
                fix="Is the address (--server) that of a Gauntlet server?  If it is, update gauntlet-client.",
                code="no_api",
            )
            complain(unread, as_json=as_json)
            sys.exit(unread.exit_code)

    for option in reversed(COMMON):
        run = option(run)
    return run


def complain(trouble: Trouble, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(trouble.document(), indent=2, ensure_ascii=False))
        return
    err.print(f"[bold red]No:[/] {_plain(trouble.sentence)}")
    if trouble.fix:
        err.print(f"[bold]Do:[/] {_plain(trouble.fix)}")


def _plain(text: str) -> str:
    """Text of others, with nothing that a terminal or rich would obey."""
    return "".join(c for c in text if c.isprintable() or c == "\n").replace("[", "\\[")


def which(client: Client, competition: str | None) -> str:
    """The named competition, or the one on the server's front page."""
    if competition:
        return competition
    active = [row["id"] for row in client.each(calls.get("competitions", active="true"))]
    if len(active) != 1:
        listed = ", ".join(active) or "none"
        raise Unusable(
            f"Several competitions are played there, or none: {listed}.",
            fix="Name one with --competition.",
            code="which_competition",
        )
    return str(active[0])
