"""Ways to break one of the made repositories: each returns a function that changes its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.verify.made_records import Files, hotkey

Break = Callable[[Files], Any]
ADA, BEN, CLEO, DAN, EVE, FAY = (hotkey(name) for name in ("Ada", "Ben", "Cleo", "Dan", "Eve", "Fay"))
AUDITS = "rounds/0/generation_audits.json"
ADA_MATCH = f"rounds/0/{ADA}/duels_leader.json"
BEN_MATCH = f"rounds/1/{BEN}/duels_leader.json"
MATRIX = "rounds/0/matches_matrix.csv"


def put(path: str, *keys: Any, to: Any) -> Break:
    """Set one value deep in one file."""

    def change(files: Files) -> None:
        place = files[path]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def cut(path: str, *keys: Any) -> Break:
    """Remove a file, or one value deep in it."""

    def change(files: Files) -> None:
        place = files if not keys else files[path]
        for key in keys[:-1]:
            place = place[key]
        del place[keys[-1] if keys else path]

    return change


def swap(path: str, old: str, new: str) -> Break:
    """Replace in a text file."""

    def change(files: Files) -> None:
        assert old in files[path], "the breakage must break something"
        files[path] = files[path].replace(old, new)

    return change


def text(path: str, content: str | Callable[[str], str]) -> Break:
    def change(files: Files) -> None:
        whole = files.get(path, "")
        whole = whole if isinstance(whole, str) else json.dumps(whole, indent=2)
        files[path] = content(whole) if callable(content) else content

    return change


def both(*changes: Break) -> Break:
    def change(files: Files) -> None:
        for one in changes:
            one(files)

    return change


def lines(path: str, edit: Callable[[list[str]], list[str]]) -> Break:
    def change(files: Files) -> None:
        files[path] = "\n".join(edit(files[path].split("\n")))

    return change


def recount(path: str) -> Break:
    """Make score, margin and matrix row follow from changed duels, so that only the intended break is left."""

    def change(files: Files) -> None:
        match = files[path]
        words = [duel["winner"] for duel in match["duels"]]
        match["score"] = words.count("right") - words.count("left")
        match["margin"] = match["score"] / len(words)
        table = path.split("/")
        table = f"{table[0]}/{table[1]}/matches_matrix.csv"
        start = f"{match['left']},{match['right']},"
        rows = [f"{start}{match['margin']}" if row.startswith(start) else row for row in files[table].split("\n")]
        files[table] = "\n".join(rows)

    return change


def verdicts(path: str, *, won: int, lost: int, said: str = "The first has rounder edges.") -> Break:
    """Give a match other verdicts, consistently."""

    def change(files: Files) -> None:
        for place, duel in enumerate(files[path]["duels"]):
            duel["winner"] = "right" if place < won else ("left" if place < won + lost else "draw")
            duel["issues"] = said
        recount(path)(files)

    return change


def no_leader_file(files: Files) -> None:
    """The leader has no file for two prompts, everywhere; Ben, who has, is given those duels."""
    stems = [duel["name"] for duel in files[BEN_MATCH]["duels"][:2]]
    for stem in stems:
        files["rounds/1/leader/generated.json"][stem] |= {"glb": None, "png": None}
    for key in (BEN, CLEO):
        match = files[f"rounds/1/{key}/duels_leader.json"]
        for duel in match["duels"]:
            if duel["name"] in stems:
                duel |= {"left_glb": None, "left_png": None, "winner": "right"}
        recount(f"rounds/1/{key}/duels_leader.json")(files)


def fail_quietly(files: Files) -> None:
    verdicts(BEN_MATCH, won=0, lost=2)(files)
    for duel in files[BEN_MATCH]["duels"][5:8]:
        duel["issues"] = "Internal error"


def same_size(files: Files) -> None:
    for stem, asset in files[f"rounds/2/{FAY}/submitted.json"].items():
        asset["size"] = files[f"rounds/2/{CLEO}/submitted.json"][stem]["size"]


def fail_build(files: Files) -> None:
    """Dan's audit of round 2 is rejected for a build fault, so the leader, Eve, defends."""
    numbers = {"outcome": "rejected", "checked_prompts": 0, "failed_prompts": 0, "failed_critical": 0}
    files["rounds/2/generation_audits.json"][DAN] |= numbers | {"generation_time": None, "reason": "Failed to build"}
    del files[f"rounds/2/{DAN}/generated.json"]
    table = "rounds/2/matches_matrix.csv"
    verdicts(f"rounds/2/{FAY}/duels_leader.json", won=1, lost=1)(files)
    del files[f"rounds/2/{FAY}/duels_{DAN[:10]}.json"]
    files[table] = "\n".join(row for row in files[table].split("\n") if not row.startswith(DAN))
    files["rounds/2/winner.json"] = files["rounds/1/winner.json"]
    files["leader.json"][3] = files["leader.json"][2] | {"weight": 0.6, "effective_block": 1399}


