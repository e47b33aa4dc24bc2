"""An appeal is shown wherever its verdict is, with its clock; a deadline that is over reads as past."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.decisions import appeals as decisions
from audits.models import Appeal, Audit
from competition import attempts, chain, rounds
from competition.chain.simulated import Simulated
from competition.decisions import schedule
from competition.demo import demo_setting
from competition.models import Attempt, Competition, Round, SimulatedChain
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html
from tests.dashboard.test_weight_in_force import at_block

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_measured")]
LAST = 2099 - 100 // 3  # of the window 2,000 to 2,099, whose last third is the reviewers'


def lodge(made: Made, *, hours: int = 72, kind: str = "source", **more: Any) -> Appeal:
    audit = Audit.objects.get(round=made.finished, kind=kind)
    now = timezone.now()
    return Appeal.objects.create(
        audit=audit,
        appellant=made.miners[2],
        block=2010,
        last_block=LAST,
        signature="0" * 128,
        document={
            "ground": "licence",
            "statement": "The licence forbids what this entry does.",
            "finding": None,
            "evidence": "",
        },
        decide_by=now + timedelta(hours=hours),
        **{"state": "lodged", "since": now, **more},
    )


def pages(made: Made) -> dict[str, str]:
    winner, appellant = made.miners[1].hotkey, made.miners[2].hotkey
    return {
        "round": reverse("round", args=["made", 1]),
        "audit": reverse("audit", args=["made", 1, winner]),
        "audits": reverse("audits", args=["made"]),
        "miner": reverse("miner", args=[winner]),
        "appellant": reverse("miner", args=[appellant]),
    }


def found_in(document: Any) -> list[dict[str, Any]]:
    """Every appeal anywhere in a JSON document."""
    if isinstance(document, list):
        return [row for item in document for row in found_in(item)]
    if not isinstance(document, dict):
        return []
    own = [document] if {"appellant", "decide_by", "overdue"} <= set(document) else []
    return own + [row for value in document.values() for row in found_in(value)]


def standing(client: Client, made: Made, miner: int) -> dict[str, Any]:
    return client.get(f"/api/v1/miners/{made.miners[miner].hotkey}/standing?round=1").json()


def printed(document: dict[str, Any]) -> str:
    from gauntlet_client import showing
    from gauntlet_client.options import out

    with out.capture() as told:
        showing.standing(document)
    return " ".join(told.get().split())


def test_an_appeal_is_the_same_on_every_page_that_shows_its_verdict(client: Client, made: Made) -> None:
    at_block(2020)
    lodged = lodge(made)
    shown = {name: found_in(facts(client, url)) for name, url in pages(made).items()}
    shown |= {f"standing of {n}": found_in(standing(client, made, n)) for n in (1, 2)}
    first = shown["audit"][0]
    assert (first["state"], first["overdue"], first["appellant"]["hotkey"]) == ("lodged", False, made.miners[2].hotkey)
    assert {name: json.dumps(rows) for name, rows in shown.items()} == {name: json.dumps([first]) for name in shown}
    by = f"two people decide it by {lodged.decide_by:%Y-%m-%d %H:%M} UTC"
    for name, url in pages(made).items():
        text = html(client, url)
        assert by in text, f"{name} does not show until when the appeal is decided"
        assert first["url"] in text
    assert "to be decided by" in printed(standing(client, made, 1))
    assert client.get(first["url"]).status_code == 200


def test_a_deadline_that_is_over_reads_as_past(client: Client, made: Made) -> None:
    at_block(LAST + 1)
    lodge(made, hours=-1)
    for name, url in pages(made).items():
        text = html(client, url)
        assert "is overdue" in text, f"{name} shows a past deadline as one to come"
        assert "two people decide it by" not in text
    assert "overdue since" in printed(standing(client, made, 1))
    for name in ("round", "audit", "miner"):
        assert f"The time for appeals is over: it ended with block {LAST:,}." in html(client, pages(made)[name]), name
    (source, _) = standing(client, made, 1)["audits"]
    assert (source["appeal_last_block"], source["appeal_open"]) == (LAST, False)
    assert f"the time for appeals ended with block {LAST:,}" in printed(standing(client, made, 1))


def test_the_window_shows_its_last_block_and_about_when_it_comes(client: Client, made: Made) -> None:
    at_block(LAST)
    for name in ("round", "audit", "audits", "miner"):
        assert f"Appeals are taken up to block {LAST:,}, about " in html(client, pages(made)[name]), name
    assert standing(client, made, 1)["audits"][0]["appeal_open"] is True
    assert f"an appeal is taken until block {LAST:,}, about" in printed(standing(client, made, 1))


def test_a_kept_page_never_outlives_a_deadline(client: Client, made: Made) -> None:
    at_block(LAST)
    for name in ("round", "audits"):
        html(client, pages(made)[name])
    SimulatedChain.objects.update(skipped=1)
    for name in ("round", "audits"):
        assert "Appeals are taken up to" not in html(client, pages(made)[name]), name
    lodged = lodge(made)
    cache.clear()
    html(client, pages(made)["round"])
    Appeal.objects.filter(pk=lodged.pk).update(decide_by=timezone.now() - timedelta(seconds=1))
    assert "is overdue" in html(client, pages(made)["round"])


def test_a_decided_appeal_stays_beside_the_verdict_that_replaced_the_first(client: Client, made: Made) -> None:
    at_block(LAST + 1)
    lodged = lodge(made, state="upheld", reason="The licence forbids it.")
    old = lodged.audit
    Audit.objects.create(
        round=old.round,
        submission=old.submission,
        kind=old.kind,
        attempt=attempts.later(old.round, 2, of=old.kind, entry=old.submission, cause=Attempt.Cause.CORRECTION),
        state="rejected",
        since=old.since,
        reason="The licence forbids it.",
        limits={},
        numbers={},
    )
    for name, url in pages(made).items():
        assert [row["state"] for row in found_in(facts(client, url))] == ["upheld"], name
        assert "upheld on" in html(client, url)


def test_more_appeals_cost_no_further_query(client: Client, made: Made, django_assert_max_num_queries: Any) -> None:
    lodge(made)
    lodge(made, kind="generation")
    for url in pages(made).values():
        cache.clear()
        with django_assert_max_num_queries(22):
            client.get(url)


@pytest.mark.parametrize("name", ["competition", "margin", "ply", "threejs"])
def test_who_watches_the_demo_has_minutes_to_object_and_its_first_round_waits_for_nobody(name: str) -> None:
    """In blocks of a second: a round decided within 80 seconds of its last file leaves three minutes and more."""
    told = demo_setting.read_setting(Path(demo_setting.DEFAULT_FILE).with_name(f"{name}.json"))
    assert told["block_seconds"] == 1.0
    cadence = schedule.Cadence.from_json(told["config"]["blocks"])
    first = schedule.first(cadence, earliest_reveal_block=3)
    decided = first.generation_deadline_block + 80
    after = schedule.following(cadence, earliest_reveal_block=3, current_block=decided)
    last = decisions.last_block(
        latest_reveal_block=after.latest_reveal_block, earliest_reveal_block=after.earliest_reveal_block
    )
    assert last - decided >= 180


def test_the_demo_s_first_window_is_skipped_and_later_ones_are_left_to_the_clock(db: None, tmp_path: Path) -> None:
    now = timezone.now()
    SimulatedChain.objects.create(name="slow", genesis_at=now, block_seconds=1.0)
    blocks = {"round_blocks": 810, "open_blocks": 300, "seed_delay_blocks": 2, "generation_blocks": 420}
    competition = Competition.objects.create(
        slug="slow",
        name="Slow",
        ruleset="margin-1",
        judge="perceptual-v1",
        renderer="raycast",
        chain="simulated:slow",
        pods="local",
        created_at=now,
        config={"prompts_per_round": 1, "blocks": blocks, "cast": {}, "rules": {}},
    )
    begun = rounds.begin(
        competition, blocks=schedule.first(rounds.cadence(competition), earliest_reveal_block=3), now=now
    )
    assert demo_setting.keep_moving(competition, files=tmp_path, patient=True, now=now)
    assert chain.of(competition).block(now=now) == begun.seed_block + 1
    Round.objects.filter(pk=begun.pk).update(number=2)
    SimulatedChain.objects.update(skipped=0)
    assert isinstance(chain.of(competition), Simulated)
    demo_setting.keep_moving(competition, files=tmp_path, patient=True, now=now)
    assert chain.of(competition).block(now=now) == 0, "a visitor has the whole window"
