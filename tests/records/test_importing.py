"""An imported round is a round like any other, and importing it again changes nothing."""

from __future__ import annotations

import json
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.models import Audit
from competition.models import Competition, Reign, Round, Submission
from competition.steps import follow_chain
from dashboard.bundles.publish import want_publications
from dashboard.facts import prompt_counts
from dashboard.models import PromptCount, Publication, RecordFile, VerifierFinding
from dashboard.records.importing import CannotImport
from judging.models import Duel, Match
from tests.records.dump import dump
from tests.records.importing import NOW, imported, made
from tests.verify import made_records
from tests.verify.made_records import PROMPTS, Files, hotkey
from tests.verify.ways_to_break import ADA, BEN, CLEO, DAN, EVE

pytestmark = pytest.mark.django_db


def round_(number: int) -> Round:
    return Round.objects.get(competition__slug="made", number=number)


@pytest.mark.parametrize("era", made_records.ERAS)
def test_all_that_was_played_is_there(era: int, tmp_path: Path) -> None:
    outcome = imported(made(era, tmp_path))
    files = made_records.ERAS[era]()
    played = [path for path in files if "/duels" in path and "submitted" not in path]
    assert not outcome.troubles
    assert not outcome.disagreeing
    assert Match.objects.count() == len(played)
    assert Duel.objects.count() == len(played) * PROMPTS
    assert Submission.objects.filter(role="challenger").count() == sum(
        len(content) for path, content in files.items() if path.endswith("submissions.json")
    )
    assert RecordFile.objects.filter(current=True, known=True).count() == len(files)
    assert not VerifierFinding.objects.exists()
    marks = [mark for r in Round.objects.all() for mark in r.source["matches"].values()]
    assert all(mark["agrees"] for mark in marks)
    assert len(marks) == len(played)
    assert all(match.duels_made == match.duels.count() for match in Match.objects.all())
    kept = PromptCount.objects.values("round_id", "prompt_id", *prompt_counts.COUNTS)
    counted = prompt_counts.counted(Round.objects.values_list("pk", flat=True))
    assert {(row.pop("round_id"), row.pop("prompt_id")): row for row in kept} == {
        (at, prompt): told for at, counts in counted.items() for prompt, told in counts.items()
    }


