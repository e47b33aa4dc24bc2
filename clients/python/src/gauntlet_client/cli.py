"""The command `gauntlet`: where do I stand, why did I lose, will my files pass?

Exit codes: 0 done; 1 found something wrong (verify, preflight); 2 unusable here (a key, an option, a folder);
3 refused by the server; 4 no answer; 5 what came is not what was published.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from click.shell_completion import get_completion_class
from rich.progress import Progress

from gauntlet_client import __version__, calls, downloading, platform_code, preflight, showing
from gauntlet_client.client import Client
from gauntlet_client.downloading import Bundle
from gauntlet_client.errors import Unusable
from gauntlet_client.keys import HINT
from gauntlet_client.options import Options, command, err, out, which

DONE = {"finished"}
competition = click.option("--competition", "-c", help="Its short name; without it the one that is played.")
round_ = click.option("--round", "-r", "round_", type=click.IntRange(min=0), help="Its number; without it the last.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog="Each command has a --help of its own.")
@click.version_option(__version__)
def main() -> None:
    """A winner-stays-in competition of 3D generators, from your terminal.

    Reading needs no key.  For what is yours name one: --wallet and --hotkey, --key-file, or GAUNTLET_KEY.
    """


@main.command()
@click.argument("miner", required=False)
@competition
@round_
@command
def standing(options: Options, miner: str | None, competition: str | None, round_: int | None) -> None:
    """Place, margin and what is missing: of MINER (a hotkey), or of the key that you name.

    \b
    gauntlet standing --wallet mine
    gauntlet standing 5F3s... --round 6 --json
    """
    with options.client() as client:
        told = client.ask(calls.standing(miner, competition=competition, round_=round_))
    options.show(told, showing.standing)


@main.command()
@click.argument("miner", required=False)
@competition
@round_
@command
def why(options: Options, miner: str | None, competition: str | None, round_: int | None) -> None:
    """Which prompts cost the match, which files failed, what the audits say."""
    with options.client() as client:
        told = client.ask(calls.standing(miner, competition=competition, round_=round_))
    options.show(told, lambda document: showing.why(document, client.server))


@main.command()
@competition
@round_
@command
def diagnostics(options: Options, competition: str | None, round_: int | None) -> None:
    """Logs of my builds and pods, files that did not come, refused pictures: before all is published (as JSON)."""
    with options.client() as client:
        told = client.ask(calls.diagnostics(competition=competition, round_=round_))
    options.show(told, lambda document: out.print_json(data=document))


@main.command()
@click.argument("miner", required=False)
@competition
@click.option("--every", default=15, type=click.IntRange(min=2), show_default=True, help="Seconds between two looks.")
@command
def watch(options: Options, miner: str | None, competition: str | None, every: int) -> None:
    """Say what changes until the round is finished (a line each; with --json a document each)."""
    before = None
    with options.client() as client:
        while True:
            told = client.ask(calls.standing(miner, competition=competition))
            now = (
                told["round"],
                told["stage"],
                told["sentence"],
                told["rank"],
                [row["state"] for row in told["audits"]],
            )
            if now != before:
                options.show(
                    told,
                    lambda document: out.print(
                        f"{time.strftime('%H:%M:%S')} {document['stage']}: {showing.safe(document['sentence'])}"
                    ),
                )
            if told["stage"] in DONE:
                return
            before = now
            time.sleep(every)


@main.command()
@competition
@click.option("--repo", required=True, help="owner/name, as on GitHub.")
@click.option("--commit", required=True, help="40 hex digits.")
@click.option("--cdn-url", required=True, help="https address of your files: /<prompt>.<format> is added to it.")
@command
def submit(options: Options, competition: str | None, repo: str, commit: str, cdn_url: str) -> None:
    """Enter this round without the chain, where the competition takes that.

    \b
    gauntlet submit --wallet mine --repo me/generator --commit $(git rev-parse HEAD) --cdn-url https://files.example/7
    """
    with options.client() as client:
        told = client.ask(calls.submit(which(client, competition), repo=repo, commit=commit, cdn_url=cdn_url))
    options.show(told, showing.taken)


@main.command()
@competition
@click.confirmation_option(prompt="Take back what you have revealed in this window?")
@command
def withdraw(options: Options, competition: str | None) -> None:
    """Take back what was submitted, while the window is open."""
    with options.client() as client:
        told = client.ask(calls.withdraw(which(client, competition)))
    options.show(told, showing.taken)


@main.command()
@competition
@click.option("--round", "-r", "round_", type=int, required=True, help="Of the verdict.")
@click.option("--audit", type=click.Choice(["source", "generation"]), required=True, help="Which of the two.")
@click.option("--version", "version", type=int, default=1, show_default=True, help="Of the verdict.")
@click.option("--entry", help="Whose audit; without it: your own.")
@click.option("--finding", type=int, help="Number of the finding you object to; without it: the whole verdict.")
@click.option("--ground", required=True, help="wrong_fact, licence, not_applied, platform_fault or overlooked.")
@click.option("--statement", required=True, help="What is wrong, in 20 to 2000 characters. Everybody will read it.")
@click.option("--evidence", default="", help="SHA-256 of a file you can show.")
@command
def appeal(options: Options, competition: str | None, round_: int, **told: Any) -> None:
    """Object to an audit's verdict: once, in time, with a statement that everybody can read."""
    with options.client() as client:
        if client.key is None:
            raise Unusable("An appeal is signed.", fix=HINT, code="no_key")
        lodged = client.ask(calls.appeal(which(client, competition), round_, key=client.key, **told))
    options.show(lodged, showing.appealed)


