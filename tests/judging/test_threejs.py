"""Does the browser renderer show what a file says, the same each time, and can nothing get out of it?"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.sandbox.chromium import walls
from core.sandbox.chromium.browser import BROWSING, Browser, BrowserPage, Exhausted
from core.sandbox.chromium.browsers import Browsers
from core.sandbox.outcomes import Refused, RendererFault
from examples.objects import glb_of
from formats import known_good_files
from judging.renderers import renderer
from judging.renderers.raycast import Raycast
from judging.renderers.rig import EMBEDDED, SUBNET, Rig
from judging.renderers.threejs import Threejs
from tests.judging.filmic_tones import aces

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
RIG = replace(EMBEDDED, pixels=128, grid_pixels=128)
BLANK = {"/": "<!doctype html><title>blank</title>"}
PROGRAM = walls.program("")
if PROGRAM is None:
    pytest.skip(f"no Chromium on this machine: {walls.INSTALL}", allow_module_level=True)


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("car") / "car.glb"
    path.write_bytes(glb_of("car"))
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    one = Browser(PROGRAM)
    yield one
    one.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[BrowserPage]:
    with browser.page(BLANK, size=64, allowance=BROWSING) as shown:
        shown.until("document.readyState === 'complete'")
        yield shown


def hashes(views: dict[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in views.items()}


# -- what is drawn


def test_the_same_file_gives_the_same_pixels_in_any_browser(car: Path, tmp_path: Path) -> None:
    first = Threejs().render(car, rig=RIG, out=tmp_path / "first")
    again = Threejs().render(car, rig=RIG, out=tmp_path / "again")
    other = Browsers()
    elsewhere = Threejs(drawing=other).render(car, rig=RIG, out=tmp_path / "elsewhere")
    other.close()
    assert hashes(first.views) == hashes(again.views) == hashes(elsewhere.views)
    assert set(first.views) == set(RIG.pictures())
    assert len(set(hashes(first.views).values())) > 10, "each view shows something else"


def test_both_renderers_show_the_same_but_for_edges(car: Path, tmp_path: Path) -> None:
    here = Threejs().render(car, rig=RIG, out=tmp_path / "three")
    there = Raycast().render(car, rig=RIG, out=tmp_path / "rays")
    assert (here.triangles, here.bounds) == (there.triangles, there.bounds)
    for name in RIG.pictures():
        ours, theirs = (np.asarray(Image.open(drawn.views[name]), np.int16) for drawn in (here, there))
        assert ours.std() > 5, "there is something to see"
        assert (np.abs(ours - theirs).max(axis=2) > 24).mean() < 0.02, name


def test_the_background_is_exactly_the_rigs(tmp_path: Path, car: Path) -> None:
    rig = Rig(views=RIG.views[:1], gray=("front_left",), pixels=64, background="#fedcba", gray_background="#102030")
    drawn = Threejs().render(car, rig=rig, out=tmp_path)
    corners = {name: Image.open(path).getpixel((0, 0)) for name, path in drawn.views.items()}
    assert corners == {"front_left": (0xFE, 0xDC, 0xBA), "gray_front_left": (0x10, 0x20, 0x30)}


def test_the_studio_shows_metal_and_matt_paint_does_not(tmp_path: Path, car: Path) -> None:
    small = replace(RIG, views=RIG.views[:1], gray=(), pixels=64)
    matt = Threejs().render(car, rig=small, out=tmp_path / "matt")
    studio = Threejs().render(car, rig=replace(small, light="studio"), out=tmp_path / "studio")
    assert hashes(matt.views) != hashes(studio.views)
    with pytest.raises(RendererFault, match="light 'matt' only"):
        Raycast().render(car, rig=replace(small, light="studio"), out=tmp_path / "rays")


UNLIT_PLANE = b"""export default function generate(THREE) {
  const material = new THREE.MeshBasicMaterial({ color: 0x3366cc, side: THREE.DoubleSide });
  return new THREE.Mesh(new THREE.PlaneGeometry(0.9, 0.9), material);
}
"""


def test_the_subnets_rig_has_filmic_tones_its_own_grid_and_exact_backgrounds(tmp_path: Path) -> None:
    file = tmp_path / "plane.js"
    file.write_bytes(UNLIT_PLANE)
    rig = replace(RIG, light=SUBNET, pixels=64, grid_pixels=64)
    views = Threejs().render(file, rig=rig, out=tmp_path / "out", file_format="threejs").views
    shown = {name: Image.open(path) for name, path in views.items()}
    for name in ("front_left", "gray_front_left"):
        assert np.abs(np.subtract(shown[name].getpixel((32, 32)), aces((0x33, 0x66, 0xCC)))).max() <= 1, name
    assert shown["front_left"].getpixel((0, 0)) == (255, 255, 255)
    assert shown["gray_front_left"].getpixel((0, 0)) == shown["grid"].getpixel((0, 0)) == (128, 128, 128)
    assert shown["grid"].size == (133, 133)
    assert shown["grid"].getpixel((66, 10)) == shown["grid"].getpixel((10, 66)) == (0, 0, 0), "a gap between the views"


def test_a_bad_file_is_refused_before_any_browser_sees_it(tmp_path: Path) -> None:
    bad = tmp_path / "bad.glb"
    bad.write_bytes(known_good_files.glb()[:-4])
    with pytest.raises(Refused) as refused:
        Threejs(drawing=NoBrowsers()).render(bad, rig=RIG, out=tmp_path / "out")
    assert refused.value.code == "TRUNCATED"


class NoBrowsers(Browsers):
    def one(self, *, fresh: bool = False) -> None:  # type: ignore[override]
        raise AssertionError("a browser was asked for")


# -- who is to blame


def test_without_a_browser_the_sentence_says_what_to_install(settings: object, car: Path, tmp_path: Path) -> None:
    settings.CHROMIUM = "/nowhere/chromium"  # type: ignore[attr-defined]
    with pytest.raises(RendererFault, match="apt-get install chromium") as fault:
        Threejs(drawing=Browsers()).render(car, rig=RIG, out=tmp_path)
    assert fault.value.code == "NO_BROWSER"


def test_a_file_that_uses_too_much_is_refused_only_if_a_good_one_is_not(car: Path, tmp_path: Path) -> None:
    """With no processor time at all even the good file fails, so that nobody is blamed."""
    tight = Threejs(allowance=replace(BROWSING, cpu_seconds=0))
    with pytest.raises(RendererFault) as fault:
        tight.render(car, rig=RIG, out=tmp_path)
    assert fault.value.code == "CPU"


def test_a_browser_that_was_killed_is_replaced(car: Path, tmp_path: Path) -> None:
    own = Browsers()
    rig = replace(RIG, views=RIG.views[:1], gray=())
    Threejs(drawing=own).render(car, rig=rig, out=tmp_path / "before")
    with own.one() as running:
        os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
    drawn = Threejs(drawing=own).render(car, rig=rig, out=tmp_path / "after")
    own.close()
    assert set(drawn.views) == set(rig.pictures())


# -- walls


def test_the_walls_are_named_and_stand(browser: Browser, page: BrowserPage) -> None:
    if os.geteuid() != 0:
        pytest.skip("as another user other walls are named")
    assert {"no network", "not root", "browser sandbox"} <= set(browser.walls)
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in children(browser.process.pid)}
    assert owners == {walls.NOBODY}


def children(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/",
        "http://127.0.0.1:80/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "ws://127.0.0.1:9/",
        "/other",
    ],
)
def test_a_page_reaches_nothing(browser: Browser, page: BrowserPage, address: str) -> None:
    fetched = f"fetch({address!r}).then((answer) => 'got ' + answer.status, () => 'refused')"
    ends = "s.onopen = () => done('got'); s.onerror = () => done('refused');"
    socket = f"new Promise((done) => {{ const s = new WebSocket({address!r}); {ends} }})"
    assert page.ask(socket if address.startswith("ws") else fetched) == "refused"


def test_a_page_leaves_nothing_for_the_next(browser: Browser) -> None:
    with browser.page(BLANK, size=64, allowance=BROWSING) as first:
        first.until("document.readyState === 'complete'")
        first.ask(
            "Array.prototype.map = 1; localStorage.left = 'here'; document.cookie = 'left=here'; globalThis.left = 1"
        )
    with browser.page(BLANK, size=64, allowance=BROWSING) as second:
        second.until("document.readyState === 'complete'")
        found = second.ask("[typeof [].map, localStorage.left ?? '', document.cookie, typeof globalThis.left]")
    assert found == ["function", "", "", "undefined"]


def test_an_endless_loop_ends_with_its_processor_time(car: Path) -> None:
    own = Browsers()
    with pytest.raises(Exhausted, match="cpu"), own.one() as running:
        pid = running.process.pid
        with running.page(BLANK, size=64, allowance=replace(BROWSING, cpu_seconds=2)) as page:
            page.ask("for (;;) {}")
    assert not Path(f"/proc/{pid}").exists(), "and takes its browser along"


def test_a_page_that_takes_all_memory_is_ended() -> None:
    own = Browsers()
    allowance = replace(BROWSING, memory=700 << 20, cpu_seconds=400)
    more = "(function more() { kept.push(new Uint8Array(1 << 24).fill(7)); setTimeout(more, 1); })()"
    with (
        pytest.raises(Exhausted, match="memory"),
        own.one() as running,
        running.page(BLANK, size=64, allowance=allowance) as page,
    ):
        page.ask(f"globalThis.kept = []; {more}; globalThis.never = new Promise(() => 0)")


def test_nothing_is_left_of_a_closed_browser() -> None:
    own = Browser(PROGRAM)
    family, home = [own.process.pid, *children(own.process.pid)], own.home
    assert len(family) > 4
    own.close()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    assert not home.exists()


def test_a_killed_worker_leaves_no_browser() -> None:
    program = (
        "import sys, time; from core.sandbox.chromium.browser import Browser\n"
        f"one = Browser({PROGRAM!r}); print(one.process.pid, one.home, flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid, _ = worker.stdout.readline().split()
    family = [int(pid), *children(int(pid))]
    worker.kill()
    worker.wait()
    wait_until(lambda: not any(Path(f"/proc/{each}").exists() for each in family))


def wait_until(true: object) -> None:
    deadline = time.monotonic() + 120
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come true in 120 s"
        time.sleep(0.05)


def test_the_version_names_what_decides_pixels() -> None:
    assert renderer("threejs").version.startswith("threejs-3 three-0.183.2 chromium-1")
