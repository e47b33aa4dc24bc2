"""Do the verdicts of a judge that is a model follow from its answers, and did it pass its controls?

A judge that publishes `judging.json` is a model, and a round that tells of a model's questions or controls publishes
one.  The document says what the judge consists of; its hash is the version that the matches name.  Each duel is
followed again: its questions from the hashes of prompt and pictures, their answers by key, the stages from the answers.

A control is a duel with a known answer: the prompt's own picture against a doctored copy of it, or a duel asked again.
Each round has its share of every kind, at least eight, on its prompts in seed order; all anew after a failed gate.
Repeats show miners' files, and close calls are theirs to make: a judge that passed at the prompts' pictures, and again
after its repeats failed, was well.  Older bundles show the leader's files in place of the prompts' pictures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from verify.bundles import panel
from verify.bundles.answers import AnswersByKey, MissingAnswer, Views, bars_of, bars_of_bundle, sha256, stated, write
from verify.bundles.ballots import TWO_STAGES, Unanswered, Verdict, Wrong, of_silence, silent, verdict
from verify.bundles.events import agree, bodies, by_name
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ledger import NAME as LEDGER
from verify.bundles.panel import PanelAnswers
from verify.bundles.reveals import order_of
from verify.findings import keyed

NAME, MATCHES = "judging.json", "matches.json"
RULES = "cascade-1"
ANY_RULES = (RULES, panel.RULES)
KINDS = {"name": "foreign-file", "": "wrong-judge"}
SHARE = {
    "self": Fraction(1, 100),
    "canary": Fraction(2, 100),
    "injection": Fraction(1, 100),
    "repeat": Fraction(2, 100),
}
VARIANTS = {
    "self": ["twin"],
    "canary": ["blurred", "other_colour", "half_missing", "empty"],
    "injection": ["painted"],
    "repeat": ["again"],
}
LEAST = 8
SELF_MEAN, INJECTION_GAIN, DECISIVE = 20_000, 80_000, 80_000
CANARY, CONSISTENT, REPEAT = Fraction(97, 100), Fraction(90, 100), Fraction(98, 100)
PLACE, ABOUT = ("take", "kind", "prompt", "variant"), ("take", "control", "prompt", "variant")
CONTROL_KINDS = {"": "wrong-control", "stages": "wrong-ballots"}
MEASURED = ("score_micro", "before_micro", "left", "right")


def by_model(bundle: ExaminedBundle) -> bool:
    return NAME in bundle.documents


def check(bundle: ExaminedBundle) -> None:
    """Is the document there where it must be, that of the competition's judge, and of one whose rules are written
    here?"""
    judge, doc = bundle.document("competition.json")["judge"], bundle.documents.get(NAME)
    if doc is None:
        questions = {stage["kind"] for _, duel in judged_duels(bundle) for stage in duel["detail"].get("stages", [])}
        if questions - TWO_STAGES or bodies(bundle, "control.judged", of_round=bundle.round):
            bundle.note("file-missing", NAME)
        return
    versions, described = sorted({match["judge"] for match in bundle.document(MATCHES)}), doc["described"]
    rules = described.get("rules") if described.get("rules") in ANY_RULES else RULES
    version, rules = (sha256(described), rules) if described else (doc["version"], None)
    stated = {"name": doc["name"], "version": doc["version"], "rules": described.get("rules"), "judges": versions}
    expected = {
        "name": judge,
        "version": version,
        "rules": rules,
        "judges": [version] if described and versions else [],
    }
    bundle.compare(KINDS, NAME, stated, expected)
    if described and (why := panel.unsound(described, judge)):
        bundle.note("wrong-judge", NAME, field="described", found=why)


def described_here(bundle: ExaminedBundle) -> Row:
    """What the judge consists of; empty where no model judged, or `check` names why it cannot be followed."""
    doc = bundle.documents.get(NAME, {"described": {}})
    described: Row = doc["described"]
    if not described or described["rules"] not in ANY_RULES or doc["version"] != sha256(described):
        return {}
    return {} if panel.unsound(described, bundle.document("competition.json")["judge"]) else described


def is_panel(bundle: ExaminedBundle) -> bool:
    return bool(described_here(bundle).get("rules") == panel.RULES)


Answers = AnswersByKey | PanelAnswers


def answers_of(bundle: ExaminedBundle) -> Answers | None:
    """The answers of the round's duels; None where no model's answers can be followed here."""
    if not described_here(bundle):
        return None
    return sound_answers(bundle, bundle.document(NAME)["answers"], at="answers", views=views_of(bundle))


def detail_of(bundle: ExaminedBundle, match: Row, duel: Row, answers: Answers) -> Row:
    """The detail of a judged duel with its stages, of a panel with those of each family, as the answers give them."""
    stages, families = duel["detail"].get("stages", []), duel["detail"].get("families", [])
    field = f"{match['kind']} {match['challenger']} {duel['prompt']}"
    if duel["left"] == duel["right"]:
        return without_families(duel["detail"]) | {"stages": []}
    if silent(stages):
        bundle.note("judge-silenced", MATCHES, field=field, found=f"{duel['outcome']} by silence")
        return without_families(duel["detail"])
    if not (families if isinstance(answers, PanelAnswers) else stages):
        bundle.note("wrong-ballots", MATCHES, field=field, sentence="Judged, and nobody was asked.")
        return without_families(duel["detail"])
    attempt = take_of(bundle, duel)
    for member in members_of(answers):
        member.attempt = attempt
    sides = {name: answers.views.get(duel[name], {}) for name in ("left", "right")}
    return follow_detail(bundle, MATCHES, duel["detail"], answers, field=field, prompt=duel["prompt"], **sides)


def without_families(detail: Row) -> Row:
    return {name: value for name, value in detail.items() if name != "families"}


def members_of(answers: Answers) -> tuple[AnswersByKey, ...]:
    return answers.members if isinstance(answers, PanelAnswers) else (answers,)


def follow_detail(
    bundle: ExaminedBundle,
    file: str,
    detail: Row,
    answers: Answers,
    *,
    field: str,
    prompt: str,
    left: Views,
    right: Views,
) -> Row:
    """The detail that the answers give; as it is stated where an answer is missing (noted)."""
    about: dict[str, Any] = {"prompt": prompt, "left": left, "right": right}
    if not isinstance(answers, PanelAnswers):
        stages = detail.get("stages", [])
        rewritten = follow(bundle, file, stages, answers, field=field, **about)
        return without_families(detail) | ({} if rewritten == stages else {"stages": rewritten})
    families: list[Row] = []
    stated = {row["family"]: row for row in detail["families"]}
    for member in answers.members:
        family, model = member.described["family"], panel.model_of(member.described)
        row, at = stated.get(family, {"stages": []}), f"{field} {family}"
        if not row["stages"]:
            bundle.note("wrong-ballots", file, field=at, sentence="Judged, and this family was not asked.")
            continue
        followed = follow(bundle, file, row["stages"], member, field=at, **about)
        own = {"family": family, "model": model, "stages": followed}
        try:
            outcome, score, by = verdict(row["stages"], by_model=True, bars=member.bars)
            own |= {"outcome": outcome, "score_micro": score, "decided_by": by}
        except Wrong as wrong:
            bundle.note("wrong-ballots", file, field=at, found=str(wrong))
        families.append(row | own)
    return detail | {"stages": [], "families": families}


def verdict_of(bundle: ExaminedBundle, detail: Row) -> Verdict:
    """What the stated stages come to, of a panel those of both families.  Raises Wrong."""
    stages = detail.get("stages", [])
    if not is_panel(bundle):
        return verdict(stages, by_model=by_model(bundle), bars=bars_of_bundle(bundle))
    if silent(stages):
        return of_silence(stages[0])
    families = detail.get("families", [])
    if not families:
        return "draw", 0, "same_file"
    judges = panel.judges_of(described_here(bundle))
    if [row["family"] for row in families] != [judge["family"] for judge in judges]:
        raise Wrong("not one verdict of each family of the panel, in its order")
    return panel.together(
        [
            verdict(row["stages"], by_model=True, bars=bars_of(judge))
            for row, judge in zip(families, judges, strict=True)
        ]
    )


def judged_duels(bundle: ExaminedBundle) -> list[tuple[Row, Row]]:
    return [(match, duel) for match in bundle.matches for duel in match["duels"] if duel["state"] == "judged"]


def sound_answers(
    bundle: ExaminedBundle, rows: list[Row], *, at: str, views: Mapping[str, Views] | None = None
) -> Answers:
    """Each once, in the order of their keys, and each an answer of this judge; `views`: a file's pictures.

    Of a panel each belongs to the judge whose model it names, and to the first where it names neither.
    """
    doc, keys = bundle.document(NAME), [row["key"] for row in rows]
    bundle.compare("wrong-answer", NAME, keys, sorted(set(keys)), field=f"{at} keys")
    judges = panel.judges_of(doc["described"])
    places = {panel.model_of(judge): place for place, judge in enumerate(judges)}
    whose = [places.get(row["model"], 0) for row in rows]
    actual = keyed(map(stated, rows), "key")
    expected = {row["key"]: write(row, judges[place]) for row, place in zip(rows, whose, strict=True)}
    bundle.compare("wrong-answer", NAME, actual, expected, field=at)
    members = []
    for place, judge in enumerate(judges):
        own = [row for row, owner in zip(rows, whose, strict=True) if owner == place]
        members.append(AnswersByKey(own, version=sha256(judge), described=judge, views=views or {}))
    return PanelAnswers(members) if len(members) > 1 else members[0]


def follow(
    bundle: ExaminedBundle,
    file: str,
    stages: list[Row],
    answers: AnswersByKey,
    *,
    field: str,
    prompt: str,
    left: Views,
    right: Views,
) -> list[Row]:
    """The stages that the answers give; those that are stated where an answer is missing (noted)."""
    try:
        kinds = [stage["kind"] for stage in stages]
        return answers.stages(kinds, reference=prompt_of(bundle, prompt), left=left, right=right)
    except (MissingAnswer, Unanswered) as gap:
        bundle.note("missing-answer", file, field=field, found=str(gap))
        return stages


def unneeded(bundle: ExaminedBundle, answers: Answers, *, at: str) -> None:
    extra = sorted(set(answers.rows) - answers.needed)
    if extra:
        bundle.note("extra-answer", NAME, field=at, found=extra[0], expected=f"{len(extra)} fewer")


def prompt_of(bundle: ExaminedBundle, stem: str) -> str:
    prompts = (*bundle.document("round.json")["prompts"], *bundle.fresh)
    return next(str(prompt["sha256"]) for prompt in prompts if prompt["stem"] == stem)


def views_of(bundle: ExaminedBundle) -> dict[str, Views]:
    """A file -> its pictures by name."""
    rows = [row for row in bundle.document("assets.json") if (row["rendering"] or {}).get("state") == "rendered"]
    return {row["sha256"]: row["rendering"]["views"] for row in rows}


def take_of(bundle: ExaminedBundle, duel: Row) -> str:
    """Under which name its questions were asked again; "" for the first time."""
    attempt = duel.get("take", 1)
    return f"{bundle.manifest['competition']} {bundle.round} {attempt}" if attempt > 1 else ""


def check_controls(bundle: ExaminedBundle) -> None:
    """Each control that had to be made is there, and as its answers and the ledger have it."""
    if not described_here(bundle):
        return
    rows = bundle.document(NAME)["controls"]
    made = [[row["take"], row["kind"], row["prompt"], row["variant"]] for row in rows]
    planned = sorted(place for attempt in range(1, last_take(rows) + 1) for place in plan(bundle, attempt=attempt))
    bundle.compare("wrong-control", NAME, made, planned, field="controls")
    views = views_of(bundle)
    expected = {
        " ".join(map(str, place)): write_control(bundle, row, views) for row, place in zip(rows, made, strict=True)
    }
    bundle.compare(CONTROL_KINDS, NAME, keyed(rows, *PLACE), expected)
    events = by_name(bodies(bundle, "control.judged", of_round=bundle.round), *ABOUT)
    for row, place in zip(rows, made, strict=True):
        if row["state"] == "judged":
            event = events.get((str(row["take"]), row["kind"], row["prompt"], row["variant"]))
            event = event and {**event, "left": event.get("left_sha256"), "right": event.get("right_sha256")}
            agree(bundle, NAME, row, event, MEASURED, " ".join(map(str, place)))


def last_take(rows: Sequence[Row]) -> int:
    """Each take has rows of its own, so that there are no more takes than rows."""
    return min(max((row["take"] for row in rows), default=1), len(rows) or 1)


def plan(bundle: ExaminedBundle, *, attempt: int) -> list[list[Any]]:
    """Each prompt with one way of doctoring, the ways in turn; more than one way only where prompts are short."""
    stems = [prompt["stem"] for prompt in bundle.document("round.json")["prompts"]]
    duels, plan = len(stems) * len(order_of(bundle)), []
    for kind, ways in VARIANTS.items() if duels else ():
        turns = [(n, stem, turn) for turn in range(len(ways)) for n, stem in enumerate(stems)]
        number = max(LEAST, math.ceil(duels * SHARE[kind]))
        plan += [[attempt, kind, stem, ways[(n + turn) % len(ways)]] for n, stem, turn in turns[:number]]
    return plan


def write_control(bundle: ExaminedBundle, row: Row, views: Mapping[str, Views]) -> Row:
    """The control made again: its two sides, its stages from its answers, and its score from those."""
    if row["state"] != "judged":
        return row | {"state": "unneeded" if may_be_unneeded(bundle, row) else "judged"}
    field, expected = " ".join(str(row[name]) for name in PLACE), row | sides_of(bundle, row)
    answers, stages = sound_answers(bundle, row["answers"], at=field), row["detail"].get("stages", [])
    left, right = views.get(row["left"], {}), views.get(row["right"], {})
    if row["kind"] != "repeat":
        rig = bundle.document("competition.json")["config"]["rig"]
        left = {view["name"]: row["left"] for view in rig["views"]} if on_prompt(bundle, row) else left
        right = row["views"]
        drawn = {name for name in left if bundle.blobs.get(right.get(name, ""), {}).get("role") == "view"}
        expected["views"] = dict.fromkeys(left, "a picture in the bundle") | {name: right[name] for name in drawn}
    if not (row["kind"] == "repeat" and silent(stages)):
        about = {"prompt": row["prompt"], "left": left, "right": right}
        detail = {"families": [], **row["detail"]}
        expected["detail"] = follow_detail(bundle, NAME, detail, answers, field=field, **about)
    expected["detail"] = with_before(bundle, row, expected["detail"])
    unneeded(bundle, answers, at=field)
    try:
        outcome, score, by = verdict_of(bundle, row["detail"])
    except Wrong as wrong:
        bundle.note("wrong-control", NAME, field=field, found=str(wrong))
        return expected
    # a draw's score is 0: of `self` and `injection` it is what the likeness leans to
    leans = row["kind"] in ("self", "injection") and outcome == "draw" and stages
    expected["score_micro"] = stages[0]["score"] if leans else score
    return expected | {"detail": expected["detail"] | {"decided_by": by}}


def sides_of(bundle: ExaminedBundle, row: Row) -> Row:
    """The prompt's picture (of an older bundle the leader's file) against a doctored copy of it; or the first duel on
    this prompt: of title-1 any, for a screen may come later than the repeats."""
    if row["kind"] != "repeat":
        left = row["left"] if on_prompt(bundle, row) else _leaders_asset(bundle, row["prompt"]).get("sha256", "")
        return {"left": left, "right": hashlib.sha256(f"{left} {row['variant']}".encode()).hexdigest()}
    stated = {"left": row["left"], "right": row["right"], "before_micro": row["before_micro"]}
    known = [
        {"left": duel["left"], "right": duel["right"], "before_micro": duel["score_micro"]}
        for duel in judged_before(bundle, row["prompt"])
    ]
    return stated if bundle.titled and stated in known else (known or [dict.fromkeys(stated)])[0]


def with_before(bundle: ExaminedBundle, row: Row, detail: Row) -> Row:
    """Of a panel's repeat: what each family's score was in the duel that it asks about again."""
    plain = {name: value for name, value in detail.items() if name != "before"}
    if row["kind"] != "repeat" or not is_panel(bundle):
        return plain
    same = [
        duel
        for duel in judged_before(bundle, row["prompt"])
        if (duel["left"], duel["right"]) == (row["left"], row["right"]) and duel["detail"].get("families")
    ]
    before = {each["family"]: each["score_micro"] for each in same[0]["detail"]["families"]} if same else {}
    return plain | ({"before": before} if before else {})


def on_prompt(bundle: ExaminedBundle, row: Row) -> bool:
    """Does it show the prompt's own picture, and nothing of a miner's?"""
    return bool(row["kind"] != "repeat" and row["left"] == prompt_of(bundle, row["prompt"]))


def _leaders_asset(bundle: ExaminedBundle, prompt: str) -> Row:
    leads = ("leader", "generated", prompt)
    rows = [row for row in bundle.document("assets.json") if (row["entry"], row["origin"], row["prompt"]) == leads]
    return rows[0] if rows else {}


def judged_before(bundle: ExaminedBundle, prompt: str) -> list[Row]:
    """Judged duels of the screens on this prompt, in reveal order; of the same file twice nobody was asked."""
    order = order_of(bundle)
    first = [m for m in bundle.matches if m.get("version", 1) == 1 and m["kind"] == "screen"]
    screens = sorted((m for m in first if m["challenger"] in order), key=lambda m: order.index(m["challenger"]))
    duels = [duel for match in screens for duel in match["duels"] if duel["prompt"] == prompt]
    return [duel for duel in duels if duel["state"] == "judged" and duel["left"] != duel["right"]]


def may_be_unneeded(bundle: ExaminedBundle, row: Row) -> bool:
    """Where there was nothing to repeat, or where all were made anew; in an older bundle, where the leader's files were
    shown in place of the prompts' pictures, also where the leader had delivered none to ask about."""
    rows = bundle.document(NAME)["controls"]
    if row["take"] < last_take(rows):
        return True
    if row["kind"] == "repeat":
        return not judged_before(bundle, row["prompt"])
    older = not any(other["state"] == "judged" and on_prompt(bundle, other) for other in rows)
    return older and (_leaders_asset(bundle, row["prompt"]).get("rendering") or {}).get("state") != "rendered"


