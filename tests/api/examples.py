"""What does each address answer, for instance?  Real answers over the made competition, kept for the documentation.

python -m tests.api.examples      writes dashboard/api/examples.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.api.fuzz import fill

KEPT = Path(__file__).resolve().parents[2] / "dashboard" / "api" / "examples.json"
LONGEST = 2  # entries of a list
TABLES = (
    "competitions",
    "rounds?limit=1",
    "submissions?limit=1",
    "reveals?limit=1",
    "prompts?limit=1",
    "assets?limit=1",
    "views?limit=1",
    "matches?limit=1",
    "duels?limit=1",
    "audits?limit=1",
    "findings?limit=1",
    "appeals",
    "ledger?limit=1",
    "checkpoints?limit=1",
    "bundles?limit=1",
    "reigns?limit=1",
    "weights?as_of_block=5000",
)


def short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: short(each) for name, each in value.items()}
    return [short(each) for each in value[:LONGEST]] if isinstance(value, list) else value


def _diagnosed(hotkey: str) -> str:
    """An entry of the running round gets a built image and a pod at work; a token that may read about them."""
    from datetime import timedelta

    from django.utils import timezone

    from audits.models import Build, PodRun
    from competition.models import Submission
    from dashboard.api import tokens
    from tests.dashboard.made_round import NOW

    entry = Submission.objects.get(round__number=2, miner__hotkey=hotkey)
    Build.objects.create(
        submission=entry,
        builder="engine",
        state="built",
        since=NOW,
        archive="a" * 64,
        digest="sha256:" + "b" * 64,
        log="Step 1/3 : FROM python:3.11-slim\nSuccessfully built\n",
    )
    PodRun.objects.create(
        submission=entry,
        purpose="audit",
        seed=7,
        provider="docker",
        state="generating",
        since=NOW,
        waiting_for="the batch is being generated",
        log="loading weights\nready\n",
    )
    return tokens.make("examples", scopes=["diagnostics:read"], lasts=timedelta(days=1), now=timezone.now())


def main() -> None:
    key, known = fill()
    from django.conf import settings
    from django.core.cache import cache
    from django.db import transaction
    from django.test import Client

    from competition.models import Checkpoint, Competition
    from core import ledger
    from tests.api import contract
    from tests.api.signing import Signer
    from tests.dashboard.made_round import NOW

    settings.ALLOWED_HOSTS.append("testserver")
    made = Competition.objects.get(slug="made")
    with transaction.atomic():
        ledger.append(made.pk, kind="round.open", body={"round": 1}, at=NOW)
        event = ledger.append(made.pk, kind="reign", body={"sequence": 2, "weight": "1", "round": 1}, at=NOW)
    text = ledger.checkpoint_text(origin="made", seq=2, head=event.hash, round_number=1, stage="finished", block=2000)
    signed = {"signature": key.sign(text.encode()).hex(), "signed_by": key.ss58_address}
    Checkpoint.objects.create(competition=made, seq=2, text=text, created_at=NOW, **signed)
    winner, found = known["hotkey"][1], {}
    round_ = "competitions/made/rounds/1"
    match = f"{round_}/matches/screen/leader/{winner}"
    single = [f"competitions/made{tail}" for tail in ("", "/leader?as_of_block=5000", "/statistics", "/ledger/1")]
    single += [f"{round_}{tail}" for tail in ("", "/ladder", "/statistics", "/judge-health", "/submissions/leader")]
    single += ["", "competitions/made/rounds/2/progress", match, f"{match}/duels?limit=1", f"{match}/duels/prompt-000"]
    mine = ["me/standing", "me/reveals", "me/appeals", "webhooks"]
    client = Client(headers={"Host": "127.0.0.1:8000"})
    diagnosed = f"me/diagnostics?competition=made&round=2&hotkey={known['hotkey'][2]}"
    staff = {"Authorization": f"Bearer {_diagnosed(known['hotkey'][2])}"}
    signer = Signer(key, Client())
    for path in [f"/api/v1/{each}" for each in (*TABLES, *single, f"miners/{winner}/standing?round=1", *mine)]:
        cache.clear()
        answer = signer.get(path) if path.removeprefix("/api/v1/") in mine else client.get(path)
        assert answer.status_code == 200, (path, answer.content)
        found[contract.operation(path, "GET")["operationId"]] = short(answer.json())
    answer = client.get(f"/api/v1/{diagnosed}", headers=staff)
    found[contract.operation("/api/v1/me/diagnostics", "GET")["operationId"]] = short(answer.json())
    KEPT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(f"{len(found)} examples, {KEPT.stat().st_size} bytes, in {KEPT}")


if __name__ == "__main__":
    main()
