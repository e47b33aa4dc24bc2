"""Another judge beside the official one: what it would change, what it costs, and that nothing official is touched."""

from __future__ import annotations

import hashlib
import json
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from competition.models import Asset
from dashboard.bundles import publish
from formats.integrity.measures import VERSION
from judging.backends.base import NoAnswer, Question
from judging.models import DescribedJudge, Duel, Match, Measurement, Rendering, StoredAnswer
from judging.shadow.models import ShadowAnswer, ShadowDuel, ShadowRun
from tests.dashboard.made_round import SOUND, D, F, L, Maker, V, W, measure
from tests.judging.second_judge import (
    NAME,
    PROMPTS,
    Killed,
    KnownJudge,
    finished_round,
    passed,
    second,
    shadow,
)

__all__ = ["second"]  # a fixture
pytestmark = pytest.mark.django_db
QUESTIONS = 6  # of a pair: three in both orders, as most


def changed(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(m["kind"], m["result"], m["shadow_result"]) for m in report["matches"] if m["changed"]]


def test_a_second_judge_that_differs_on_known_duels_shows_exactly_these(second: KnownJudge) -> None:
    _, _, played = finished_round()
    second.as_official()
    second.differs(played["ann"], {0: "draw", 3: "defender"})
    report = shadow()
    matrix = {row["official"]: [row[name] for name in ("defender", "draw", "challenger")] for row in
              report["agreement"]["matrix"]}  # fmt: skip
    assert matrix == {"left (defender)": [1, 0, 0], "draw": [1, 21, 0], "right (challenger)": [0, 1, 0]}
    assert report["agreement"]["share"] == "11/12" and (report["agreement"]["duels"], report["agreement"]["alike"]) == (
        24,
        22,
    )
    assert changed(report) == [("screen", "qualified", "below the bar")]
    ann, bob = (played[name].challenger.miner.hotkey for name in ("ann", "bob"))
    (other,) = [m for m in report["matches"] if m["changed"]]
    assert other["challenger"]["hotkey"] == ann and (other["margin"], other["shadow_margin"]) == ("1/12", "-1/12")
    assert [m["challenger"]["hotkey"] for m in report["matches"] if not m["changed"]] == [bob]
    leader = report["leader"]
    assert leader["changed"] and leader["still_open"] == ""
    assert (leader["before"]["key"], leader["after"]["key"]) == (ann, "leader")


def test_a_judge_that_says_the_same_changes_nothing(second: KnownJudge) -> None:
    finished_round()
    second.as_official()
    report = shadow()
    assert report["agreement"]["share"] == "1" and report["agreement"]["kappa"] == "1" and not changed(report)
    assert not report["leader"]["changed"] and report["leader"]["before"] == report["leader"]["after"]
    assert report["state"] == "finished" and report["failures"] == []


def test_the_same_outcomes_may_have_another_leader(second: KnownJudge) -> None:
    """One duel decides here: the judges agree on 23 of 24."""
    _, _, played = finished_round()
    second.as_official()
    second.differs(played["ann"], {0: "draw"})
    report = shadow()
    assert report["agreement"]["alike"] == 23 and report["leader"]["changed"]


def test_a_match_that_would_go_on_is_judged_on(second: KnownJudge) -> None:
    """Officially it ended after three duels; with these verdicts it takes more, which are judged a few at a time."""
    maker, round_, played = finished_round(stop_early=True)
    entry = maker.submission(round_, maker.miners[3])
    maker.assets(entry, origin="submitted")
    leader = played["ann"].defender
    early = maker.match(round_, leader, entry, kind="screen", results=[L] * 3, stopped="below", stopped_after=3)
    second.as_official()
    ann = played["ann"].challenger
    for prompt in maker.prompts:
        theirs = maker.files[entry.pk, prompt.pk, "submitted"]
        second.outcomes[maker.files[leader.pk, prompt.pk, "generated"], theirs] = "challenger"
        second.outcomes[maker.files[ann.pk, prompt.pk, "submitted"], theirs] = "defender"  # they meet on the ladder now
    report = shadow()
    assert ("screen", "below the bar", "qualified") in changed(report)
    assert report["leader"]["after"]["key"] == ann.key
    judged = ShadowDuel.objects.filter(challenger=entry, kind="screen")
    assert early.stopped_after == 3 and 3 < judged.count() < PROMPTS and {row.state for row in judged} == {"judged"}


