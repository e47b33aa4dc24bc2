"""Ways in which the operator may cheat with the right key: every hash is made anew, the head is signed, and still the
rules do not give that result.  `LIES`: what is told -> (the change, the kind of finding that must name it)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from tests.verify.made_bundle import Made, hotkey, sha256, summed
from tests.verify.made_bundle import result as result_of

Row = dict[str, Any]
Lie = Callable[[Made], None]
ASH, BIRCH, COPYCAT, DROPPER, MUMBLER = (hotkey(n) for n in ("ash", "birch", "copycat", "dropper", "mumbler"))


def told(made: Made, match: Row, duel: Row) -> Row:
    """The ledger's event of a duel."""
    about = {"match": match["kind"], "defender": match["defender"], "challenger": match["challenger"]}
    return made.event(f"duel.{duel['state']}", **about, prompt=duel["prompt"])


def change_duel(made: Made, match: Row, place: int, **changes: Any) -> Row:
    """In the document and in the ledger."""
    duel = match["duels"][place]
    event = told(made, match, duel)
    duel |= changes
    event |= {name: value for name, value in changes.items() if name in ("outcome", "score_micro")}
    return duel


def count_again(made: Made, match: Row) -> None:
    """Tally, margin and the ledger's event follow the duels; where the match ends does not."""
    counted = summed([result_of(duel) for duel in match["duels"][: match["stopped_after"]]])
    match |= counted
    about = {"match": match["kind"], "defender": match["defender"], "challenger": match["challenger"]}
    event = made.event("match.decided", **about)
    event["margin_micro"] = match["margin_micro"]
    event["counted"] = sum(n for name, n in match["tally"].items() if name != "void")


