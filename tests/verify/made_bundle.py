"""A small round's bundle, made from a plan by code of its own: no database, nothing of the platform or the verifier
but the platform's statistics, so that the verifier's are held against them.

Everybody who enters has a quality per prompt; a judge that only sees those gives the answers.
"""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from functools import cache
from typing import Any

import rfc8785

from dashboard.bundles import statistics
from tests.verify.made_files import OPERATOR, SLUG, Made, hotkey, key, sha256, who
from tests.verify.made_plan import BLOCKS, COUNTED, QUALITY, RIG, RULES, Row, judged, result, stopped, summed

JUDGE, RENDERER = "a1" * 32, "drawn-by-nobody-1"
NAMES = ("base", "ash", "birch", "copycat", "dropper", "mumbler")
PLACES = {"ash": 4, "birch": 5, "copycat": 7, "dropper": 8, "mumbler": 9}


def checked(name: str, kind: str) -> Row:
    """On which archive, by which checks."""
    check = {"check": "licences", "tool": "gauntlet", "tool_version": "1", "ruleset": "f" * 64, "outcome": "done"}
    source = kind == "source"
    return {"archive": sha256(f"archive {commit(name)}".encode()) if source else "", "checks": [check] * source}


def commit(name: str) -> str:
    return hashlib.sha1(b"ash" if name == "copycat" else name.encode()).hexdigest()


