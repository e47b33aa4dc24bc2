"""The platform's decisions and the verifier's own code are two writings of one rule: on random rounds they agree."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from fractions import Fraction
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from audits.decisions import verdicts
from competition import rulesets
from competition.decisions import eligibility, schedule, seed, weights
from competition.rulesets import ladder, regenerations, stopping, tally
from judging import matches
from judging.decisions import ballots, cascade
from verify.bundles import audits as bundle_audits
from verify.bundles import ballots as bundle_ballots
from verify.bundles import ladder as bundle_ladder
from verify.bundles import matches as bundle_matches
from verify.bundles import reigns as bundle_reigns
from verify.bundles import reveals as bundle_reveals
from verify.bundles import round as bundle_round

ROUNDS = 400
Row = dict[str, Any]
STATES = [
    ("judged", "challenger"),
    ("judged", "defender"),
    ("judged", "draw"),
    ("forfeited", "challenger"),
    ("forfeited", "defender"),
    ("forfeited", "draw"),
    ("void", ""),
]


def some_rules(random: Random) -> tuple[Row, rulesets.Rules]:
    """What a competition's configuration may say, and the rules that it makes."""
    told: Row = {
        "win_margin": random.choice([0.05, "1/20", "1/3", "0.07", "1"]),
        "weight_decay": random.choice([0.2, "1/7"]),
        "weight_floor": random.choice(["1/5", 0, 1]),
        "least_counted": random.randint(1, 6),
        "stop_early": random.random() < 0.8,
        "paid_from": random.choice(rulesets.PAID_FROM),
        "audits": random.choice([[], ["generation"], ["generation", "source"], ["source"]]),
        "audit_median_seconds": random.choice([60, "90.5"]),
    }
    told = {name: value for name, value in told.items() if random.random() < 0.7}
    return told, rulesets.read({"name": "margin-1", **told})


def played(random: Random, total: int, rules: rulesets.Rules, *, early: bool = True) -> tuple[Row, tally.Tally]:
    """A match as a document tells it and as the platform counts it; both say the same of it."""
    luck = [random.random() ** 2 for _ in STATES]
    duels = [{"state": s, "outcome": o} for s, o in random.choices(STATES, weights=luck, k=total)]
    ours = [matches.result_of(SimpleNamespace(**duel)) for duel in duels]  # type: ignore[arg-type]
    theirs = [bundle_matches.result_of(duel) for duel in duels]
    length = stopping.stop_index(ours, rules=rules) if early else total
    stop, said = bundle_matches.stop_of(theirs, total, rules=rules.to_json(), early=early and rules.stop_early)
    assert stop == length is not None
    if early and length < total:
        assert said == stopping.certain(ours[:length], total, rules=rules)
    counted, told = tally.Tally.of(r for r in ours[:length] if r), bundle_matches.tally_of(theirs[:length])
    assert told == {name: getattr(counted, name) for name in tally.Tally.__slots__}
    assert bundle_matches.margin_of(told) == counted.margin
    assert round(bundle_matches.margin_of(told) * 10**6) == counted.margin_micro()
    assert bundle_matches.clears(told, rules.to_json()) == tally.clears(counted, rules=rules)
    return {"tally": told}, counted


@pytest.mark.parametrize("first", range(0, ROUNDS, 50))
def test_platform_and_verifier_agree_on_random_rounds(first: int) -> None:
    for number in range(first, first + 50):
        _all_agree(number)


def _all_agree(number: int) -> None:
    random = Random(number)
    told, rules = some_rules(random)
    competition = {"ruleset": "margin-1", "config": {"rules": told}}
    assert bundle_round.rules_of(competition) == rules.to_json()
    _ladders_agree(random, rules)
    _draws_agree(random, number)
    _schedules_agree(random)
    _reveals_agree(random)
    _pay_agrees(random, rules)
    _audits_agree(random, rules)
    _ballots_agree(random)
    _cascades_agree(random)


