"""How do the main pages look?  `python -m benchmarks.screenshots [--var var/play] [--out docs/pictures]`.

Serves the database and files of that folder (that of `manage.py play`, say) in this process, opens the newest
competition's home, its last decided round, the match that decided it, the clearest duel, the winner's audit, a miner
who fell short, and what there is over all rounds in Chromium, wide and narrow, light and dark, and writes the upper
part of each as a small WebP.
"""

# ruff: noqa: E402 (the folder is chosen before Django reads its settings)

from __future__ import annotations

import argparse
import io
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PARSER = argparse.ArgumentParser(description=__doc__)
PARSER.add_argument("--var", type=Path, default=Path("var/play"))
PARSER.add_argument("--out", type=Path, default=Path("docs/pictures"))
PARSER.add_argument("--competition", default="", help="its slug (the newest)")
PARSER.add_argument("--only", nargs="*", help="these pages alone")
PARSER.add_argument("--schemes", nargs="*", default=["light", "dark"])
PARSER.add_argument("--prefix", default="", help="before the pictures' names")
ASKED = PARSER.parse_args() if __name__ == "__main__" else PARSER.parse_args([])
os.environ |= {"GAUNTLET_VAR": str(ASKED.var.resolve()), "DJANGO_SETTINGS_MODULE": "competition.settings"}
os.environ |= {"BROKER_URL": "stub://", "GAUNTLET_LOG_LEVEL": "ERROR"}

import django

django.setup()

from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from audits.models import Audit
from competition import queries
from competition.models import Competition, Round
from core.postgres import server as embedded_postgres
from core.queue.heartbeats import RECONCILER, Heart
from dashboard.facts import page_queries
from dashboard.facts.matches import DuelLine, duel_url, match_url
from judging.models import Match

SCREENS = ((1280, 1500), (380, 1700))  # width, and how much of the height is kept
QUALITY = 72
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    call_command("migrate", verbosity=0)
    pages = addresses()
    connection.close()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        photograph(pages, f"http://127.0.0.1:{server.server_port}", out=ASKED.out)
    finally:
        server.shutdown()
        embedded_postgres.cluster().retire()


def addresses() -> dict[str, str]:
    """One example of each wireframe."""
    asked = ASKED.competition
    competition = queries.competition_named(asked) if asked else queries.current_competition()
    if competition is None:
        raise SystemExit(f"{ASKED.var} holds no competition: play one with `manage.py play`")
    Heart(RECONCILER).beat(
        now=timezone.now()
    )  # as on a platform that runs, without its alarm that nobody moves the round
    decided, match, duels = decision(competition)
    at = [competition.slug, decided.number]
    clearest = match.duels.get(position=duels[0].position)
    hotkey = match.challenger.miner.hotkey
    found = {
        "home": reverse("competition", args=[competition.slug]),
        "round": reverse("round", args=at),
        "field": reverse("field", args=at),
        "match": match_url(decided, match),
        "duel": duel_url(match_url(decided, match), clearest.prompt.stem),
        "miner": reverse("miner", args=[fell_short(competition) or hotkey]),
        **{name: reverse(name, args=[competition.slug]) for name in ("charts", "audits", "leaders")},
        "prompts": reverse("prompt-gallery", args=[competition.slug]),
    }
    if Audit.objects.filter(round=decided, submission=match.challenger_id).exists():
        found["audit"] = reverse("audit", args=[*at, hotkey])
    return {name: url for name, url in found.items() if not ASKED.only or name in ASKED.only}


def fell_short(competition: Competition) -> str:
    """Who lost the most duels in a match that was played out, and has challenged most often: whom the page is for."""
    rows = Match.objects.filter(round__competition=competition, state="decided", kind="screen", lost__gte=3, won__gte=1)
    rows = rows.filter(challenger__miner__reigns=None)
    rows = rows.annotate(rounds=Count("challenger__miner__submissions__round", distinct=True))
    found = rows.select_related("challenger__miner").order_by("-rounds", "-lost", "pk").first()
    return found.challenger.miner.hotkey if found else ""


def decision(competition: Competition) -> tuple[Round, Match, Sequence[DuelLine]]:
    """The last round that decisive duels decided."""
    reigns = queries.reigns_of(competition)
    for round_ in (each for each in queries.rounds_of(competition) if each.state == "finished"):
        match, duels = page_queries.decision_in_pictures(round_, reigns)
        if match is not None:
            return round_, match, duels
    raise SystemExit(f"no round of {competition.slug} was decided by duels that one side won")


def photograph(pages: dict[str, str], site: str, *, out: Path) -> None:
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for width, height in SCREENS:
            for scheme in ASKED.schemes:
                context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page = context.new_page()
                for name, url in pages.items():
                    page.goto(site + url, wait_until="networkidle")
                    save(
                        page.screenshot(full_page=True),
                        out / f"{ASKED.prefix}{name}-{width}-{scheme}.webp",
                        height=height,
                    )
                context.close()
        browser.close()


def save(png: bytes, path: Path, *, height: int) -> None:
    with Image.open(io.BytesIO(png)) as whole:
        upper = whole.convert("RGB").crop((0, 0, whole.width, min(height, whole.height)))
    upper.save(path, "WEBP", quality=QUALITY, method=6)
    print(f"{path} {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
