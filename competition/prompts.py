"""Which pictures does a round use, and who put them there?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from competition import rulesets
from competition.decisions import seed as seeds
from competition.decisions.attempts import numbered
from competition.models import Asset, Competition, FreshPrompt, Prompt, Round, RoundPrompt, Submission
from core import ledger, store


@dataclass(frozen=True)
class Draw:
    """`fresh` are for title matches; nobody sees them before the round is over.  `pool`: how many were drawn from."""

    seed: str
    prompts: tuple[Prompt, ...]
    fresh: tuple[Prompt, ...]
    pool: int

    def facts(self) -> dict[str, list[str]]:
        """By hash, as the ledger records them."""
        facts = {"prompts": [prompt.sha256 for prompt in self.prompts]}
        return facts | ({"fresh": [prompt.sha256 for prompt in self.fresh]} if self.fresh else {})


class TooLate(Exception):
    """The pool may not change now; says why, and when it may."""


def add(competition: Competition, pictures: Mapping[str, bytes], *, now: datetime, block: int | None = None) -> str:
    """Put pictures (stem -> bytes) into the pool and commit to it by hash.  Call it in a transaction.

    Two stems with the same bytes are one prompt: the first stem in order stays.  `block`: the chain's, where a round is
    announced already.
    """
    for stem, picture in sorted(pictures.items()):
        sha256 = store.default().put(picture)
        if not competition.pool.filter(sha256=sha256).exists():
            Prompt.objects.get_or_create(
                competition=competition, stem=stem, defaults={"sha256": sha256, "bytes": len(picture)}
            )
    return commit_to(competition, now=now, block=block)


def add_before_the_draw(competition: Competition, pictures: Mapping[str, bytes], *, block: int, now: datetime) -> int:
    """Add to the pool of a round that is announced; how many are new.  Raises TooLate once its seed could be known.

    Whoever chose prompts after the seed would choose what is drawn.  Call it in a transaction.
    """
    ledger.hold(competition.pk)
    round_ = competition.current_round()
    if round_ is not None and (not round_.takes_reveals or block >= round_.schedule_at(block).seed_block):
        raise TooLate(
            f"round {round_.number} draws, or has drawn, from the pool as it is (seed block {round_.seed_block}, now "
            f"{block}): add them when it is over"
        )
    before = competition.pool.count()
    add(competition, pictures, now=now, block=block)
    return competition.pool.count() - before


def commit_to(competition: Competition, *, now: datetime, block: int | None = None) -> str:
    """Publish the pool's commitment, before a seed block."""
    hashes = list(competition.pool.order_by("sha256").values_list("sha256", flat=True))
    commitment = seeds.pool_commitment(hashes)
    body = {"commitment": commitment, "prompts": len(hashes)} | ({} if block is None else {"block": block})
    ledger.append(competition.pk, kind="pool", body=body, at=now)
    return commitment


def draw(round_: Round, *, block_hash: str, beacon: str | None = None) -> Draw:
    """The prompts that the seed block's hash draws from the committed pool, in the order they are judged.

    Those of the title matches are the next ones in the same order that nobody was ever given; where the pool holds
    fewer than the rules ask for, as many as there are.
    """
    competition = round_.competition
    pool: dict[str, Prompt] = {prompt.sha256: prompt for prompt in competition.pool.all()}
    seed = seeds.seed(competition.slug, round_number=round_.number, block_hash=block_hash, beacon=beacon)
    count = min(len(pool), int(competition.config["prompts_per_round"]))
    chosen = seeds.choose(seed, prompt_sha256s=list(pool), k=count)
    used, wanted = {*chosen, *seen_before(round_)}, fresh_prompts(round_.rules)
    fresh = seeds.choose_fresh(seed, pool=list(pool), used=used, most=wanted.most if wanted else 0)
    return Draw(seed, tuple(pool[sha] for sha in chosen), tuple(pool[sha] for sha in fresh), len(pool))


