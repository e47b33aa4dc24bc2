"""How does all of it run on one machine?  Database, workers, reconciler and web server, under one Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.utils import timezone

from competition import chain, queries
from competition.demo.demo_director import Director
from competition.demo.demo_setting import FILES, HOSTING_PORT
from competition.models import Competition
from core.postgres import server
from core.queue.processes import Program, Supervisor

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))
# Commands that run beside the workers for as long as the platform does, where this installation has them.
COMPANIONS = ("reconcile",)
# Commands that end what outlives its process on purpose.
FAREWELLS = ("stop_pods",)
READY = "judge_ready"
EXAM_FAILED = 3  # how that command ends where all is there, and the judge did not pass
JUDGED_AT_ONCE = "16"
PROGRESS_SECONDS = 2.0
WEB_WORKER = "core.web.web_worker.FairWorker"
PREPARE_TRIES = 10


class Command(BaseCommand):
    help = "Run the whole platform on this machine until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render and judge")
        parser.add_argument(
            "--demo",
            action=BooleanOptionalAction,
            default=settings.EMBEDDED_POSTGRES,
            help="play a demo competition; the default with the embedded database",
        )
        parser.add_argument("--prompts", type=Path, help="a folder of pictures for a new demo competition")
        parser.add_argument("--competition", type=Path, help="a file of rules and cast for a new demo competition")
        parser.add_argument("--format", choices=list(FILES), help="the demo of that format, for a new demo competition")
        parser.add_argument("--judge", help="play a new demo competition before this judge, which is looked at first")
        parser.add_argument("--judge-wait", type=int, default=0, help="seconds to wait for a server that loads weights")
        parser.add_argument(
            "--judge-anyway", action="store_true", help="play before it though it did not pass its exam"
        )
        parser.add_argument("--hosting-port", type=int, default=HOSTING_PORT, help="where the demo's miners keep files")
        parser.add_argument("--rounds", type=int, help="stop once the demo has published so many rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_taken(options["host"], options["port"])
        chosen = options.pop("format")
        if chosen and options["competition"]:
            raise CommandError("give --format or --competition: each names the file of the demo")
        options["competition"] = FILES[chosen] if chosen else options["competition"]
        wait_s, anyway = options.pop("judge_wait"), options.pop("judge_anyway")
        if options["judge"]:
            self.look_at_judge(options["judge"], wait_s=wait_s, anyway=anyway)
        with only_once(settings.VAR_DIR / "run.lock"):
            try:
                self.play(**options)
            except server.Unavailable as error:
                raise CommandError(str(error)) from error

    def look_at_judge(self, name: str, *, wait_s: int, anyway: bool) -> None:
        """In a process of its own, which gives the memory of a model back.  Raises CommandError where it is not fit."""
        done = subprocess.run([*MANAGE, READY, name, "--wait", str(wait_s)], cwd=settings.BASE_DIR)
        if done.returncode and not (anyway and done.returncode == EXAM_FAILED):
            more = ' RUN="--judge-anyway" plays before it all the same.' if done.returncode == EXAM_FAILED else ""
            raise CommandError(f"nothing is played: {name} is not ready, for the reason above.{more}")

    def play(self, *, host: str, port: int, workers: int, demo: bool, **options: Any) -> None:
        seed = {name: options[name] for name in ("prompts", "competition", "judge")}
        self.prepare_patiently(demo=demo, seed=seed, hosting_port=options["hosting_port"])
        programs = parts(host=host, port=port, workers=workers, demo=demo, own_judge=bool(options["judge"]))
        if demo:
            programs.append(hosting(host=host, port=port, hosting_port=options["hosting_port"]))
        connection.close()
        self.print_line(f"open http://{host}:{port}   logs in {settings.LOG_DIR}   Ctrl-C stops everything")
        chores: list[Any] = [revive_database, ProgressPrinter(self.print_line)]
        supervisor = Supervisor(programs, logs=settings.LOG_DIR, print_line=self.print_line, chores=chores)
        if demo:
            director = Director(
                print_line=self.print_line, files=settings.VAR_DIR / "hosting", rounds=options["rounds"]
            )
            chores.append(lambda: director(supervisor.ask_to_stop))
        supervisor.run()
        for name in FAREWELLS:
            if name in get_commands():
                call_command(name)
        self.print_line("stopped" + self.retire_database())
        if demo and options["rounds"] and not director.played:
            raise CommandError(director.trouble or f"stopped before all was played: {director.standing}")

    def prepare_patiently(self, **how: Any) -> None:
        """A database that is killed meanwhile is revived by the next try; each try finds what the one before left."""
        for left in reversed(range(PREPARE_TRIES)):
            try:
                return self.prepare(**how)
            except OperationalError as error:
                if not left or not settings.EMBEDDED_POSTGRES:
                    raise
                connection.close()
                self.print_line(f"the database went away, preparing again: {str(error).splitlines()[0]}")
        return None

    def prepare(self, *, demo: bool, seed: dict[str, Path | None], hosting_port: int) -> None:
        """A database with all migrations, collected static files, and the demo's competition."""
        began = time.monotonic()
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        call_command("migrate", interactive=False, verbosity=0)
        self.print_line(f"database ready ({database_name()}) in {time.monotonic() - began:.1f} s")
        if demo:
            call_command("seed_demo", **seed, hosting=f"http://127.0.0.1:{hosting_port}", stdout=self.stdout)

    def retire_database(self) -> str:
        connection.close()
        if not settings.EMBEDDED_POSTGRES:
            return ""
        return "" if server.cluster().retire() else "; PostgreSQL goes on for another process"

    def print_line(self, line: str) -> None:
        self.stdout.write(f"{timezone.now():%H:%M:%S}  {line}")
        self.stdout.flush()


