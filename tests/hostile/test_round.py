"""Through each door comes what two hundred kinds of hostile miners send, and the round beside it ends as without them.

Nobody acts as the operator: people rule on audits that wait for them, and a round that pauses fails the test.  What the
honest miners get, their files, duels, audits and the lead, is compared with the same round without the hostile ones.
`make hostile` sends every kind through every door; a sample is part of `make test`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import transaction
from django.test import Client

from audits.reviews import appeals as lodging
from competition.models import Round
from core import operator_key
from core.sandbox.chromium import walls
from examples.objects import glb_of
from formats import known_good_files
from tests.api import signing
from tests.hostile import crowd, files, modules, pods, reveals, sources, webhooks
from tests.hostile.appeals import WEBHOOKS, Hostile, bodies, encoded
from tests.hostile.crowd import DRAWN, Crowd, Player, gives, tree_of
from tests.judging.broken_glb import good
from tests.verify.conftest import Undone
from verify.__main__ import examine_all

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(7200)]
LEAST = 200
PARTS = 32  # winners of a ladder cost their square: after each rejection the others meet anew
POORER = [good()] * 3
TRUE = [glb_of(name) for name in DRAWN]
BETTER = [*TRUE[:2], POORER[2]]
needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")


def honest(poorer: Sequence[bytes], better: Sequence[bytes], *, extension: str) -> tuple[Player, ...]:
    """A leader, one who is better, and one who is as good as the leader."""
    made = (("leader", poorer, "extruder"), ("better", better, "chooser"), ("equal", poorer, "billboard"))
    return tuple(
        Player(name, files=given, tree=partial(tree_of, miner), pod=gives(given, extension=extension))
        for name, given, miner in made
    )


ALONE: list[dict[str, Any]] = []
HONEST = honest(POORER, BETTER, extension="glb")


def hosting(inputs: Iterable[bytes]) -> list[Player]:
    every = list(inputs)
    return [Player(f"hosts {n}", files=every[n : n + 3]) for n in range(0, len(every), 3)]


def mumbling(payloads: Iterable[bytes]) -> list[Player]:
    return [Player(f"mumbles {n}", payload=payload) for n, payload in enumerate(payloads)]


def running(kinds: Iterable[str]) -> list[Player]:
    """They win by files that their code did not make."""
    return [Player(f"runs {kind}", files=TRUE, pod=pods.KINDS[kind]) for kind in kinds]


def showing(kinds: Iterable[str]) -> list[Player]:
    """They win, by code that is made against its checks."""
    made = gives(POORER, extension="glb")
    return [Player(f"shows {kind}", files=TRUE, tree=sources.KINDS[kind], pod=made) for kind in kinds]


def addresses() -> list[Hostile]:
    """Webhooks at every hostile address."""
    kinds = ["round.*"]
    return [
        Hostile(f"webhook at {name}", WEBHOOKS, encoded({"address": address, "kinds": kinds}))
        for name, address in webhooks.ADDRESSES.items()
    ]


class Appealing:
    """Whoever is rejected objects in every hostile way, and asks for every hostile webhook, each once, as soon as there
    is a verdict."""

    def __init__(self, every: int = 1) -> None:
        self.every, self.answers = every, list[int]()

    def __call__(self, played: Crowd, round_: Round) -> None:
        audit = round_.audits.filter(state="rejected").order_by("pk").first()
        if audit is None or self.answers:
            return
        caches["throttles"].clear()
        key = next(one.key for one in played.players if one.hotkey == audit.submission.miner.hotkey)
        statement = "The author has granted us a licence for this use; see there."
        document = lodging.unsigned(audit, appellant=key.ss58_address, ground="licence", statement=statement)
        every = bodies(document, sign=lambda appeal: bytes(key.sign(lodging.message(appeal))).hex()) + addresses()
        for each in every[:: self.every]:
            signed = signing.headers(
                key, method="POST", path=each.path, body=each.body, timestamp=round(played.at.timestamp() * 1000)
            )
            client = Client(raise_request_exception=False)
            answer = client.post(each.path, each.body, content_type="application/json", headers=signed)
            assert answer.status_code < 500, each.kind
            self.answers.append(answer.status_code)


def results(folder: Path, players: Sequence[Player]) -> dict[str, Any]:
    """What the honest ones got, from the round's bundle: from which block on they are paid follows from how long the
    audits of all winners took, one after the other, and is left out."""

    def document(name: str) -> Any:
        return json.loads((folder / name).read_text())

    names = {player.hotkey for player in players}
    entries = {row["entry"]: row["role"] for row in document("submissions.json") if row["miner"] in names}
    leader = next(entry for entry, role in entries.items() if role == "leader")
    decision = document("decision.json")
    return {
        "files": [row for row in document("assets.json") if row["entry"] in entries],
        "duels": [m for m in document("matches.json") if m["defender"] == leader and m["challenger"] in entries],
        "audits": [row for row in document("audits.json") if row["entry"] in entries],
        "rungs": [rung for rung in decision["ladder"] if rung["challenger"] in entries and rung["defender"] == leader],
        "leader": decision["leader"],
        "reigns": [(row["hotkey"], row["weight"]) for row in decision["reigns"]],
    }


Play = Callable[..., dict[str, Any]]


@pytest.fixture
def play(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> Play:
    """What the honest ones got in a round with `others`; the database is as before."""
    settings.API_REQUESTS_PER_MINUTE = settings.API_SIGNED_PER_MINUTE = 10**8

    def play(*others: Player, players: Sequence[Player] = HONEST, **how: Any) -> dict[str, Any]:
        got: dict[str, Any] = {}
        with suppress(Undone), transaction.atomic(), monkeypatch.context() as patch:
            everybody = [*players, *others]
            with crowd.played(everybody, folder=tmp_path / str(len(others)), patch=patch, **how) as folder:
                report = examine_all(folder, operator=operator_key.keypair().ss58_address)
                assert report is not None
                assert [one.line() for one in report.findings if one.severity == "error"] == []
                got = results(folder, players)
            raise Undone
        return got

    return play


@contextmanager
def listening(kinds: Iterable[str]) -> Any:
    with ExitStack() as stack:
        yield [stack.enter_context(webhooks.receiver(kind)) for kind in kinds]


@pytest.fixture
def alone(play: Play) -> dict[str, Any]:
    """Played once a process."""
    if not ALONE:
        ALONE.append(play())
    return ALONE[0]


def test_the_better_one_leads_when_the_honest_ones_are_alone(alone: dict[str, Any]) -> None:
    assert [audit["verdict"] for audit in alone["audits"]] == ["passed", "passed"], alone["audits"]
    assert alone["leader"] == HONEST[1].hotkey


def test_a_round_beside_a_sample_of_each_door_ends_as_without_it(play: Play, alone: dict[str, Any]) -> None:
    appealing = Appealing(every=30)
    others = [
        *hosting(make() for _, make in [*files.recipes()][::120]),
        *mumbling([*reveals.PAYLOADS.values()][::8]),
        *running([*pods.KINDS][5::400]),
        *showing([*sources.KINDS][7::400]),
    ]
    with listening([*webhooks.ANSWERS][::20]) as receivers:
        assert play(*others, receivers=receivers, meanwhile=appealing) == alone
    assert appealing.answers


@pytest.mark.long
def test_a_round_beside_every_hostile_file_ends_as_without_it(play: Play, alone: dict[str, Any]) -> None:
    inputs = [data for _, data in files.inputs()]
    assert len(inputs) >= LEAST
    assert play(*hosting(inputs)) == alone


@pytest.mark.long
def test_a_round_beside_every_hostile_reveal_ends_as_without_it(play: Play, alone: dict[str, Any]) -> None:
    assert len(reveals.PAYLOADS) >= LEAST
    assert play(*mumbling(reveals.PAYLOADS.values())) == alone


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_a_round_beside_every_hostile_pod_ends_as_without_it(part: int, play: Play) -> None:
    """Where code is not read before it is run."""
    assert len(pods.KINDS) >= LEAST
    how = {"audits": ["generation"]}
    assert play(*running([*pods.KINDS][part::PARTS]), **how) == play(**how)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_a_round_beside_every_hostile_tree_ends_as_without_it(part: int, play: Play, alone: dict[str, Any]) -> None:
    assert len(sources.KINDS) >= LEAST
    assert play(*showing([*sources.KINDS][part::PARTS])) == alone


@pytest.mark.long
def test_a_round_beside_every_hostile_receiver_and_appeal_ends_as_without_it(play: Play, alone: dict[str, Any]) -> None:
    appealing = Appealing()
    with listening(webhooks.ANSWERS) as receivers:
        assert play(*running(["status_json_null"]), receivers=receivers, meanwhile=appealing) == alone
    assert len(appealing.answers) >= LEAST and len(receivers) + len(webhooks.ADDRESSES) >= LEAST


MODULES = honest(
    [known_good_files.MODULE.encode()] * 3,
    [known_good_files.MODULE.replace("0.5, 0.5, 0.5", "0.3, 0.6, 0.3").encode()] * 3,
    extension="js",
)


@needs_browser
@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_a_round_beside_every_hostile_module_ends_as_without_it(part: int, play: Play) -> None:
    inputs = [data for _, data in modules.inputs()]
    assert len(inputs) >= LEAST
    how = {"players": MODULES, "file_format": "threejs", "renderer": "threejs"}
    assert play(*hosting(inputs[part::4]), **how) == play(**how)
