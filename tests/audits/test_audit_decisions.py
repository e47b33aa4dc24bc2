"""What follows from what happened: tables for the life of a generation audit and for the verdicts."""

import dataclasses
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import cycle
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from audits.decisions import lifecycle, verdicts
from audits.decisions.lifecycle import BatchLimits, Event, PodFailure, PodProgress, after, next_action, replay
from competition.rulesets import regenerations
from competition.rulesets.tally import Tally

START = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = BatchLimits()
THEIRS = PodFailure(failure_class="miner", code="crashed", sentence="It crashed.")
OURS = PodFailure(failure_class="infrastructure", code="vanished", sentence="It vanished.")
UNCLEAR = PodFailure(failure_class="unclear", code="ended", sentence="It was killed. We try again.")
MINUTE, HOUR = 60, 3600


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def history(*steps: tuple) -> list[Event]:
    """(seconds, kind or state of the pod, failure)."""
    events = []
    for seconds, what, *failure in steps:
        known = what in lifecycle.AFTER
        kind, state = (what, "") if known else ("seen", what)
        events.append(Event(kind=kind, at=at(seconds), state=state, failure=failure[0] if failure else None))
    return events


def watched(state: str, *, since: float, until: float, every: float = 30) -> list[tuple]:
    """Looks at the pod, none further apart than we may be away."""
    looks = int((until - since) / every)
    return [(since + every * look, state) for look in range(1, looks + 1)]


def decided(*steps: tuple, batches: int = 2, limits: BatchLimits = LIMITS, later: float = HOUR) -> lifecycle.PodAction:
    events = history(*steps)
    last = events[-1].at if events else START
    progress = replay(events, limits=limits)
    assert PodProgress.from_json(progress.to_json()) == progress
    return next_action(progress, batches=batches, limits=limits, now=last + timedelta(seconds=later))


UP = ((0, "started"), (10, "warming_up"), (20, "ready"))
GENERATING = (*UP, (21, "submitted"), (30, "generating"))
COMPLETE = (*GENERATING, (60, "complete"))


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ((), "start_pod"),
        (((0, "started"),), "look"),
        (((0, "started"), (5, "silent")), "look"),
        (((0, "started"), (5, "warming_up")), "look"),
        (UP, "submit"),
        (GENERATING, "look"),
        (COMPLETE, "collect"),
        ((*COMPLETE, (61, "collected")), "submit"),
        ((*COMPLETE, (61, "collected"), (62, "complete")), "submit"),
        ((*COMPLETE, (61, "collected"), (62, "submitted")), "look"),
        ((*COMPLETE, (61, "collected"), (62, "submitted"), (90, "complete"), (91, "collected")), "done"),
        ((*UP, (25, "conflict")), "submit"),
        ((*UP, (25, "silent")), "submit"),
        ((*COMPLETE, (61, "silent")), "collect"),
        ((*COMPLETE, (61, "nonsense")), "collect"),
        ((*GENERATING, (40, "ready")), "submit"),
        ((*GENERATING, (40, "warming_up")), "look"),
        ((*GENERATING, (40, "replace")), "replace"),
        ((*GENERATING, (40, "lost", THEIRS)), "replace"),
        ((*GENERATING, (40, "lost", OURS)), "replace"),
        ((*GENERATING, (40, "replace"), (41, "stopped")), "start_pod"),
        ((*COMPLETE, (61, "unusable", THEIRS)), "fail"),
        (((0, "refused", THEIRS),), "fail"),
        (((0, "refused", OURS),), "start_pod"),
    ],
)
def test_what_follows(steps, kind):
    assert decided(*steps).kind == kind


def test_a_batch_is_named_by_its_place():
    assert decided(*UP).batch == 0
    assert decided(*COMPLETE, (61, "collected")).batch == 1