def test_a_match_has_the_margin_its_file_states(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    match = Match.objects.get(round=round_(0), defender__role="leader", challenger__miner__hotkey=ADA)
    assert (match.won, match.lost, match.margin_micro) == (6, 1, 250_000)
    assert match.duels.filter(outcome="challenger", state="judged").count() == 6


def test_who_delivered_nothing_forfeits(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    match = Match.objects.get(round=round_(0), challenger__miner__hotkey=CLEO)
    assert (match.forfeits_challenger, match.lost) == (PROMPTS, 0)
    assert set(match.duels.values_list("state", flat=True)) == {"forfeited"}


def test_a_skipped_duel_is_void_and_no_draw(tmp_path: Path) -> None:
    files = made_records.era_1()
    duels = files[f"rounds/1/{BEN}/duels_leader.json"]["duels"]
    next(duel for duel in duels if duel["winner"] == "draw")["winner"] = "skipped"
    imported(made_records.write(files, tmp_path))
    match = Match.objects.get(round=round_(1), challenger__miner__hotkey=BEN)
    assert (match.void, match.drawn) == (1, PROMPTS - 7)


def test_the_reigns_follow_the_rounds_and_keep_their_digits(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    told = [(r.miner.hotkey, r.weight, r.defence, r.won_in and r.won_in.number) for r in Reign.objects.all()]
    assert told == [
        (hotkey("Zero"), "0.0", False, None),
        (EVE, "1.0", False, 0),
        (EVE, "0.8", True, 1),
        (DAN, "1.0", False, 2),
    ]
    assert [r.defending and r.defending.sequence for r in Round.objects.all()] == [1, 2, 3, 4]
    assert Fraction(Reign.objects.get(sequence=3).weight) == Fraction(4, 5)


def test_audits_come_with_their_numbers_limits_and_what_was_found(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    audit = Audit.objects.get(round=round_(0), submission__miner__hotkey=ADA, kind="generation")
    assert audit.state == "rejected"
    assert audit.numbers["failed_prompts"] > audit.limits["failed_prompts"]
    assert audit.findings.count() == audit.numbers["failed_prompts"] + audit.numbers["failed_critical"]
    assert Audit.objects.filter(kind="source", state="passed").exists()


def test_a_round_that_goes_on_elsewhere_is_left_alone_here(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    last = round_(3)
    assert (last.state, last.paused_from, last.due_at) == ("paused", "open", None)
    follow_chain(NOW)
    want_publications(NOW)
    assert not Publication.objects.exists()
    with pytest.raises(CommandError, match="played elsewhere"):
        call_command("resume", "made", "3")


def test_importing_again_writes_nothing(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    imported(path)
    before, keys = dump("made"), list(Duel.objects.values_list("pk", flat=True))
    again = imported(path)
    assert (again.rounds, again.unchanged) == ([], 4)
    assert dump("made") == before
    assert list(Duel.objects.values_list("pk", flat=True)) == keys


def test_only_a_round_whose_files_changed_is_written_again(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    imported(path)
    untouched = list(Match.objects.filter(round__number__in=[0, 2]).values_list("pk", flat=True))
    file = path / "rounds" / "1" / BEN / "duels_leader.json"
    match = json.loads(file.read_text())
    drawn = next(duel for duel in match["duels"] if duel["winner"] == "draw")
    drawn["winner"] = "right"
    file.write_text(json.dumps(match, indent=2))
    outcome = imported(path)
    assert [line[:7] for line in outcome.rounds] == ["round 1"]
    assert list(Match.objects.filter(round__number__in=[0, 2]).values_list("pk", flat=True)) == untouched
    assert round_(1).source["matches"][f"leader-vs-{BEN}"]["agrees"] is False
    assert outcome.disagreeing == 1
    assert {finding.kind for finding in VerifierFinding.objects.filter(severity="error")} >= {"score", "margin"}
    assert RecordFile.objects.filter(path__endswith=f"1/{BEN}/duels_leader.json").count() == 2, "the old one stays"


def test_growing_round_by_round_gives_what_one_import_gives(tmp_path: Path) -> None:
    """As a mirror follows a repository: each stage is imported, the last gives what importing only the last does."""
    files = made_records.era_1()
    for last in range(4):
        part = {path: content for path, content in files.items() if _round_of(path) <= last}
        part["state.json"] = {"current_round": last, "stage": "open"}
        part["leader.json"] = files["leader.json"][: last + 1]
        imported(made_records.write(part, tmp_path / str(last)))
    grown = dump("made")
    _forget()
    imported(tmp_path / "3")
    once = dump("made")
    for rows in (grown, once):
        rows["RecordFile"] = [row for row in rows["RecordFile"] if json.loads(row)["current"]]
    assert grown == once


def _round_of(path: str) -> int:
    return int(path.split("/")[1]) if path.startswith("rounds/") else -1


def _forget() -> None:
    from dashboard.records.filling import clear

    for row in Round.objects.all():
        Round.objects.update(defending=None)
        clear(row)
    Reign.objects.all().delete()
    RecordFile.objects.all().delete()
    competition = Competition.objects.get()
    competition.pool.all().delete()
    competition.delete()


def test_a_broken_file_is_reported_and_all_others_are_imported(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    (path / "rounds" / "0" / ADA / "duels_leader.json").write_text('{\n "left": ')
    (path / "rounds" / "0" / "matches_matrix.csv").write_text("left,margin\n")
    (path / "rounds" / "2" / "notes.txt").write_text("who put me here?")
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("import_records", str(path), stdout=out, stderr=err)
    assert ended.value.returncode == 1
    assert f"rounds/0/{ADA}/duels_leader.json line 2: not JSON" in err.getvalue()
    assert "rounds/0/matches_matrix.csv line 1: the columns are left,margin" in err.getvalue()
    assert "rounds/2/notes.txt: nobody announced this file" in out.getvalue()
    assert Match.objects.filter(round=round_(0)).count() == 6
    assert RecordFile.objects.get(path="rounds/2/notes.txt").known is False
    reported = RecordFile.objects.get(path=f"rounds/0/{ADA}/duels_leader.json")
    assert reported.troubles[0]["line"] == 2


def test_a_repository_whose_leader_cannot_be_read_is_imported_all_the_same(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    (path / "leader.json").write_text("[")
    outcome = imported(path)
    assert {trouble.file for trouble in outcome.troubles} == {"leader.json"}
    assert Match.objects.filter(defender__role="leader").exists()
    assert not Reign.objects.exists()


def test_without_rules_nothing_can_be_imported(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    (path / "config.json").write_text('{"name": "made",\n"win_margin": "much"}')
    with pytest.raises(CannotImport, match="line 2"):
        imported(path)
    assert not Competition.objects.exists()


def test_a_competition_played_here_is_not_touched(tmp_path: Path) -> None:
    Competition.objects.create(
        slug="made", name="Ours", ruleset="margin-1", judge="x", renderer="x", chain="x", pods="x", created_at=NOW
    )
    with pytest.raises(CannotImport, match="played here"):
        imported(made(1, tmp_path))
    assert not Round.objects.exists()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_whatever_values_a_repository_holds_it_is_imported(data: st.DataObject, tmp_path_factory: Any) -> None:
    import_with_junk(data, tmp_path_factory)


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_whatever_many_repositories_hold_they_are_imported(data: st.DataObject, tmp_path_factory: Any) -> None:
    import_with_junk(data, tmp_path_factory)


def import_with_junk(data: st.DataObject, tmp_path_factory: Any) -> None:
    """One to three values anywhere are replaced by junk; the import ends, its pages answer, and the rest is there."""
    era = data.draw(st.sampled_from(list(made_records.ERAS)))
    files = made_records.ERAS[era]()
    for _ in range(data.draw(st.integers(1, 3))):
        file = data.draw(st.sampled_from(sorted(path for path in files if path.endswith(".json"))))
        _put_somewhere(files, file, data)
    path = made_records.write(files, tmp_path_factory.mktemp("junk"))
    with transaction.atomic():
        try:
            imported(path)
        except CannotImport:
            assert not Competition.objects.exists()
        else:
            for address in ("/c/made/", "/c/made/r/0/", "/c/made/findings/"):
                there = address != "/c/made/r/0/" or Round.objects.filter(number=0).exists()
                assert Client().get(address).status_code == (200 if there else 404)
        transaction.set_rollback(True)


def _put_somewhere(files: Files, file: str, data: st.DataObject) -> None:
    """Walk down into the file at random, and replace what is there."""
    place: Any = files
    key: Any = file
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(JUNK)


def test_hostile_values_are_reported_and_stop_nothing(tmp_path: Path) -> None:
    files = made_records.era_1()
    entries = files["rounds/1/submissions.json"]
    entries["../../etc"] = dict(entries[BEN])
    entries[DAN] = {**entries[BEN], "commit": "x" * 5000}
    files[f"rounds/1/{BEN}/duels_leader.json"]["duels"][0]["issues"] = "nul \0 and \ud800"
    files[f"rounds/1/{BEN}/duels_leader.json"]["duels"][1]["left_glb"] = "javascript:alert(1)"
    files["rounds/1/schedule.json"]["generation_deadline_block"] = 2**90
    outcome = imported(made_records.write(files, tmp_path))
    assert {trouble.file for trouble in outcome.troubles} == {"rounds/1/submissions.json", "rounds/1/schedule.json"}
    issues = Duel.objects.get(match__round=round_(1), match__challenger__miner__hotkey=BEN, position=0).detail["issues"]
    assert issues == "nul \N{REPLACEMENT CHARACTER} and ?"
