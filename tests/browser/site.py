"""A site for the browser tests: made rounds behind the real middleware, served by a process of its own.

Prints one line of JSON once it listens.  Each line on its standard input is then done and answered with `done`; it ends
with its standard input.  The ledger's triggers forbid the clean-up that pytest-django's live server needs.
"""

# ruff: noqa: E402 (models can be imported once Django is set up)

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import threading
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import django
import trimesh
from PIL import Image

django.setup()

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.urls import reverse

from competition.models import Asset, Competition, Round
from competition.publication.bundle_folders import folder_of
from core import store
from dashboard.models import LightCopy, Publication
from formats import known_good_files, light_copy
from formats.glb import gltf, mesh_simplification
from formats.glb.integrity import examine
from formats.integrity.defect_positions import pack, positions_of
from formats.integrity.measures import VERSION
from judging.models import Duel, Measurement, Rendering
from judging.renderers import raycast
from judging.renderers.rig import EMBEDDED
from judging.renderers.threejs import Threejs
from tests import databases
from tests.dashboard import made_round
from tests.dashboard.made_round import Made
from tests.formats.made_meshes import glb_of
from tests.judging import made_splats

TURNED, LIGHTENED, RUN, SPLATS, FAULTY = "prompt-003", "prompt-002", "prompt-004", "prompt-005", "prompt-006"
HOLED, MISTURNED = "a cube without one side", "a cube with one face turned"
# What the rules of modules would have refused, were there a hole in them: it tells what it can reach.
PRYING = """const there = new URL('/', import.meta.url).href, reached = [], tries = {
  parent: () => self.parent.document.cookie, opener: () => self.opener.location, page: () => document.body,
  storage: () => localStorage.length, cookies: () => cookieStore.getAll(), site: () => fetch(there),
  blind: () => fetch(there, { mode: 'no-cors' }), elsewhere: () => import(there + 'static/dashboard/live.js'),
  caches: () => caches.keys(), database: () => new Promise((yes, no) => {
    const asked = indexedDB.open('x'); asked.onsuccess = yes; asked.onerror = no; }),
};
for (const name in tries) try { await tries[name](); reached.push(name); } catch {}
const told = `reached ${reached.join(' ') || 'nothing'} of ${Object.keys(tries).length}`;
export default () => { throw `origin ${self.origin}, ${told}`; };
"""


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def prepare() -> Made:
    name = f"site{os.getpid()}"  # sites share the run's folder of files
    databases.use_a_copy(name=name)
    with transaction.atomic():
        made = made_round.make(slug=name, prompts=24, hostile='<script>alert("x")</script>')
        make_turnable(made, TURNED)
        make_turnable(made, LIGHTENED)
        lighten(made, LIGHTENED)
        make_faulty(made, FAULTY)
        lighten(made, FAULTY)
        publish(made)
    return made


def make_turnable(made: Made, stem: str) -> None:
    """Two boxes of many colours for one duel, and the pictures that the judge's renderer takes of them."""
    other = 0.1 * (stem == LIGHTENED)
    both = [a_box(0.5, 0.9 - other, 0.3), a_box(0.8, 0.4 + other, 0.6)]
    show_files(made, stem, [(*file, 12) for file in both])


def show_files(made: Made, stem: str, both: list[tuple[str, int, dict[str, str], int]]) -> None:
    """In one duel: of each side the file, its bytes, its pictures, its triangles."""
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.get(prompt__stem=stem)
    for side, (digest, size, views, triangles) in zip(("left_sha256", "right_sha256"), both, strict=True):
        before = getattr(duel, side)
        Asset.objects.filter(sha256=before).update(sha256=digest, bytes=size)
        Rendering.objects.filter(sha256=before).update(sha256=digest, views=views, triangles=triangles)
        setattr(duel, side, digest)
    duel.save()


