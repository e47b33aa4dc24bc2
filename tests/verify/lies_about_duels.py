"""Lies about duels and matches: the change, and the kind of finding that must name it."""

from __future__ import annotations

from tests.verify.lying import ASH, BIRCH, COPYCAT, DROPPER, Lie, change_duel, count_again, told
from tests.verify.made_files import Made


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


def asked_as_a_model_is_without_its_document(made: Made) -> None:
    """A model's question stands in a duel, and the judge's document is not there."""
    made.match("screen", "leader", "birch")["duels"][0]["detail"]["stages"][0]["kind"] = "likeness"


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


def match_called_safer(made: Made) -> None:
    made.documents["statistics.json"]["matches"][0]["flip_distance"] = 77


def round_called_safer(made: Made) -> None:
    made.documents["statistics.json"]["flip_distance"] = 77


def interval_called_narrower(made: Made) -> None:
    made.documents["statistics.json"]["matches"][0]["interval95_micro"] = [0, 0]


def judge_called_steadier(made: Made) -> None:
    made.documents["statistics.json"]["repeatability"]["same"] += 1


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
    asked_as_a_model_is_without_its_document: "file-missing",
    void_counted_as_a_draw: "wrong-ballots",
    same_files_judged_twice: "judged-twice",
    another_judge: "wrong-judge",
    margin_raised: "wrong-margin",
    margin_in_millionths_raised: "wrong-margin",
    match_called_safer: "wrong-flips",
    round_called_safer: "wrong-flips",
    interval_called_narrower: "wrong-margin",
    judge_called_steadier: "wrong-repeatability",
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
    regenerated_files_of_the_submitted: "wrong-files",
    match_left_out: "missing-match",
    rung_match_left_out: "missing-match",
    match_as_if_all_passed_left_out: "missing-match",
    match_nobody_asked_for: "extra-match",
}
NEEDS_A_VOID_DUEL = (void_counted_as_a_draw,)