def test_a_lost_batch_is_made_again_and_those_before_it_are_kept():
    steps = (*COMPLETE, (61, "collected"), (62, "submitted"), (70, "lost", THEIRS), (71, "stopped"), (80, "started"))
    assert decided(*steps, (90, "ready")).batch == 1


def lost_pods(failure: PodFailure, *, number: int) -> list[tuple]:
    steps = []
    for pod in range(number):
        begun = 1000 * pod
        steps += [(begun, "started"), (begun + 1, "ready"), (begun + 2, "lost", failure), (begun + 3, "stopped")]
    return steps[:-1]


def test_one_pod_and_three_replacements_and_no_more():
    assert decided(*lost_pods(THEIRS, number=3)).kind == "replace"
    end = decided(*lost_pods(THEIRS, number=4))
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "crashed")
    assert "replacements" in end.because


def test_a_pod_lost_through_our_fault_costs_no_replacement():
    progress = replay(history(*lost_pods(OURS, number=3), (9000, "stopped")), limits=LIMITS)
    assert (progress.replacements, progress.pods, progress.our_faults) == (0, 3, 3)


ROWS_OF_FAULTS = (lost_pods(OURS, number=5), [(second, "refused", UNCLEAR) for second in range(5)])


def test_pods_that_we_refused_to_start_need_no_control_to_be_ours():
    end = decided(*[(second, "refused", OURS) for second in range(5)])
    assert (end.kind, end.failure.failure_class) == ("fail", "infrastructure")


@pytest.mark.parametrize("steps", ROWS_OF_FAULTS)
def test_a_row_of_our_faults_ends_the_run_as_ours_where_a_control_pod_fails_too(steps):
    assert decided(*steps).kind == "control"
    end = decided(*steps, (9000, "control_failed", OURS))
    assert (end.kind, end.failure.failure_class) == ("fail", "infrastructure")


@pytest.mark.parametrize("steps", ROWS_OF_FAULTS)
def test_a_row_of_our_faults_is_the_miners_doing_where_a_control_pod_works(steps):
    end = decided(*steps, (9000, "control_passed"))
    assert (end.kind, end.failure.failure_class) == ("fail", "miner")
    assert "control service" in end.failure.sentence


def suicides(*, number: int, control: str = "control_passed") -> list[tuple]:
    steps = []
    for begun in range(0, 1000 * number, 1000):
        steps += [(begun, "started"), (begun + 1, "ready"), (begun + 2, "lost", UNCLEAR), (begun + 3, control, OURS)]
        steps += [(begun + 4, "stopped")]
    return steps[:-1]


def test_a_pod_that_may_have_killed_itself_is_followed_by_a_control_pod():
    assert decided((0, "started"), (1, "ready"), (2, "lost", UNCLEAR)).kind == "control"


def test_where_the_control_pod_works_a_killed_pod_costs_a_replacement_and_the_last_one_the_run():
    assert decided(*suicides(number=3)).kind == "replace"
    assert replay(history(*suicides(number=3), (9000, "stopped")), limits=LIMITS).replacements == 3
    end = decided(*suicides(number=4))
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "ended")


def test_where_the_control_pod_fails_too_a_killed_pod_costs_nothing_and_a_row_of_them_is_ours():
    progress = replay(history(*suicides(number=4, control="control_failed"), (9000, "stopped")), limits=LIMITS)
    assert (progress.replacements, progress.our_faults) == (0, 4)
    end = decided(*suicides(number=5, control="control_failed"))
    assert (end.kind, end.failure.failure_class) == ("fail", "infrastructure")


def test_the_time_of_a_killed_pod_counts_once_it_is_known_to_be_the_services_doing():
    steps = [*UP, (21, "submitted"), *watched("generating", since=21, until=HOUR + 21), (HOUR + 22, "lost", UNCLEAR)]
    passed = replay(history(*steps, (HOUR + 30, "control_passed")), limits=LIMITS)
    failed = replay(history(*steps, (HOUR + 30, "control_failed", OURS)), limits=LIMITS)
    assert passed.generation_s >= HOUR and failed.generation_s == 0


