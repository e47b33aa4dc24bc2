"""Is there of each drawn file what was measured of it, and which files are forfeits, whose is a drawn duel by that?

A round that was announced with a measure publishes it of every drawn file, whatever its rules; of an older one there is
only what it decided by.  Which numbers a file has is taken on trust, as its pictures are: whoever has the file can
measure it again.  What follows from them is made here once more.
"""

from __future__ import annotations

from fractions import Fraction

from verify.bundles.events import entered
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ledger import NAME as LEDGER

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
OF_MESHES = {
    *(defect for defect, among in COUNTED.items() if among == MESH),
    "crossing_faces",
    "crossing_sample",
    "pieces",
    "uv_overlap",
    "textures",
    "texture_edge",
    "texture_channels",
    "texture_maps",
    "triangles",
    "draw_calls",
    "bytes",
}
OF_SPLATS = {"splats", "floaters", "floater_sample", "needles", "faint", "opacity", "extent", "bytes"}
SHARES = {"uv_overlap", "opacity", "extent"}
"""What is no count."""
MEASURES = {"integrity-1": {"glb": OF_MESHES, "threejs": OF_MESHES, "ply": OF_SPLATS}}
"""The numbers of a file by the version of the measure, and by its format."""
CLASSES = ("miner", "infrastructure")


def check(bundle: ExaminedBundle) -> None:
    """The document is there where it was announced, or where the rules go by measurements, and has each file once."""
    rule, doc, announced = bundle.rules.get(RULE), bundle.documents.get(NAME), announced_measure(bundle)
    wanted = bool(announced) or rule is not None
    if not bundle.compare(KINDS, NAME, {"there": doc is not None}, {"there": wanted}) or doc is None:
        return
    if announced:
        bundle.compare(KINDS, NAME, doc["measure"], announced, field="measure")
    hashes = [row["sha256"] for row in doc["files"]]
    expected = set(drawn(bundle).values()) if announced else decided(bundle)
    bundle.compare(KINDS, NAME, hashes, sorted(expected), field="files")
    sizes = {row["sha256"]: row["bytes"] for row in bundle.document("assets.json")}
    for row in doc["files"]:
        if announced:
            check_row(bundle, row, measure=doc["measure"], size=sizes.get(row["sha256"]))
        else:
            bundle.compare(KINDS, NAME, sorted(row), ["numbers", "sha256"], field=f"{row['sha256']} fields")
    if rule is not None:
        check_decided(bundle, rule, measure=doc["measure"])


def announced_measure(bundle: ExaminedBundle) -> str:
    """The version that the ledger told of when the round was announced, "" of an older round.

    Where one round has it the next one has it, too: to leave it out is no way to publish less.
    """
    of_rounds = [entered(bundle, "round.open", of_round=(bundle.round or 0) + n) for n in (0, 1)]
    measure, following = (str(bodies[0].get("measure") or "") if bodies else "" for bodies in of_rounds)
    if measure and of_rounds[1] and not following:
        bundle.note("wrong-measurements", LEDGER, field="measure of the next round", found="", expected=measure)
    return measure


def check_row(bundle: ExaminedBundle, row: Row, *, measure: str, size: int | None) -> None:
    """All numbers of its format and no others, or whose doing it is that there are none."""
    numbers, failure, field = row["numbers"], row.get("failure"), str(row["sha256"])
    bundle.compare(KINDS, NAME, sorted(row), ["failure", "numbers", "sha256"], field=f"{field} fields")
    if numbers is None:
        kind = failure["class"] if failure else None
        if kind not in CLASSES:
            bundle.note("wrong-measurements", NAME, field=f"{field} failure", found=kind, expected=" or ".join(CLASSES))
        return
    bundle.compare(KINDS, NAME, failure, None, field=f"{field} failure")
    by_format = MEASURES.get(measure)
    if by_format is None:
        bundle.note("wrong-measurements", NAME, field="measure", found=measure, expected=", ".join(MEASURES))
        return
    bundle.compare(KINDS, NAME, numbers.get("bytes"), size, field=f"{field} bytes")
    names = by_format.get(bundle.document("competition.json")["config"].get("format", "glb"), set(numbers))
    bundle.compare(KINDS, NAME, sorted(numbers), sorted(names), field=f"{field} numbers")
    odd = sorted(name for name, value in numbers.items() if name not in SHARES and not is_count(value))
    bundle.compare(KINDS, NAME, odd, [], field=f"{field} counts")


def is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def check_decided(bundle: ExaminedBundle, rule: Row, *, measure: str) -> None:
    """What the rules bound was measured of each file that was decided about, or the file's own doing is why not."""
    if rule["mode"] not in MODES:
        bundle.note("unknown-ruleset", "round.json", field="rules.integrity.mode", found=rule["mode"])
    bundle.compare(KINDS, NAME, measure, rule["measure"], field="measure")
    bounded = {*rule["bounds"], *(COUNTED[defect] for defect in rule["bounds"])}
    for sha256 in sorted(decided(bundle, but="unneeded")):
        if sha256 not in bundle.measured:
            sentence = "It was decided by a file that is not measured, for a reason of the platform's."
            bundle.note("wrong-measurements", NAME, field=sha256, sentence=sentence)
            continue
        numbers = bundle.measured[sha256]
        missing = sorted(bounded - set(bounded if numbers is None else numbers))
        bundle.compare(KINDS, NAME, missing, [], field=f"{sha256} numbers")
        if forfeited(bundle, sha256):
            bundle.note("gated-file", NAME, field=sha256, found=numbers, expected=rule["bounds"])


def decided(bundle: ExaminedBundle, *, but: str = "") -> set[str]:
    """The drawn files of both sides of every duel but those in that state."""
    delivered = drawn(bundle)
    places = [
        (match[side], match[f"{side}_origin"], duel["prompt"])
        for match in bundle.matches
        for duel in match["duels"]
        if duel["state"] != but
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
        (
            defect,
            Fraction(numbers[defect], numbers[among] or 1)
            if is_count(numbers.get(defect)) and is_count(numbers.get(among))
            else None,
        )
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
