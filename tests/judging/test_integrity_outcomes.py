"""A round whose rules go by measurements: what it waits for, who forfeits, whose a draw is, and whose a failure is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from competition.models import Asset, Round
from competition.steps import resume
from core.machine import engine
from core.machine.outcomes import Move, Wait
from core.sandbox.outcomes import Refused, RendererFault
from formats.integrity import measurement
from formats.integrity.measures import VERSION
from judging import integrity_outcomes, measurements, sides, steps
from judging.models import Duel, Match, Measurement, Rendering
from tests.dashboard import made_round
from tests.dashboard.made_round import Made

pytestmark = pytest.mark.django_db
BOUNDS = {"open_edges": "1/20"}
Played = Callable[[str], Match]


class Renderer:
    """The one that drew the files of the made round."""

    version = "raycast/1"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Played:
    """The winner's screen in a round whose measurements decide by that mode: no file is measured yet."""

    def play(mode: str) -> Match:
        made: Made = made_round.make(prompts=3)
        rule = {"mode": mode, "measure": VERSION, "bounds": BOUNDS if mode != "report" else {}}
        rules = made.finished.rules | ({"integrity": rule} if mode != "report" else {})
        Round.objects.filter(pk=made.finished.pk).update(rules=rules, state="duels", since=timezone.now())
        monkeypatch.setattr("judging.sides.renderer_named", lambda name: Renderer())
        return Match.objects.get(pk=made.matches[made.miners[1].hotkey + "screen"].pk)

    return play


def files(match: Match) -> tuple[str, str]:
    """The defender's and the challenger's on the first prompt."""
    prompt = match.duels.get(position=0).prompt
    left = match.defender.assets.get(prompt=prompt, origin="generated")
    return left.sha256, match.challenger.assets.get(prompt=prompt, origin="submitted").sha256


def measured(match: Match, **open_edges: int) -> None:
    """All files of the round; `left` and `right` have so many open edges, of 100 triangles."""
    made_round.measure(Asset.objects.filter(submission__round=match.round, state="stored"))
    clean = {**made_round.SOUND, "triangles": 100}
    Measurement.objects.update(numbers=clean)
    for side, sha256 in zip(("left", "right"), files(match), strict=True):
        Measurement.objects.filter(sha256=sha256).update(numbers={**clean, "open_edges": open_edges.get(side, 0)})


def start(match: Match) -> Any:
    Match.objects.filter(pk=match.pk).update(state="waiting")
    match.refresh_from_db()
    return steps.start_match(match, timezone.now())


def duel_of(match: Match) -> Duel:
    return match.duels.select_related("match__round", "prompt").get(position=0)


def test_a_match_waits_for_measurements_where_the_rules_go_by_them_and_nowhere_else(screen: Played) -> None:
    assert isinstance(start(screen("report")), Move)


@pytest.mark.parametrize("mode", ["gate", "tiebreak"])
def test_a_match_begins_once_its_files_are_measured(screen: Played, mode: str) -> None:
    match = screen(mode)
    waits = start(match)
    assert isinstance(waits, Wait) and "6 files are not measured yet" in waits.because
    with pytest.raises(LookupError):
        integrity_outcomes.with_tie_broken(match.round, "draw", {}, left="1", right="2") if mode == "tiebreak" else (
            sides.of(match.defender, "generated", duel_of(match).prompt)
        )
    measured(match)
    assert isinstance(start(match), Move)


def test_a_file_beyond_a_bound_is_a_forfeit_and_one_at_the_bound_is_not(screen: Played) -> None:
    match = screen("gate")
    measured(match, left=5, right=6)
    prompt = duel_of(match).prompt
    assert sides.of(match.defender, "generated", prompt) is not None
    assert sides.of(match.challenger, "submitted", prompt) is None
    outcome = steps.judge_duel(duel_of(match), timezone.now())
    assert isinstance(outcome, Move) and (outcome.to, outcome.sets["outcome"]) == ("forfeited", "defender")


def test_a_file_that_broke_its_measurement_is_a_forfeit_under_a_gate(screen: Played) -> None:
    match = screen("gate")
    measured(match)
    broke = {"state": "unmeasured", "failure_class": "miner", "numbers": {}}
    Measurement.objects.filter(sha256=files(match)[1]).update(**broke)
    assert isinstance(start(match), Move), "the round does not wait for it"
    assert sides.of(match.challenger, "submitted", duel_of(match).prompt) is None


