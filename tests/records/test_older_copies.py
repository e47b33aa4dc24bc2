"""A copy that is older than what is here never overwrites it, unless somebody says so."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from competition.models import Reign, Round
from dashboard.records.importing import OlderCopy
from tests.records import june
from tests.records.dump import dump
from tests.records.importing import imported, made
from tests.verify import made_records
from tests.verify.made_records import Files, hotkey

pytestmark = pytest.mark.django_db


def test_an_older_copy_takes_no_leader_back_and_makes_no_round_unfinished(tmp_path: Path) -> None:
    imported(june.copied(tmp_path / "new"))
    old = june.unfinished(tmp_path / "old")
    before, err = dump("proc"), StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("import_records", str(old), stdout=StringIO(), stderr=err)
    assert ended.value.returncode == 1
    assert "older than what is here" in err.getvalue()
    assert "--go-back" in err.getvalue()
    assert dump("proc") == before
    last = Reign.objects.order_by("-sequence")[0]
    assert (last.miner.hotkey, last.weight) == (june.ADA, "1.0")
    assert Round.objects.get(number=0).state == "finished"
    answer = json.loads(Client().get("/api/v1/weights?competition=proc").content)
    assert june.ADA in json.dumps(answer)
    assert june.LEADER not in json.dumps(answer)


def test_whoever_asks_for_it_goes_back(tmp_path: Path) -> None:
    imported(june.copied(tmp_path / "new"))
    call_command("import_records", str(june.unfinished(tmp_path / "old")), "--go-back", stdout=StringIO())
    assert Round.objects.get(number=0).state == "paused"
    assert [reign.miner.hotkey for reign in Reign.objects.all()] == [june.LEADER]


def test_a_refused_copy_stops_no_other_repository(tmp_path: Path) -> None:
    imported(june.copied(tmp_path / "new"))
    folder = tmp_path / "several"
    folder.mkdir()
    june.unfinished(folder / "a")
    made_records.write(made_records.era_1(), folder / "b")
    with pytest.raises(CommandError):
        call_command("import_records", str(folder), stdout=StringIO(), stderr=StringIO())
    assert Round.objects.filter(competition__slug="made").count() == 4


def drop_last_reign(files: Files) -> None:
    files["leader.json"].pop()


def stand_earlier(files: Files) -> None:
    files["state.json"]["current_round"] = 2


def be_at_an_earlier_stage(files: Files) -> None:
    files["state.json"]["stage"] = "open"


def drop_a_match(files: Files) -> None:
    del files[f"rounds/0/{hotkey('Ada')}/duels_leader.json"]


def drop_the_last_round(files: Files) -> None:
    for path in [path for path in files if path.startswith("rounds/3/")]:
        del files[path]


def lose_the_state(files: Files) -> None:
    files["state.json"] = "not JSON"


def lose_the_leaders(files: Files) -> None:
    files["leader.json"] = "[]"


def fewer_submissions(files: Files) -> None:
    files["rounds/3/submissions.json"].popitem()


def current(files: Files) -> Files:
    """In the round that is played two have revealed and are being judged."""
    files["state.json"]["stage"] = "duels"
    entries = files["rounds/2/submissions.json"]
    told = {key: entry | {"revealed_at_block": 1300, "round": "made-3"} for key, entry in entries.items()}
    files["rounds/3/submissions.json"] = told
    return files


OLDER = (
    drop_last_reign,
    stand_earlier,
    be_at_an_earlier_stage,
    drop_a_match,
    drop_the_last_round,
    lose_the_state,
    lose_the_leaders,
    fewer_submissions,
)


def test_whatever_is_here_and_not_in_the_copy_makes_it_older(tmp_path: Path) -> None:
    imported(made_records.write(current(made_records.era_1()), tmp_path / "new"))
    before = dump("made")
    for change in OLDER:
        files = current(made_records.era_1())
        change(files)
        with pytest.raises(OlderCopy):
            imported(made_records.write(files, tmp_path / change.__name__))
        assert dump("made") == before, change.__name__


def test_a_copy_that_goes_on_is_imported(tmp_path: Path) -> None:
    """A stage may be paused and go on; a match may be judged again; unknown files may go."""
    files = current(made_records.era_1())
    imported(made_records.write(files | {"notes.txt": "hello"}, tmp_path / "a"))
    files["state.json"]["stage"] = "paused"
    imported(made_records.write(files, tmp_path / "b"))
    files["state.json"]["stage"] = "duels"
    imported(made_records.write(files, tmp_path / "c"))
    files[f"rounds/2/{hotkey('Cleo')}/duels_leader.json"]["duels"][0]["issues"] = "Judged again."
    files["state.json"]["stage"] = "finalizing"
    imported(made_records.write(files, tmp_path / "d"))
    assert Round.objects.get(competition__slug="made", number=3).paused_from == "finalizing"


def test_a_file_that_cannot_be_read_any_more_stays_as_it_was_read(tmp_path: Path) -> None:
    root = made(1, tmp_path)
    imported(root)
    before = dump("made")
    for file in (root / "leader.json", root / "rounds" / "0" / "winner.json"):
        kept = tmp_path / file.name
        shutil.move(file, kept)
        file.symlink_to(kept)
    outcome = imported(root)
    assert {trouble.file for trouble in outcome.troubles} == {"leader.json", "rounds/0/winner.json"}
    after = dump("made")
    assert after["Reign"] == before["Reign"]
    assert Round.objects.get(competition__slug="made", number=0).source["winner"]["recorded"] == hotkey("Eve")