def by_one_duel(files: Files) -> None:
    verdicts(f"rounds/2/{DAN}/duels_leader.json", won=4, lost=2)(files)
    won = [duel["name"] for duel in files[f"rounds/2/{DAN}/duels_leader.json"]["duels"][:4]]
    files["rounds/2/require_audit.json"][0]["critical_prompts"] = Random(1002).sample(won, 2)


def audit_below(files: Files) -> None:
    """Ben, who did not clear the screen of round 1, is audited all the same."""
    files["rounds/1/require_audit.json"].append({"hotkey": BEN, "critical_prompts": []})
    files["rounds/1/generation_audits.json"][BEN] = files[AUDITS][BEN]
    files[f"rounds/1/{BEN}/generated.json"] = files[f"rounds/0/{BEN}/generated.json"]
    files["rounds/1/source_audit.json"].append({"hotkey": BEN, "verdict": "passed", "reason": "No issues found"})


def too_slow(files: Files) -> None:
    for asset in files[f"rounds/0/{EVE}/generated.json"].values():
        asset["generation_time"] += 60.0
    files[AUDITS][EVE]["generation_time"] += 60.0


def slow_leader(files: Files) -> None:
    """Era 0: the leader took too long on one prompt and lost it, consistently in both matches."""
    stem = files[f"rounds/1/{CLEO}/duels.json"]["duels"][0]["name"]
    files["rounds/1/leader/generations.json"][stem]["generation_time"] = 50.0
    for key in (CLEO, DAN):
        match = files[f"rounds/1/{key}/duels.json"]
        match["duels"][0] |= {"winner": "miner", "issues": "Generation time exceeded for leader"}
        words = [duel["winner"] for duel in match["duels"]]
        match["score"] = words.count("miner") - words.count("leader")
        match["margin"] = match["score"] / len(words)


def wrong_slow(files: Files) -> None:
    slow_leader(files)
    for key in (CLEO, DAN):
        match = files[f"rounds/1/{key}/duels.json"]
        match["duels"][0]["winner"] = "leader"
        words = [duel["winner"] for duel in match["duels"]]
        match["score"] = words.count("miner") - words.count("leader")
        match["margin"] = match["score"] / len(words)


def first_row_last(rows: list[str]) -> list[str]:
    rows = [row for row in rows if row]
    return [rows[0], *rows[2:], rows[1], ""]


def same_block(files: Files) -> None:
    """Dan and Fay, who both qualified, were revealed in one block."""
    block = files["rounds/2/submissions.json"][DAN]["revealed_at_block"]
    for name in ("submissions", "builds"):
        files[f"rounds/2/{name}.json"][FAY]["revealed_at_block"] = block


def old_prompt_again(files: Files) -> None:
    """Throughout round 2 its last prompt is one of round 1 that was not carried over."""
    old, new = (files[f"rounds/{number}/prompts.txt"].split("\n") for number in (1, 2))
    again = next(prompt for prompt in old if prompt not in new)
    stems = [prompt.rsplit("/", 1)[1].removesuffix(".png") for prompt in (new[-1], again)]
    for path, content in files.items():
        if path.startswith("rounds/2/"):
            whole = json.dumps(content).replace(*stems)
            files[path] = json.loads(whole)


def title_match(defender: str, challenger: str) -> Break:
    """One more match in round 0, with its matrix row."""

    def change(files: Files) -> None:
        duels = [duel | {"winner": "draw"} for duel in files[f"rounds/0/{EVE}/duels_{BEN[:10]}.json"]["duels"]]
        whole = {"left": defender, "right": challenger, "score": 0, "margin": 0.0, "duels": duels}
        files[f"rounds/0/{challenger}/duels_{defender[:10]}.json"] = whole
        files[MATRIX] += f"{defender},{challenger},0.0\n"

    return change


def title_match_of(challenger: str) -> Break:
    return title_match(ADA, challenger)


def title_match_against(defender: str) -> Break:
    return title_match(defender, ADA)


def at_limit(files: Files) -> None:
    """Six prompts of Ben's regeneration differ, none of them critical: as many as are tolerated."""
    critical = set(files["rounds/0/require_audit.json"][2]["critical_prompts"])
    made = files[f"rounds/0/{BEN}/generated.json"]
    for place, stem in enumerate(stem for stem in made if stem not in critical):
        made[stem]["distance"] = 0.3 if place < 6 else 0.0
    for stem in critical:
        made[stem]["distance"] = 0.0
    files[AUDITS][BEN] |= {"failed_prompts": 6, "failed_critical": 0}


def without_round_1(files: Files) -> None:
    for path in [path for path in files if path.startswith("rounds/1/")]:
        del files[path]