def test_a_ladder_match_that_was_never_played_is_played_where_the_rules_want_it(second: KnownJudge) -> None:
    maker, _, played = finished_round()
    second.as_official()
    second.differs(played["bob"], {0: "challenger"})
    bob = played["bob"].challenger
    meet(second, maker, played, outcome="challenger")
    report = shadow()
    (ladder,) = [match for match in report["matches"] if match["kind"] == "ladder"]
    assert (ladder["result"], ladder["shadow_result"], ladder["url"]) == ("", "reaches the bar", "")
    assert report["leader"]["after"]["key"] == bob.key and not report["leader"]["changed"]
    assert report["leader"]["still_open"] == "1 of those who would lead were never audited"
    passed(bob)
    assert shadow()["leader"]["changed"]


def meet(second: KnownJudge, maker: Maker, played: dict[str, Match], *, outcome: str) -> None:
    """What the judge says where Bob meets Ann, which officially nobody asked."""
    ann, bob = (played[name].challenger for name in ("ann", "bob"))
    for prompt in maker.prompts:
        pair = (maker.files[ann.pk, prompt.pk, "submitted"], maker.files[bob.pk, prompt.pk, "submitted"])
        second.outcomes[pair] = outcome


def tables() -> dict[str, str]:
    """name -> a hash of all rows of each table that is not the second judge's."""
    hashes = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            if not name.startswith("judging_shadow"):
                cursor.execute(
                    f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{name}\" t"
                )
                hashes[name] = cursor.fetchone()[0]
    return hashes