def test_our_faults_are_forgotten_when_a_batch_comes_through():
    steps = [*lost_pods(OURS, number=4), (5000, "stopped")]
    steps += [(second + 6000, what) for second, what in (*COMPLETE, (61, "collected"))]
    assert replay(history(*steps), limits=LIMITS).our_faults == 0


def test_the_last_batch_collected_is_the_end_even_if_the_pod_is_lost_then():
    assert decided(*COMPLETE, (61, "collected"), (62, "lost", THEIRS), batches=1).kind == "done"


def test_a_service_has_four_hours_to_warm_up_on_each_pod():
    warm = watched("warming_up", since=0, until=4 * HOUR)
    assert decided((0, "started"), *warm).kind == "look"
    late = decided((0, "started"), *warm, (4 * HOUR + 30, "warming_up"))
    assert (late.kind, late.failure.code) == ("replace", "warm_up_too_long")
    again = [(second + 5 * HOUR, what) for second, what in ((0, "started"), *warm)]
    assert decided((0, "started"), *warm, (4 * HOUR + 30, "warming_up"), (4.5 * HOUR, "stopped"), *again).kind == "look"


def test_a_service_that_never_answers_is_warming_up_for_too_long_unless_a_control_is_not_heard_either():
    never = ((0, "started"), *watched("silent", since=0, until=4 * HOUR + 60))
    assert (decided(*never).kind, decided(*never).failure.code) == ("control", "warm_up_too_long")
    assert decided(*never, (5 * HOUR, "control_passed")).failure.failure_class == "miner"
    assert decided(*never, (5 * HOUR, "control_failed", OURS)).failure.failure_class == "infrastructure"


def test_generation_has_two_hours_in_all():
    busy = watched("generating", since=21, until=2 * HOUR + 21)
    assert decided(*UP, (21, "submitted"), *busy).kind == "look"
    end = decided(*UP, (21, "submitted"), *busy, (2 * HOUR + 51, "generating"))
    assert (end.kind, end.failure.failure_class, end.failure.code) == ("fail", "miner", "generation_too_long")


def test_a_replacement_does_not_restart_the_two_hours():
    first = [*UP, (21, "submitted"), *watched("generating", since=21, until=HOUR + 21), (HOUR + 22, "replace")]
    begin = 2 * HOUR
    second = [(begin, "stopped"), (begin, "started"), (begin, "ready"), (begin, "submitted")]
    assert decided(*first, *second, *watched("generating", since=begin, until=begin + HOUR - 60)).kind == "look"
    end = decided(*first, *second, *watched("generating", since=begin, until=begin + HOUR + 60))
    assert end.failure.code == "generation_too_long"


def test_time_on_a_pod_that_we_lost_is_not_counted():
    first = [*UP, (21, "submitted"), *watched("generating", since=21, until=HOUR + 21), (HOUR + 22, "lost", OURS)]
    assert replay(history(*first), limits=LIMITS).generation_s == 0
    assert replay(history(*first[:-1], (HOUR + 22, "lost", THEIRS)), limits=LIMITS).generation_s >= HOUR


def test_an_outage_of_ours_is_not_the_miners_time():
    assert decided(*GENERATING, (30 + 24 * HOUR, "generating")).kind == "look"
    assert decided((0, "started"), (24 * HOUR, "warming_up")).kind == "look"
    assert decided(*COMPLETE, (24 * HOUR, "silent")).kind == "collect"


def test_collecting_is_our_time():
    progress = replay(history(*COMPLETE, *watched("silent", since=60, until=200), (220, "collected")), limits=LIMITS)
    assert progress.generation_s == 39