@pytest.mark.parametrize(
    ("mode", "judged", "left", "right", "outcome"),
    [
        ("tiebreak", "draw", 6, 0, "challenger"),
        ("tiebreak", "draw", 0, 6, "defender"),
        ("tiebreak", "draw", 5, 0, "draw"),
        ("tiebreak", "defender", 90, 0, "defender"),
        ("gate", "draw", 5, 0, "draw"),
        ("report", "draw", 90, 0, "draw"),
    ],
)
def test_a_draw_goes_to_the_sounder_file_and_the_judge_s_own_verdict_can_be_read(
    screen: Played, mode: str, judged: str, left: int, right: int, outcome: str
) -> None:
    match = screen(mode)
    measured(match, left=left, right=right)
    said = {"decided_by": "draw_band", "stages": []}
    shas = dict(zip(("left", "right"), files(match), strict=True))
    result, detail = integrity_outcomes.with_tie_broken(match.round, judged, said, **shas)
    assert result == outcome and ("tie_broken_by" in detail) == (result != judged)
    assert integrity_outcomes.judges_own(result, detail) == (judged, said)


def test_a_verdict_of_another_round_is_the_judge_s_and_ties_are_broken_by_this_round_s_rules(screen: Played) -> None:
    """The same files were judged before, where the tie was broken; here it is a draw."""
    match = screen("gate")
    measured(match)
    broken = {"decided_by": "draw_band", "stages": [], "tie_broken_by": "integrity"}
    known = duel_of(match)
    Duel.objects.filter(pk=known.pk).update(state="judged", outcome="challenger", score_micro=0, detail=broken)
    outcome = steps.judge_duel(duel_of(match), timezone.now())
    assert isinstance(outcome, Move)
    assert (outcome.sets["outcome"], outcome.sets["detail"]) == ("draw", {"decided_by": "draw_band", "stages": []})


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: Any, *, file_format: str) -> Any:
        raise error

    monkeypatch.setattr(measurement, "measure", fail)


def tried(times: int) -> Measurement:
    """The first of them, tried so often."""
    now = timezone.now()
    measurements.want_measurements(now)
    row = Measurement.objects.order_by("pk").first()
    assert row is not None
    for turn in range(times):
        Measurement.objects.filter(pk=row.pk).update(due_at=now)
        engine.advance("judging.Measurement", row.pk, now=now + timedelta(hours=turn))
    row.refresh_from_db()
    return row


def test_a_measurement_that_fails_by_our_fault_pauses_the_round_and_is_never_the_miner_s(
    screen: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    match = screen("gate")
    failing(RendererFault("KILLED", "the work was killed"), monkeypatch)
    row = tried(4)
    assert (row.state, row.failure_class) == ("measuring", "infrastructure")
    stop = steps.trouble(match.round, now=timezone.now())
    assert stop is not None and stop.failure is not None
    assert (stop.to, stop.failure.failure_class, stop.failure.code) == ("paused", "infrastructure", "MEASUREMENT")
    assert engine.move(match.round, stop, now=timezone.now())
    match.round.refresh_from_db()
    assert resume(match.round, why="mended", now=timezone.now())
    row.refresh_from_db()
    assert (row.state, row.attempts, row.failure_class) == ("measuring", 0, ""), "it is tried again"


def test_a_file_that_breaks_the_measurement_is_its_miner_s_failure(
    screen: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen("gate")
    failing(Refused("CANNOT_RENDER", "It broke the measurement."), monkeypatch)
    row = tried(1)
    assert (row.state, row.failure_class) == ("unmeasured", "miner") and "Mend the file" in row.failure_reason


def test_what_nobody_waited_for_is_measured_for_a_round_that_decides_by_it(screen: Played) -> None:
    match = screen("gate")
    measured(match)
    left, right = files(match)
    Measurement.objects.filter(sha256=left).update(state="unmeasured", failure_class="infrastructure", numbers={})
    Measurement.objects.filter(sha256=right).update(state="unmeasured", failure_class="miner", numbers={})
    measurements.want_measurements(timezone.now())
    assert Measurement.objects.get(sha256=left).state == "measuring"
    assert Measurement.objects.get(sha256=right).state == "unmeasured", "the file is the same: nothing is tried again"


def test_files_are_measured_as_soon_as_they_are_drawn_where_a_round_waits_for_them(screen: Played) -> None:
    match = screen("gate")
    Round.objects.filter(pk=match.round_id).update(state="downloading")
    drawn = set(Rendering.objects.filter(state="rendered").values_list("sha256", flat=True))
    measurements.want_measurements(timezone.now())
    stored = Asset.objects.filter(submission__round=match.round, state="stored", sha256__in=drawn)
    wanted = set(stored.values_list("sha256", flat=True))
    assert wanted and wanted <= set(Measurement.objects.values_list("sha256", flat=True))