def health(bundle: ExaminedBundle) -> None:
    """No gate by which the judge is unwell fails, and they are what the ledger announced when the round left its duels.

    Where only repeats make the last take fail, they count if an earlier take was unwell, or none was made before, or a
    take showed the leader's files.
    """
    if not described_here(bundle):
        return
    controls = bundle.document(NAME)["controls"]
    last, judged = last_take(controls), [row for row in controls if row["state"] == "judged"]
    takes = [[row for row in judged if row["take"] == attempt] for attempt in range(1, last + 1)]
    announced = [
        body["health"] for body in bodies(bundle, "round.finalizing", of_round=bundle.round) if "health" in body
    ]
    families = [judge["family"] for judge in panel.judges_of(described_here(bundle))] if is_panel(bundle) else [""]
    stated = {
        f"{entry.get('family', '')} {entry['gate']}".strip(): [entry["state"], entry["of"]]
        for entry in (announced[-1] if announced else [])
    }
    calls = [stated.pop(f"{family} calls".strip(), ["failed"])[0] for family in families]
    if takes[-1]:
        bundle.compare("ledger-differs", LEDGER, stated, gates_by_family(takes[-1], families), field="health")
    own = [[row for row in rows if row["kind"] != "repeat"] for rows in takes]
    on_prompts = all(on_prompt(bundle, row) for rows in own for row in rows)
    well = on_prompts and last > 1 and not any(failing(rows, families) for rows in own)
    unwell = failing(own[-1], families) or ([] if well else failing(takes[-1], families))
    if unwell or (takes[-1] and "failed" in calls):
        bundle.note("unhealthy-judge", NAME, field="gates", found=unwell or ["calls"])