def make_faulty(made: Made, stem: str) -> None:
    """A defender's file with a hole against a challenger's with a face turned, both measured, for one duel."""
    both = []
    for name in (HOLED, MISTURNED):
        data = glb_of(name)
        numbers, where, mesh = examine(data)
        found = positions_of(mesh.points, mesh.faces, where)
        views = pictures_from(data)
        measured = {
            "numbers": asdict(numbers),
            "picture": views["front_left"],
            "positions": store.default().put(pack(found)),
            "state": "measured",
            "since": made_round.NOW,
        }
        digest = store.default().put(data)
        Measurement.objects.get_or_create(
            sha256=digest, version=VERSION, defaults={"competition": made.competition, **measured}
        )
        both.append((digest, len(data), views, numbers.triangles))
    show_files(made, stem, both)


def lighten(made: Made, stem: str) -> None:
    """What a worker would make of both files, as if they were heavy."""
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.get(prompt__stem=stem)
    for original in (duel.left_sha256, duel.right_sha256):
        content, triangles = mesh_simplification.lighten(gltf.read(store.default().path(original).read_bytes()))
        facts = {"sha256": store.default().put(content), "bytes": len(content), "triangles": triangles, "state": "made"}
        # another site in this database may show the same files
        LightCopy.objects.get_or_create(
            original=original, defaults={"competition": made.competition, "since": made_round.NOW, **facts}
        )


def publish(made: Made) -> None:
    """The bundle's record of the finished round's matches, and its manifest."""
    matches = [
        {
            "kind": match.kind,
            "defender": match.defender.key,
            "challenger": match.challenger.miner.hotkey,
            "stopped_after": match.stopped_after,
            "duels": list(match.duels.values("position", "state", "outcome")),
        }
        for match in made.finished.matches.select_related("defender__miner", "challenger__miner")
    ]
    folder = folder_of(made.finished)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "matches.json").write_text(json.dumps(matches))
    told = {"path": "matches.json", "sha256": sha256((folder / "matches.json").read_bytes()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"files": [told]}))
    digest = sha256((folder / "manifest.json").read_bytes()).hexdigest()
    Publication.objects.filter(round=made.finished).update(bundle_hash=digest)


def a_box(*sizes: float) -> tuple[str, int, dict[str, str]]:
    mesh = trimesh.creation.box(extents=sizes)
    mesh.visual.face_colors = [[40 * i + 20, 200 - 30 * i, (90 * i) % 255, 255] for i in range(6) for _ in range(2)]
    file = mesh.export(file_type="glb")
    return store.default().put(file), len(file), pictures_from(mesh)


def pictures_from(asset: Any) -> dict[str, str]:
    """What the judge's renderer takes of glb bytes or a mesh."""
    views = {}
    for name, drawn in raycast.draw(asset, rig=EMBEDDED, views=["front_left", "top_down"]).items():
        kept = io.BytesIO()
        Image.fromarray(drawn).save(kept, "PNG")
        views[name] = store.default().put(kept.getvalue())
    return views


def settle_a_duel(round_: Round) -> None:
    duel = Duel.objects.filter(match__round=round_, state="judging").first()
    Duel.objects.filter(pk=duel.pk).update(state="judged", outcome="draw", score_micro=0)


