"""What is done with a round until its duels begin, and with an asset until its bytes are ours?"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models import Q

from competition import chain, prompts, weights
from competition.chain import beacons
from competition.chain.base import ChainFault
from competition.chain.observations import Beacon
from competition.models import Asset, Checkpoint, Competition, LedgerEvent, Round, Submission
from competition.reveals import ingest
from core import ledger, operator_key
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.stateful import FailureClass

SOON = timedelta(seconds=2)


def until(round_: Round, *, block: int, now: datetime, what: str) -> Wait | None:
    """A wait for `block`, or None when it has come."""
    connected = chain.of(round_.competition)
    current = connected.block(now=now)
    if current >= block:
        return None
    eta = connected.time_of(block, now=now) - now
    delay = min(max(eta, timedelta(seconds=0.2)), timedelta(seconds=30))
    return Wait(delay, f"{what} at block {block} (now {current})")


def chain_failure(error: ChainFault, *, attempts: int) -> Retry:
    sentence = f"The chain did not answer: {error}. We wait for it; the operator must look if it lasts."
    return Retry(engine.backoff(attempts), StepFailure(FailureClass.INFRASTRUCTURE, "CHAIN", sentence))


def open_(round_: Round, now: datetime) -> Outcome:
    """Reveals are taken until the window closes; then the seed block's hash draws the prompts."""
    try:
        waiting = until(round_, block=round_.seed_block + 1, now=now, what="reveals are taken; the prompts are drawn")
        if not waiting:
            ingest.take_reveals(round_.competition, now=now)
        stop = _short_of_prompts(round_, now=now) or waiting
        if stop:
            return stop
        block_hash = chain.of(round_.competition).block_hash(round_.seed_block, now=now)
        beacon = beacons.due(round_, now=now)
    except ChainFault as error:
        return chain_failure(error, attempts=round_.attempts)
    return _drawn(round_, block_hash=block_hash, beacon=beacon, now=now)


def _drawn(round_: Round, *, block_hash: str, beacon: Beacon | None, now: datetime) -> Move:
    """The window is over: what was revealed and what was drawn stand from here on."""
    draw = prompts.draw(round_, block_hash=block_hash, beacon=beacon.signature if beacon else None)
    beacon_facts = {"beacon": beacon.as_json()} if beacon else {}

    def freeze() -> None:
        prompts.write_down(round_, draw)
        if beacon:
            beacon.save()
        ingest.submit(round_, now=now)
        prompts.enter_leader(round_, now=now)

    return Move(
        "miner_generation",
        because=f"the window closed at block {round_.latest_reveal_block}; {len(draw.prompts)} prompts are drawn",
        sets={"seed": draw.seed, "seed_block_hash": block_hash},
        facts={
            "seed": draw.seed,
            "seed_block": round_.seed_block,
            "block_hash": block_hash,
            **beacon_facts,
            **draw.facts(),
        },
        also=freeze,
    )


def _short_of_prompts(round_: Round, *, now: datetime) -> Move | None:
    """Stop once, as soon as somebody reveals, if nobody could earn a title: before the seed that can be mended.  The
    window stays open meanwhile, and is longer by the pause."""
    revealed = round_.competition.reveals.filter(block__range=round_.reveal_window)
    if round_.paused_from == "open" or not revealed.exists():
        return None
    short = prompts.shortage(round_)
    return pause(round_, short, code="POOL", now=now) if short else None


def miner_generation(round_: Round, now: datetime) -> Outcome:
    """Miners generate and upload; at the deadline we begin to download."""
    entered = round_.submissions.filter(role=Submission.Role.CHALLENGER, objection="")
    nobody = not entered.exists()
    try:
        deadline = round_.generation_deadline_block
        waiting = None if nobody else until(round_, block=deadline, now=now, what="miners generate; downloads begin")
    except ChainFault as error:
        return chain_failure(error, attempts=round_.attempts)
    if waiting:
        return waiting

    def expect() -> None:
        drawn = list(round_.drawn.select_related("prompt"))
        Asset.objects.bulk_create(
            Asset(submission=entry, prompt=d.prompt, origin=Asset.Origin.SUBMITTED, **Asset.born(now=now))
            for d in drawn
            for entry in entered
        )
        engine.announce(Asset, now=now)

    because = "nobody entered: the leader defends" if nobody else f"the deadline, block {deadline}, has come"
    return Move("downloading", because=because, also=expect)


