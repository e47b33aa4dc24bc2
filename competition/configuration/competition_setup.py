"""What does a competition need before its first round can be announced, and what of it is missing?"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any

from bittensor_core import Keypair
from django.db import transaction

from competition import chain, configuration, prompts, rounds, rulesets
from competition.chain.base import ChainFault
from competition.decisions import schedule
from competition.models import Competition, Miner
from competition.rulesets import BadRules
from formats import registry


@dataclass(frozen=True, kw_only=True)
class FirstLeader:
    """`leader` of a competition's file."""

    hotkey: str = field(metadata={"means": "ss58 address of who leads at the beginning"})
    repo: str = field(metadata={"means": "`owner/name` of the code on the code host"})
    commit: str = field(metadata={"means": "40 hex digits"})
    weight: str = field(metadata={"unit": "share", "means": 'with which it begins, such as `"1"` or `"4/5"`'})
    image: str = field(default="", metadata={"means": "an image by digest, where one is built already"})


@dataclass(frozen=True, kw_only=True)
class CompetitionFile:
    """The file that `manage.py new_competition` reads."""

    name: str = field(metadata={"means": "title of its pages"})
    description: str = field(metadata={"means": "one or two sentences for visitors"})
    ruleset: str = field(
        metadata={"means": f"one of {', '.join(f'`{name}`' for name in sorted(rulesets.RULESETS))} (rules.md)"}
    )
    judge: str = field(metadata={"means": "such as `perceptual-v1` or `openai:vlm-2` (judge.md)"})
    renderer: str = field(metadata={"means": "`raycast` or `threejs`; it must draw the format (rendering.md)"})
    chain: str = field(
        metadata={"means": "`bittensor:<netuid>` (chain.md); demos: `simulated:<slug>`, written by the demo"}
    )
    pods: str = field(metadata={"means": "`local`, `docker`, `runpod`, `verda`, `targon` or `rented` (audits.md)"})
    leader: FirstLeader = field(metadata={"means": "who leads at the beginning"})
    config: Mapping[str, Any] = field(metadata={"means": "everything below"})


TEXTS = tuple(each.name for each in fields(CompetitionFile) if each.name not in ("leader", "config"))
LEADER = tuple(each.name for each in fields(FirstLeader) if each.default is MISSING)


@transaction.atomic
def create_competition(
    document: Mapping[str, Any], *, slug: str, pictures: Mapping[str, bytes], opens: int, now: datetime
) -> Competition:
    """The competition with its pool, its first leader and its first round.  Raises BadRules, which names the field."""
    _checked(document, slug=slug)
    config, leader = dict(document["config"]), document["leader"]
    made = Competition.objects.create(
        slug=slug, config=config, created_at=now, **{name: document[name] for name in TEXTS}
    )
    # a window that began before anybody was told of it is nobody's window; an unwatched chain does not tell
    with contextlib.suppress(ChainFault):
        current = chain.of(made).block(now=now)
        if opens <= current:
            raise BadRules("opens", f"block {opens} has passed (now {current})", fix="Choose a later block")
    prompts.add(made, dict(pictures), now=now)
    pool, drawn = made.pool.count(), int(config["prompts_per_round"])
    if pool < drawn:
        problem = f"a round draws {drawn} prompts, and the pool holds {pool}"
        raise BadRules("prompts_per_round", problem, fix=f"Add {drawn - pool} pictures to the folder, or lower it")
    miner, _ = Miner.objects.get_or_create(hotkey=leader["hotkey"])
    named = {name: leader[name] for name in ("repo", "commit", "weight")}
    first = {**named, "miner": miner, "image": leader.get("image", ""), "effective_block": opens}
    rounds.enthrone_first(made, reign=first, now=now)
    rounds.begin(made, blocks=schedule.first(rounds.cadence(made), earliest_reveal_block=opens), now=now)
    return made


def _checked(document: Mapping[str, Any], *, slug: str) -> None:
    for name in (*TEXTS, "config", "leader"):
        kind, fix = (str, "Write a text") if name in TEXTS else (dict, "Write an object")
        if not isinstance(document.get(name), kind):
            raise BadRules(name, "is missing", fix=f"{fix}; start from examples/subnet.json")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", slug):
        raise BadRules("slug", f"{slug[:60]!r} is no name for addresses", fix="Use a-z, 0-9 and -, 50 at most")
    if Competition.objects.filter(slug=slug).exists():
        raise BadRules("slug", f"{slug!r} is taken", fix="Choose another")
    if not re.fullmatch(r"bittensor:[0-9]{1,5}", document["chain"]):
        raise BadRules("chain", f"{document['chain'][:40]!r} is no subnet", fix="Write bittensor:<netuid>")
    if Competition.objects.filter(chain=document["chain"], active=True).exists():
        raise BadRules("chain", "another active competition is played there", fix="End that one first")
    config = document["config"]
    configuration.check(config, ruleset=document["ruleset"])
    if wrong := registry.complaint(config, renderer=document["renderer"]):
        raise BadRules("renderer", wrong, fix="See docs/rendering.md")
    _leader(document["leader"])


def _leader(leader: Mapping[str, Any]) -> None:
    for name in LEADER:
        if not isinstance(leader.get(name), str):
            raise BadRules(f"leader.{name}", "is missing", fix="Write a text")
    try:
        Keypair(ss58_address=leader["hotkey"])
    except (ValueError, TypeError):
        raise BadRules("leader.hotkey", "is not an ss58 address", fix="Write the leader's hotkey") from None
    if not re.fullmatch("[0-9a-f]{40}", leader["commit"]):
        raise BadRules("leader.commit", "is not a commit", fix="Write 40 hex digits")
    rulesets.share("leader.weight", leader["weight"])