def finish(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(state="finished", headline="The leader defends.")


def start_over(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(state="duels", headline="")


def run_modules(round_: Round) -> None:
    """The competition takes modules, and both sides of a duel are such: a good one, and one that pries."""
    take(round_, "threejs")
    duel = winners_duel(round_, RUN)
    for side, text in (("left_sha256", known_good_files.MODULE), ("right_sha256", PRYING)):
        digest = store.default().put(f"// {round_.competition.slug}\n{text}".encode())
        built, size, _ = a_box(0.5, 0.4, 0.3)
        facts = {"sha256": built, "bytes": size, "triangles": 12, "state": "made", "since": made_round.NOW}
        LightCopy.objects.get_or_create(original=digest, defaults={"competition": round_.competition, **facts})
        for model in (Asset, Rendering):
            model.objects.filter(sha256=getattr(duel, side)).update(sha256=digest)
        setattr(duel, side, digest)
    duel.save()


def show_splats(round_: Round) -> None:
    """The competition takes splats, and both sides of a duel are such, with the pictures the judge's renderer takes."""
    take(round_, "ply")
    duel = winners_duel(round_, SPLATS)
    for side, seed in (("left_sha256", 2 * round_.pk), ("right_sha256", 2 * round_.pk + 1)):
        digest = store.default().put(made_splats.cloud(400, seed=seed, degree=2))
        facts = {"sha256": digest, "views": pictures_of(digest), "triangles": 400}
        Asset.objects.filter(sha256=getattr(duel, side)).update(sha256=digest)
        Rendering.objects.filter(sha256=getattr(duel, side)).update(**facts)
        setattr(duel, side, digest)
        made = light_copy.lighten(store.default().path(digest), file_format="ply")
        copy = {"sha256": store.default().put(made.content), "bytes": len(made.content), "triangles": made.triangles}
        named = {"competition": round_.competition, "since": made_round.NOW, "state": "made", **copy}
        LightCopy.objects.get_or_create(original=digest, defaults=named)
    duel.save()


def pictures_of(digest: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        rig = replace(EMBEDDED, views=EMBEDDED.views[:1], gray=())
        drawn = Threejs().render(store.default().path(digest), rig=rig, out=Path(folder), file_format="ply")
        return {name: store.default().put(path.read_bytes()) for name, path in drawn.views.items()}


def take_meshes(round_: Round) -> None:
    take(round_, "glb")


def take(round_: Round, file_format: str) -> None:
    config = {**round_.competition.config, "format": file_format}
    Competition.objects.filter(pk=round_.competition_id).update(config=config)


def winners_duel(round_: Round, stem: str) -> Duel:
    return Duel.objects.get(
        match__round__competition=round_.competition,
        match__round__number=1,
        match__kind="screen",
        prompt__stem=stem,
        match__challenger__miner__hotkey=made_round.hotkey(1, of=round_.competition.slug),
    )


ORDERS = {
    "settle": settle_a_duel,
    "finish": finish,
    "start over": start_over,
    "modules": run_modules,
    "splats": show_splats,
    "meshes": take_meshes,
}


def main() -> None:
    made = prepare()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    slug, winner = made.competition.slug, made.miners[1].hotkey
    match = reverse("match", args=[slug, 1, "leader", winner])
    pages = {
        "home": reverse("competition", args=[slug]),
        "round": reverse("round", args=[slug, 1]),
        "running": reverse("round", args=[slug, 2]),
        "field": reverse("field", args=[slug, 1]),
        "match": match,
        "all duels": f"{match}?show=all",
        "duel": f"{match}prompt-001/",
        "turned": f"{match}{TURNED}/",
        "lightened": f"{match}{LIGHTENED}/",
        "splats": f"{match}{SPLATS}/",
        "faulty": f"{match}{FAULTY}/",
        "audit": reverse("audit", args=[slug, 1, winner]),
        "winner": reverse("miner", args=[winner]),
        "mumbler": reverse("miner", args=[made.miners[-1].hotkey]),
        "audits": reverse("audits", args=[slug]),
        "leaders": reverse("leaders", args=[slug]),
        "prompts": reverse("prompt-gallery", args=[slug]),
        "charts": reverse("charts", args=[slug]),
        "prompt": reverse("prompt", args=[slug, "prompt-001"]),
        "compare": f"{reverse('compare')}?c={slug}&round=1&a=leader&b={winner}",
        **{name: reverse(name) for name in ("status", "method", "data", "changelog", "rules")},
        "search": "/search/?q=5",
        "missing": "/miners/5zzzzzz/",
    }
    print(json.dumps({"address": f"http://127.0.0.1:{server.server_port}", "pages": pages}), flush=True)
    for line in sys.stdin:
        ORDERS[line.strip()](made.running)
        print("done", flush=True)


main()
