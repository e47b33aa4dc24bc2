"""Which reigns does an imported competition have, and which round began each?"""

from __future__ import annotations

from collections.abc import Sequence

from competition.models import Competition, Miner, Reign, Round
from competition.records.reigns import ReadReign, in_effect
from verify.rounds import LEADER

COLUMNS = ("miner_id", "repo", "commit", "image", "weight", "effective_block", "won_in_id", "defence")


def follow(competition: Competition, reigns: Sequence[ReadReign]) -> None:
    """Make the rows say what leader.json says, and each round name its defending reign.  Call it in a transaction."""
    rounds = list(competition.rounds.order_by("number"))
    there = {row.sequence: row for row in competition.reigns.all()}
    wanted = _rows(competition, reigns, rounds)
    for row in wanted:
        old = there.pop(row.sequence, None)
        if old is None:
            row.save()
        elif any(getattr(old, name) != getattr(row, name) for name in COLUMNS):
            Reign.objects.filter(pk=old.pk).update(**{name: getattr(row, name) for name in COLUMNS})
    if there:
        gone = [row.pk for row in there.values()]
        competition.rounds.filter(defending__in=gone).update(defending=None)
        Reign.objects.filter(pk__in=gone).delete()
    keys = {row.sequence: row.pk for row in competition.reigns.all()}
    for round_ in rounds:
        place = in_effect(reigns, block=round_.latest_reveal_block)
        defending = None if place is None else keys[place + 1]
        if round_.defending_id != defending:
            Round.objects.filter(pk=round_.pk).update(defending=defending)


def _rows(competition: Competition, reigns: Sequence[ReadReign], rounds: Sequence[Round]) -> list[Reign]:
    Miner.objects.bulk_create([Miner(hotkey=reign.hotkey) for reign in reigns], ignore_conflicts=True)
    miners = {m.hotkey: m for m in Miner.objects.filter(hotkey__in={reign.hotkey for reign in reigns})}
    # Block -> the decided round whose decision takes effect at it: at the end of the next round's window.
    ends = {round_.number: round_.latest_reveal_block for round_ in rounds}
    decided = [round_ for round_ in rounds if round_.decision and round_.number + 1 in ends]
    begun = {ends[round_.number + 1]: round_ for round_ in decided}
    rows = []
    for sequence, reign in enumerate(reigns, 1):
        round_ = begun.get(reign.effective_block) if sequence > 1 else None
        rows.append(
            Reign(
                competition=competition,
                sequence=sequence,
                miner=miners[reign.hotkey],
                repo=reign.repo,
                commit=reign.commit,
                image=reign.image,
                weight=reign.weight,
                effective_block=reign.effective_block,
                won_in=round_,
                defence=bool(round_ and round_.decision and round_.decision["winner"] == LEADER),
            )
        )
    return rows


def forget_unused(competition: Competition) -> None:
    """Prompts that no round of the files shows any more."""
    competition.pool.filter(draws=None, duels=None).delete()
