"""A plug-in is one row of one table: each kind is added here from outside the platform, and then used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import fields
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from audits.pods import batch, runs
from audits.pods.base import Image
from audits.source import CHECKS, Check, run_checks
from competition import chain, rulesets
from competition import rounds as round_rows
from competition.models import Competition, Round
from competition.notices import channels, steps, subscribing
from competition.notices.models import Delivery
from competition.reveals import ingest
from competition.rulesets import RULESETS, BadRules
from competition.simulation import rounds
from core import ledger
from core.machine import engine
from dashboard.bundles import documents
from dashboard.facts import rules
from judging import matches
from judging.backends import JUDGES, JudgeKind, is_model, judge_named
from judging.models import Duel
from tests.competition import made
from tests.dashboard import made_round
from tests.judging.heard_round import PROMPTS, round_
from tests.plugins import toys
from tests.verify import played_round

__all__ = ["round_"]  # a fixture


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    judge_named.cache_clear()
    runs.provider_named.cache_clear()


def test_a_judge_is_one_row(round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JUDGES, "toy", JudgeKind(made_by="tests.plugins.toys:judge", label="a toy", is_model=False))
    round_.competition.judge = "toy:one"
    round_.competition.save()
    for duel in Duel.objects.all():
        engine.advance("judging.Duel", duel.pk, now=timezone.now())
    assert set(Duel.objects.values_list("state", flat=True)) == {"judged"}
    assert Duel.objects.count() == 2 * PROMPTS


@pytest.mark.django_db
@pytest.mark.parametrize("by_model", [True, False])
def test_the_bundle_part_of_a_model_follows_from_its_row(monkeypatch: pytest.MonkeyPatch, by_model: bool) -> None:
    monkeypatch.setitem(JUDGES, "toy", JudgeKind(made_by="tests.plugins.toys:judge", label="a toy", is_model=by_model))
    finished = made_round.make().finished
    finished.competition.judge = "toy:one"
    finished.competition.save()
    written = documents.documents(Round.objects.get(pk=finished.pk))
    assert ("judging.json" in written) is by_model
    if by_model:
        assert written["judging.json"]["name"] == "toy:one"


def test_whoever_adds_a_judge_says_whether_it_is_a_model() -> None:
    with pytest.raises(TypeError, match="is_model"):
        JudgeKind(made_by="tests.plugins.toys:judge", label="a toy")  # type: ignore[call-arg]
    assert [name for name in JUDGES if is_model(name)] == ["openai", "panel", "transformers"]


@pytest.mark.django_db
def test_a_ruleset_is_one_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A round is played from its window to its reign by rules that the platform does not know."""
    monkeypatch.setitem(RULESETS, "most-wins", toys.MostWins)
    monkeypatch.setitem(played_round.POOLS, "most-wins", 5)
    stage = played_round.stage(seed=2, patch=monkeypatch, folder=tmp_path, ruleset="most-wins")
    stage.honest = True
    stage.reveal(1, [hashlib.sha1(f"toy {n}".encode()).hexdigest() for n in range(4)])
    finished = stage.play_until(1, "finished")
    wins = {match.challenger.key: matches.tally_of(match) for match in finished.matches.filter(kind="screen")}
    ahead = [tally.wins for tally in wins.values() if tally.net > 0]
    assert len(wins) == 4 and ahead
    winner = finished.decision["winner"]
    assert wins[winner].wins == max(ahead)
    assert finished.reigns_begun.get().miner.hotkey == winner
    steps = {step["challenger"]: step["reason"] for step in finished.decision["ladder"]}
    assert steps[winner] == f"It won {wins[winner].wins} duels."
    assert finished.headline.endswith(f"takes the lead from {finished.defending.miner.hotkey}. {steps[winner]}")
    assert not finished.audits.exists()
    stage.measure_all()
    written = documents.documents(finished)
    assert written["decision.json"]["winner"] == winner and len(written["matches.json"]) == 4