def downloading(round_: Round, now: datetime) -> Outcome:
    """Wait for every file until it is here or known to be missing.

    A leader has no veto: what its code does not deliver is its forfeit, prompt by prompt, as for anybody.  What is lost
    by our doing is nobody's forfeit: it pauses the round, whosever it is.
    """
    challenged = round_.submissions.filter(role=Submission.Role.CHALLENGER, objection="").exists()
    if not challenged:
        return Move("duels", because="nobody entered: there is nothing to download")
    assets = Asset.objects.filter(submission__round=round_)
    stuck = Q(state="failed") | Asset.out_of_tries()
    ours = assets.filter(stuck, failure_class=FailureClass.INFRASTRUCTURE).first()
    if ours is not None:
        why = f"files are lost for a reason that is ours: {ours.failure_reason}"
        return pause(round_, why, code="DOWNLOADS", now=now)
    left = assets.filter(state="downloading").count()
    if left:
        return Wait(SOON, f"{left} of {assets.count()} files are still on their way")
    return Move("duels", because=f"{assets.filter(state='stored').count()} files are ours; the others are forfeits")


def pause(
    round_: Round, why: str, *, code: str, failure_class: str = FailureClass.INFRASTRUCTURE, now: datetime
) -> Move:
    """Stop before a verdict becomes official, and say who must act: the operator, with `manage.py resume`.

    Of a round whose window is open the chain's block is written down, so that the window is longer by the pause; where
    the chain does not answer it is not.
    """
    block = chain.block_now(round_.competition, now=now) if round_.state == "open" else None
    sentence = f"{why} The operator must act, then run: manage.py resume {round_.competition.slug} {round_.number}"
    return Move(
        "paused",
        because=why,
        sets={"paused_from": round_.state, "paused_at_block": block},
        facts={} if block is None else {"block": block},
        failure=StepFailure(failure_class, code, sentence),
    )


def follow_chain(now: datetime) -> None:
    """Take reveals while a window is open, and keep the weights on the chain in step with the reigns."""
    for competition in Competition.objects.filter(active=True):
        try:
            ingest.take_reveals(competition, now=now)
            weights.keep(competition, now=now)
        except ChainFault as error:
            engine.log.warning("%s: the chain did not answer: %s", competition.slug, error)


def resume(round_: Round, *, why: str, now: datetime) -> bool:
    """Carry a paused round back to where it stopped; rows that had run out of tries get them again.

    A window that was open is longer by the pause.  Raises ChainFault where that cannot be told.
    """
    sets: dict[str, object] = {"paused_at_block": None}
    facts: dict[str, object] = {}
    if round_.paused_at_block is not None:
        block = chain.of(round_.competition).block(now=now)
        schedule = asdict(round_.schedule_at(block))
        sets, facts = sets | schedule, {"block": block, "schedule": schedule}

    def try_again() -> None:
        engine.try_again(round_.competition_id, now=now)

    return engine.move(round_, Move(round_.paused_from, because=why, sets=sets, facts=facts, also=try_again), now=now)


def checkpoint(competition: Competition, *, now: datetime, head: LedgerEvent | None = None) -> Checkpoint:
    """Sign the ledger up to `head`; up to its newest event where none is given."""
    head, current = head or ledger.head(competition), competition.current_round()
    if current is None:
        raise ValueError(f"{competition.slug} has no round yet: nothing to sign")
    text = ledger.checkpoint_text(
        origin=f"gauntlet/{competition.slug}",
        seq=head.seq,
        head=head.hash,
        round_number=current.number,
        stage=current.state,
        block=chain.of(competition).block(now=now),
    )
    signature, signed_by = operator_key.sign(text)
    made, _ = Checkpoint.objects.get_or_create(
        competition=competition,
        seq=head.seq,
        defaults={"text": text, "signature": signature, "signed_by": signed_by, "created_at": now},
    )
    return made
