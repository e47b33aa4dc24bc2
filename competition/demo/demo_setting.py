"""How does the demo competition begin, and who keeps it moving?

The demo is a competition like any other: its miners have real keys, reveal on a (simulated) chain, host files and run
services.  Only two things are arranged here: what they reveal in each round, and that the simulated clock skips the
blocks in which everybody waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from competition import chain, configuration, prompts, rounds, rulesets
from competition.chain.simulated import Simulated
from competition.decisions import schedule
from competition.models import Competition, Miner, Round, SimulatedChain
from core import operator_key
from core.machine import engine
from examples import cast
from formats import registry

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
LARGEST_PICTURE = 20_000_000
HOSTING_PORT = 8017
DEFAULT_FILE = Path(settings.BASE_DIR) / "examples" / "competition.json"
FILES = {name: DEFAULT_FILE.with_name(f"{name}.json") for name in registry.FORMATS} | {registry.USUAL: DEFAULT_FILE}
"""Format -> the file of its demo."""


class BadPrompts(Exception):
    """The folder given with --prompts cannot be used; says what to give instead."""


class BadCompetition(Exception):
    """The file given with --competition cannot be used; says why."""


def pictures_of(folder: Path, *, option: str = "--prompts") -> dict[str, bytes]:
    """Stem -> bytes of every picture in a folder.  Raises BadPrompts, which names the option that gave the folder."""
    if not folder.is_dir():
        raise BadPrompts(f"{option} {folder}: no such folder; give one that holds .png, .jpg or .webp pictures")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURES and path.is_file()]
    too_large = [path.name for path in paths if path.stat().st_size > LARGEST_PICTURE]
    if not paths or too_large:
        what = f"{too_large[0]} is larger than 20 MB" if too_large else "it holds no .png, .jpg or .webp picture"
        raise BadPrompts(f"{option} {folder}: {what}")
    pictures = {stem_of(path): path.read_bytes() for path in paths}
    if len(pictures) < len(paths):
        raise BadPrompts(f"{option} {folder}: two pictures have the same name but for signs; rename one")
    return pictures


def stem_of(path: Path) -> str:
    """A name that may stand in addresses and file names: "My photo (1).png" gives My-photo-1."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip(".-")[:80] or "picture"