@main.command()
@click.option("--resume", type=click.UUID, metavar="ID", help="Switch this suspended webhook on again.")
@command
def webhooks(options: Options, resume: UUID | None) -> None:
    """My webhooks: which arrive, which fail, which are suspended and why."""
    with options.client() as client:
        if resume is not None:
            client.ask(calls.resume_webhook(str(resume)))
        told = client.ask(calls.webhooks())
    options.show(told, showing.webhooks)


@main.command()
@competition
@round_
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder for it.")
@command
def download(options: Options, competition: str | None, round_: int | None, to: Path) -> None:
    """The bundle of a finished round: all documents and files that decided it, ready for `gauntlet verify`.

    It becomes a new folder <competition>-<round>; nothing else is written, whatever the server sends.
    """
    with options.client() as client:
        bundle = published(client, competition, round_)
        folder = fetched(options, client, bundle, to)
    told = {"folder": str(folder), "round": bundle.round, "hash": bundle.sha256}
    options.show(told, lambda document: out.print(f"Round {document['round']}; now: gauntlet verify {folder}"))


def published(client: Client, competition: str | None, round_: int | None) -> Bundle:
    """The newest bundle of that round, or of the last one.  Raises Trouble."""
    slug = which(client, competition)
    found = list(client.each(calls.get("bundles", competition=slug, round=round_)))
    if not found:
        raise Unusable(f"No such round of {slug} is published.", fix="Look at its page.", code="not_published")
    return max((Bundle.of_row(slug, row) for row in found), key=lambda each: each.round)


def fetched(options: Options, client: Client, bundle: Bundle, to: Path) -> Path:
    """The folder of the bundle, with a bar while it comes.  Raises Trouble."""
    with Progress(console=err, disable=options.as_json) as progress:
        bar = progress.add_task(bundle.name, total=None)
        return downloading.download(
            client,
            bundle,
            to,
            told=lambda done, whole: progress.update(bar, completed=done, total=whole or None),
        )