def verdict_turned(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    change_duel(made, match, 1, outcome="challenger")
    count_again(made, match)


def verdict_and_score_turned(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    change_duel(made, match, 1, outcome="challenger", score_micro=-match["duels"][1]["score_micro"])
    count_again(made, match)


def score_raised(made: Made) -> None:
    match = made.match("screen", "leader", "birch")
    change_duel(made, match, 0, score_micro=match["duels"][0]["score_micro"] + 1)


def decided_by_another_question(made: Made) -> None:
    made.match("screen", "leader", "birch")["duels"][0]["detail"]["decided_by"] = "around"


def draw_called_a_win(made: Made) -> None:
    match = made.match("screen", "leader", "dropper")
    change_duel(made, match, 1, outcome="challenger")
    count_again(made, match)


def answers_add_up_otherwise(made: Made) -> None:
    made.match("screen", "leader", "birch")["duels"][0]["detail"]["stages"][0]["score"] += 1


def contradiction_called_consistent(made: Made) -> None:
    stage = made.match("screen", "leader", "birch")["duels"][0]["detail"]["stages"][1]
    stage |= {"ab": 400_000 + stage["score"] * 2, "ba": 400_000, "consistent": True}


def sides_not_asked(made: Made) -> None:
    made.match("screen", "leader", "birch")["duels"][0]["detail"]["stages"].pop()


def gray_not_asked(made: Made) -> None:
    made.match("ladder", "ash", "copycat")["duels"][0]["detail"]["stages"].pop(1)


def answer_beyond_all_bounds(made: Made) -> None:
    stage = made.match("screen", "leader", "birch")["duels"][0]["detail"]["stages"][0]
    stage |= {"ab": 3_000_000, "ba": 3_000_000 - 2 * stage["score"], "consistent": False}


def same_files_judged_twice(made: Made) -> None:
    """The copy's duel is turned in all its parts; the original's duel about the same bytes was not."""
    match = made.match("screen", "leader", "copycat")
    duel = change_duel(made, match, 1, outcome="challenger", score_micro=-match["duels"][1]["score_micro"])
    for stage in duel["detail"]["stages"]:
        stage |= {"ab": stage["ba"], "ba": stage["ab"], "score": -stage["score"]}
    count_again(made, match)


def same_file_beats_itself(made: Made) -> None:
    match = made.match("ladder", "ash", "copycat")
    stages = made.match("screen", "leader", "birch")["duels"][0]["detail"]["stages"]
    detail = {"decided_by": "front", "stages": stages}
    score = min(1_000_000, sum(stage["score"] for stage in stages))
    change_duel(made, match, 0, outcome="challenger", score_micro=score, detail=detail)
    count_again(made, match)


def margin_raised(made: Made) -> None:
    made.match("screen", "leader", "ash")["margin"] = "3/4"


def margin_in_millionths_raised(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    match["margin_micro"] += 1
    made.event("match.decided", match="screen", challenger=ASH)["margin_micro"] += 1


def tally_changed(made: Made) -> None:
    tally = made.match("screen", "leader", "ash")["tally"]
    tally |= {"lost": 0, "drawn": 1}


def forfeits_called_losses(made: Made) -> None:
    tally = made.match("screen", "leader", "dropper")["tally"]
    tally |= {"lost": tally["forfeits_challenger"], "forfeits_challenger": 0}


def forfeit_called_judged(made: Made) -> None:
    match = made.match("screen", "leader", "dropper")
    event = told(made, match, match["duels"][0])
    match["duels"][0]["state"] = "judged"
    made.events = [("duel.judged", {**b, "to": "judged"}) if b is event else (k, b) for k, b in made.events]


def forfeit_given_to_the_dropper(made: Made) -> None:
    match = made.match("screen", "leader", "dropper")
    change_duel(made, match, 0, outcome="challenger")
    count_again(made, match)


def loss_called_a_forfeit(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    event = told(made, match, match["duels"][1])
    match["duels"][1] |= {"state": "forfeited", "score_micro": None, "detail": {}}
    count_again(made, match)
    turned = {name: value for name, value in event.items() if name != "score_micro"}
    made.events = [("duel.forfeited", {**turned, "to": "forfeited"}) if b is event else (k, b) for k, b in made.events]


def loss_called_void(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    event = told(made, match, match["duels"][1])
    failure = {"class": "judge", "code": "low_mass"}
    match["duels"][1] |= {"state": "void", "outcome": "", "score_micro": None, "detail": {}, "failure": failure}
    count_again(made, match)
    turned = {**event, "to": "void", "failure": failure}
    made.events = [("duel.void", turned) if b is event else (k, b) for k, b in made.events]


def void_counted_as_a_draw(made: Made) -> None:
    match = made.match("screen", "leader", "dropper")
    [place] = [n for n, duel in enumerate(match["duels"]) if duel["state"] == "void"]
    event = told(made, match, match["duels"][place])
    files = {(r["entry"], r["prompt"]): r["sha256"] for r in made.documents["assets.json"]}
    stem = match["duels"][place]["prompt"]
    sides = {"left": files["leader", stem], "right": files[DROPPER, stem]}
    match["duels"][place] |= {"state": "judged", "outcome": "draw", "score_micro": 0, "failure": None, **sides}
    count_again(made, match)
    turned = {"to": "judged", "outcome": "draw", "score_micro": 0, "left_sha256": sides["left"]}
    turned = {**event, **turned, "right_sha256": sides["right"]}
    made.events = [("duel.judged", turned) if b is event else (k, b) for k, b in made.events]


def end_moved_forward(made: Made) -> None:
    """A duel before the end is dropped, and the margin is that of the duels before it."""
    match = made.match("screen", "leader", "birch")
    match |= {"stopped_after": 2}
    match["duels"][2] = {"position": 2, "prompt": match["duels"][2]["prompt"], "state": "unneeded"}
    count_again(made, match)


def end_moved_back(made: Made) -> None:
    match, other = made.match("screen", "leader", "birch"), made.match("screen", "leader", "ash")
    match |= {"stopped_after": 4, "stopped": ""}
    right = {r["prompt"]: r["sha256"] for r in made.documents["assets.json"] if r["entry"] == BIRCH}
    match["duels"][3] = {**other["duels"][3], "right": right[other["duels"][3]["prompt"]]}
    count_again(made, match)


def end_called_something_else(made: Made) -> None:
    made.match("screen", "leader", "birch")["stopped"] = "below"


def duel_doubled(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    match["duels"].append({**match["duels"][0], "position": 4})
    match["stopped_after"] = 5
    count_again(made, match)


def duels_reordered(made: Made) -> None:
    duels = made.match("screen", "leader", "ash")["duels"]
    duels[0], duels[1] = duels[1], duels[0]


def duel_about_another_file(made: Made) -> None:
    """Ash's duel is told with birch's file."""
    match = made.match("screen", "leader", "ash")
    right = made.match("screen", "leader", "birch")["duels"][0]["right"]
    told(made, match, match["duels"][0])["right_sha256"] = right
    match["duels"][0]["right"] = right


def file_replaced_after_the_duel(made: Made) -> None:
    """Another file is listed, drawn and told by the ledger; the duels were about the first."""
    row = next(r for r in made.documents["assets.json"] if r["entry"] == ASH and r["origin"] == "submitted")
    old, new = row["sha256"], made.put("asset", b"glTF a better one")
    for other in made.documents["assets.json"]:
        if other["sha256"] == old:
            other |= {"sha256": new, "bytes": 17}
    for kind, body in made.events:
        if kind == "asset.stored" and body["sha256"] == old:
            body |= {"sha256": new, "bytes": 17}
        if kind == "rendering.rendered" and body["asset"] == old:
            body["asset"] = new
    del made.blobs[old]


def pictures_swapped(made: Made) -> None:
    rows = {r["entry"]: r["rendering"] for r in made.documents["assets.json"] if r["origin"] == "submitted"}
    one, other = rows[ASH], rows[BIRCH]
    one["views"], other["views"] = other["views"], one["views"]


def copy_has_other_pictures(made: Made) -> None:
    """In the ledger, too: but the same bytes look the same."""
    row = next(r for r in made.documents["assets.json"] if r["entry"] == COPYCAT)
    birch = next(r for r in made.documents["assets.json"] if r["entry"] == BIRCH)
    row["rendering"] = {**row["rendering"], "views": birch["rendering"]["views"]}


def picture_left_out(made: Made) -> None:
    for row in made.documents["assets.json"]:
        if row["rendering"]:
            row["rendering"]["views"].pop("grid", None)
    for kind, body in made.events:
        if kind == "rendering.rendered":
            body["views"].pop("grid", None)
    named = {v for r in made.documents["assets.json"] for v in (r["rendering"] or {"views": {}})["views"].values()}
    made.blobs = {h: b for h, b in made.blobs.items() if b[0] != "view" or h in named}


def another_rig(made: Made) -> None:
    made.documents["competition.json"]["config"]["rig"]["fov"] = 20


def negative_bytes(made: Made) -> None:
    made.documents["assets.json"][0]["bytes"] = -1


def true_for_one(made: Made) -> None:
    made.match("screen", "leader", "ash")["duels"][1]["position"] = True


def foreign_file(made: Made) -> None:
    made.put("asset", b"glTF nobody's")


def row_left_out(made: Made) -> None:
    rows = made.documents["assets.json"]
    rows.remove(next(r for r in rows if r["entry"] == DROPPER and r["state"] == "failed"))


def leader_without_a_file(made: Made) -> None:
    failure = {"class": "miner", "code": "not_generated"}
    row = next(r for r in made.documents["assets.json"] if r["entry"] == "leader")
    row |= {"state": "failed", "sha256": "", "bytes": 0, "failure": failure, "rendering": None}


def audit_left_out(made: Made) -> None:
    audits = made.documents["audits.json"]
    audits[:] = [a for a in audits if (a["entry"], a["kind"]) != (ASH, "source")]


def all_audits_left_out(made: Made) -> None:
    made.documents["audits.json"].clear()


def audit_of_somebody_else(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if a["kind"] == "source")
    made.documents["audits.json"].append({**audit, "entry": COPYCAT})


def rejection_taken_back(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if a["verdict"] == "rejected")
    audit |= {"verdict": "passed", "code": "not_worse"}
    event = made.event("audit.rejected", entry=BIRCH)
    turned = {**event, "to": "passed", "code": "not_worse"}
    made.events = [("audit.passed", turned) if b is event else (k, b) for k, b in made.events]


def rejected_for_nothing(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "generation"))
    audit |= {"verdict": "rejected", "code": "worse_than_submitted"}
    event = made.event("audit.passed", entry=ASH, audit="generation")
    turned = {**event, "to": "rejected", "code": "worse_than_submitted"}
    made.events = [("audit.rejected", turned) if b is event else (k, b) for k, b in made.events]


def audit_numbers_changed(made: Made) -> None:
    for row in (
        next(a for a in made.documents["audits.json"] if a["verdict"] == "rejected"),
        made.event("audit.rejected", entry=BIRCH),
    ):
        row["numbers"] |= {"lost": 3, "drawn": 1, "margin": "-3/4"}


def blocking_finding_passed(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "source"))
    audit["findings"][0]["severity"] = "blocking"
    for row in (audit, made.event("audit.passed", entry=ASH, audit="source")):
        row["numbers"] |= {"blocking": 1, "notice": 0}


def too_slow_passed(made: Made) -> None:
    made.event("audit.passed", entry=ASH, audit="generation")["numbers"]["generation_s"] = 601


def limit_raised(made: Made) -> None:
    for row in (
        next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "generation")),
        made.event("audit.passed", entry=ASH, audit="generation"),
    ):
        row["limits"]["generation_s"] = 6000


def decided_by_a_person_without_need(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "source"))
    event = made.event("audit.passed", entry=ASH, audit="source")
    audit["code"] = "reviewed"
    asked = {**event, "from": "gathering", "to": "reviewing"}
    event |= {"from": "reviewing", "code": "reviewed"}
    place = next(n for n, (_, body) in enumerate(made.events) if body is event)
    made.events.insert(place, ("audit.reviewing", asked))


def rungs_reordered(made: Made) -> None:
    ladder = made.documents["decision.json"]["ladder"]
    ladder[1], ladder[2] = ladder[2], ladder[1]


def rung_left_out(made: Made) -> None:
    del made.documents["decision.json"]["ladder"][2]


def rejected_rung_advances(made: Made) -> None:
    made.documents["decision.json"]["ladder"][1]["verdict"] = "advanced"


def reason_tells_other_numbers(made: Made) -> None:
    rung = made.documents["decision.json"]["ladder"][0]
    rung["reason"] = rung["reason"].replace("Won 3", "Won 4")


def headline_names_another(made: Made) -> None:
    decision = made.documents["decision.json"]
    decision["headline"] = decision["headline"].replace(ASH, BIRCH)


def another_wins(made: Made) -> None:
    """All of the decision says birch: winner, reign, weights and the ledger."""
    decision = made.documents["decision.json"]
    decision |= {"winner": BIRCH, "leader": BIRCH, "weights": {"3": "1"}}
    decision["headline"] = decision["headline"].replace(ASH, BIRCH)
    decision["reigns"][1]["hotkey"] = BIRCH
    made.event("round.finished", round=1)["winner"] = BIRCH
    birch = next(s for s in made.documents["submissions.json"] if s["entry"] == BIRCH)
    made.event("reign", sequence=2).update(leader=BIRCH, repo=birch["repo"], commit=birch["commit"])
    made.events[-1][1]["weights"] = {"3": "1"}


def another_leads_than_won(made: Made) -> None:
    made.documents["decision.json"]["leader"] = BIRCH


def weight_lowered(made: Made) -> None:
    decision = made.documents["decision.json"]
    decision |= {"weight": "4/5", "weights": {"0": "1/5", "2": "4/5"}}
    decision["reigns"][1]["weight"] = "4/5"
    made.event("reign", sequence=2)["weight"] = "4/5"
    made.events[-1][1]["weights"] = {"0": "1/5", "2": "4/5"}


def paid_too_early(made: Made) -> None:
    decision = made.documents["decision.json"]
    decision |= {"effective_block": 1203, "weights_block": 1203}
    decision["reigns"][1]["effective_block"] = 1203
    made.event("reign", sequence=2)["effective_block"] = 1203


def shares_changed(made: Made) -> None:
    made.documents["decision.json"]["weights"] = {"0": "1/10", "2": "9/10"}


def shares_of_another_block(made: Made) -> None:
    made.documents["decision.json"] |= {"weights_block": 700, "weights": {"0": "1/5", "1": "4/5"}}


def paid_to_somebody_else(made: Made) -> None:
    made.events[-1][1]["weights"] = {"5": "1"}


def history_of_reigns_rewritten(made: Made) -> None:
    made.documents["decision.json"]["reigns"][0]["weight"] = "1"


def other_prompts(made: Made) -> None:
    """The ledger agrees; the seed does not."""
    doc = made.documents["round.json"]
    unused = next(digest for digest in doc["pool"] if digest not in [p["sha256"] for p in doc["prompts"]])
    old = doc["prompts"][0]["sha256"]
    doc["prompts"][0]["sha256"] = unused
    drawn = made.event("round.miner_generation", round=1)["prompts"]
    drawn[drawn.index(old)] = unused


def other_seed(made: Made) -> None:
    """Everything is drawn from a seed of the operator's own choice."""
    doc, drawn = made.documents["round.json"], made.event("round.miner_generation", round=1)
    doc["seed"] = drawn["seed"] = "5e" * 32


def other_block_hash(made: Made) -> None:
    doc, drawn = made.documents["round.json"], made.event("round.miner_generation", round=1)
    doc["seed_block_hash"] = drawn["block_hash"] = "b1" * 32
    doc["seed"] = drawn["seed"] = sha256(f"gauntlet-seed/1\nmade\n1\n{'b1' * 32}".encode())


def pool_grew_after_the_announcement(made: Made) -> None:
    doc = made.documents["round.json"]
    doc["pool"] = sorted([*doc["pool"], "ff" * 32])
    doc["pool_commitment"] = hashlib.sha256("".join(f"{h}\n" for h in doc["pool"]).encode()).hexdigest()
    made.event("round.open", round=1)["pool"] = doc["pool_commitment"]


def pool_committed_after_the_draw(made: Made) -> None:
    [place] = [n for n, (kind, _) in enumerate(made.events) if kind == "pool"]
    drawn = next(n for n, (kind, _) in enumerate(made.events) if kind == "round.miner_generation")
    made.events.insert(drawn, made.events.pop(place))


def reveal_after_the_window(made: Made) -> None:
    made.documents["reveals.json"][0]["block"] = 18
    made.event("reveal", miner=ASH)["block"] = 18


def reveal_moved(made: Made) -> None:
    """Birch is queued before ash: the submission says so, the reveal does not."""
    row = next(s for s in made.documents["submissions.json"] if s["miner"] == BIRCH)
    row["reveal_block"] = 3
    made.event("submission", miner=BIRCH)["reveal_block"] = 3


def reveal_forged(made: Made) -> None:
    """Somebody reveals in ash's name, in all documents and in the ledger."""
    row = next(r for r in made.documents["reveals.json"] if r["miner"] == ASH)
    payload = bytes.fromhex(row["payload"]).replace(b"made/ash", b"made/oak").hex()
    row["payload"] = payload
    made.event("reveal", miner=ASH)["payload"] = payload
    next(s for s in made.documents["submissions.json"] if s["miner"] == ASH)["repo"] = "made/oak"
    made.event("submission", miner=ASH)["repo"] = "made/oak"
    made.event("reign", sequence=2)["repo"] = "made/oak"


def reveal_dropped(made: Made) -> None:
    made.documents["reveals.json"] = [r for r in made.documents["reveals.json"] if r["miner"] != MUMBLER]
    made.documents["submissions.json"] = [s for s in made.documents["submissions.json"] if s["miner"] != MUMBLER]
    made.events = [(k, b) for k, b in made.events if not (k == "submission" and b["miner"] == MUMBLER)]


def submission_dropped(made: Made) -> None:
    made.documents["submissions.json"] = [s for s in made.documents["submissions.json"] if s["miner"] != DROPPER]
    made.events = [(k, b) for k, b in made.events if not (k == "submission" and b["miner"] == DROPPER)]


def another_address(made: Made) -> None:
    row = next(s for s in made.documents["submissions.json"] if s["miner"] == ASH)
    row["cdn_url"] = made.event("submission", miner=ASH)["cdn_url"] = "https://operator.example.org/files"


def copy_not_marked(made: Made) -> None:
    next(s for s in made.documents["submissions.json"] if s["miner"] == COPYCAT)["copy_of"] = ""
    made.event("submission", miner=COPYCAT)["copy_of"] = ""


def original_marked_as_copy(made: Made) -> None:
    next(s for s in made.documents["submissions.json"] if s["miner"] == ASH)["copy_of"] = COPYCAT
    made.event("submission", miner=ASH)["copy_of"] = COPYCAT


def objection_made_up(made: Made) -> None:
    next(s for s in made.documents["submissions.json"] if s["miner"] == DROPPER)["objection"] = "We do not like it."
    made.event("submission", miner=DROPPER)["objection"] = "We do not like it."


def objection_dropped(made: Made) -> None:
    next(s for s in made.documents["submissions.json"] if s["miner"] == MUMBLER)["objection"] = ""
    made.event("submission", miner=MUMBLER)["objection"] = ""


def another_leader_defends(made: Made) -> None:
    next(s for s in made.documents["submissions.json"] if s["role"] == "leader")["commit"] = "f" * 40


def bar_lowered(made: Made) -> None:
    for rules in (made.documents["round.json"]["rules"], made.event("round.open", round=1)["rules"]):
        rules["win_margin"] = "1/50"


def bar_lowered_after_the_announcement(made: Made) -> None:
    made.documents["round.json"]["rules"]["win_margin"] = "1/50"
    made.documents["competition.json"]["config"]["rules"]["win_margin"] = "1/50"
    made.event("round.open", round=1)["rules"] = dict(made.event("round.open", round=2)["rules"])


def ruleset_nobody_knows(made: Made) -> None:
    made.documents["competition.json"]["ruleset"] = "margin-9"


def window_lengthened(made: Made) -> None:
    for schedule in (made.documents["round.json"]["schedule"], made.event("round.open", round=1)["schedule"]):
        schedule["latest_reveal_block"] = 18


def next_round_off_the_grid(made: Made) -> None:
    for schedule in (made.documents["decision.json"]["next_schedule"], made.event("round.open", round=2)["schedule"]):
        for name in schedule:
            schedule[name] += 1


def another_next_round_announced(made: Made) -> None:
    schedule = made.event("round.open", round=2)["schedule"]
    made.event("round.open", round=2)["schedule"] = {name: block + 600 for name, block in schedule.items()}


def match_left_out(made: Made) -> None:
    matches = made.documents["matches.json"]
    matches.remove(made.match("screen", "leader", "dropper"))


def rung_match_left_out(made: Made) -> None:
    made.documents["matches.json"].remove(made.match("ladder", "ash", "copycat"))


def match_as_if_all_passed_left_out(made: Made) -> None:
    made.documents["matches.json"].remove(made.match("ladder", "birch", "copycat"))


def match_nobody_asked_for(made: Made) -> None:
    extra = {**made.match("ladder", "birch", "copycat"), "defender": COPYCAT, "challenger": BIRCH}
    made.documents["matches.json"].append(extra)


def another_judge(made: Made) -> None:
    made.match("screen", "leader", "birch")["judge"] = "b2" * 32


def regenerated_files_of_the_submitted(made: Made) -> None:
    made.match("audit", "birch", "birch")["challenger_origin"] = "submitted"


def document_of_another_round(made: Made) -> None:
    made.documents["competition.json"]["slug"] = "other"


def ledger_tells_another_winner(made: Made) -> None:
    made.event("round.finished", round=1)["winner"] = BIRCH


def ledger_tells_another_verdict(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    told(made, match, match["duels"][1])["outcome"] = "challenger"


def ledger_tells_other_bytes(made: Made) -> None:
    made.event("asset.stored", entry=BIRCH, origin="submitted", prompt="p0")["sha256"] = "0" * 64


def ledger_without_a_duel(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    event = told(made, match, match["duels"][1])
    made.events = [(k, b) for k, b in made.events if b is not event]


def ledger_without_a_reign(made: Made) -> None:
    made.events = [(k, b) for k, b in made.events if not (k == "reign" and b["sequence"] == 2)]


def stage_left_out(made: Made) -> None:
    made.events = [(k, b) for k, b in made.events if k != "round.downloading"]


def duel_told_twice(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    event = told(made, match, match["duels"][1])
    made.events.append(("duel.judged", dict(event)))


def match_decided_before_it_began(made: Made) -> None:
    place = next(n for n, (kind, _) in enumerate(made.events) if kind == "match.judging")
    decided = next(n for n, (kind, _) in enumerate(made.events) if kind == "match.decided")
    made.events.insert(place, made.events.pop(decided))


def published_before_it_finished(made: Made) -> None:
    made.events = [(k, b) for k, b in made.events if k != "round.finished"]


def announced_twice(made: Made) -> None:
    place = next(n for n, (kind, _) in enumerate(made.events) if kind == "publication.signing")
    made.events.insert(place, ("publication.signing", {**made.events[place][1], "bundle": "0" * 64}))


def document_with_another_number(made: Made) -> None:
    made.documents["round.json"]["number"] = 3


LIES: dict[Lie, str] = {
    verdict_turned: "wrong-outcome",
    verdict_and_score_turned: "wrong-outcome",
    score_raised: "wrong-outcome",
    decided_by_another_question: "wrong-outcome",
    draw_called_a_win: "wrong-outcome",
    same_file_beats_itself: "wrong-outcome",
    forfeit_given_to_the_dropper: "wrong-outcome",
    answers_add_up_otherwise: "wrong-ballots",
    contradiction_called_consistent: "wrong-ballots",
    sides_not_asked: "wrong-ballots",
    gray_not_asked: "wrong-ballots",
    answer_beyond_all_bounds: "wrong-ballots",
    void_counted_as_a_draw: "wrong-ballots",
    same_files_judged_twice: "judged-twice",
    another_judge: "wrong-judge",
    margin_raised: "wrong-margin",
    margin_in_millionths_raised: "wrong-margin",
    tally_changed: "wrong-tally",
    forfeits_called_losses: "wrong-tally",
    forfeit_called_judged: "wrong-forfeit",
    loss_called_a_forfeit: "wrong-forfeit",
    loss_called_void: "too-many-voids",
    end_moved_forward: "wrong-stop",
    end_moved_back: "wrong-stop",
    end_called_something_else: "wrong-stop",
    duel_doubled: "wrong-duels",
    duels_reordered: "wrong-duels",
    duel_about_another_file: "wrong-files",
    file_replaced_after_the_duel: "wrong-files",
    regenerated_files_of_the_submitted: "wrong-files",
    pictures_swapped: "ledger-differs",
    copy_has_other_pictures: "wrong-views",
    picture_left_out: "wrong-views",
    another_rig: "wrong-views",
    negative_bytes: "malformed-document",
    true_for_one: "malformed-document",
    foreign_file: "foreign-file",
    row_left_out: "wrong-assets",
    leader_without_a_file: "leader-incomplete",
    audit_left_out: "missing-audit",
    all_audits_left_out: "missing-audit",
    audit_of_somebody_else: "extra-audit",
    rejection_taken_back: "wrong-audit",
    rejected_for_nothing: "wrong-audit",
    audit_numbers_changed: "wrong-audit",
    blocking_finding_passed: "wrong-audit",
    too_slow_passed: "wrong-audit",
    limit_raised: "wrong-audit",
    decided_by_a_person_without_need: "wrong-audit",
    rungs_reordered: "wrong-ladder",
    rung_left_out: "wrong-ladder",
    rejected_rung_advances: "wrong-ladder",
    reason_tells_other_numbers: "wrong-reason",
    headline_names_another: "wrong-reason",
    another_wins: "wrong-winner",
    another_leads_than_won: "wrong-reign",
    weight_lowered: "wrong-reign",
    paid_too_early: "wrong-reign",
    shares_changed: "wrong-weights",
    shares_of_another_block: "wrong-weights",
    paid_to_somebody_else: "wrong-weights",
    history_of_reigns_rewritten: "ledger-differs",
    other_prompts: "wrong-prompts",
    other_seed: "wrong-seed",
    other_block_hash: "wrong-block-hash",
    pool_grew_after_the_announcement: "wrong-pool",
    pool_committed_after_the_draw: "wrong-pool",
    reveal_after_the_window: "late-reveal",
    reveal_moved: "wrong-submission",
    reveal_forged: "unsigned-reveal",
    reveal_dropped: "ledger-differs",
    submission_dropped: "wrong-submission",
    another_address: "wrong-submission",
    another_leader_defends: "wrong-submission",
    copy_not_marked: "wrong-copy",
    original_marked_as_copy: "wrong-copy",
    objection_made_up: "wrong-objection",
    objection_dropped: "wrong-objection",
    bar_lowered: "wrong-rules",
    bar_lowered_after_the_announcement: "ledger-differs",
    ruleset_nobody_knows: "unknown-ruleset",
    window_lengthened: "wrong-schedule",
    next_round_off_the_grid: "wrong-schedule",
    another_next_round_announced: "ledger-differs",
    match_left_out: "missing-match",
    rung_match_left_out: "missing-match",
    match_as_if_all_passed_left_out: "missing-match",
    match_nobody_asked_for: "extra-match",
    document_of_another_round: "another-round",
    document_with_another_number: "another-round",
    ledger_tells_another_winner: "ledger-differs",
    ledger_tells_another_verdict: "ledger-differs",
    ledger_tells_other_bytes: "ledger-differs",
    ledger_without_a_duel: "ledger-differs",
    ledger_without_a_reign: "ledger-differs",
    stage_left_out: "wrong-stage",
    duel_told_twice: "wrong-stage",
    match_decided_before_it_began: "wrong-stage",
    published_before_it_finished: "wrong-stage",
    announced_twice: "not-announced",
}
NEEDS_A_VOID_DUEL = (void_counted_as_a_draw,)