def bundle(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_nothing_official_is_written_and_the_bundle_stays_the_same_to_the_byte(
    second: KnownJudge, tmp_path: Path
) -> None:
    _, round_, played = finished_round()
    second.as_official()
    second.differs(played["ann"], {0: "defender"})
    publish.write_files(round_, tmp_path / "before")
    before = tables()
    assert changed(shadow())
    publish.write_files(round_, tmp_path / "after")
    assert tables() == before and {"competition_ledgerevent", "judging_answer", "judging_duel"} <= before.keys()
    assert bundle(tmp_path / "before") == bundle(tmp_path / "after") != {}
    assert ShadowRun.objects.count() == 1 and ShadowDuel.objects.count() == 2 * PROMPTS


def test_no_official_row_leads_to_a_shadow_row() -> None:
    """So nothing that sums or publishes the rows of a round, an entry or a prompt takes them up."""
    own = {ShadowRun, ShadowDuel, ShadowAnswer}
    ways = [
        f"{model.__name__}.{field.get_accessor_name()}"
        for model in apps.get_models()
        if model not in own
        for field in model._meta.related_objects
        if field.related_model in own and not field.hidden
    ]
    assert not ways


# the middle and the end of the first duel; all others of the first two take seconds
SHORT = (2, QUESTIONS)
PLACES = [at if at in SHORT else pytest.param(at, marks=pytest.mark.long) for at in range(1, 2 * QUESTIONS + 2)]


@pytest.mark.parametrize("at", PLACES)
def test_killed_between_any_two_questions_it_goes_on_where_it_was(second: KnownJudge, at: int) -> None:
    finished_round()
    second.as_official()

    def kill(question: Question) -> None:
        if len(second.asked) == at:
            second.before = lambda question: None
            raise Killed

    second.before = kill
    with pytest.raises(Killed):
        shadow()
    assert ShadowAnswer.objects.count() == at
    report = shadow()
    assert len(second.asked) == len(set(second.asked)) == ShadowAnswer.objects.count() == report["cost"]["questions"]
    assert report["state"] == "finished" and report["agreement"]["duels"] == 2 * PROMPTS


def test_a_finished_run_asks_nothing_again(second: KnownJudge) -> None:
    finished_round()
    second.as_official()
    first = shadow()
    asked = len(second.asked)
    again = shadow()
    assert len(second.asked) == asked and again["agreement"] == first["agreement"]


def test_the_bound_is_said_before_anything_is_asked_and_is_kept(second: KnownJudge) -> None:
    maker, _, played = finished_round()
    second.as_official()
    second.differs(played["bob"], {0: "challenger"})
    meet(second, maker, played, outcome="draw")
    err = StringIO()

    def look(question: Question) -> None:
        assert "At most " in err.getvalue()

    second.before = look
    call_command("shadow", "second", "1", "--judge", NAME, "--price", "0.50", stdout=StringIO(), stderr=err)
    bound = ShadowRun.objects.get().most_questions
    assert f"At most {bound} questions about {4 * PROMPTS} duels: {2 * PROMPTS} of these" in err.getvalue()
    assert f"At most {bound * 0.0005:.2f} at 0.50 for 1,000 questions." in err.getvalue()
    assert 0 < len(second.asked) <= bound == 4 * PROMPTS * QUESTIONS


def test_more_questions_than_allowed_are_not_asked(second: KnownJudge) -> None:
    finished_round()
    with pytest.raises(CommandError, match="nothing was asked: 288 questions are more than"):
        shadow("--most-questions", "0")
    assert not second.asked and not ShadowRun.objects.exists()


def test_a_sample_is_the_same_each_time_and_a_larger_one_holds_it(second: KnownJudge) -> None:
    finished_round()
    second.as_official()
    few = shadow("--sample", "5")
    assert few["judged"] == few["agreement"]["duels"] == 5 and few["most_duels"] == 5
    assert few["leader"]["still_open"] == "A sample of the duels decides no match and no leader."
    assert not few["leader"]["changed"] and not changed(few)
    places = set(ShadowDuel.objects.values_list("challenger", "prompt"))
    shadow("--sample", "5")
    assert set(ShadowDuel.objects.values_list("challenger", "prompt")) == places
    assert shadow("--sample", "9")["judged"] == 9
    assert places < set(ShadowDuel.objects.values_list("challenger", "prompt"))
    whole = shadow()
    assert whole["judged"] == 2 * PROMPTS and len(second.asked) == len(set(second.asked))


def test_a_judge_that_is_silent_halts_the_run_with_class_and_code(second: KnownJudge) -> None:
    finished_round()
    second.as_official()

    def silent(question: Question) -> None:
        raise NoAnswer("unreachable", "The server does not answer.")

    second.before = silent
    with pytest.raises(SystemExit):
        shadow()
    run = ShadowRun.objects.get()
    assert run.halted.startswith("No answer to 5 duels in a row: The server does not answer.") and not run.ended_at
    assert set(ShadowDuel.objects.values_list("state", "failure_class", "failure_code")) == {
        ("void", "judge", "unreachable")
    }
    second.before = lambda question: None
    report = shadow()
    assert report["state"] == "finished" and report["failures"] == [] and report["halted"] == ""


@pytest.mark.django_db(transaction=True)
def test_on_several_threads_it_reports_the_same_halts_the_same_and_asks_nothing_twice(second: KnownJudge) -> None:
    _, _, played = finished_round()
    second.as_official()
    second.differs(played["ann"], {0: "draw", 3: "defender"})
    single = shadow("--duels", "1")
    ShadowRun.objects.all().delete()
    second.asked.clear()

    def silent(question: Question) -> None:
        raise NoAnswer("unreachable", "The server does not answer.")

    second.before = silent
    with pytest.raises(SystemExit):
        shadow("--duels", "3")
    assert ShadowRun.objects.get().halted.startswith("No answer to 5 duels in a row")
    assert ShadowDuel.objects.count() < 2 * PROMPTS, "those that waited are not begun"
    at_once = threading.Barrier(3)
    firsts = iter(range(3))

    def meet_first(question: Question) -> None:
        if next(firsts, None) is not None:
            at_once.wait(timeout=60)

    second.before = meet_first
    several = shadow("--duels", "3")
    for part in ("agreement", "matches", "leader", "failures"):
        assert several[part] == single[part], part
    assert len(second.asked) == len(set(second.asked)) == several["cost"]["questions"]


def test_a_file_without_pictures_is_ours_and_no_forfeit(second: KnownJudge) -> None:
    _, _, played = finished_round()
    second.as_official()
    duel = played["ann"].duels.get(position=0)
    Rendering.objects.filter(sha256=duel.right_sha256).delete()
    report = shadow()
    (failure,) = report["failures"]
    assert (failure["failure_class"], failure["code"], failure["duels"]) == ("infrastructure", "NO_VIEWS", 1)
    assert "The operator must render it again" in failure["reason"]
    assert report["matches"][0]["shadow_result"] == "open" and report["leader"]["still_open"]


def test_what_was_forfeited_stays_forfeited_and_what_was_void_is_asked(second: KnownJudge) -> None:
    maker, round_, played = finished_round()
    entry = maker.submission(round_, maker.miners[3])
    maker.assets(entry, origin="submitted")
    maker.match(round_, played["ann"].defender, entry, kind="screen", results=[F, V, *[D] * (PROMPTS - 2)])
    second.as_official()
    void = Duel.objects.get(match__challenger=entry, position=1)
    second.outcomes[void.left_sha256, void.right_sha256] = "challenger"
    report = shadow()
    rows = {row.position: row for row in ShadowDuel.objects.filter(challenger=entry)}
    assert (rows[0].state, rows[0].outcome) == ("forfeited", "defender")
    assert (rows[1].state, rows[1].outcome) == ("judged", "challenger")
    assert report["agreement"]["duels"] == 3 * PROMPTS - 2


def test_a_running_round_is_compared_as_far_as_it_is(second: KnownJudge) -> None:
    maker = Maker(slug="second", miners=2, prompts=PROMPTS, hostile="")
    round_ = maker.round(1, state="duels", defending=maker.first)
    leader, entry = maker.submission(round_, maker.miners[0], role="leader"), maker.submission(round_, maker.miners[1])
    maker.assets(leader, origin="generated")
    maker.assets(entry, origin="submitted")
    maker.match(round_, leader, entry, kind="screen", results=[W, D, L], state="judging")
    second.as_official()
    report = shadow()
    assert report["agreement"]["duels"] == 3 and ShadowDuel.objects.count() == 3
    (match,) = report["matches"]
    assert (match["result"], match["shadow_result"]) == ("open", "open") and report["leader"]["still_open"]
    Duel.objects.filter(position=3).update(state="judged", outcome="draw", **files(maker, leader, entry, 3))
    second.as_official()
    assert shadow()["agreement"]["duels"] == 4


def files(maker: Maker, leader: Any, entry: Any, place: int) -> dict[str, str]:
    pk = maker.prompts[place].pk
    return {
        "left_sha256": maker.files[leader.pk, pk, "generated"],
        "right_sha256": maker.files[entry.pk, pk, "submitted"],
    }


def test_a_model_behind_a_server_is_asked_and_its_answers_are_no_official_ones(round_: Any, serving: Any) -> None:
    server = serving()
    Duel.objects.update(state="judged", outcome="draw", score_micro=0)

    def ask() -> dict[str, Any]:
        out, options = StringIO(), ("--judge", "openai:vlm-2", "--duels", "1", "--json")
        call_command("shadow", "heard", "1", *options, stdout=out, stderr=StringIO())
        report: dict[str, Any] = json.loads(out.getvalue())
        return report

    report = ask()
    whole = server.asked
    cost, run = report["cost"], ShadowRun.objects.get()
    assert report["agreement"]["duels"] == 8 and run.described["model"] and report["failures"] == []
    assert 0 < cost["questions"] == ShadowAnswer.objects.count() <= cost["most_questions"] and cost["prompt_tokens"] > 0
    assert not StoredAnswer.objects.exists() and not DescribedJudge.objects.exists()
    assert ask()["agreement"] == report["agreement"]
    examined = whole - cost["questions"]  # what is asked each time to see what the server can do
    assert server.asked == whole + examined and ShadowAnswer.objects.count() == cost["questions"]


def test_the_report_for_people_names_what_would_change(second: KnownJudge) -> None:
    _, _, played = finished_round()
    second.as_official()
    second.differs(played["ann"], {0: "defender"})
    out = StringIO()
    call_command("shadow", "second", "1", "--judge", NAME, stdout=out, stderr=StringIO())
    text = out.getvalue()
    assert "The judges agree on 23 of 24 duels; 1 match would end otherwise, and another would lead." in text
    assert "qualified, then below the bar (margin +8.33%, then -8.33%)" in text and "kappa" in text


def test_an_unknown_judge_and_an_unknown_round_are_named() -> None:
    with pytest.raises(CommandError, match="there is no round 1 in 'nowhere'"):
        call_command("shadow", "nowhere", "1", "--judge", "perceptual-v1")
    finished_round()
    with pytest.raises(CommandError, match="no judge is called 'oracle'"):
        call_command("shadow", "second", "1", "--judge", "oracle")
    assert not Match.objects.filter(state="judging").exists()


def test_the_second_judge_s_draws_go_to_the_sounder_file_where_the_rules_say_so(second: KnownJudge) -> None:
    rule = {"mode": "tiebreak", "measure": VERSION, "bounds": {"open_edges": "1/20"}}
    maker, _, played = finished_round(integrity=rule)
    second.as_official()
    second.differs(played["ann"], {0: "draw"})
    measure(Asset.objects.filter(state="stored"))
    Measurement.objects.update(numbers={**SOUND, "triangles": 100})
    ann = played["ann"].challenger
    first = maker.files[ann.pk, maker.prompts[0].pk, "submitted"]
    Measurement.objects.filter(sha256=first).update(numbers={**SOUND, "triangles": 100, "open_edges": 6})
    report = shadow()
    row = ShadowDuel.objects.get(challenger=ann, position=0)
    assert (row.outcome, row.detail["tie_broken_by"]) == ("defender", "integrity")
    others = ShadowDuel.objects.exclude(pk=row.pk).values_list("outcome", flat=True)
    assert report["leader"]["changed"] and list(others).count("draw") == 22


def test_a_draw_between_files_that_are_not_measured_is_void_and_said(second: KnownJudge) -> None:
    finished_round(integrity={"mode": "tiebreak", "measure": VERSION, "bounds": {"open_edges": "1/20"}})
    second.as_official()
    with pytest.raises(SystemExit):
        shadow()
    void = ShadowDuel.objects.filter(state="void").values_list("failure_class", "failure_code")
    assert set(void) == {("infrastructure", "NOT_MEASURED")}
