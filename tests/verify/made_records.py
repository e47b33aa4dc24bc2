"""Small good state repositories of our own making, one for each era, as {path: content}.

JSON content is kept as plain values so that a test can break one of them; text content (prompts, CSV) is a str. Nothing
here comes from the verifier: each number is made a second time, from the rules in words.
"""

from __future__ import annotations

import hashlib
import json
from math import ceil
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

PROMPTS, CARRIED_OVER, WIN_MARGIN = 20, 5, 0.1
WINDOW = 100
MINUTES = 10
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

Files = dict[str, Any]


def hotkey(name: str) -> str:
    """An address-like name of 48 letters, the same for the same name."""
    digest = hashlib.sha256(name.encode()).digest() * 2
    return "5" + name[0] + "".join(ALPHABET[byte % 58] for byte in digest)[:46]


def write(files: Files, root: Path) -> Path:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return root


class Maker:
    """Writes the files of one competition round by round."""

    def __init__(self, *, era: int) -> None:
        self.era = era
        self.files: Files = {"config.json": config(era), "leader.json": []}
        self.prompts: list[str] = []

    # what all eras share

    def round(self, number: int, miners: list[str]) -> None:
        """Schedule, seed, prompts, submissions and builds; reveals in the order of `miners`."""
        self.schedule(number)
        at, seed = f"rounds/{number}", 1000 + number
        self.files[f"{at}/seed.json"] = {"seed": seed}
        carried = Random(seed).sample(self.prompts, CARRIED_OVER) if self.prompts else []
        new = [hashlib.sha256(f"{number}/{n}".encode()).hexdigest() for n in range(PROMPTS - len(carried))]
        self.prompts = carried + [f"https://prompts.example/{stem}.png" for stem in new]
        self.files[f"{at}/prompts.txt"] = "\n".join(self.prompts)
        entries = {hotkey(name): self.entry(name, number, place=place) for place, name in enumerate(miners)}
        self.files[f"{at}/submissions.json"] = entries
        self.files[f"{at}/builds.json"] = {key: build(key, entry) for key, entry in entries.items()}

    def schedule(self, number: int) -> None:
        first = 1000 + number * WINDOW
        schedule = {"earliest_reveal_block": first, "latest_reveal_block": first + WINDOW - 1}
        if self.era > 0:
            schedule["generation_deadline_block"] = first + WINDOW - 1 + MINUTES * 5
        self.files[f"rounds/{number}/schedule.json"] = schedule

    def latest(self, number: int) -> int:
        return 1000 + (number + 1) * WINDOW - 1

    def entry(self, name: str, number: int, *, place: int) -> dict[str, Any]:
        entry = {
            "repo": f"miners/{name.lower()}",
            "commit": hashlib.sha1(f"{name}{number}".encode()).hexdigest(),
            "revealed_at_block": 1000 + number * WINDOW + 7 * place,
            "round": f"made-{number}",
        }
        return entry | ({"cdn_url": f"https://files.example/{name.lower()}"} if self.era > 0 else {})

    def reign(self, name: str, *, weight: float, block: int, of_round: int | None = None) -> None:
        """`of_round`: where the solution was submitted; None for whoever led before the first round."""
        if of_round is None:
            commit = hashlib.sha1(name.encode()).hexdigest()
            solution = {"repo": "base/miner", "commit": commit, "docker": "images.example/base:1"}
        else:
            won = self.files[f"rounds/{of_round}/builds.json"][hotkey(name)]
            solution = {"repo": won["repo"], "commit": won["commit"], "docker": won["docker_image"]}
        entry = {"hotkey": hotkey(name), **solution, "weight": weight, "effective_block": block}
        self.files["leader.json"].append(entry)

    def state(self, current: int) -> None:
        self.schedule(current)
        self.files["state.json"] = {"current_round": current, "stage": "open" if self.era else "collecting"}

    # assets and matches

    @property
    def stems(self) -> list[str]:
        return [prompt.rsplit("/", 1)[1].removesuffix(".png") for prompt in self.prompts]

    def assets(self, number: int, owner: str, *, what: str, lacking: int = 0, fails: int = 0) -> dict[str, Any]:
        """`lacking`: the first so many prompts have no file; `fails`: so many are far from what was submitted."""
        key = owner if owner == "leader" else hotkey(owner)
        base = f"https://files.example/{number}/{key}/{what}"
        size = int(hashlib.sha256(f"{owner}{number}".encode()).hexdigest()[:6], 16) + 1000
        made = {}
        for place, stem in enumerate(self.stems):
            there, far = place >= lacking, place >= PROMPTS - fails
            made[stem] = self.asset(f"{base}/{stem}" if there else None, size=size + place, place=place, far=far)
        name = "generations" if self.era == 0 else what
        self.files[f"rounds/{number}/{key}/{name}.json"] = made
        return made

    def asset(self, url: str | None, *, size: int, place: int, far: bool) -> dict[str, Any]:
        there = url is not None
        if self.era == 2:
            reason = None if there else "timeout"
            size = size if there else 0
            return {"js": f"{url}.js" if there else None, "views": url, "failure_reason": reason, "size": size}
        made = {"glb": f"{url}.glb" if there else None, "png": f"{url}.png" if there else None}
        if self.era == 0:
            made = {"ply": f"{url}.ply" if there else None, "png": made["png"]}
            return made | {"generation_time": 10.0 + place, "size": size if there else 0}
        numbers = {"generation_time": 40.0 + place, "size": size if there else 0}
        return made | numbers | {"attempts": 1, "distance": 0.3 if far else 0.01 * place / PROMPTS}

    def match(self, number: int, defender: str, challenger: str, *, won: int, lost: int, turn: int = 0) -> None:
        """`won` and `lost` duels of the challenger, from prompt `turn` on; it loses where it has no file."""
        left, right = (defender if defender == "leader" else hotkey(defender)), hotkey(challenger)
        sides = self.made(number, left), self.made(number, right)
        words = ("leader", "miner") if self.era == 0 else ("left", "right")
        order = self.stems[turn:] + self.stems[:turn]
        winners = dict.fromkeys(order[:won], words[1]) | dict.fromkeys(order[won : won + lost], words[0])
        duels = []
        for prompt, stem in sorted(zip(self.prompts, self.stems, strict=True), key=lambda pair: pair[1]):
            shown = self.shown(words, sides, stem)
            given = words[0] if shown.get(f"{words[1]}_{self.view}") is None else winners.get(stem, "draw")
            row = {"name": stem, "prompt": prompt, **shown, "winner": given, "issues": "The first has rounder edges."}
            duels.append(row)
        self.keep(number, left, right, duels=duels, words=words)

    @property
    def view(self) -> str:
        return "views" if self.era == 2 else "png"

    def made(self, number: int, key: str) -> dict[str, Any]:
        what = "generations" if self.era == 0 else ("generated" if key == "leader" else "submitted")
        return self.files[f"rounds/{number}/{key}/{what}.json"]

    def shown(self, words: tuple[str, str], sides: tuple[Any, Any], stem: str) -> dict[str, str | None]:
        keys = {0: ("ply", "png"), 1: ("glb", "png"), 2: ("js", "views"), 3: ("glb", "png")}[self.era]
        return {f"{word}_{key}": side[stem][key] for word, side in zip(words, sides, strict=True) for key in keys}

    def keep(self, number: int, left: str, right: str, *, duels: list[Any], words: tuple[str, str]) -> None:
        net = sum((duel["winner"] == words[1]) - (duel["winner"] == words[0]) for duel in duels)
        margin = net / len(duels)
        if self.era == 0:
            outcome = "challenger_wins" if margin >= WIN_MARGIN else "leader_defends"
            content = {"leader": left, "hotkey": right, "score": net, "margin": margin, "outcome": outcome}
            self.files[f"rounds/{number}/{right}/duels.json"] = content | {"duels": duels}
            return
        content = {"left": left, "right": right, "score": net, "margin": margin, "duels": duels}
        self.files[f"rounds/{number}/{right}/duels_{left[:10]}.json"] = content
        table = f"rounds/{number}/matches_matrix.csv"
        self.files[table] = self.files.get(table, "left,right,margin\n") + f"{left},{right},{margin}\n"

    # audits and the winner

    def audit(self, number: int, name: str, defender: str, *, fails: int = 0) -> None:
        """Era 1: regenerate, compare by distance, draw the critical prompts among those won against `defender`."""
        at, key = f"rounds/{number}", hotkey(name)
        left = defender if defender == "leader" else hotkey(defender)
        duels = self.files[f"{at}/{key}/duels_{left[:10]}.json"]["duels"]
        won = sorted(duel["name"] for duel in duels if duel["winner"] == "right")
        critical = Random(1000 + number).sample(won, ceil(WIN_MARGIN * PROMPTS))
        made = self.assets(number, name, what="generated", fails=fails)
        failed = [stem for stem, asset in made.items() if asset["distance"] > 0.1 and stem not in critical]
        reason = f"Non-critical mismatches ({len(failed)}) exceed tolerance (6)" if len(failed) > 6 else ""
        audits = self.files.setdefault(f"{at}/generation_audits.json", {})
        audits[key] = {
            "hotkey": key,
            "outcome": "rejected" if reason else "passed",
            "checked_prompts": PROMPTS,
            "failed_prompts": len(failed),
            "failed_critical": sum(made[stem]["distance"] > 0.1 for stem in critical),
            "generation_time": median(asset["generation_time"] for asset in made.values()),
            "reason": reason,
        }
        required = self.files.setdefault(f"{at}/require_audit.json", [])
        required.append({"hotkey": key, "critical_prompts": critical})
        self.source(number, key)

    def source(self, number: int, key: str) -> None:
        entry = {"hotkey": key, "verdict": "passed", "reason": "No issues found"}
        self.files.setdefault(f"rounds/{number}/source_audit.json", []).append(entry)

    def repeats(self, number: int, name: str, defender: str, *, beats: list[float], keeps: list[float]) -> None:
        """Era 2: margins of each regeneration against the defender and against the submitted files."""
        at, key = f"rounds/{number}", hotkey(name)
        left = defender if defender == "leader" else hotkey(defender)
        table = f"{at}/audit_matrix.csv"
        rows = [f"submitted_{r},{key},{margin}\n" for r, margin in enumerate(keeps)]
        rows += [f"{left}_{r},{key},{margin}\n" for r, margin in enumerate(beats)]
        self.files[table] = self.files.get(table, "left,right,margin\n") + "".join(rows)
        for r in range(3):
            self.assets(number, name, what=f"generated_{r}")
        numbers = {"generated_prompts": PROMPTS, "failed_prompts": 0, "generation_time": 600.0}
        report = {"hotkey": key, "outcome": "completed", "reason": ""}
        repeats = [{"repeat_index": r, **numbers} for r in range(3)]
        self.files.setdefault(f"{at}/generation_reports.json", {})[key] = report | {"repeats": repeats}
        good = min(beats) >= WIN_MARGIN and min(keeps) >= -WIN_MARGIN
        audit = {"hotkey": key, "verdict": "passed" if good else "failed"}
        reason = "" if good else "A repeat does not reach the margin"
        self.files.setdefault(f"{at}/generation_audits.json", {})[key] = audit | {"reason": reason}
        required = {"hotkey": key, "latest_defender": left}
        self.files.setdefault(f"{at}/require_audit.json", []).append(required)
        self.source(number, key)

    def again(self, number: int, name: str, *, margin: float) -> None:
        """Era 3: generated again once, and judged against what was submitted."""
        at, key = f"rounds/{number}", hotkey(name)
        table = f"{at}/audit_matrix.csv"
        self.files[table] = self.files.get(table, "left,right,margin\n") + f"submitted_0,{key},{margin}\n"
        audit = {"hotkey": key, "verdict": "passed" if margin >= -WIN_MARGIN else "failed", "reason": ""}
        self.files.setdefault(f"{at}/generation_audits.json", {})[key] = audit
        self.files.setdefault(f"{at}/require_audit.json", []).append({"hotkey": key})
        self.source(number, key)

    def won_by(self, number: int, name: str) -> None:
        """winner.json; "leader" when the leader defended."""
        if name == "leader":
            led = self.files["leader.json"][-1]
            solution = {"repo": led["repo"], "commit": led["commit"], "docker_image": led["docker"]}
        else:
            won = self.files[f"rounds/{number}/builds.json"][hotkey(name)]
            solution = {key: won[key] for key in ("repo", "commit", "docker_image")}
        winner = name if name == "leader" else hotkey(name)
        self.files[f"rounds/{number}/winner.json"] = {"winner_hotkey": winner, **solution}

    def nobody_audited(self, number: int) -> None:
        for name, empty in (("require_audit", []), ("generation_audits", {}), ("source_audit", [])):
            self.files[f"rounds/{number}/{name}.json"] = empty