def _ladders_agree(random: Random, rules: rulesets.Rules) -> None:
    """The platform asks for matches and audits until nothing is wanted; then both climb alike."""
    total = random.randint(1, 24)
    keys = [f"5{n}" for n in range(random.randint(0, 7))]
    entries = [ladder.LadderEntry(key=k, hotkey=k, reveal_block=random.randint(1, 4), extrinsic_index=0) for k in keys]
    rows = [{"entry": e.key, "miner": e.hotkey, "reveal_block": e.reveal_block, "extrinsic_index": 0} for e in entries]
    screen, met, verdicts_of, pairs = {}, {}, {}, {}
    for key in keys:
        pairs["screen", "leader", key], screen[key] = played(random, total, rules)
    climbed = ladder.climb(entries, screen=screen, met=met, audits={}, rules=rules)
    while not climbed.complete:
        for defender, challenger in climbed.wanted_matches:
            pairs["ladder", defender, challenger], met[defender, challenger] = played(random, total, rules)
        for key in climbed.wanted_audits[:1]:
            verdicts_of[key] = random.choice(["passed", "passed", "rejected"])
        climbed = ladder.climb(entries, screen=screen, met=met, audits=verdicts_of, rules=rules)
    random.shuffle(rows)
    order = [row["entry"] for row in bundle_reveals.in_reveal_order(rows)]
    rejected = {key for key, verdict in verdicts_of.items() if verdict == "rejected"}
    rungs = bundle_ladder.climb(order, pairs, rejected=rejected, rules=rules.to_json())
    assert rungs == [{"challenger": r.challenger, "defender": r.defender, "verdict": r.verdict} for r in climbed.rungs]
    assert bundle_ladder.defender_after(rungs) == climbed.leader
    for rung in climbed.rungs:
        shown = {"challenger": rung.challenger, "defender": rung.defender, "verdict": rung.verdict}
        assert bundle_ladder.reason_of(shown, pairs, rules=rules.to_json()) == rung.reason


def _draws_agree(random: Random, number: int) -> None:
    pool = [random.randbytes(32).hex() for _ in range(random.randint(1, 40))]
    block_hash, count = random.randbytes(32).hex(), random.randint(0, len(pool))
    drawn = seed.seed("a-slug", round_number=number, block_hash=block_hash)
    assert bundle_round.seed_of("a-slug", number, block_hash) == drawn
    assert bundle_round.commitment_of(pool) == seed.pool_commitment(pool)
    assert bundle_round.drawn_by(drawn, pool, most=count) == list(seed.choose(drawn, prompt_sha256s=pool, k=count))


def _schedules_agree(random: Random) -> None:
    length, delay = random.randint(1, 500), random.randint(1, 20)
    blocks = {
        "round_blocks": length,
        "open_blocks": random.randint(1, length),
        "seed_delay_blocks": delay,
        "generation_blocks": delay + random.randint(1, 300),
        "lead_blocks": random.randint(0, 30),
    }
    cadence, start = schedule.Cadence.from_json(blocks), random.randint(0, 10_000)
    first = schedule.first(cadence, earliest_reveal_block=start)
    assert bundle_round.opening_at(start, blocks) == asdict(first)
    later = start + random.randint(0, 5000)
    after = schedule.following(cadence, earliest_reveal_block=start, current_block=later)
    assert bundle_round.opening_at(after.earliest_reveal_block, blocks) == asdict(after)
    assert (after.earliest_reveal_block - start) % length == 0 and after.earliest_reveal_block > start


def some_payload(random: Random) -> bytes:
    values: list[Any] = [
        "",
        " ",
        "made/ash",
        "a/..",
        "x" * 501,
        "b" * 300,
        "no slash",
        5,
        None,
        ["a"],
        "ümlaut",
        "a\n/b",
    ]
    urls = [
        "https://a.example.org/x/",
        "http://a.org",
        "https://u@a.org",
        "https://a.org:444",
        "https://[::1]/",
        "ftp://a.b",
        "https://a.org?x",
        "https://a b",
        "https://a.org:99999",
        "https:///x",
        "https://a.org:",
    ]
    commits = ["a" * 40, "b" * 40, "A" * 40, "a" * 41, "", 7]
    told: Any = {
        "repo": random.choice([*values, "made/ash", "made/oak", "made/elm"]),
        "commit": random.choice(commits),
        "cdn_url": random.choice([*urls, urls[0], urls[0]]),
        "more": 1,
    }
    told = {name: value for name, value in told.items() if random.random() < 0.8}
    text = json.dumps(told, ensure_ascii=random.random() < 0.5)
    text = random.choice([text, text, text, str(told), "5", "[1]", "null", "{", text[:-1], "[" * 9, '"', "\ud800x"[1:]])
    raw = random.choice([text.encode(), text.encode(), random.randbytes(9), text.encode() + b"\xff", b"x" * 4097])
    lengths = {1: len(raw) << 2, 2: len(raw) << 2 | 1, 4: len(raw) << 2 | 2}
    width = random.choice([0, 0, 1, 2, 4])
    return raw if not width or lengths[width] >= 1 << 8 * width else lengths[width].to_bytes(width, "little") + raw