@pytest.mark.django_db
def test_a_ruleset_that_is_one_row_is_simulated_and_drawn_beside_the_others(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its rows of `simulate_rules` stand on the page of rules, and a ruleset without such rows is no error there."""
    monkeypatch.setitem(RULESETS, "most-wins", toys.MostWins)
    assert "most-wins" in client.get("/rules/").content.decode()
    monkeypatch.setitem(rounds.PLAYED, "most-wins", toys.most_wins_rounds)
    printed = StringIO()
    call_command("simulate_rules", population=["equal", "better-10"], rounds=40, json=True, stdout=printed)
    monkeypatch.setattr(rules, "SIMULATED", tmp_path / "simulated_rules.json")
    rules.SIMULATED.write_text(printed.getvalue())
    page = rules.rules_facts()
    assert [row.name for row in page.rulesets] == sorted(RULESETS)
    assert all(len(row.false) == len(RULESETS) and all(row.false) for row in page.simulated)
    assert client.get("/rules/").content.decode().count('class="sketch"') == 4
    for plot in page.plots:
        assert len({(group.colour, group.symbol) for group in plot.used}) == len(plot.used) == len(RULESETS)
        assert len({round(point.x, 6) for point in plot.points}) == len(plot.points)
        assert "most-wins" in {trace["name"] for trace in client.get(plot.data_url).json()["data"]}
    monkeypatch.delitem(RULESETS, "most-wins")  # what an older version simulated is not drawn
    assert client.get("/rules/").status_code == 200
    assert all(len(plot.used) == len(RULESETS) for plot in rules.rules_facts().plots)


def test_rules_of_nobody_s_are_refused_by_name() -> None:
    with pytest.raises(BadRules, match="margin-1, margin-2, title-1"):
        rulesets.read({"name": "most-wins"})


def test_a_source_check_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Check(question="Does it swear?", look=toys.swearing, rules=(toys.__name__,))
    monkeypatch.setitem(CHECKS, "toy", row)
    (tmp_path / "serve.py").write_text("print('damn')\n")
    (finding,) = (finding for finding in run_checks(tmp_path) if finding.check == "toy")
    assert (finding.rule, finding.file) == ("swearing", "serve.py")
    assert len(row.ruleset()) == 64


def test_a_source_check_without_its_rules_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="rules"):
        Check(question="Does it swear?", look=toys.swearing)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="names no module"):
        Check(question="Does it swear?", look=toys.swearing, rules=())


def test_a_pod_provider_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = runs.ProviderKind(about="a thread", made=toys.ThreadPods, beyond_network=False)
    monkeypatch.setitem(runs.PROVIDERS, "toy", row)
    provider = runs.provider_named("toy")
    pod = provider.start(Image(repo="toy/pods", commit="0" * 40), name="toy-1")
    try:
        assert batch.poll(pod, replacements_remaining=0).state == "ready"
        assert batch.submit(pod, image_urls={"stem": "http://127.0.0.1:9/"}, seed=1).state == "accepted"
    finally:
        assert provider.sweep(set) == ["toy-1"]
    assert batch.poll(pod, replacements_remaining=0).state == "silent"


@pytest.mark.django_db
def test_a_notice_channel_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = channels.Channel(about="a pigeon", send=toys.pigeon, check=toys.any_address)
    monkeypatch.setitem(channels.CHANNELS, "pigeon", row)
    competition, now = made.competition(), made.after(100)
    subscribing.subscribe(channel="pigeon", address="the roof", kinds=["audit.*"], owner="lead", now=now)
    with transaction.atomic():
        ledger.append(competition.pk, kind="audit.reviewing", body={"round": 1, "because": "A toy."}, at=now)
    steps.write_letters(now)
    for letter in Delivery.objects.filter(engine.due(Delivery, now=now)):
        engine.advance("competition.Delivery", letter.pk, now=now)
    assert toys.LETTERS == [("the roof", "[small round 1] audit.reviewing")]
    assert Delivery.objects.get().state == "delivered"


@pytest.mark.django_db
def test_a_chain_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = chain.ChainKind(names=r"[a-z]+", usage="<name>", made=toys.Diary, simulated=True)
    monkeypatch.setitem(chain.CHAINS, "toy", row)
    competition, now = made.competition(), made.after(10)
    competition.chain = "toy:diary"
    competition.save()
    assert chain.of(competition).block(now=now) == 10
    assert ingest.take_reveals(competition, now=now) == 1
    assert competition.reveals.get().miner.hotkey == made.key("diarist").ss58_address
    competition.chain = "toy:7"
    with pytest.raises(LookupError, match="toy:<name>"):
        chain.of(competition)


@pytest.mark.django_db
@pytest.mark.parametrize("simulated", [True, False])
def test_whether_anybody_is_paid_on_a_chain_is_asked_of_its_row(
    client: Client, monkeypatch: pytest.MonkeyPatch, simulated: bool
) -> None:
    """By the badge, the proof of a payment, the rules of entry, and whoever moves the demo."""
    row = chain.ChainKind(names=r"[a-z]+", usage="<name>", made=toys.Diary, simulated=simulated)
    monkeypatch.setitem(chain.CHAINS, "toy", row)
    competition = made_round.make().competition
    competition.chain, competition.config = "toy:diary", {**competition.config, "entry": {"least_alpha": 1}}
    competition.save()
    badge = client.get("/badge/made/leader.svg").content.decode()
    weights = client.get("/api/v1/weights?competition=made").json()
    assert ("leader, simulated" in badge) is simulated
    assert ("nobody is paid" in str(weights)) is simulated
    assert Competition.objects.filter(chain.on_simulated()).exists() is simulated
    refused = pytest.raises(BadRules, match="knows of no stakes") if simulated else nullcontext()
    with refused:
        round_rows.playable(competition, rules=RULESETS["margin-1"].defaults)


def test_whoever_adds_a_chain_says_whether_it_is_simulated() -> None:
    with pytest.raises(TypeError, match="simulated"):
        chain.ChainKind(names="", usage="<name>", made=toys.Diary)  # type: ignore[call-arg]
    assert [name for name in chain.CHAINS if chain.is_simulated(f"{name}:1")] == ["simulated"]


def test_every_row_says_what_it_is() -> None:
    for table in (JUDGES, CHECKS, runs.PROVIDERS, channels.CHANNELS, chain.CHAINS):
        for name, row in table.items():
            line = getattr(row, fields(row)[0].name)
            assert line, f"{name} has an empty line"