def config(era: int) -> dict[str, Any]:
    rules: dict[str, Any] = {
        "name": "made",
        "description": "A competition of our own making",
        "first_evaluation_date": "2026-01-01",
        "last_competition_date": "2026-12-31",
        "round_start_time": "08:00:00",
        "finalization_buffer_hours": 1,
        "win_margin": WIN_MARGIN,
        "weight_decay": 0.2,
        "weight_floor": 0.2,
        "prompts_per_round": PROMPTS,
        "carryover_prompts": CARRIED_OVER,
    }
    later = {"generation_stage_minutes": MINUTES, "round_duration_days": 3}
    return rules | (later if era > 0 else {}) | ({"audit_repeats": 3} if era == 2 else {})


def build(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    tag = f"{entry['commit'][:7]}-{entry['round']}"
    image = f"images.example/{key[:10].lower()}:{tag}"
    what = {name: entry[name] for name in ("repo", "commit", "revealed_at_block")}
    return what | {"tag": tag, "status": "success", "docker_image": image}


def era_0() -> Files:
    """Round 0: Ben takes the lead from the base miner. Round 1: Ben defends. Round 2 is open."""
    maker = Maker(era=0)
    maker.reign("Zero", weight=0.0, block=0)
    maker.round(0, ["Ada", "Ben", "Cleo"])
    for name in ("leader", "Ada", "Ben"):
        maker.assets(0, name, what="generations")
    maker.assets(0, "Cleo", what="generations", lacking=4)
    maker.match(0, "leader", "Ada", won=3, lost=4)
    maker.match(0, "leader", "Ben", won=7, lost=2)
    maker.match(0, "Ben", "Cleo", won=6, lost=3, turn=4)
    progress = {"leader": hotkey("Ben"), "completed_hotkeys": [hotkey(name) for name in ("Ada", "Ben", "Cleo")]}
    maker.files["rounds/0/judge_progress.json"] = progress
    maker.reign("Ben", weight=1.0, block=maker.latest(1), of_round=0)
    maker.round(1, ["Cleo", "Dan"])
    for name in ("leader", "Cleo", "Dan"):
        maker.assets(1, name, what="generations")
    maker.match(1, "leader", "Cleo", won=1, lost=2)
    maker.match(1, "leader", "Dan", won=2, lost=8)
    progress = {"leader": "leader", "completed_hotkeys": [hotkey("Cleo"), hotkey("Dan")]}
    maker.files["rounds/1/judge_progress.json"] = progress
    maker.reign("Ben", weight=0.8, block=maker.latest(2), of_round=0)
    maker.state(2)
    return maker.files


def era_1() -> Files:
    """Round 0: Ada wins a rung and is rejected, Ben wins one, Eve wins the round. Round 1: Eve defends. Round 2: Dan.

    Cleo delivers nothing in round 0, so all its duels are forfeited.
    """
    maker = Maker(era=1)
    maker.reign("Zero", weight=0.0, block=maker.latest(0))
    _era_1_first(maker)
    maker.reign("Eve", weight=1.0, block=maker.latest(1), of_round=0)
    maker.round(1, ["Ben", "Cleo"])
    maker.assets(1, "leader", what="generated")
    for name, won, lost in (("Ben", 3, 3), ("Cleo", 0, 6)):
        maker.assets(1, name, what="submitted")
        maker.match(1, "leader", name, won=won, lost=lost)
    maker.nobody_audited(1)
    maker.won_by(1, "leader")
    maker.reign("Eve", weight=0.8, block=maker.latest(2), of_round=0)
    _last(maker)
    maker.audit(2, "Dan", "leader")
    maker.won_by(2, "Dan")
    maker.reign("Dan", weight=1.0, block=maker.latest(3), of_round=2)
    maker.state(3)
    return maker.files


def _era_1_first(maker: Maker) -> None:
    maker.round(0, ["Ada", "Ben", "Cleo", "Eve"])
    maker.assets(0, "leader", what="generated")
    for name, won, lost in (("Ada", 6, 1), ("Ben", 5, 1), ("Cleo", 0, 0), ("Eve", 9, 1)):
        maker.assets(0, name, what="submitted", lacking=PROMPTS if name == "Cleo" else 0)
        maker.match(0, "leader", name, won=won, lost=lost)
    maker.match(0, "Ada", "Ben", won=2, lost=2)
    maker.match(0, "Ada", "Eve", won=6, lost=1)
    maker.match(0, "Ben", "Eve", won=5, lost=1)
    maker.audit(0, "Ada", "leader", fails=9)
    maker.audit(0, "Eve", "Ada")
    maker.audit(0, "Ben", "leader", fails=2)
    maker.won_by(0, "Eve")


def _last(maker: Maker) -> None:
    """A round that Dan wins and after which Fay, who qualified too, cannot beat Dan."""
    maker.round(2, ["Dan", "Fay", "Cleo"])
    maker.assets(2, "leader", what="generated")
    for name, won, lost in (("Dan", 7, 2), ("Fay", 5, 1), ("Cleo", 1, 1)):
        maker.assets(2, name, what="submitted")
        maker.match(2, "leader", name, won=won, lost=lost)
    maker.match(2, "Dan", "Fay", won=1, lost=2)


def era_2() -> Files:
    """Round 0 and 1: the leader defends, once because a repeat of Ada's audit falls short. Round 2: Dan wins."""
    maker = Maker(era=2)
    maker.reign("Zero", weight=0.0, block=maker.latest(0))
    maker.round(0, ["Ada", "Ben"])
    maker.assets(0, "leader", what="generated")
    for name, won, lost in (("Ada", 6, 1), ("Ben", 1, 4)):
        maker.assets(0, name, what="submitted", lacking=2 if name == "Ben" else 0)
        maker.match(0, "leader", name, won=won, lost=lost, turn=2)
    maker.repeats(0, "Ada", "leader", beats=[0.2, 0.05, 0.3], keeps=[0.0, -0.05, -0.1])
    maker.won_by(0, "leader")
    maker.reign("Zero", weight=0.2, block=maker.latest(1))
    maker.round(1, ["Ben"])
    maker.assets(1, "leader", what="generated")
    maker.assets(1, "Ben", what="submitted")
    maker.match(1, "leader", "Ben", won=3, lost=5)
    maker.nobody_audited(1)
    maker.won_by(1, "leader")
    maker.reign("Zero", weight=0.2, block=maker.latest(2))
    _last(maker)
    maker.repeats(2, "Dan", "leader", beats=[0.2, 0.1, 0.3], keeps=[0.0, -0.05, -0.1])
    maker.won_by(2, "Dan")
    maker.reign("Dan", weight=1.0, block=maker.latest(3), of_round=2)
    maker.state(3)
    return maker.files


def era_3() -> Files:
    """A platform's own rounds, which bring their rules: Ada wins round 0 and Ben does not."""
    maker = Maker(era=3)
    maker.reign("Zero", weight=0.0, block=0)
    maker.round(0, ["Ada", "Ben"])
    maker.assets(0, "leader", what="generated")
    for name, won, lost in (("Ada", 6, 1), ("Ben", 1, 2)):
        maker.assets(0, name, what="submitted")
        maker.match(0, "leader", name, won=won, lost=lost)
    maker.again(0, "Ada", margin=-0.05)
    maker.won_by(0, "Ada")
    maker.reign("Ada", weight=1.0, block=maker.latest(1), of_round=0)
    maker.state(1)
    for number in (0, 1):
        shares = {"win_margin": "1/10", "weight_decay": "1/5", "weight_floor": "0.2"}
        maker.files[f"rounds/{number}/rules.json"] = {"ruleset": "margin-1", "rules": {"name": "margin-1", **shares}}
    return maker.files


ERAS = {0: era_0, 1: era_1, 2: era_2, 3: era_3}
