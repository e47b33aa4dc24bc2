"""Lies about the round, the entries and their files: the change, and the kind of finding that must name it."""

from __future__ import annotations

import hashlib

from tests.verify.lying import ASH, BIRCH, COPYCAT, DROPPER, MUMBLER, Lie
from tests.verify.made_files import Made, sha256


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
            row["rendering"]["views"].pop("gray_front", None)
    for kind, body in made.events:
        if kind == "rendering.rendered":
            body["views"].pop("gray_front", None)
    named = {v for r in made.documents["assets.json"] for v in (r["rendering"] or {"views": {}})["views"].values()}
    made.blobs = {h: b for h, b in made.blobs.items() if b[0] != "view" or h in named}


def another_rig(made: Made) -> None:
    made.documents["competition.json"]["config"]["rig"]["fov"] = 20


def negative_bytes(made: Made) -> None:
    made.documents["assets.json"][0]["bytes"] = -1


def true_for_one(made: Made) -> None:
    made.match("screen", "leader", "ash")["duels"][1]["position"] = True


def size_changed(made: Made) -> None:
    row = next(r for r in made.documents["assets.json"] if r["entry"] == DROPPER and r["state"] == "stored")
    row["bytes"] += 1
    made.event("asset.stored", entry=DROPPER, prompt=row["prompt"])["bytes"] += 1


def prompt_left_out(made: Made) -> None:
    del made.blobs[made.documents["round.json"]["prompts"][0]["sha256"]]


def foreign_file(made: Made) -> None:
    made.put("asset", b"glTF nobody's")


def row_left_out(made: Made) -> None:
    rows = made.documents["assets.json"]
    rows.remove(next(r for r in rows if r["entry"] == DROPPER and r["state"] == "failed"))


def leader_without_a_file_for_a_reason_of_ours(made: Made) -> None:
    _no_file_of_the_leader(made, failure={"class": "infrastructure", "code": "vanished"})


def leader_s_file_hidden(made: Made) -> None:
    """As if the leader had forfeited: but the ledger told of its file, and the duel was judged."""
    _no_file_of_the_leader(made, failure={"class": "miner", "code": "not_generated"})


def _no_file_of_the_leader(made: Made, *, failure: dict[str, str]) -> None:
    row = next(r for r in made.documents["assets.json"] if r["entry"] == "leader")
    row |= {"state": "failed", "sha256": "", "bytes": 0, "failure": failure, "rendering": None}


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


def bar_that_fills_all_memory(made: Made) -> None:
    made.documents["round.json"]["rules"]["win_margin"] = "1e-999999999"


def bar_that_fills_all_memory_in_the_configuration(made: Made) -> None:
    made.documents["competition.json"]["config"]["rules"]["win_margin"] = "1e-999999999"


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


LIES: dict[Lie, str] = {
    file_replaced_after_the_duel: "wrong-files",
    pictures_swapped: "ledger-differs",
    copy_has_other_pictures: "wrong-views",
    picture_left_out: "wrong-views",
    another_rig: "wrong-views",
    negative_bytes: "malformed-document",
    true_for_one: "malformed-document",
    size_changed: "asset-file",
    prompt_left_out: "asset-file",
    foreign_file: "foreign-file",
    row_left_out: "wrong-assets",
    leader_without_a_file_for_a_reason_of_ours: "leader-incomplete",
    leader_s_file_hidden: "ledger-differs",
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
    bar_that_fills_all_memory: "malformed-document",
    bar_that_fills_all_memory_in_the_configuration: "malformed-document",
    ruleset_nobody_knows: "unknown-ruleset",
    window_lengthened: "wrong-schedule",
    next_round_off_the_grid: "wrong-schedule",
    another_next_round_announced: "ledger-differs",
}