@main.command()
@competition
@round_
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder for the bundle.")
@click.option("--ask", "url", required=True, metavar="URL", help="An OpenAI-compatible server of yours.")
@click.option("--sample", default="200", show_default=True, help="Questions at most, or `all`.")
@click.option("--seed", default="", help="What draws them; without it a new one, which is shown.")
@click.option("--model", default="", help="As the server names it; without it the judge's own.")
@click.option("--ask-key-file", type=click.Path(path_type=Path), help="Holds the key of that server alone.")
@click.option("--operator", default="", help="The address whose signature the bundle must bear.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the report there as JSON.")
@click.option("--yes", is_flag=True, help="Do not ask whether it may cost what it will.")
@command
def rejudge(
    options: Options,
    competition: str | None,
    round_: int | None,
    to: Path,
    url: str,
    ask_key_file: Path | None,
    yes: bool,
    **plain: Any,
) -> None:
    """Would a model of mine judge this round as it was judged?  Puts its questions to the server at URL.

    Downloads the bundle (or takes the one that is here), verifies it, says what the questions will cost, asks them,
    and reports how often the answers agree and whether the winner would stand.  Again, it goes on where it ended.

    \b
    gauntlet rejudge -c mesh -r 6 --ask http://127.0.0.1:8000
    """
    with options.client() as client:
        bundle = published(client, competition, round_)
        folder = to / bundle.name
        if not downloading.is_here(bundle, folder):
            folder = fetched(options, client, bundle, to)
    arguments = ["-m", "verify", str(folder), f"--ask={url}"]
    arguments += [f"--{name}={value}" for name, value in plain.items() if value]
    arguments += [f"--key-file={ask_key_file}"] * (ask_key_file is not None)
    arguments += ["--yes"] * yes + ["--json"] * options.as_json
    sys.exit(platform_code.start(arguments).wait())


@main.command()
@click.argument("report", type=click.Path(path_type=Path, dir_okay=False))
@command
def opinion(options: Options, report: Path) -> None:
    """Sign REPORT, which `gauntlet rejudge --report` wrote, with my hotkey, and post it for everybody to see.

    One of a hotkey about a bundle, for ever.  The hotkey need not be registered; where it is, the round's page says so.

    \b
    gauntlet rejudge -c mesh -r 6 --ask http://127.0.0.1:8000 --report report.json
    gauntlet opinion report.json
    """
    with options.client() as client:
        if client.key is None:
            raise Unusable("A report is signed.", fix=HINT, code="no_key")
        try:
            call = calls.opinion(json.loads(report.read_bytes()), key=client.key)
        except OSError as error:
            sentence = f"{report} cannot be read: {error.strerror}."
            raise Unusable(sentence, fix="Name the file.", code="no_report") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unusable(
                f"{report} is no report of `gauntlet rejudge --report`.", fix="Write one anew.", code="no_report"
            ) from error
        posted = client.ask(call)
    options.show(posted, showing.opinion_posted)


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("arguments", nargs=-1, required=True, metavar="FOLDER [OPTIONS]")
def verify(arguments: tuple[str, ...]) -> None:
    """Recompute everything that a bundle, or a public state repository, claims.

    The platform's own verifier, which shares no code with the rest of it; --help after FOLDER lists its options.
    """
    sys.exit(platform_code.start(["-m", "verify", *arguments]).wait())


@main.command(name="preflight")
@click.argument("files", type=click.Path(path_type=Path, file_okay=False))
@competition
@round_
@click.option("--most", type=click.IntRange(min=1), help="Only so many prompts.")
@command
def preflight_(options: Options, files: Path, competition: str | None, round_: int | None, most: int | None) -> None:
    """Would my FILES (a folder of one file for each prompt, named by it) be taken, and would they beat the leader's?

    The platform's own code checks, draws and judges them here, against the leader's published files.
    Splats and modules are drawn by Chromium; without one they are only checked.
    """
    with options.client() as client, Progress(console=err, disable=options.as_json, transient=True) as progress:
        bar = progress.add_task("asking", total=None)
        report = preflight.examine(
            client,
            files,
            competition=which(client, competition),
            round_=round_,
            most=most,
            watch=lambda what, done, of: progress.update(bar, description=what, completed=done, total=of),
        )
    options.show(report.document(), showing.preflight)
    sys.exit(1 if report.forfeits else 0)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands: add `eval "$(gauntlet completion bash)"` to your ~/.bashrc."""
    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(main, {}, "gauntlet", "_GAUNTLET_COMPLETE").source())