def _reveals_agree(random: Random) -> None:
    demo = random.random() < 0.5
    reveals = [
        eligibility.RevealMessage(
            hotkey=f"5{random.randint(1, 4)}", block=block, extrinsic_index=0, raw=some_payload(random)
        )
        for block in random.sample(range(1, 40), random.randint(0, 12))
    ]
    derived = eligibility.derive(reveals, earliest=5, latest=35, demo=demo)
    heaps: dict[str, list[Row]] = {}
    for reveal in reveals:
        if 5 <= reveal.block <= 35:
            row = {"miner": reveal.hotkey, "block": reveal.block, "extrinsic_index": 0, "payload": reveal.raw.hex()}
            heaps.setdefault(reveal.hotkey, []).append(row)
    assert sorted(heaps) == sorted(entry.hotkey for entry in derived)
    rows = []
    for entry in derived:
        submission, due = bundle_reveals.added_up(heaps[entry.hotkey], demo=demo)
        rows.append({**submission, "miner": entry.hotkey, "objection": due or ""})
        assert bool(due) == bool(entry.objection), (entry, due)
        assert submission == {
            "entry": entry.hotkey,
            "repo": entry.repo[:200],
            "commit": entry.commit[:40],
            "cdn_url": entry.cdn_url,
            "reveal_block": entry.reveal_block,
            "extrinsic_index": 0,
        }
    assert bundle_reveals.copies(rows) == eligibility.copies(derived)


def _pay_agrees(random: Random, rules: rulesets.Rules) -> None:
    parts = [Fraction(random.randint(0, 12), 12) for _ in range(random.randint(0, 5))]
    reigns = [
        weights.PaidReign(hotkey=random.choice("abc"), weight=part, effective_block=random.randint(0, 50))
        for part in parts
    ]
    told = [{"hotkey": r.hotkey, "weight": str(r.weight), "effective_block": r.effective_block} for r in reigns]
    uids = {name: uid for uid, name in enumerate("owab") if random.random() < 0.9}
    for block in (0, 25, 60):
        vector = weights.vector(reigns, block=block, uids=uids, owner_uid=0)
        expected = {str(uid): str(share) for uid, share in vector.items()}
        assert bundle_reigns.shares(told, block=block, uids=uids, owner=0) == expected
    for defended in (True, False):
        before = random.choice([Fraction(1), Fraction(1, 3), Fraction(0)])
        after = weights.next_reign_weight(before, defended=defended, rules=rules)
        assert bundle_reigns.next_weight(before, defended=defended, rules=rules.to_json()) == after


def _audits_agree(random: Random, rules: rulesets.Rules) -> None:
    told, counted = played(random, random.randint(1, 16), rules, early=False)
    seconds, limit = random.randint(0, 20), random.randint(1, 30)
    bar, least = rules.win_margin, rules.least_counted
    limits = regenerations.GenerationRules(win_margin=bar, least_counted=least, generation_s=limit)
    ours = regenerations.generation(counted, generated_s=seconds, rules=limits)
    if ours.outcome != verdicts.UNKNOWN:  # that one is run again, and never published
        code = bundle_audits.generation_code(told["tally"], seconds=seconds, limit=limit, rules=rules.to_json())
        assert (code, code == "not_worse") == (ours.reason, ours.outcome == verdicts.PASSED)


def _ballots_agree(random: Random) -> None:
    for _ in range(20):
        reach = random.choice([90_000, 300_000, 1_000_000])
        taken: dict[str, ballots.Ballot] = {}
        while (kind := ballots.next_kind(taken)) is not None:
            ab, ba = random.randint(-reach, reach), random.randint(-reach, reach)
            taken[kind] = ballots.Ballot(kind, ab=ab, ba=-ab + random.randint(-9, 9) if random.random() < 0.5 else ba)
            taken[kind] = ballots.Ballot(kind, ab=ab, ba=max(-1_000_000, min(1_000_000, taken[kind].ba)))
        ours = ballots.verdict(taken)
        stages = ours.detail()["stages"]
        theirs = bundle_ballots.verdict(stages, by_model=False)
        assert theirs == (ours.outcome, ours.score_micro, ours.decided_by)


def _cascades_agree(random: Random) -> None:
    """The platform's questions, answered one by one: what it makes of them, and that each of them was needed."""
    for _ in range(20):
        said, reach = (
            cascade.AnswersSoFar(low_contrast=random.random() < 0.7),
            random.choice([300_000, 500_000, 1_000_000]),
        )
        while (question := cascade.next_question(said, bars=cascade.Bars())) is not None:
            place = question.removeprefix("sides:")
            if place != question:
                said = replace(said, spoiled={**said.spoiled, place: random.randint(0, 1_000_000)})
                continue
            ab = random.randint(-reach, reach)
            ballot = ballots.Ballot(question, ab=ab, ba=-ab if random.random() < 0.8 else random.randint(-reach, reach))
            said = replace(said, ballots={**said.ballots, question: ballot})
        ours = cascade.verdict(said, bars=cascade.Bars())
        stages = ours.detail()["stages"]
        theirs = bundle_ballots.verdict(stages, by_model=True)
        assert theirs == (ours.outcome, ours.score_micro, ours.decided_by)
        for place in range(len(stages)):
            if stages[place]["kind"] != "gray":  # whether an object is hard to see is not told
                with pytest.raises(bundle_ballots.Wrong):
                    bundle_ballots.verdict(stages[:place] + stages[place + 1 :], by_model=True)