def failing(rows: Sequence[Row], families: Sequence[str]) -> list[str]:
    return sorted(gate for gate, (state, _) in gates_by_family(rows, families).items() if state == "failed")


def gates_by_family(rows: Sequence[Row], families: Sequence[str]) -> dict[str, list[Any]]:
    """The gates of each family of a panel, with its name in front: one that is unwell is not made up for by the other.
    Of a judge that is one model `families` is one empty name."""
    if list(families) == [""]:
        return gates(rows)
    return {
        f"{family} {gate}": finding
        for family in families
        for gate, finding in gates([panel.of_family(row, family) for row in rows]).items()
    }


def gates(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """gate -> [state, measured on how many]; `calls` can only be told."""
    scores: dict[str, list[int]] = {kind: [r["score_micro"] for r in rows if r["kind"] == kind] for kind in SHARE}
    repeats = [(row["score_micro"], row["before_micro"]) for row in rows if row["kind"] == "repeat"]
    scored = [row for row in rows if row["score_micro"] or row["before_micro"]]
    differing = [row for row in rows if row["kind"] == "canary"] + [row for row in scored if row["kind"] == "repeat"]
    stages = [stage for row in differing for stage in row["detail"]["stages"]]
    pairs = [stage for stage in stages if stage["kind"] not in ("checklist", "sides")]
    decisive = [stage for stage in pairs if max(abs(stage["ab"]), abs(stage["ba"])) >= DECISIVE]
    mean = Fraction(sum(scores["self"]), len(scores["self"]) or 1)
    return {
        "self": _state(abs(mean) <= SELF_MEAN, len(scores["self"])),
        "canary": _share([score < 0 for score in scores["canary"]], CANARY),
        "injection": _state(max(scores["injection"], default=0) < INJECTION_GAIN, len(scores["injection"])),
        "repeat": _share([_sign(now) == _sign(before) for now, before in repeats], REPEAT),
        "consistent": _share([stage["consistent"] for stage in decisive], CONSISTENT),
    }


def _share(right: list[bool], needed: Fraction) -> list[Any]:
    return _state(sum(right) >= needed * len(right), len(right))


def _state(right: bool, of: int) -> list[Any]:
    return ["unproven" if of < LEAST else "passed" if right else "failed", of]


def _sign(score: int) -> int:
    return 0 if abs(score) < DECISIVE else 1 if score > 0 else -1
