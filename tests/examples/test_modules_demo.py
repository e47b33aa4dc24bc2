"""The demo of modules tells the story of the meshes' demo: an honest better miner, a cheat, gaps, a copy."""

from __future__ import annotations

import hashlib
import re
import subprocess
import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from competition.demo import demo_setting
from competition.models import Competition
from core import clock
from examples import hosting, objects
from examples.cast import MODULE_CHALLENGERS
from examples.prompts import prompts
from formats import examiner

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["mug", "chair", "vase", "clock"])
def test_a_true_object_is_a_module_that_is_let_through(name: str) -> None:
    """Painted and of many parts, and yet within what a module may write as numbers."""
    module = objects.module_of(name)
    examiner("threejs")(module)
    faces = re.search(rb"FACES = \[([0-9, ]+)\]", module)
    assert faces is not None
    numbers = faces[1].split(b",")
    assert len(numbers) % 4 == 0 and len(set(numbers[3::4])) > 1, "more than one colour"


def test_the_hosts_of_modules_hold_what_their_members_are_there_for(tmp_path: Path) -> None:
    pictures = {name: prompts()[name].read_bytes() for name in ("mug", "vase", "book", "chair", "key")}
    studio = hosting.Studio(tmp_path, stop=threading.Event(), members=MODULE_CHALLENGERS)
    for stem, picture in pictures.items():
        (studio.pictures / f"{stem}.png").write_bytes(picture)
    listed = {stem: (hashlib.sha256(data).hexdigest(), "") for stem, data in pictures.items()}
    studio.make(hosting.Drawn(1, 7, listed, "js"))

    def files(miner: str) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in (tmp_path / miner).glob("*.js")}

    assert files("forger")["mug"] == objects.module_of("mug"), "the cheat hosts the true object"
    assert files("echo") == files("sculptor") and len(files("echo")) == 5
    assert len(files("bobbin")) == 3, "two of five are missing"


@pytest.mark.parametrize("demo", ["", "threejs", "ply"])
def test_make_run_names_the_demo_it_is_asked_for(demo: str) -> None:
    command = ["make", "-n", "run", f"DEMO={demo}"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in shown.splitlines() if "manage.py run" in line]
    assert re.findall(r"--format (\S+)", line) == ([demo] if demo else [])


@pytest.mark.parametrize("command", ["run", "play"])
def test_a_demo_of_no_known_format_is_refused_with_the_choice(command: str) -> None:
    with pytest.raises(CommandError, match=r"invalid choice: 'voxels' \(choose from '?glb'?, '?ply'?, '?threejs'?\)"):
        call_command(command, "--format", "voxels")


def test_every_format_has_a_demo() -> None:
    formats = {name: demo_setting.read_setting(file)["config"]["format"] for name, file in demo_setting.FILES.items()}
    assert formats == {name: name for name in formats} and demo_setting.FILES["glb"] == demo_setting.DEFAULT_FILE


def test_a_folder_that_plays_another_demo_says_how_to_play_this_one(db: None) -> None:
    pictures = {name: prompts()[name].read_bytes() for name in list(prompts())[:24]}
    demo_setting.create(slug="demo", pictures=pictures, hosting="http://127.0.0.1:1", now=clock.now())
    with pytest.raises(CommandError, match=r"a demo of glb, not of threejs: name another folder \(GAUNTLET_VAR="):
        call_command("seed_demo", competition=demo_setting.FILES["threejs"], stdout=StringIO())
    out = StringIO()
    call_command("seed_demo", competition=demo_setting.FILES["glb"], stdout=out)
    assert "is there already" in out.getvalue() and Competition.objects.count() == 1