def test_a_batch_that_is_complete_in_the_end_is_not_late():
    busy = watched("generating", since=21, until=2 * HOUR + 21)
    assert decided(*UP, (21, "submitted"), *busy, (2 * HOUR + 51, "complete")).kind == "collect"


def test_a_pod_that_stops_answering_is_given_up_after_five_minutes_and_a_control_shows_whose_doing_it_was():
    assert decided(*GENERATING, *watched("silent", since=30, until=320)).kind == "look"
    silent = (*GENERATING, *watched("silent", since=30, until=360))
    assert (decided(*silent).kind, decided(*silent).failure.code) == ("control", "silent")
    theirs, ours = decided(*silent, (400, "control_passed")), decided(*silent, (400, "control_failed", OURS))
    assert (theirs.kind, theirs.failure.failure_class) == ("replace", "miner")
    assert (ours.kind, ours.failure.failure_class) == ("replace", "infrastructure")


@pytest.mark.parametrize(("before", "state"), [(UP, "ready"), (COMPLETE, "complete")])
def test_a_good_status_does_not_excuse_a_service_that_never_takes_or_gives_its_batch(before, state):
    asked = [step for n in range(31) for step in ((70 + 30 * n, state), (70 + 30 * n, "silent"))]
    assert decided(*before, *asked[:-4]).kind in ("submit", "collect")
    assert (decided(*before, *asked).kind, decided(*before, *asked).failure.code) == ("control", "handover")
    assert decided(*before, *asked, (2000, "control_passed")).failure.failure_class == "miner"
    assert decided(*before, *asked, (2000, "control_failed", OURS)).failure.failure_class == "infrastructure"


def test_an_answer_in_between_ends_the_silence():
    steps = [*watched("silent", since=30, until=300), (310, "generating"), *watched("silent", since=310, until=600)]
    assert decided(*GENERATING, *steps).kind == "look"


def test_a_few_odd_answers_are_forgiven_and_more_are_not():
    odd = [(30 + second, "nonsense") for second in range(5)]
    assert decided(*GENERATING, *odd).kind == "look"
    end = decided(*GENERATING, *odd, (40, "nonsense"))
    assert (end.kind, end.failure.code) == ("replace", "nonsense")


def test_good_looks_do_not_excuse_conflicts_without_end():
    steps = [step for n in range(6) for step in ((30 + 20 * n, "conflict"), (40 + 20 * n, "ready"))]
    assert decided(*UP, *steps).failure.code == "nonsense"


@pytest.mark.parametrize(
    ("steps", "pause"),
    [
        (((0, "refused", OURS),), 15),
        (((0, "refused", OURS), (20, "refused", OURS)), 30),
        ((*UP, (25, "conflict")), 10),
        ((*UP, (25, "conflict"), (26, "conflict")), 15),
        ((*UP, (25, "silent")), 5),
    ],
)
def test_after_trouble_there_is_a_pause_that_grows_and_ends(steps, pause):
    soon = decided(*steps, later=0)
    assert (soon.kind, soon.delay_s) == ("pause", pause)
    assert decided(*steps, later=pause).kind != "pause"


def test_looking_at_a_pod_does_not_make_a_pause_longer():
    looks = [(25 + second, "ready") for second in range(1, 12)]
    assert decided(*UP, (25, "conflict"), *looks, later=0).kind == "submit"


def test_an_answer_after_the_pod_was_given_up_changes_nothing():
    for last in ((40, "lost", THEIRS), (40, "unusable", THEIRS)):
        gone = replay(history(*GENERATING, last), limits=LIMITS)
        for state in ("complete", "replace", "silent", "nonsense"):
            assert after(gone, Event(kind="seen", at=at(50), state=state), limits=LIMITS) == gone


def test_a_pod_is_told_how_many_replacements_remain():
    progress = replay(history(*lost_pods(THEIRS, number=2), (3000, "stopped")), limits=LIMITS)
    assert progress.replacements_remaining(limits=LIMITS) == 1


