"""Does the winner follow from the matches and audits, and the money from the winner?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.bundle_files import Bundle
from verify.bundle_matches import margin_of

NAME = "decision.json"


def check(bundle: Bundle) -> None:
    winner = _ladder(bundle)
    _audits(bundle)
    decision = bundle.documents[NAME]
    bundle.same("wrong-winner", NAME, field="winner", found=decision["winner"], expected=winner,
                say="The matches and audits give another winner.")  # fmt: skip
    _reign(bundle, winner)
    _weights(bundle)


def _clears(match: dict[str, Any], rules: dict[str, Any]) -> bool:
    tally = match["tally"]
    counted = sum(tally.values()) - tally["void"]
    return counted >= max(1, rules["least_counted"]) and margin_of(tally) >= Fraction(rules["win_margin"])


def _ladder(bundle: Bundle) -> str:
    """Qualified challengers in reveal order meet the defender of the moment; a rejected one does not advance."""
    rules = bundle.documents["round.json"]["rules"]
    met = {(m["kind"], m["defender"], m["challenger"]): m for m in bundle.documents["matches.json"]}
    verdicts: dict[str, set[str]] = {}
    for audit in bundle.documents["audits.json"]:
        verdicts.setdefault(audit["entry"], set()).add(f"{audit['kind']} {audit['verdict']}")
    entered = [s for s in bundle.documents["submissions.json"] if s["role"] == "challenger" and not s["objection"]]
    defender, rungs = "leader", []
    for entry in sorted(entered, key=lambda s: (s["reveal_block"], s["extrinsic_index"], s["miner"])):
        key = entry["entry"]
        screen = met["screen", "leader", key]
        if not _clears(screen, rules):
            continue
        match = screen if defender == "leader" else met["ladder", defender, key]
        verdict = "held"
        if _clears(match, rules):
            passed = {f"{kind} passed" for kind in rules["audits"]} <= verdicts.get(key, set())
            verdict = "advanced" if passed else "rejected"
            _audited(bundle, key, rules, verdicts.get(key, set()))
        rungs.append({"challenger": key, "defender": defender, "verdict": verdict})
        defender = key if verdict == "advanced" else defender
    told = [{name: rung[name] for name in ("challenger", "defender", "verdict")}
            for rung in bundle.documents[NAME].get("ladder", [])]  # fmt: skip
    bundle.same("wrong-ladder", NAME, field="ladder", found=told, expected=rungs, say="The ladder climbs otherwise.")
    return defender


def _audited(bundle: Bundle, key: str, rules: dict[str, Any], verdicts: set[str]) -> None:
    """A rejection needs a rejecting audit; a win needs all of them decided."""
    if not any(v.endswith("rejected") for v in verdicts) and len(verdicts) < len(rules["audits"]):
        bundle.wrong("missing-audit", "audits.json", field=key, found=sorted(verdicts), expected=list(rules["audits"]),
                     say="A winner of the ladder was not audited.")  # fmt: skip


def _audits(bundle: Bundle) -> None:
    """A generation audit follows from its match, a source audit from its findings."""
    bar = Fraction(bundle.documents["round.json"]["rules"]["win_margin"])
    audit_matches = {m["challenger"]: m for m in bundle.documents["matches.json"] if m["kind"] == "audit"}
    for audit in bundle.documents["audits.json"]:
        field = f"{audit['entry']} {audit['kind']}"
        if audit["kind"] == "source":
            blocking = any(f["severity"] == "blocking" for f in audit["findings"])
            expected = "rejected" if blocking else "passed"
            bundle.same("wrong-verdict", "audits.json", field=field, found=audit["verdict"], expected=expected,
                        say="The findings say otherwise.")  # fmt: skip
            continue
        match = audit_matches.get(audit["entry"])
        if match is None:
            if audit["verdict"] == "passed":
                bundle.wrong("missing-match", "audits.json", field=field, say="Passed without a match to show it.")
        elif margin_of(match["tally"]) < -bar and audit["verdict"] != "rejected":
            bundle.wrong("wrong-verdict", "audits.json", field=field, found=audit["verdict"], expected="rejected",
                         say="What was generated again is worse than what was submitted.")  # fmt: skip


def _reign(bundle: Bundle, winner: str) -> None:
    """A defence costs the decay down to the floor; a new leader starts at 1; paid from the next round."""
    decision, rules = bundle.documents[NAME], bundle.documents["round.json"]["rules"]
    reigns = decision["reigns"]
    if len(reigns) < 2:
        bundle.wrong(
            "wrong-reign", NAME, field="reigns", found=len(reigns), say="A decision adds a reign to the first."
        )
        return
    before, after = reigns[-2], reigns[-1]
    defended = winner == "leader"
    decayed = max(Fraction(rules["weight_floor"]), Fraction(before["weight"]) - Fraction(rules["weight_decay"]))
    expected = {
        "hotkey": before["hotkey"] if defended else winner,
        "weight": str(decayed if defended else Fraction(1)),
        "effective_block": decision["next_schedule"][rules["paid_from"].removeprefix("next_") + "_block"],
    }
    bundle.same("wrong-reign", NAME, field="reigns", found=after, expected=expected, say="Another reign follows.")
    told = {"hotkey": decision["leader"], "weight": decision["weight"], "effective_block": decision["effective_block"]}
    bundle.same("wrong-reign", NAME, field="leader", found=told, expected=expected, say="Another reign follows.")


def _weights(bundle: Bundle) -> None:
    decision = bundle.documents[NAME]
    block, owner = decision["weights_block"], decision["owner_uid"]
    reign = next((r for r in reversed(decision["reigns"]) if r["effective_block"] <= block), None)
    uid = decision["uids"].get(reign["hotkey"]) if reign else None
    weight = Fraction(reign["weight"]) if reign and uid is not None and uid != owner else Fraction(0)
    shares = {owner: 1 - weight} | ({uid: weight} if uid is not None and weight else {})
    expected = {str(u): str(share) for u, share in sorted(shares.items()) if share}
    bundle.same(
        "wrong-weights", NAME, field="weights", found=decision["weights"], expected=expected, say="Not the reign's."
    )
    bundle.same("wrong-weights", NAME, field="weights_block", found=block, expected=decision["effective_block"],
                say="Not the block from which the decision is paid.")  # fmt: skip