def seen_before(round_: Round) -> set[str]:
    """By hash: what any earlier round drew for its screens, or asked a pod to make something of."""
    earlier = {"round__competition": round_.competition_id, "round__number__lt": round_.number}
    drawn = RoundPrompt.objects.filter(**earlier).values("prompt")
    generated = Asset.objects.filter(
        origin=Asset.Origin.GENERATED,
        prompt__fresh_draws__round=F("submission__round"),
        submission__round__competition=round_.competition_id,
        submission__round__number__lt=round_.number,
    ).values("prompt")
    rows = round_.competition.pool.filter(Q(pk__in=drawn) | Q(pk__in=generated))
    return set(rows.values_list("sha256", flat=True))


def shortage(round_: Round) -> str:
    """Too few unseen prompts for what this round uses them for?  Says so, and what to do; "" otherwise."""
    fresh = fresh_prompts(round_.rules)
    if fresh is None:
        return ""
    drawn, pool = int(round_.competition.config["prompts_per_round"]), round_.competition.pool.count()
    left, least = pool - len(seen_before(round_)) - drawn, fresh.least
    if left >= least:
        return ""
    return (
        f"Of the pool's {pool} prompts {max(0, left)} may be left that no round has shown once {drawn} are drawn, and "
        f"{fresh.purpose} takes {least} or more, at most {fresh.most}. Reveals are taken meanwhile, and the window is "
        f"longer by the pause. Add pictures with: manage.py add_prompts {round_.competition.slug} FOLDER. Resumed "
        "without them, the round plays with what there is."
    )


def fresh_prompts(rules: Mapping[str, Any]) -> rulesets.FreshPrompts | None:
    """Which fresh prompts a round under these (stored) rules draws; None where it draws none."""
    return rulesets.ruleset(rulesets.read(rules)).fresh_prompts


def large_enough(pool: int, *, drawn: int, fresh: rulesets.FreshPrompts) -> None:
    """Raises BadRules, which names the field and the fix."""
    if pool < drawn + fresh.most:
        raise rulesets.BadRules(
            fresh.rule,
            f"a round draws {drawn} prompts and {fresh.most} fresh ones, and the pool holds {pool}",
            fix=f"Add {drawn + fresh.most - pool} prompts to the pool, or lower {fresh.rule} or prompts_per_round",
        )


def write_down(round_: Round, draw: Draw) -> None:
    if round_.competition.pool.count() != draw.pool:
        raise RuntimeError("the pool changed while it was drawn from")  # undone as a whole, and tried again
    RoundPrompt.objects.bulk_create(
        RoundPrompt(round=round_, prompt=prompt, position=place) for place, prompt in enumerate(draw.prompts)
    )
    FreshPrompt.objects.bulk_create(
        FreshPrompt(round=round_, prompt=prompt, position=place) for place, prompt in enumerate(draw.fresh)
    )


def enter_leader(round_: Round, *, now: datetime) -> Submission | None:
    """The leader takes part with what the platform generates from its code."""
    reign = round_.defending
    if reign is None:
        return None
    entry, made = Submission.objects.get_or_create(
        round=round_,
        miner=reign.miner,
        role=Submission.Role.LEADER,
        defaults={"repo": reign.repo, "commit": reign.commit},
    )
    if made:
        expect_generated(entry, (drawn.prompt for drawn in round_.drawn.select_related("prompt")), now=now)
    return entry


def expect_generated(entry: Submission, prompts: Iterable[Prompt], *, now: datetime, regeneration: int = 0) -> None:
    """Rows for the outputs a pod will bring; they are never due by themselves."""
    origin = numbered(Asset.Origin.GENERATED, regeneration)
    Asset.objects.bulk_create(
        (Asset(submission=entry, prompt=prompt, origin=origin, **Asset.born(now=now, due=False)) for prompt in prompts),
        ignore_conflicts=True,
    )