def test_an_unknown_event_is_a_bug():
    with pytest.raises(KeyError):
        after(PodProgress(), Event(kind="exploded", at=START), limits=LIMITS)


# --- verdicts -------------------------------------------------------------------------------------------------------

RULES = regenerations.GenerationRules(win_margin=Fraction(1, 20), least_counted=20, generation_s=7200)


def tally(won=0, drawn=0, lost=0, void=0, theirs=0, ours=0) -> Tally:
    return Tally(won=won, drawn=drawn, lost=lost, void=void, forfeits_challenger=theirs, forfeits_defender=ours)


@pytest.mark.parametrize(
    ("played", "outcome", "reason"),
    [
        (tally(won=3, drawn=14, lost=3), "passed", "not_worse"),
        (tally(drawn=20), "passed", "not_worse"),
        (tally(drawn=19, lost=1), "passed", "not_worse"),  # exactly at the limit
        (tally(drawn=18, lost=2), "failed", "worse_than_submitted"),
        (tally(drawn=19, theirs=1), "passed", "not_worse"),
        (tally(drawn=18, theirs=2), "failed", "worse_than_submitted"),
        (tally(drawn=18, lost=2, ours=1), "passed", "not_worse"),
        (tally(drawn=20, void=200), "passed", "not_worse"),
        (tally(drawn=19, void=200), "unknown", "too_few_duels"),
        (tally(void=256), "unknown", "too_few_duels"),
        (tally(lost=19), "unknown", "too_few_duels"),
        (tally(), "unknown", "too_few_duels"),
    ],
)
def test_the_platforms_own_run_must_not_be_worse(played, outcome, reason):
    verdict = regenerations.generation(played, generated_s=100, rules=RULES)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_a_verdict_says_its_numbers_and_limits_without_floats():
    verdict = regenerations.generation(tally(drawn=18, lost=1, theirs=1, void=3), generated_s=100, rules=RULES)
    assert verdict.sentence == (
        "The platform's own run is worse than what was submitted (regenerated against submitted: 0 won, 18 drawn, "
        "2 lost, 1 of them not delivered; margin -10.00 %, at least -5.00 % is needed)."
    )
    assert verdict.numbers["margin"] == "-1/10" and verdict.limits["least_margin"] == "-1/20"
    assert not any(isinstance(value, float) for value in (*verdict.numbers.values(), *verdict.limits.values()))


def test_generation_has_a_time_limit():
    assert regenerations.generation(tally(drawn=20), generated_s=7200, rules=RULES).outcome == "passed"
    assert regenerations.generation(tally(drawn=20), generated_s=7201, rules=RULES).reason == "generation_too_long"


@pytest.mark.parametrize(
    ("failure_class", "outcome"), [("miner", "failed"), ("infrastructure", "unknown"), ("judge", "unknown")]
)
def test_only_the_miners_failure_fails_the_audit(failure_class, outcome):
    failure = (failure_class, "some_code", "A sentence.")
    verdict = regenerations.generation(tally(lost=20), generated_s=0, rules=RULES, failure=failure)
    assert (verdict.outcome, verdict.reason, verdict.sentence) == (outcome, "some_code", "A sentence.")


def found(*severities: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(severity=s, rule=f"rule_{s}", sentence=f"A {s} thing.") for s in severities]


@pytest.mark.parametrize(
    ("severities", "outcome", "reason"),
    [
        ((), "passed", "nothing_blocking"),
        (("notice", "notice"), "passed", "nothing_blocking"),
        (("notice", "blocking"), "failed", "rule_blocking"),
        (("person",), "review", "rule_person"),
        (("unchecked",), "unknown", "rule_unchecked"),
        (("person", "unchecked"), "unknown", "rule_unchecked"),
        (("person", "blocking"), "failed", "rule_blocking"),
        (("unchecked", "blocking"), "failed", "rule_blocking"),
    ],
)
def test_what_the_findings_on_the_code_amount_to(severities, outcome, reason):
    verdict = verdicts.source(found(*severities))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert sum(verdict.numbers.values()) == len(severities)