def read_setting(path: Path) -> dict[str, Any]:
    """A competition's file, as examples/competition.json is one.  Raises BadCompetition."""
    try:
        document = dict(json.loads(path.read_text()))
        names = [name for members in document["config"]["cast"].values() for name in members]
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadCompetition(f"--competition {path} cannot be read ({type(error).__name__}: {error})") from error
    known = [member.name for member in cast.PLAYERS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadCompetition(f"--competition {path}: no {unknown[0]!r} in the cast of {', '.join(known)}")
    if document["config"].get("leader", cast.LEADER.name) not in [member.name for member in cast.CAST]:
        raise BadCompetition(f"--competition {path}: config.leader {document['config']['leader']!r} is not in the cast")
    missing = {"name", "description", "ruleset", "judge", "renderer", "pods", "block_seconds"} - set(document)
    if missing:
        raise BadCompetition(f"--competition {path} lacks {sorted(missing)[0]!r}; start from {DEFAULT_FILE.name}")
    try:
        rules_in(document)
    except rulesets.BadRules as error:
        raise BadCompetition(f"--competition {path}: rules: {error}") from error
    try:
        configuration.check(document["config"], ruleset=document["ruleset"])
    except rulesets.BadRules as error:
        raise BadCompetition(f"--competition {path}: {error}") from error
    wrong = registry.complaint(document["config"], renderer=document["renderer"])
    if wrong:
        raise BadCompetition(f"--competition {path}: {wrong}")
    return document


def fitted(document: Mapping[str, Any], *, pictures: int) -> dict[str, Any]:
    """The configuration for a pool of so many pictures.  Raises BadPrompts where they are too few for a title match.

    Screen and title match share what there is; neither may have fewer than a title takes, for by as many duels an audit
    shows that outputs are worse.
    """
    config, ruleset = dict(document["config"]), rulesets.ruleset(rules_in(document))
    fresh = ruleset.fresh_prompts
    if fresh is None:
        return config | {"prompts_per_round": min(config["prompts_per_round"], pictures)}
    drawn, least = config["prompts_per_round"], fresh.least
    if pictures >= drawn + fresh.most:
        return config
    if pictures < 2 * least:
        raise BadPrompts(
            f"--prompts: {pictures} pictures are too few for a round of {document['ruleset']}; give {2 * least} or "
            "more, or play by margins: --competition examples/margin.json"
        )
    drawn = max(least, pictures * drawn // (drawn + fresh.most))
    rules = ruleset.with_fresh_prompts(config["rules"], most=pictures - drawn)
    return config | {"prompts_per_round": drawn, "rules": rules}


def rules_in(document: Mapping[str, Any]) -> rulesets.Rules:
    return rulesets.read({"name": document["ruleset"], **document["config"].get("rules", {})})


@transaction.atomic
def create(
    *, slug: str, pictures: dict[str, bytes], hosting: str, now: datetime, document: Mapping[str, Any] | None = None
) -> Competition:
    """The competition, its chain, its pool, its first leader and its first round."""
    document = document or read_setting(DEFAULT_FILE)
    SimulatedChain.objects.create(name=slug, genesis_at=now, block_seconds=document["block_seconds"])
    config = {**fitted(document, pictures=len(pictures)), "hosting": hosting}
    competition = Competition.objects.create(
        slug=slug,
        name=document["name"],
        description=document["description"],
        ruleset=document["ruleset"],
        judge=document["judge"],
        renderer=document["renderer"],
        chain=f"simulated:{slug}",
        pods=document["pods"],
        config=config,
        created_at=now,
    )
    register(competition)
    prompts.add(competition, pictures, now=now)
    leading = cast.member(config.get("leader", cast.LEADER.name))
    leader = Miner.objects.get(hotkey=leading.hotkey)
    first = {"miner": leader, "repo": leading.repo, "commit": leading.commit, "weight": "0", "effective_block": 0}
    rounds.enthrone_first(competition, reign=first, now=now)
    begins = schedule.first(rounds.cadence(competition), earliest_reveal_block=3)
    reveal(competition, rounds.begin(competition, blocks=begins, now=now))
    return competition


def register(competition: Competition) -> None:
    """The operator owns the simulated subnet (uid 0); every member of the cast is a registered miner."""
    row = SimulatedChain.objects.get(name=competition.slug)
    row.registrations.create(uid=0, hotkey=operator_key.keypair().ss58_address)
    for uid, member in enumerate(cast.CAST, 1):
        row.registrations.create(uid=uid, hotkey=member.hotkey)
        Miner.objects.update_or_create(hotkey=member.hotkey, defaults={"label": member.name, "note": member.role})


def reveal(competition: Competition, round_: Round) -> None:
    """What the members that the competition's cast names for this round reveal in it."""
    members = competition.config.get("cast", {}).get(str(round_.number), [])
    simulated = Simulated(competition.slug)
    schedule = [
        (after, name, payload)
        for name in members
        for after, payload in cast.member(name).payloads(competition.config["hosting"])
    ]
    for after, name, payload in sorted(schedule, key=lambda item: item[0]):
        simulated.reveal(cast.member(name).key, payload, block=round_.earliest_reveal_block + after)


def keep_moving(competition: Competition, *, files: Path, patient: bool, now: datetime) -> str:
    """Let a new round's reveals be made, and skip blocks in which nothing can happen.  Says what it skipped, or "".

    `patient`: leave reveal windows and the wait between rounds to the clock, as a visitor of the live demo sees them:
    who watches can object to a verdict, and enter.  The first round's window is skipped all the same: its cast revealed
    before anybody came, and its decision is what a visitor waits for.
    """
    round_ = competition.current_round()
    connected = chain.of(competition)
    if round_ is None or not isinstance(connected, Simulated):
        return ""
    row = SimulatedChain.objects.get(name=competition.slug)
    # a round after the first gets its reveals when it is first seen: all of them or, if we die, none yet
    if round_.number > 1 and not row.extrinsics.filter(block__gte=round_.earliest_reveal_block).exists():
        with transaction.atomic():
            reveal(competition, round_)
    goal = 0
    if round_.state == "miner_generation" and uploaded(files, round_):
        goal = round_.generation_deadline_block
    elif round_.state == "open" and (not patient or (round_.number == 1 and "cast" in competition.config)):
        goal = round_.seed_block + 1
    if goal <= connected.block(now=now):
        return ""
    connected.skip_to(goal, now=now)
    engine.nudge(round_, now=now)
    return f"the simulated clock skips to block {goal}: " + (
        "every miner has uploaded" if round_.state == "miner_generation" else "every reveal is in its block already"
    )


def uploaded(files: Path, round_: Round) -> bool:
    """Have all miners that host anything put up this round's files?  (Each leaves a mark beside them.)"""
    entered = set(round_.submissions.filter(role="challenger", objection="").values_list("miner__hotkey", flat=True))
    hosts = [m for m in cast.PLAYERS if m.hosts != "nothing" and m.hotkey in entered]
    marks = [files / member.slug / "done" for member in hosts]
    return all(mark.is_file() and mark.read_text().strip() == str(round_.number) for mark in marks)
