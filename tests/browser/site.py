"""A site for the browser tests: made rounds behind the real middleware, served by a process of its own.

Prints one line of JSON once it listens.  Each line on its standard input is then done and answered with `done`; it ends
with its standard input.  The ledger's triggers forbid the clean-up that pytest-django's live server needs.
"""

# ruff: noqa: E402 (models can be imported once Django is set up)

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import django

django.setup()

from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.urls import reverse

from competition.models import Competition, Round
from judging.models import Duel
from tests.dashboard import made_round
from tests.dashboard.made_round import Made


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def prepare() -> Made:
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        number = Competition.objects.count()  # an earlier run may have used this database
        return made_round.make(slug=f"made{number}", prompts=24, hostile='<script>alert("x")</script>')


def settle_a_duel(round_: Round) -> None:
    duel = Duel.objects.filter(match__round=round_, state="judging").first()
    Duel.objects.filter(pk=duel.pk).update(state="judged", outcome="draw", score_micro=0)


def finish(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(state="finished", headline="The leader defends.")


def start_over(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(state="duels", headline="")


ORDERS = {"settle": settle_a_duel, "finish": finish, "start over": start_over}


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
        "match": match,
        "all duels": f"{match}?show=all",
        "duel": f"{match}prompt-001/",
        "audit": reverse("audit", args=[slug, 1, winner]),
        "winner": reverse("miner", args=[winner]),
        "mumbler": reverse("miner", args=[made.miners[-1].hotkey]),
        "search": "/search/?q=5",
        "missing": "/miners/5zzzzzz/",
    }
    print(json.dumps({"address": f"http://127.0.0.1:{server.server_port}", "pages": pages}), flush=True)
    for line in sys.stdin:
        ORDERS[line.strip()](made.running)
        print("done", flush=True)


main()