class Maker:
    """Plays the plan: a leader, one who wins, one whose code does not give what was submitted, a copy, one who delivers
    only half, one who mumbles."""

    def __init__(self, *, prompts: int, void: bool) -> None:
        self.void = void
        self.made = Made()
        self.files: dict[tuple[str, str, str], str] = {}
        self.quality: dict[str, tuple[int, int]] = {}
        self.clock = 0
        self._competition(prompts)
        self._round(prompts)
        self._enter()
        self._deliver()
        self._play()
        self._audit()
        self._decide()

    def tell(self, kind: str, **body: Any) -> None:
        self.clock += 1
        at = f"2026-01-01T00:{self.clock // 60 % 60:02}:{self.clock % 60:02}.{self.clock:06}Z"
        self.made.events.append((kind, {**body, "at": at}))

    def move(self, row: str, old: str, new: str, **body: Any) -> None:
        self.tell(f"{row}.{new}", **{"round": 1, "because": "the plan", "from": old, "to": new, **body})

    def _competition(self, prompts: int) -> None:
        config = {
            "blocks": BLOCKS,
            "rig": RIG,
            "prompts_per_round": prompts,
            "format": "glb",
            "rules": {"win_margin": 0.05, "least_counted": 1},
            "pods": {"generation_s": 600},
        }
        self.made.documents["competition.json"] = {
            "slug": SLUG,
            "name": "Made",
            "description": "From a plan.",
            "ruleset": "margin-1",
            "judge": "plan",
            "renderer": "nobody",
            "chain": f"simulated:{SLUG}",
            "pods": "local",
            "config": config,
            "demo": False,
        }

    def _round(self, prompts: int) -> None:
        pictures = {f"p{n}": f"picture {n}".encode() for n in range(prompts + 3)}
        named = {sha256(data): stem for stem, data in pictures.items()}
        pool = sorted(named)
        commitment = sha256("".join(f"{digest}\n" for digest in pool).encode())
        schedule = {
            "earliest_reveal_block": 3,
            "latest_reveal_block": 17,
            "seed_block": 19,
            "generation_deadline_block": 437,
        }
        block = sha256(f"gauntlet-simulated-block/1\n{SLUG}\n19".encode())
        seed = sha256(f"gauntlet-seed/1\n{SLUG}\n1\n{block}".encode())
        drawn = sorted(pool, key=lambda digest: sha256(bytes.fromhex(seed + digest)))[:prompts]
        for digest in drawn:
            self.made.put("prompt", pictures[named[digest]])
        self.stems = [named[digest] for digest in drawn]
        self.made.documents["round.json"] = {
            "number": 1,
            "rules": RULES,
            "schedule": schedule,
            "seed_block_hash": block,
            "seed": seed,
            "pool": pool,
            "pool_commitment": commitment,
            "prompts": [{"position": n, "stem": named[d], "sha256": d} for n, d in enumerate(drawn)],
        }
        self.tell("pool", commitment=commitment, prompts=len(pool))
        self.reign(1, "base", weight="4/5", block=0, defence=False)
        self.tell("round.open", round=1, rules=RULES, schedule=schedule, pool=commitment)
        self.drawn = {"seed": seed, "seed_block": 19, "block_hash": block, "prompts": drawn}

    def reign(self, sequence: int, name: str, *, weight: str, block: int, defence: bool) -> None:
        told = {"repo": f"made/{name}", "commit": commit(name), "weight": weight, "effective_block": block}
        self.tell("reign", sequence=sequence, leader=hotkey(name), defence=defence, **told)

    def _enter(self) -> None:
        rows = []
        for name, block in PLACES.items():
            for place, payload in self._payloads(name, block):
                objection = "The message is a number." if payload == b"5" else ""
                shown = {"miner": hotkey(name), "block": place, "extrinsic_index": 0, "payload": payload.hex()}
                rows.append({**shown, "objection": objection})
                signature = bytes(key(name).sign(b"gauntlet-simulated-extrinsic/1\n" + payload)).hex()
                self.tell("reveal", **shown, bytes=len(payload), signature=signature, objection=objection)
        self.made.documents["reveals.json"] = sorted(rows, key=lambda row: row["block"])
        self.made.documents["submissions.json"] = entries = [
            self._entry("base", role="leader"),
            *(self._entry(name, role="challenger") for name in PLACES),
        ]
        for row in entries[1:]:
            told = {k: v for k, v in row.items() if k not in ("entry", "role", "extrinsic_index")}
            self.tell("submission", round=1, **told)
        self.move("round", "open", "miner_generation", **self.drawn)

    def _payloads(self, name: str, block: int) -> list[tuple[int, bytes]]:
        told = {"repo": f"made/{name}", "commit": commit(name), "cdn_url": f"https://{name}.example.org/files/"}
        if name == "mumbler":
            return [(block, b"5")]
        if name == "birch":  # in two messages, the first of them out of date
            first = {"repo": "made/other", "cdn_url": told["cdn_url"]}
            return [(block, json.dumps(first).encode()), (block + 1, json.dumps({**told, "cdn_url": ""}).encode())]
        if name == "copycat":  # as Python prints it, with its SCALE length
            text = str(told).encode()
            return [(block, ((len(text) << 2) | 1).to_bytes(2, "little") + text)]
        return [(block, json.dumps(told).encode())]

    def _entry(self, name: str, *, role: str) -> Row:
        leads, mumbles = role == "leader", name == "mumbler"
        return {
            "entry": "leader" if leads else hotkey(name),
            "miner": hotkey(name),
            "role": role,
            "repo": "" if mumbles else f"made/{name}",
            "commit": "" if mumbles else commit(name),
            "cdn_url": "" if mumbles or leads else f"https://{name}.example.org/files",
            "reveal_block": None if leads else PLACES[name] + (name == "birch"),
            "extrinsic_index": None if leads else 0,
            "objection": "Nothing was revealed." if mumbles else "",
            "copy_of": hotkey("ash") if name == "copycat" else "",
        }

    def _deliver(self) -> None:
        self.rows: list[Row] = []
        self.run("leader", purpose="leader")
        self.bring("leader", "generated", like="base")
        self.move("round", "miner_generation", "downloading")
        for name in ("ash", "birch", "copycat", "dropper"):
            self.bring(name, "submitted", like="ash" if name == "copycat" else name)
        self.move("round", "downloading", "duels")

    def run(self, name: str, *, purpose: str) -> None:
        about = {"entry": who(name), "purpose": purpose, "repeat": 0}
        self.move("podrun", "warming", "generating", **about)
        self.move("podrun", "generating", "done", **about, generated_s=2, pods=1)

    def bring(self, name: str, origin: str, *, like: str) -> None:
        for place, stem in enumerate(self.stems):
            about = {"entry": who(name), "prompt": stem, "origin": origin}
            if name == "dropper" and place in (0, 2):
                failure = {"class": "miner", "code": "not_found"}
                self.move("asset", "downloading", "failed", **about, failure=failure)
                self.rows.append(
                    {**about, "state": "failed", "sha256": "", "bytes": 0, "failure": failure, "rendering": None}
                )
                continue
            data = f"glTF {like} {stem}".encode()
            digest = self.made.put("asset", data)
            self.quality[digest] = QUALITY[like](place)
            self.files[who(name), origin, stem] = digest
            self.move("asset", "downloading", "stored", **about, sha256=digest, bytes=len(data))
            told = {"state": "stored", "sha256": digest, "bytes": len(data), "failure": None}
            self.rows.append({**about, **told, "rendering": self.draw(digest, like)})
        self.rows.sort(key=lambda row: (row["entry"], row["origin"], row["prompt"]))
        self.made.documents["assets.json"] = self.rows

    def draw(self, digest: str, like: str) -> Row:
        rig = sha256(rfc8785.dumps(RIG))
        views = {name: self.made.put("view", f"PNG {like} {name}".encode()) for name in ("front", "gray_front")}
        if not any(k == "rendering.rendered" and b["asset"] == digest for k, b in self.made.events):
            about = {"asset": digest, "rig": rig, "renderer": RENDERER, "views": views}
            self.tell("rendering.rendered", **{"from": "rendering", "to": "rendered", "because": "drawn", **about})
        return {"state": "rendered", "rig": rig, "renderer": RENDERER, "views": views, "triangles": 12, "failure": None}

    def _play(self) -> None:
        self.matches: list[Row] = []
        for name in ("ash", "birch", "copycat", "dropper"):
            self.play("screen", "leader", name)
        for defender, challenger in (("ash", "birch"), ("birch", "copycat"), ("ash", "copycat")):
            self.play("ladder", defender, challenger)
        self.move("round", "duels", "finalizing")

    def play(self, kind: str, defender: str, challenger: str) -> Row:
        sides = {"defender": who(defender), "challenger": who(challenger)}
        origins = {
            "defender_origin": "generated" if defender == "leader" else "submitted",
            "challenger_origin": "generated" if kind == "audit" else "submitted",
        }
        self.move("match", "waiting", "judging", match=kind, **sides)
        duels = [self.duel(place, stem, {**sides, **origins}, kind) for place, stem in enumerate(self.stems)]
        results = [result(duel) for duel in duels]
        stop, said = (len(duels), "") if kind == "audit" else stopped(results)
        shown = duels[:stop] + [
            {"position": d["position"], "prompt": d["prompt"], "state": "unneeded"} for d in duels[stop:]
        ]
        for duel in shown:
            self.tell_duel(duel, match=kind, **sides)
        row = {"kind": kind, **sides, **origins, "judge": JUDGE, "judge_name": "plan", "duels": shown}
        row |= {"stopped": said, "stopped_after": stop} | summed(results[:stop])
        counted = sum(row["tally"][name] for name in COUNTED)
        micro = row["margin_micro"]
        self.move("match", "judging", "decided", match=kind, **sides, margin_micro=micro, counted=counted)
        self.matches.append(row)
        self.matches.sort(key=lambda m: (m["kind"], m["defender"], m["challenger"]))
        self.made.documents["matches.json"] = self.matches
        return row

    def duel(self, place: int, stem: str, match: Row, kind: str) -> Row:
        left = self.files.get((match["defender"], match["defender_origin"], stem), "")
        right = self.files.get((match["challenger"], match["challenger_origin"], stem), "")
        named = {"position": place, "prompt": stem}
        blank: Row = {"score_micro": None, "detail": {}, "failure": None, "left": left, "right": right}
        if self.void and kind == "screen" and place == 1 and match["challenger"] == hotkey("dropper"):
            failure = {"class": "judge", "code": "low_mass"}
            return {**named, **blank, "state": "void", "outcome": "", "left": "", "right": "", "failure": failure}
        if not left or not right:
            return {**named, **blank, "state": "forfeited", "outcome": "challenger" if right else "defender"}
        outcome, score, detail = judged(self.quality[left], self.quality[right])
        return {**named, **blank, "state": "judged", "outcome": outcome, "score_micro": score, "detail": detail}

    def tell_duel(self, duel: Row, **about: Any) -> None:
        about |= {"prompt": duel["prompt"], "position": duel["position"]}
        state = duel["state"]
        if state in ("judged", "forfeited"):
            about |= {"outcome": duel["outcome"], "left_sha256": duel["left"], "right_sha256": duel["right"]}
        if state == "judged":
            about["score_micro"] = duel["score_micro"]
        if state == "void":
            about["failure"] = duel["failure"]
        self.move("duel", "judging", state, **about)

    def _audit(self) -> None:
        self.audits: list[Row] = []
        for name, like in (("ash", "ash"), ("birch", "worse")):
            numbers = {"blocking": 0, "person": 0, "notice": 1, "unchecked": 0}
            finding = {"severity": "notice", "rule": "licence", "file": "LICENSE", "line": 1, "sentence": "It is MIT."}
            self.audit(name, "source", "passed", "nothing_blocking", numbers, {"blocking": 0, "person": 0}, [finding])
            self.run(name, purpose="audit")
            self.bring(name, "generated", like=like)
            match = self.play("audit", name, name)
            counted = sum(match["tally"][each] for each in COUNTED)
            numbers = {**match["tally"], "counted": counted, "margin": match["margin"]}
            limits = {"least_margin": "-1/20", "least_counted": 1, "generation_s": 600}
            bad = Fraction(match["margin"]) < Fraction(-1, 20)
            code = "worse_than_submitted" if bad else "not_worse"
            self.audit(name, "generation", "rejected" if bad else "passed", code, numbers, limits, [])
        self.audits.sort(key=lambda row: (row["entry"], row["kind"]))
        self.made.documents["audits.json"] = self.audits

    def audit(
        self, name: str, kind: str, verdict: str, code: str, numbers: Row, limits: Row, findings: list[Row]
    ) -> None:
        reason = f"The {kind} audit: {code}."
        if kind == "generation":
            t = numbers
            reason = f"Again: {t['won']} won, {t['drawn']} drawn, {t['lost']} lost."
        shown = {"entry": hotkey(name), "kind": kind, "verdict": verdict, "code": code, "reason": reason}
        self.audits.append(
            {
                **shown,
                "version": 1,
                "people": [],
                "numbers": numbers,
                "limits": limits,
                **checked(name, kind),
                "findings": [{**row, "check": "licences", "tool": "gauntlet", "tool_version": "1"} for row in findings],
            }
        )
        told = {"entry": hotkey(name), "audit": kind, "code": code, "limits": limits, "because": reason}
        measured = {**numbers, "generation_s": 2} if kind == "generation" else numbers
        self.move(
            "audit", "gathering", verdict, **told, **(checked(name, kind) if kind == "source" else {}), numbers=measured
        )

    def _decide(self) -> None:
        rungs = [
            self.rung("leader", "ash", "advanced"),
            self.rung("ash", "birch", "rejected"),
            self.rung("ash", "copycat", "held"),
        ]
        following = {
            "earliest_reveal_block": 1203,
            "latest_reveal_block": 1217,
            "seed_block": 1219,
            "generation_deadline_block": 1637,
        }
        self.made.documents["decision.json"] = {
            "winner": hotkey("ash"),
            "leader": hotkey("ash"),
            "weight": "1",
            "effective_block": 1217,
            "ladder": rungs,
            "headline": f"{hotkey('ash')} takes the lead from {hotkey('base')}. {rungs[0]['reason']}",
            "next_schedule": following,
            "uids": {hotkey(name): uid for uid, name in enumerate((OPERATOR, *NAMES))},
            "owner_uid": 0,
            "weights": {"2": "1"},
            "weights_block": 1217,
            "reigns": [
                {"hotkey": hotkey("base"), "weight": "4/5", "effective_block": 0},
                {"hotkey": hotkey("ash"), "weight": "1", "effective_block": 1217},
            ],
        }
        self.made.documents["statistics.json"] = statistics.document(self.made.documents)
        self.tell("weights", block=700, weights={"0": "1/5", "1": "4/5"}, read_back="agrees")
        self.reign(2, "ash", weight="1", block=1217, defence=False)
        commitment = self.made.documents["round.json"]["pool_commitment"]
        self.tell("round.open", round=2, rules=RULES, schedule=following, pool=commitment)
        self.move("round", "finalizing", "finished", winner=hotkey("ash"))
        self.move("publication", "publishing", "signing", files=1)
        self.tell("weights", block=1217, weights={"2": "1"}, read_back="agrees")

    def rung(self, defender: str, challenger: str, verdict: str) -> Row:
        match = self.made.match("screen" if defender == "leader" else "ladder", defender, challenger)
        t = match["tally"]
        wins, losses = t["won"] + t["forfeits_defender"], t["lost"] + t["forfeits_challenger"]
        counted, margin = wins + t["drawn"] + losses, float(Fraction(match["margin"])) * 100
        side = "is short of" if verdict == "held" else "reaches"
        by_forfeit = t["forfeits_defender"] + t["forfeits_challenger"]
        asides = [f"{t['void']} void"] * bool(t["void"]) + [f"{by_forfeit} by forfeit"] * bool(by_forfeit)
        aside = f" ({', '.join(asides)})" if asides else ""
        said = f"Won {wins}, drew {t['drawn']}, lost {losses} of {counted} against {who(defender)}"
        ending = {
            "advanced": "Its audits passed: it is the defender now.",
            "held": "The defender stays.",
            "rejected": "Its audit was rejected: it does not advance, and the defender stays.",
        }
        reason = f"{said}{aside}: a margin of {margin:.4g} % {side} the bar of 5 %. {ending[verdict]}"
        return {"challenger": who(challenger), "defender": who(defender), "verdict": verdict, "reason": reason}


@cache
def _played(prompts: int, void: bool) -> Made:
    return Maker(prompts=prompts, void=void).made


def make(*, prompts: int = 4, void: bool = False) -> Made:
    """A bundle that nothing is wrong with; yours to change."""
    return _played(prompts, void).copy()
