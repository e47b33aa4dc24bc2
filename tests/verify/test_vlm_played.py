"""A round that a model judged: what the platform publishes the verifier confirms, each answer and each control."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from core import operator_key
from tests.judging.vlm_stage import VERSION
from tests.verify import played_round, tampering, vlm_round
from tests.verify.conftest import Undone, never
from tests.verify.lies_about_answers import LIES, Lie, rewritten
from tests.verify.vlm_round import Mind, served
from verify.bundles import bundle
from verify.findings import errors

pytestmark = [pytest.mark.django_db, pytest.mark.long]  # or there is no database to play in

SEED = 2
Played = Callable[..., Path]


@pytest.fixture(scope="module")
def played(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play a round before a model, or before a judge that knows; the database is as before."""

    def play(
        name: str,
        *,
        order: int = 0,
        knows: bool = False,
        leader: Callable[[str], str] = never,
        silences: vlm_round.Silences = vlm_round.nobody,
        **server: object,
    ) -> Path:
        folder, table = tmp_path_factory.mktemp(name), dict[str, vlm_round.Worth]()
        with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
            try:
                with transaction.atomic(), served(Mind(table, bias=0.3), **server) as (_, url):
                    plan = {"seed": SEED, "order": order, "picture": vlm_round.prompt}
                    stage = played_round.stage(patch=patch, folder=folder, **plan)
                    stage.leader_fails = leader
                    if knows:
                        vlm_round.truly(stage, patch=patch)
                    else:
                        vlm_round.modelled(stage, patch=patch, url=url, table=table, silences=silences)
                    stage.reveal_some(1)
                    stage.play(1)
                    raise Undone
            except Undone:
                return folder / "bundles" / "played" / "1"

    return play


@pytest.fixture(scope="module")
def by_model(played: Played) -> Path:
    return played("model")


@pytest.fixture
def copy(by_model: Path, tmp_path: Path) -> Iterator[Path]:
    """Ours to change; blobs are second names of the store's files."""
    shutil.copytree(by_model, tmp_path / "copy")
    yield tmp_path / "copy"


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def kinds(folder: Path) -> set[str]:
    found = bundle.examine(folder, operator=operator_key.keypair().ss58_address).log.findings
    return {finding.kind for finding in found if finding.severity == "error"}


def test_a_round_before_a_model_is_published_without_an_error(by_model: Path) -> None:
    assert kinds(by_model) == set()
    doc = told(by_model, "judging.json")
    judged = Counter(control["kind"] for control in doc["controls"] if control["state"] == "judged")
    assert set(judged) == {"self", "canary", "injection", "repeat"} and judged["canary"] == 8
    lines = [json.loads(line) for line in (by_model / "calls.jsonl").read_text().splitlines()]
    assert {row["key"] for row in doc["answers"]} <= {line["key"] for line in lines}
    assert all(line["attempt"] == 1 and "latency_ms" in line for line in lines)


def test_the_winner_is_the_one_that_the_files_are_worth(by_model: Path, played: Played) -> None:
    truth = played("truth", knows=True)
    decision = told(by_model, "decision.json")
    assert decision["winner"] == told(truth, "decision.json")["winner"] != "leader"


@pytest.mark.parametrize("leader", [lambda stem: "blank", lambda stem: "missing"], ids=["blank", "missing"])
def test_a_leader_whose_files_say_nothing_ends_no_round_before_a_model(
    leader: Callable[[str], str], played: Played
) -> None:
    folder = played("nothing", leader=leader)  # to its end, without a pause
    assert kinds(folder) == set()
    assert told(folder, "decision.json")["winner"] != "leader"
    controls = [row for row in told(folder, "judging.json")["controls"] if row["kind"] != "repeat"]
    prompts = {row["stem"]: row["sha256"] for row in told(folder, "round.json")["prompts"]}
    assert controls and all(row["state"] == "judged" and row["left"] == prompts[row["prompt"]] for row in controls)


def test_the_bundle_does_not_depend_on_who_was_first_nor_on_calls_that_failed(by_model: Path, played: Played) -> None:
    other = played("other", order=5, fault="http_500", faults_end=1)
    for name in ("matches.json", "judging.json", "manifest.json"):
        assert (other / name).read_bytes() == (by_model / name).read_bytes(), name
    assert (other / "calls.jsonl").read_bytes() != (by_model / "calls.jsonl").read_bytes()


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_about_answers_is_named_for_what_it_is(lie: Lie, copy: Path) -> None:
    with rewritten(copy) as documents:
        lie(documents)
    assert LIES[lie] in kinds(copy)


def test_every_tampering_with_it_is_caught(copy: Path) -> None:
    files = {p.relative_to(copy).as_posix(): p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    examined = {path: data for path, data in files.items() if path != "calls.jsonl"}
    source, survivors = tampering.original_of(examined, signer=None), []
    for way, changed in tampering.mutants(source, number=30, seed=4):
        with tampering.changed_folder(copy, changed, good=files):
            found = bundle.examine(copy, operator=operator_key.keypair().ss58_address).log.findings
        survivors += [] if errors(found) else [(way, sorted(changed))]
    assert not survivors


def test_the_judge_is_the_version_that_its_description_hashes_to(by_model: Path) -> None:
    assert told(by_model, "judging.json")["version"] == VERSION.digest


def test_who_silences_the_judge_loses_its_duels_and_the_round_verifies(played: Played) -> None:
    """The best challengers' pictures get no answer."""
    best = vlm_round.SKILLS[-1]
    folder = played("silenced", silences=lambda content: vlm_round.skill(content) == best)
    found = bundle.examine(folder, operator=operator_key.keypair().ss58_address).log.findings
    assert {finding.kind for finding in found if finding.severity == "error"} == set()
    assert "judge-silenced" in {finding.kind for finding in found}
    duels = [duel for match in told(folder, "matches.json") for duel in match["duels"]]
    silenced = [duel for duel in duels if duel.get("detail", {}).get("decided_by") == "silence"]
    assert {duel["outcome"] for duel in silenced} == {"defender"} and not any(d["state"] == "void" for d in duels)
