"""Is a competition on a real chain founded whole, and a wrong file refused by the field and the fix?"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from competition.chain.observations import ObservedReveal
from competition.chain.running import Turn
from competition.models import Competition, LedgerEvent
from judging.renderers.rig import FULL, SUBNET
from judging.sides import rig_of
from tests.competition import made
from tests.competition.chain import rig
from tests.competition.chain.fake_chain import FakeChain
from tests.competition.chain.fake_node import FakeNode

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "subnet.json"
COMMAND = "new_competition threejs "


def example(**leader: Any) -> dict[str, Any]:
    told = dict(json.loads(EXAMPLE.read_text()))
    told["leader"] |= {"hotkey": made.key("base").ss58_address, "commit": "ab" * 20, **leader}
    told["ruleset"] = "margin-1"
    told["config"]["prompts_per_round"] = 2
    return told


def found(folder: Path, told: Any, *, slug: str = "subnet", opens: int = 1000) -> str:
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        (pictures / f"{name}.png").write_bytes(f"picture {name}".encode())
    file = folder / "subnet.json"
    file.write_text(told if isinstance(told, str) else json.dumps(told))
    out = StringIO()
    call_command("new_competition", slug, str(file), str(pictures), opens=opens, stdout=out)
    return out.getvalue()


def test_the_example_founds_a_competition_with_leader_pool_and_round(db: Any, tmp_path: Path) -> None:
    assert "Reveals count from block 1000 to 8199" in found(tmp_path, example())
    built = Competition.objects.get(slug="subnet")
    assert built.chain == "bittensor:17" and built.pool.count() == 3
    reign = built.reigns.get()
    assert (reign.miner.hotkey, reign.weight, reign.effective_block) == (made.key("base").ss58_address, "1", 1000)
    assert built.rounds.get().seed_block == 8199 + 25
    assert set(LedgerEvent.objects.values_list("kind", flat=True)) == {"pool", "reign", "round.open"}


def test_the_example_as_it_stands_asks_for_the_leader(db: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"leader\.hotkey: is not an ss58 address"):
        found(tmp_path, EXAMPLE.read_text())


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("name",), None, "name: is missing"),
        (("config",), [], "config: is missing"),
        (("leader",), "x", "leader: is missing"),
        (("chain",), "simulated:x", "chain: 'simulated:x' is no subnet"),
        (("chain",), "bittensor:x", "is no subnet"),
        (("ruleset",), "margin-9", "margin-9"),
        (("config", "blocks"), {"round_blocks": 1}, "open_blocks: is missing"),
        (("config", "rules"), {"win_margin": 2}, "win_margin"),
        (("config", "beacon"), "dice", "beacon: 'dice' is unknown"),
        (("config", "entry"), {"stake": 1}, "entry.stake: is unknown"),
        (("config", "prompts_per_round"), "many", "prompts_per_round: 'many' is not a count"),
        (("leader", "commit"), "main", "leader.commit: is not a commit"),
        (("leader", "weight"), "2", "leader.weight"),
        (("leader", "repo"), None, "leader.repo: is missing"),
    ],
)
def test_a_wrong_file_is_refused_by_its_field(
    db: Any, tmp_path: Path, place: tuple[str, ...], value: Any, says: str
) -> None:
    told = copy.deepcopy(example())
    inner = told
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(CommandError) as refused:
        found(tmp_path, told)
    assert says in str(refused.value)
    assert not Competition.objects.exists()


@pytest.mark.parametrize("text", ["", "[]", "{", "5", '"x"'])
def test_a_file_that_is_no_object_is_refused(db: Any, tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError, match=r"subnet\.json"):
        found(tmp_path, text)


def test_one_subnet_takes_one_active_competition_and_a_slug_is_taken_once(db: Any, tmp_path: Path) -> None:
    found(tmp_path, example())
    with pytest.raises(CommandError, match="another active competition"):
        found(tmp_path, example(), slug="second")
    Competition.objects.update(active=False)
    with pytest.raises(CommandError, match="is taken"):
        found(tmp_path, example())
    with pytest.raises(CommandError, match="no name for addresses"):
        found(tmp_path, example(), slug="Über")


def test_a_pool_with_fewer_prompts_than_a_round_draws_is_refused(db: Any, tmp_path: Path) -> None:
    told = example()
    told["config"]["prompts_per_round"] = 128
    with pytest.raises(CommandError, match=r"a round draws 128 prompts, and the pool holds 3.*Add 125 pictures"):
        found(tmp_path, told)
    assert not Competition.objects.exists()


def documented(**given: Any) -> list[str]:
    """The command of docs/chain.md that founds the subnet's game, with its words in capitals filled in."""
    lines = (ROOT / "docs" / "chain.md").read_text().splitlines()
    (line,) = [line for line in lines if COMMAND in line and "--hotkey" in line]
    return [str(given.get(word, word)) for word in shlex.split(line.partition("manage.py ")[2])]


