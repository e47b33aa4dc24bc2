"""A site whose round is played beside it, for reviewers in a browser: real engine, ledger, bundle and pages.

Its own process and database: a line on its standard input is an order, answered by one line.  `work`: let the workers
work until only people are waited for; `lodge`: another miner objects to the winner's licence; `verify`: what the
verifier says of everything published.  What leaves the platform is stood in for as in `tests.verify.played_round`.
"""

# ruff: noqa: E402 (models can be imported once Django is set up)

from __future__ import annotations

import json
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django_otp.plugins.otp_totp.models import TOTPDevice

from audits.models import Correction
from audits.reviews import waiting_cases
from competition.chain.simulated import Simulated
from competition.models import Round
from core import operator_key
from core.machine import engine
from dashboard.models import Publication, Reissue
from tests.verify import played_round, reviewed_round
from verify.__main__ import examine_all

SEED = 3  # one better than the leader, one whose files its code cannot make, one more who objects
PEOPLE = {"ann": "reviewer", "bob": "reviewer", "lea": "lead", "otto": "operator"}
PASSWORD = "only for this test"
MOST_LOOKS = 300


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


def accounts() -> dict[str, str]:
    """Name -> the second factor's key in hex."""
    keys = {}
    for name, role in PEOPLE.items():
        user = User.objects.create_user(name, password=PASSWORD)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        keys[name] = TOTPDevice.objects.create(user=user, name="authenticator").key
    return keys


def work(stage: played_round.Stage) -> str:
    """Until people are waited for, or all is published.  The next round's window is far away."""
    for _ in range(MOST_LOOKS):
        stage.at += timedelta(seconds=1)
        engine.reconcile(now=stage.at)
        stage.look()
        round_ = Round.objects.get(number=1)
        if round_.state == "open":
            Simulated("played").skip_to(round_.seed_block + 1, now=stage.at)
        if waiting_cases.everything() or not busy(round_):
            break
    return f"{round_.state}, {len(waiting_cases.everything())} cases"


def busy(round_: Round) -> bool:
    published = Publication.objects.filter(round=round_, state="published").exists()
    open_ = Correction.objects.filter(state="staged") | Correction.objects.filter(state="applied", reissue=None)
    return not published or open_.exists() or Reissue.objects.exclude(state="published").exists()


def lodge(stage: played_round.Stage) -> str:
    return str(reviewed_round.appeal(stage, Round.objects.get(number=1)).document["statement"])


def verify() -> str:
    folder = Path(settings.BUNDLE_DIR) / "played"
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    wrong = [finding.line() for finding in report.findings if finding.severity == "error"] if report else ["nothing"]
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return f"{' '.join(names)}: {len(wrong)} errors {' | '.join(wrong)[:500]}"


def main() -> None:
    call_command("migrate", verbosity=0)
    with pytest.MonkeyPatch.context() as patch:
        stage = played_round.stage(seed=SEED, patch=patch, folder=Path(settings.VAR_DIR))
        patch.setattr("tests.verify.played_round.severity", lambda *_: "person")
        stage.reveal_some(1)
        keys = accounts()
        server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
        server.daemon_threads = True
        server.set_app(get_wsgi_application())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = {"address": f"http://127.0.0.1:{server.server_port}", "password": PASSWORD, "keys": keys}
        print(json.dumps(told), flush=True)
        orders = {"work": lambda: work(stage), "lodge": lambda: lodge(stage), "verify": verify}
        for line in sys.stdin:
            print(orders[line.strip()](), flush=True)
        server.shutdown()


if __name__ == "__main__":
    main()
