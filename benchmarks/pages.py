"""What does a page cost at 500 rounds x 100 miners x 128 prompts?  `python -m benchmarks.pages [--rounds 500 …]`.

Fills a database of its own and asks for each page through the whole of the web application, without a network: seconds,
queries and bytes when nothing is kept, when the page is kept, and when the browser has it (304).  In the same run: the
round's page as a dashboard makes it that reads the state repository's JSON files at each request, without even writing
any HTML.  The database lies in a folder that is removed in the end, or in `--var`, which stays: filled once, it is
measured as often as one likes (`--only round match` takes some pages alone).
"""

# ruff: noqa: E402 (the folder is chosen before Django reads its settings)

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

SIZES = (("rounds", 500), ("miners", 100), ("prompts", 128), ("with-files", 5), ("repeats", 40))
PARSER = argparse.ArgumentParser(description=__doc__)
PARSER.add_argument("--var", type=Path, help="a folder for the database that stays")
PARSER.add_argument("--only", nargs="*", help="these pages alone")
for name, default in SIZES:
    PARSER.add_argument(f"--{name}", type=int, default=default)
ASKED = PARSER.parse_args() if __name__ == "__main__" else PARSER.parse_args([])
FOLDER = ASKED.var.resolve() if ASKED.var else Path(tempfile.mkdtemp(prefix="gauntlet-pages-"))
os.environ |= {
    "GAUNTLET_VAR": str(FOLDER),
    "DATABASE_URL": "",
    "DJANGO_SETTINGS_MODULE": "competition.settings",
    "BROKER_URL": "stub://",
    "GAUNTLET_LOG_LEVEL": "ERROR",
}

import django

django.setup()

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.pages_fill import Size, database, fill
from competition.models import Competition, Round
from judging.models import Match

COLUMNS = ("page", "queries", "KB", "p50 ms", "p95 ms", "processor p95 ms", "kept p95 ms", "304 p95 ms")
HEAD = f"\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
REPOSITORY = FOLDER / "repository"


def main() -> None:
    import_module("competition.wsgi")  # what a web server loads, as it loads it
    with database(FOLDER, kept=bool(ASKED.var)):
        report(Competition.objects.filter(slug="bench").first() or filled(), repeats=ASKED.repeats)


def filled() -> Competition:
    began = time.perf_counter()
    size = Size(rounds=ASKED.rounds, miners=ASKED.miners, prompts=ASKED.prompts, with_files=ASKED.with_files)
    competition = fill(size)
    print(f"filled in {time.perf_counter() - began:.0f} s, {_bytes_of_database() / 1e9:.1f} GB")
    return competition


def _bytes_of_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def addresses(competition: Competition) -> dict[str, Callable[[int], str]]:
    """Page -> address of its nth example: another round each time, so that nothing is warm by chance."""
    slug, last = competition.slug, competition.rounds.count() - 1
    matches = list(Match.objects.filter(round__number=last).select_related("challenger__miner")[:50])
    hotkeys = [match.challenger.miner.hotkey for match in matches]
    stems = list(Round.objects.get(number=last).drawn.values_list("prompt__stem", flat=True))

    def match(n: int) -> str:
        return reverse("match", args=[slug, last, "leader", hotkeys[n % len(hotkeys)]])

    return {
        "home": lambda n: reverse("competition", args=[slug]),
        "round": lambda n: reverse("round", args=[slug, last - n % (last + 1)]),
        "round.json": lambda n: reverse("round-json", args=[slug, last - n % (last + 1)]),
        "match": match,
        "duel": lambda n: f"{match(n)}{stems[n % len(stems)]}/",
        "miner": lambda n: reverse("miner", args=[hotkeys[n % len(hotkeys)]]),
        "audits": lambda n: f"{reverse('audits', args=[slug])}?page={n + 1}",
        "leaders": lambda n: reverse("leaders", args=[slug]),
        "prompts": lambda n: f"{reverse('prompt-gallery', args=[slug])}?page={n + 1}",
        "prompt": lambda n: reverse("prompt", args=[slug, stems[n % len(stems)]]),
        "charts": lambda n: reverse("charts", args=[slug]),
        "status": lambda n: reverse("status"),
        "search": lambda n: f"/search/?q={hotkeys[n % len(hotkeys)][:3]}",
    }