def test_a_severity_that_nobody_declared_is_a_bug():
    with pytest.raises(ValueError, match="severity"):
        verdicts.source(found("fatal"))


def test_verdicts_do_not_depend_on_the_order_of_findings_of_other_severities():
    for order in (("notice", "person", "blocking"), ("blocking", "notice", "person")):
        assert verdicts.source(found(*order)).outcome == "failed"


def test_a_progress_is_small_however_long_the_audit():
    events = history(*UP, (21, "submitted"), *watched("generating", since=21, until=HOUR, every=5))
    assert len(str(replay(events, limits=LIMITS).to_json())) < 600


def test_limits_are_data():
    assert dataclasses.replace(LIMITS, replacements=0).replacements == 0
    limits = dataclasses.replace(LIMITS, replacements=0)
    assert decided(*GENERATING, (40, "replace"), limits=limits).kind == "fail"


SHORT = BatchLimits(
    replacements=1, warm_up_s=30, generation_s=40, silence_s=15, odd_answers=1, our_faults=2, blind_s=60, handover_s=60
)
LOOKS = 600
DEATHS = [("lost", THEIRS), ("lost", UNCLEAR)]
OUTAGES = [("lost", OURS), ("blind", OURS)]


def ways(*answers) -> some.SearchStrategy:
    """What is answered to one question, over and over."""
    return some.lists(some.sampled_from(answers), min_size=1, max_size=4)


ANSWERS = some.fixed_dictionaries(
    {
        "status": ways(*lifecycle.POD_STATES, "replace", "silent", "nonsense", *DEATHS),
        "submit": ways("submitted", "silent", "nonsense", "conflict", *DEATHS),
        "collect": ways("collected", "silent", "nonsense", "conflict", ("unusable", THEIRS), *DEATHS),
    }
)
PROVIDERS = some.fixed_dictionaries(
    {
        "start_pod": ways("started", ("refused", OURS), ("refused", UNCLEAR)),
        "control": ways("control_passed", ("control_failed", OURS)),
        "status": ways("warming_up", "ready", "complete", *OUTAGES),
    }
)
HONEST = {"start_pod": ["started"], "replace": ["stopped"], "control": ["control_passed"]}


def lived(answers: dict, *, batches: int) -> lifecycle.PodAction:
    """What a run ends with, if these are the answers, a look every five seconds; AssertionError if it has no end."""
    asked = {question: cycle(given_) for question, given_ in {**HONEST, **answers}.items()}
    progress = PodProgress()
    for now in range(0, 5 * LOOKS, 5):
        if progress.phase in lifecycle.POD_STATES:
            progress = answered(progress, next(asked["status"]), now=now)
        action = next_action(progress, batches=batches, limits=SHORT, now=at(now))
        if action.kind in ("done", "fail"):
            return action
        if action.kind in asked:
            progress = answered(progress, next(asked[action.kind]), now=now)
    raise AssertionError(f"no end after {LOOKS} looks: {progress}")


def answered(progress: PodProgress, answer: str | tuple, *, now: int) -> PodProgress:
    step = (now, *answer) if isinstance(answer, tuple) else (now, answer)
    return after(progress, *history(step), limits=SHORT)


@given(answers=ANSWERS, batches=some.integers(1, 3))
def test_whatever_a_service_answers_its_run_ends_and_never_as_our_failure(answers, batches):
    end = lived(answers, batches=batches)
    assert end.kind == "done" or end.failure.failure_class == "miner"


@given(answers=ANSWERS, provider=PROVIDERS, batches=some.integers(1, 3))
def test_whatever_a_provider_does_as_well_a_run_ends(answers, provider, batches):
    lived({**answers, **provider}, batches=batches)
