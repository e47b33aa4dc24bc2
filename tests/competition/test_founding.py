"""Is a competition on a real chain founded whole, and a wrong file refused by the field and the fix?"""

from __future__ import annotations

import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from competition.models import Competition, LedgerEvent
from tests.competition import made

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "subnet.json"


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
    assert "reveals count from block 1000 to 8199" in found(tmp_path, example())
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