def report(competition: Competition, *, repeats: int) -> None:
    print(HEAD)
    wanted = {name: url for name, url in addresses(competition).items() if not ASKED.only or name in ASKED.only}
    for name, address in wanted.items():
        print(_row(name, address, repeats=repeats), flush=True)
    cold, files = against(competition, repeats=repeats)
    told = f"{files[0]} JSON files ({files[1] / 1e6:.1f} MB)"
    print(
        f"\nthe round from the state repository's {told} at each request, without HTML: "
        f"p50 {cold[0]:.0f} ms, p95 {cold[1]:.0f} ms"
    )


def _row(name: str, address: Callable[[int], str], *, repeats: int) -> str:
    client = Client(headers={"Accept-Encoding": "gzip"}, SERVER_NAME="127.0.0.1")
    client.get(address(repeats))  # templates are compiled once in the life of a process
    with CaptureQueriesContext(connection) as seen:
        cache.clear()
        client.get(address(repeats))
    queries = len(seen)
    size, cold, busy, kept, same = 0, [], [], [], []
    for n in range(repeats):
        cache.clear()
        began = time.process_time()
        first, seconds = timed(client, address(n))
        busy.append(time.process_time() - began)
        size, tag = max(size, len(first.content)), first.headers.get("ETag", "")
        cold.append(seconds)
        kept.append(timed(client, address(n))[1])
        same.append(timed(client, address(n), tag=tag)[1])
    p50, p95 = percentiles(cold)
    last = " | ".join(f"{percentiles(each)[1]:.1f}" for each in (busy, kept, same))
    return f"| {name} | {queries} | {size / 1000:.1f} | {p50:.0f} | {p95:.0f} | {last} |"


def timed(client: Client, url: str, *, tag: str = "") -> tuple[object, float]:
    began = time.perf_counter()
    answer = client.get(url, headers={"If-None-Match": tag} if tag else {})
    seconds = time.perf_counter() - began
    if answer.status_code not in (200, 302, 304):
        raise SystemExit(f"{url} answered {answer.status_code}")
    return answer, seconds


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """The middle and the 95th of a hundred, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2] * 1000, ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] * 1000


def against(competition: Competition, *, repeats: int) -> tuple[tuple[float, float], tuple[int, int]]:
    """The same round, told from files in the form of the public state repositories."""
    folder, last = REPOSITORY / "rounds" / "0", competition.rounds.order_by("-number").first()
    for match in last.matches.select_related("challenger__miner"):
        _write(match, folder=folder)
    files = list(folder.rglob("*.json"))
    seconds = []
    for _ in range(max(3, repeats // 4)):
        began = time.perf_counter()
        json.dumps(sorted((counted(path) for path in files), key=lambda told: -told["margin"]))
        seconds.append(time.perf_counter() - began)
    return percentiles(seconds), (len(files), sum(path.stat().st_size for path in files))


def _write(match: Match, *, folder: Path) -> None:
    hotkey = match.challenger.miner.hotkey
    host = "https://files.example.org/rounds/0"
    sides = {"challenger": "right", "defender": "left", "draw": "draw"}
    files = [(side, kind) for side in ("left", "right") for kind in ("glb", "png")]
    duels = [
        {
            "name": stem,
            "prompt": f"{host}/{stem}.png",
            "winner": sides[outcome],
            "issues": "worse texture; " * 12,
            **{f"{side}_{kind}": f"{host}/{hotkey}/{side}/{stem}.{kind}" for side, kind in files},
        }
        for stem, outcome in match.duels.values_list("prompt__stem", "outcome")
    ]
    path = folder / hotkey / "duels_leader.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"left": "leader", "right": hotkey, "duels": duels}, indent=2))


def counted(path: Path) -> dict[str, object]:
    """A match's row of the round's page."""
    told = json.loads(path.read_text())
    winners = [duel["winner"] for duel in told["duels"]]
    won, lost = winners.count("right"), winners.count("left")
    return {"challenger": told["right"], "won": won, "lost": lost, "margin": (won - lost) / len(winners)}


if __name__ == "__main__":
    main()
