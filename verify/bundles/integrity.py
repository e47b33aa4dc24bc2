"""Are the measurements there by which the round decided, and which files are forfeits, whose is a drawn duel?

Which numbers a file has is taken on trust, as its pictures are: whoever has the file can measure it again.  What
follows from them is made here once more.
"""

from __future__ import annotations

from fractions import Fraction

from verify.bundles.files import ExaminedBundle

NAME, RULE = "integrity.json", "integrity"
MESH, SPLATS = "triangles", "splats"
COUNTED = {
    "open_edges": MESH,
    "non_manifold_edges": MESH,
    "non_manifold_vertices": MESH,
    "mismatched_edges": MESH,
    "inverted_faces": MESH,
    "degenerate_faces": MESH,
    "duplicate_faces": MESH,
    "faces_without_uv": MESH,
    "needles": SPLATS,
    "faint": SPLATS,
}
MODES = ("gate", "tiebreak")
SIDES = ("defender", "challenger")
KINDS = {"": "wrong-measurements", "there": "file-missing"}


def check(bundle: ExaminedBundle) -> None:
    """The document is there where the rules go by measurements, and has each file that was decided about, once."""
    rule, doc = bundle.rules.get(RULE), bundle.documents.get(NAME)
    if not bundle.compare(KINDS, NAME, {"there": doc is not None}, {"there": rule is not None}):
        return
    if rule is None or doc is None:
        return
    if rule["mode"] not in MODES:
        bundle.note("unknown-ruleset", "round.json", field="rules.integrity.mode", found=rule["mode"])
    hashes = [row["sha256"] for row in doc["files"]]
    bundle.compare(KINDS, NAME, doc["measure"], rule["measure"], field="measure")
    bundle.compare(KINDS, NAME, hashes, sorted(decided(bundle)), field="files")
    for row in doc["files"]:
        named = {*rule["bounds"], *(COUNTED[defect] for defect in rule["bounds"])}
        missing = sorted(named - set(row["numbers"] or named))
        bundle.compare(KINDS, NAME, missing, [], field=f"{row['sha256']} numbers")
        if forfeited(bundle, row["sha256"]):
            bundle.note("gated-file", NAME, field=row["sha256"], found=row["numbers"], expected=rule["bounds"])


def decided(bundle: ExaminedBundle) -> set[str]:
    """The drawn files of both sides of every duel."""
    delivered = drawn(bundle)
    places = [
        (match[side], match[f"{side}_origin"], duel["prompt"])
        for match in bundle.matches
        for duel in match["duels"]
        for side in SIDES
    ]
    return {delivered[place] for place in places if place in delivered}


def drawn(bundle: ExaminedBundle) -> dict[tuple[str, str, str], str]:
    """(entry, origin, prompt) -> the file that was delivered, and drawn."""
    return {
        (row["entry"], row["origin"], row["prompt"]): row["sha256"]
        for row in bundle.document("assets.json")
        if row["state"] == "stored" and (row["rendering"] or {}).get("state") == "rendered"
    }


def forfeited(bundle: ExaminedBundle, sha256: str) -> bool:
    """Is the file a forfeit under a gate?"""
    rule = bundle.rules.get(RULE, {"mode": "report"})
    if rule["mode"] != "gate" or sha256 not in bundle.measured:
        return False
    return any(part is None or part > Fraction(rule["bounds"][defect]) for defect, part in shares(bundle, sha256))


def shares(bundle: ExaminedBundle, sha256: str) -> list[tuple[str, Fraction | None]]:
    """Each defect that is bounded, with its share of the file; None where there is no number."""
    numbers = bundle.measured.get(sha256) or {}
    return [
        (defect, Fraction(numbers[defect], numbers[among] or 1) if {defect, among} <= set(numbers) else None)
        for defect, among in ((defect, COUNTED[defect]) for defect in bundle.rules[RULE]["bounds"])
    ]


def tie_broken(bundle: ExaminedBundle, left: str, right: str) -> str:
    """Whose a drawn duel is about these two files, by the rules; "" where it stays drawn.

    The defender's file is `left`.  A share that is not known is worse than any; who is better in one defect and worse
    in another, each by more than its bound, is not the sounder one.
    """
    rule = bundle.rules.get(RULE, {"mode": "report"})
    if rule["mode"] != "tiebreak":
        return ""
    better: set[str] = set()
    for (defect, first), (_, second) in zip(shares(bundle, left), shares(bundle, right), strict=True):
        most = Fraction(rule["bounds"][defect])
        if first is None or second is None:
            better |= set() if first is second else {"challenger" if first is None else "defender"}
        elif abs(first - second) > most:
            better.add("challenger" if first > second else "defender")
    return better.pop() if len(better) == 1 else ""
