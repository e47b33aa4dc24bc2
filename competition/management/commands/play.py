"""Play the demo in a folder of its own, without a browser, and say how it was decided."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from competition.demo import demo_setting
from core.postgres.ports import free_port
from core.postgres.server import Cluster


class Command(BaseCommand):
    help = (
        "Play demo rounds from the first reveal to the published bundle in a fresh folder (--dir), with a database, "
        "workers and miners of its own, print the decision, and exit 0; exit 1 if a round pauses or is not published, "
        "and say why."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=1, help="how many rounds (1)")
        parser.add_argument("--prompts", type=Path, help="a folder of pictures in place of the demo's own")
        parser.add_argument("--competition", type=Path, help="rules and cast, in place of examples/competition.json")
        parser.add_argument("--format", choices=list(demo_setting.FILES), help="the demo of that format (glb)")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render and judge")
        parser.add_argument("--dir", type=Path, help="where to play; emptied first (default: var/play)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] and not options["competition"]:
            options["competition"] = demo_setting.FILES[options["format"]]
        try:
            document = demo_setting.read_setting(options["competition"] or demo_setting.DEFAULT_FILE)
            if options["prompts"]:
                demo_setting.fitted(document, pictures=len(demo_setting.pictures_of(options["prompts"])))
        except (demo_setting.BadPrompts, demo_setting.BadCompetition) as error:
            raise CommandError(str(error)) from error
        folder = fresh((options["dir"] or settings.VAR_DIR / "play").resolve())
        ports = [free_port(), free_port()]
        command = [sys.executable, "manage.py", "run", "--demo", "--rounds", str(options["rounds"])]
        command += ["--port", str(ports[0]), "--hosting-port", str(ports[1]), "--workers", str(options["workers"])]
        for name in ("prompts", "competition"):
            if options[name]:
                command += [f"--{name}", str(options[name].resolve())]
        if played(command, folder=folder):
            raise CommandError(f"the round was not decided; logs in {folder / 'log'}")
        slug = "demo"
        self.stdout.write(f"bundle in {folder / 'bundles' / slug}; check it: python -m verify <bundle>/1")


def played(command: list[str], *, folder: Path) -> int:
    """Run the platform there, with none of this deployment's settings; a signal to us is a signal to it."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BROKER_URL")}
    environment = {**inherited, "GAUNTLET_VAR": str(folder), "GAUNTLET_DEMO": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment) as process:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: process.send_signal(number))
        return process.wait()


def fresh(folder: Path) -> Path:
    """An empty folder.  One that holds anything but an earlier play is left alone."""
    mark = folder / ".play"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise CommandError(f"--dir {folder} holds other files; give an empty folder, or one that does not exist")
    if (folder / "postgres").exists():
        Cluster(folder / "postgres").stop()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    return folder