class ProgressPrinter:
    """Says where each competition stands, whenever that has changed."""

    def __init__(self, print_line: Any) -> None:
        self.print_line = print_line
        self.printed: dict[int, str] = {}
        self.due_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + PROGRESS_SECONDS
        try:
            self.report()
        finally:
            connection.close()

    def report(self) -> None:
        for competition in Competition.objects.order_by("pk"):
            line = queries.progress(competition)
            if self.printed.get(competition.pk) != line:
                self.printed[competition.pk] = line
                self.print_line(line)


def parts(*, host: str, port: int, workers: int, demo: bool, own_judge: bool = False) -> list[Program]:
    """Slow work gets whole processes; work that mostly waits shares threads.

    `own_judge`: the judge is one process, which keeps many duels waiting or holds a model's weights once.
    """
    env = {"GAUNTLET_DEMO": "1" if demo else "0", "PYTHONUNBUFFERED": "1"}
    web = ("-m", "gunicorn", "competition.wsgi:application", "--bind", f"{host}:{port}", "--worker-class", WEB_WORKER)
    manner = (
        "--threads",
        str(settings.WEB_THREADS),
        "--limit-request-line",
        "8190",
        "--graceful-timeout",
        "3",
        "--timeout",
        "60",
        "--no-control-socket",
        "--chdir",
        str(settings.BASE_DIR),
    )
    waiting = (*MANAGE, "worker", "--queue", "io", "--queue", "pods", "--threads", "6")
    queues = ("--queue", "cpu") if own_judge else ("--queue", "cpu", "--queue", "judge")
    working = (*MANAGE, "worker", *queues, "--threads", "1")
    writing = (*MANAGE, "worker", "--queue", "letters", "--threads", "4")
    companions = [name for name in COMPANIONS if name in get_commands() and (demo or not name.startswith("demo"))]
    return [
        Program("web", (sys.executable, *web, *manner), env),
        Program("worker-io", waiting, env),
        Program("worker-letters", writing, env),
        *(Program(f"worker-{number}", working, env) for number in range(1, workers + 1)),
        *([Program("judge", (*MANAGE, "judge", "--duels", JUDGED_AT_ONCE), env)] if own_judge else []),
        *(Program(name, (*MANAGE, name), env) for name in companions),
        *([Program("runchain", (*MANAGE, "runchain"), env)] if settings.CHAIN_ENDPOINTS else []),
    ]


def hosting(*, host: str, port: int, hosting_port: int) -> Program:
    """The demo's miners: what they host, made by their own code once the prompts are drawn."""
    env = {"PYTHONPATH": str(settings.BASE_DIR)}
    where = ("--platform", f"http://{host}:{port}", "--dir", str(settings.VAR_DIR / "hosting"))
    whose = tuple(word for name in demo_miners() for word in ("--miner", name))
    argv = (sys.executable, "-m", "examples.hosting", *where, "--port", str(hosting_port), *whose)
    return Program("hosting", argv, env)


def demo_miners() -> list[str]:
    """Who takes part in any of the demo's rounds."""
    configs = Competition.objects.filter(chain.on_simulated()).values_list("config", flat=True)
    return sorted({name for config in configs for members in config.get("cast", {}).values() for name in members})


def revive_database() -> None:
    if settings.EMBEDDED_POSTGRES:
        server.cluster().ensure()


def database_name() -> str:
    if settings.EMBEDDED_POSTGRES:
        return f"embedded PostgreSQL, port {server.cluster().ensure().port}"
    return f"PostgreSQL at {connection.settings_dict['HOST'] or 'its default address'}"


def refuse_taken(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{host}:{port} can't be used ({error.strerror}): try `make run PORT={port + 1}`"
            ) from error


def only_once(path: Path) -> IO[str]:
    """A lock for as long as the returned file is open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = open(path, "w")  # noqa: SIM115  (the caller's `with` closes it)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CommandError(f"it already runs on {path.parent}: stop that one, or set GAUNTLET_VAR") from error
    return lock
