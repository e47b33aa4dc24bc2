"""Which pictures does a round use, and who put them there?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from competition import ledger, store
from competition.decisions import rulesets
from competition.decisions import seed as seeds
from competition.models import Asset, Competition, FreshPrompt, Prompt, Round, RoundPrompt, Submission


@dataclass(frozen=True)
class Draw:
    """`fresh` are for title matches; nobody sees them before the round is over."""

    seed: str
    prompts: tuple[Prompt, ...]
    fresh: tuple[Prompt, ...] = ()

    def facts(self) -> dict[str, list[str]]:
        """By hash, as the ledger tells them."""
        told = {"prompts": [prompt.sha256 for prompt in self.prompts]}
        return told | ({"fresh": [prompt.sha256 for prompt in self.fresh]} if self.fresh else {})


def add(competition: Competition, pictures: Mapping[str, bytes], *, now: datetime) -> str:
    """Put pictures (stem -> bytes) into the pool and commit to it by hash.  Call it in a transaction.

    Two stems with the same bytes are one prompt: the first stem in order stays.
    """
    for stem, picture in sorted(pictures.items()):
        sha256 = store.default().put(picture)
        if not competition.pool.filter(sha256=sha256).exists():
            Prompt.objects.get_or_create(
                competition=competition, stem=stem, defaults={"sha256": sha256, "bytes": len(picture)}
            )
    return commit_to(competition, now=now)


def commit_to(competition: Competition, *, now: datetime) -> str:
    """Publish the pool's commitment, before a window opens."""
    hashes = list(competition.pool.order_by("sha256").values_list("sha256", flat=True))
    commitment = seeds.pool_commitment(hashes)
    body = {"commitment": commitment, "prompts": len(hashes)}
    ledger.append(competition.pk, kind="pool", body=body, at=now)
    return commitment


def draw(round_: Round, *, block_hash: str) -> Draw:
    """The prompts that the seed block's hash draws from the committed pool, in the order they are judged.

    Those of the title matches are the next ones in the same order.
    """
    competition = round_.competition
    pool: dict[str, Prompt] = {prompt.sha256: prompt for prompt in competition.pool.all()}
    seed = seeds.seed(competition.slug, round_number=round_.number, block_hash=block_hash)
    count = min(len(pool), int(competition.config["prompts_per_round"]))
    fresh = fresh_needed(round_.rules)
    large_enough(len(pool), drawn=count, fresh=fresh)
    chosen = [pool[sha256] for sha256 in seeds.choose(seed, prompt_sha256s=list(pool), k=count + fresh)]
    return Draw(seed, tuple(chosen[:count]), tuple(chosen[count:]))


def fresh_needed(rules: Mapping[str, Any]) -> int:
    """How many fresh prompts a round under these (stored) rules draws."""
    title = rulesets.read(rules).title
    return title.prompts if title else 0


def large_enough(pool: int, *, drawn: int, fresh: int) -> None:
    """Raises BadRules, which names the field and the fix."""
    if pool < drawn + fresh:
        raise rulesets.BadRules(
            "title.prompts",
            f"a round draws {drawn} prompts and {fresh} fresh ones, and the pool holds {pool}",
            fix=f"Add {drawn + fresh - pool} prompts to the pool, or lower title.prompts or prompts_per_round",
        )


def write_down(round_: Round, draw: Draw) -> None:
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
        round=round_, miner=reign.miner, role=Submission.Role.LEADER,
        defaults={"repo": reign.repo, "commit": reign.commit},
    )  # fmt: skip
    if made:
        expect_generated(entry, (drawn.prompt for drawn in round_.drawn.select_related("prompt")), now=now)
    return entry


def expect_generated(entry: Submission, prompts: Iterable[Prompt], *, now: datetime) -> None:
    """Rows for the outputs a pod will bring; they are never due by themselves."""
    Asset.objects.bulk_create(
        (
            Asset(submission=entry, prompt=prompt, origin=Asset.Origin.GENERATED, **Asset.born(now=now, due=False))
            for prompt in prompts
        ),
        ignore_conflicts=True,
    )