@pytest.fixture
def stand_in(db: Any, settings: Any) -> Iterator[tuple[FakeChain, Turn]]:
    """Two nodes of a chain on loopback, as `runchain` watches them."""
    chain = rig.subnet()
    nodes = [FakeNode(chain).start() for _ in range(2)]
    settings.CHAIN_ENDPOINTS, settings.CHAIN_TIMEOUT_SECONDS = [node.url for node in nodes], rig.LONG_S
    with asyncio.Runner() as runner:
        turn = Turn(rig.NAME, runner=runner, sure=lambda: True)
        yield chain, turn
        turn.close()
    for node in nodes:
        node.stop()


def test_todays_game_is_founded_by_the_one_documented_command(stand_in: tuple[FakeChain, Turn], tmp_path: Path) -> None:
    """On a stand-in of the chain: 128 of the pool's prompts a round, the subnet's margins, repeats, blocks and rig;
    what miners reveal inside the announced window is kept, and a window that has begun is refused."""
    chain, turn = stand_in
    for number in range(200):
        (tmp_path / f"p{number:03}.png").write_bytes(f"picture {number}".encode())
    opens, out = chain.finalised + 20, StringIO()
    leader = {"HOTKEY": rig.hotkey("leader"), "OWNER/NAME": "leader/modules", "COMMIT": "ab" * 20}
    call_command(*documented(PROMPTS=tmp_path, BLOCK=opens, **leader), stdout=out)
    assert f"of 200 prompts each round draws 128. Reveals count from block {opens} to {opens + 7199}" in out.getvalue()
    built = Competition.objects.get(slug="threejs")
    rules, round_ = built.rounds.get().rules, built.rounds.get()
    assert (built.ruleset, built.config["format"], built.renderer) == ("margin-2", "threejs", "threejs")
    assert (rules["win_margin"], rules["weight_decay"], rules["weight_floor"]) == ("7/100", "1/5", "1/5")
    assert rules["audit_repeats"] == 3
    assert round_.generation_deadline_block - round_.latest_reveal_block == 240 * 5  # minutes, of five blocks
    assert built.config["blocks"]["round_blocks"] == 3 * 7200  # days
    assert rig_of(built) == dataclasses.replace(FULL, light=SUBNET)
    reign = built.reigns.get()
    assert (reign.miner.hotkey, reign.repo, reign.commit) == tuple(leader.values())
    chain.produce(opens - chain.finalised)
    payload = b'{"repo": "a/b", "commit": "%s", "cdn_url": "https://a.example.org"}' % (b"cd" * 20)
    chain.reveal(rig.hotkey("miner"), payload)
    chain.produce(10)
    assert not turn.look(now=rig.START).fault
    (reveal,) = ObservedReveal.objects.filter(chain__name=built.chain)
    assert (reveal.hotkey, bytes(reveal.payload)) == (rig.hotkey("miner"), payload)
    assert opens <= reveal.block <= round_.latest_reveal_block
    Competition.objects.update(active=False)
    again = documented(PROMPTS=tmp_path, BLOCK=opens, **leader)
    with pytest.raises(CommandError, match=rf"block {opens} has passed"):
        call_command(*(word if word != "threejs" else "again" for word in again), stdout=StringIO())
