"""How far do the answers of another judge agree with a round's, and would its matches and its winner stand?

Two answers agree where the same label is the likeliest.  Of a sample of duels the share has a 95 % interval (Wilson)
that counts each duel once, because the answers about one duel go together, and that closes as the sample nears the
whole.  A match stands where no duel that is still open could change what it came to.  Everything is in whole numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.bundles import judging, title
from verify.bundles.answers import MILLION, AnswersByKey, MissingAnswer
from verify.bundles.audits import by_bankroll, matches_of
from verify.bundles.ballots import Unanswered, lead_before_sides
from verify.bundles.files import ExaminedBundle, Row
from verify.bundles.ladder import LEADER, Gap, climb, defender_after, pairs_of, rejected_in
from verify.bundles.matches import NAME as MATCHES
from verify.bundles.matches import counted_of, label, margin_of, result_of, results_of, tally_of
from verify.bundles.reveals import order_of
from verify.bundles.statistics import BY_MATCHES, Z95
from verify.second_opinion.questions import CitedDuel, labels_of, questions_of

FORMAT = "gauntlet-second-opinion/1"
OPEN = "open"
STANDS, CHANGES, UNCOVERED = "stands", "changes", "not covered"
NOBODY = "nobody can tell"


@dataclass(frozen=True)
class AgreementShare:
    """So many of so many.  `interval95_micro`: of the whole from which they were drawn, in millionths; None of none."""

    same: int
    of: int
    interval95_micro: tuple[int, int] | None

    def document(self) -> Row:
        share = round(Fraction(self.same * MILLION, self.of)) if self.of else None
        interval = list(self.interval95_micro) if self.interval95_micro else None
        return {"same": self.same, "of": self.of, "share_micro": share, "interval95_micro": interval}


def share(same: int, of: int, *, drawn: int, whole: int) -> AgreementShare:
    """`drawn` duels of `whole`, which is what the interval goes by."""
    if not of or not drawn:
        return AgreementShare(same, of, None)
    p = same / of
    if drawn >= whole:
        return AgreementShare(same, of, (round(p * MILLION), round(p * MILLION)))
    n = drawn * (whole - 1) / (whole - drawn)
    middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
    return AgreementShare(
        same, of, (round(max(0.0, middle - half) * MILLION), round(min(1.0, middle + half) * MILLION))
    )


class Comparison:
    """`cited`: all duels that a model judged; `whole`: those with all their pictures, from which `drawn` were drawn;
    `answers`: the other judge's, by key."""

    def __init__(
        self,
        bundle: ExaminedBundle,
        *,
        cited: Sequence[CitedDuel],
        whole: Sequence[CitedDuel],
        drawn: Sequence[CitedDuel],
        answers: Mapping[str, Row],
    ) -> None:
        self.bundle, self.answers = bundle, answers
        self.cited, self.whole, self.drawn = cited, whole, drawn
        self.doc = bundle.document(judging.NAME)
        self.described: Row = self.doc["described"]
        self.before: dict[str, Row] = {row["key"]: row for row in self.doc["answers"]}
        lists = [row for row in self.doc["answers"] if not labels_of(self.described, row["kind"])]
        self.by_key = AnswersByKey(
            [*lists, *answers.values()],
            version=self.doc["version"],
            described=self.described,
            views=judging.views_of(bundle),
        )
        self.outcomes = {duel.name: self._outcome(duel) for duel in cited}
        self.standings = [self._standing(match) for match in bundle.document(MATCHES)]

    def agrees(self, key: str) -> bool:
        return likeliest(self.answers[key]["shares"]) == likeliest(self.before[key]["shares"])

    def _outcome(self, duel: CitedDuel) -> str | None:
        """By the new answers; None while some are missing, OPEN where a question decides that the round did not ask."""
        described, reference, kinds = self.described, duel.reference, list[str]()
        left, right = (self.by_key.views.get(duel.duel[side], {}) for side in ("left", "right"))
        self.by_key.attempt = duel.attempt
        stages: list[Row] = []
        for kind in duel.kinds:
            try:
                stages = self.by_key.stages([*kinds, kind], reference=reference, left=left, right=right)
                kinds.append(kind)
            except (MissingAnswer, Unanswered):
                continue
        complete = all(question.key in self.answers for question in duel.questions)
        unknown = OPEN if complete else None
        try:
            score, by = lead_before_sides(stages, bars=self.by_key.bars)
        except Unanswered:
            return unknown
        if not score:
            by_gray = "gray" in duel.kinds or duel.duel["detail"]["decided_by"] == by
            return "draw" if by_gray and ("gray" in kinds) == ("gray" in duel.kinds) else unknown
        if "sides" not in kinds:
            return unknown
        worse = stages[-1]["score"] * (1 if score > 0 else -1)
        guarded = worse <= -int(described["bars"]["side_guard"])
        return "draw" if guarded else "challenger" if score > 0 else "defender"

    def verdicts(self, duels: Iterable[CitedDuel]) -> Counter[str]:
        """How many of these end as in the round (`same`), otherwise (`changed`), are `open` or not `answered`."""
        counts = Counter[str]()
        for duel in duels:
            outcome = self.outcomes[duel.name]
            if outcome is None or outcome == OPEN:
                counts["unanswered" if outcome is None else OPEN] += 1
            else:
                counts["same" if outcome == duel.duel["outcome"] else "changed"] += 1
        return counts

    def _standing(self, match: Row) -> Row:
        """What the match comes to with the new verdicts, whatever those that are missing would be."""
        mine = [duel for duel in self.cited if duel.match == label(match)]
        verdicts, held = self.verdicts(mine), holds(self.bundle, match)
        if verdicts["same"] == len(mine):
            result = STANDS
        else:
            worst, best = (holds(self.bundle, self._with(match, rest=side)) for side in ("defender", "challenger"))
            result = UNCOVERED if worst != best else STANDS if worst == held else CHANGES
        rows = self.bundle.document("statistics.json")["matches"]
        distances = {row["match"]: row["flip_distance"] for row in rows}
        return {"match": label(match), "duels": len(mine), "result": result, "flip_distance": distances[label(match)]}

    def _with(self, match: Row, *, rest: str = "") -> Row:
        """The match with the new verdicts.  `rest`: who wins each duel of which nothing is known, also of those that
        the match did not need; "" leaves them as they are."""
        duels = []
        for duel in match["duels"]:
            name = f"{label(match)} {duel['prompt']}"
            outcome = self.outcomes.get(name)
            known = outcome not in (None, OPEN)
            if known:
                duel = {**duel, "outcome": outcome}
            elif rest and (name in self.outcomes or duel["state"] == "unneeded"):
                duel = {**duel, "state": "judged", "outcome": rest}
            duels.append(duel)
        if rest and match["kind"] == "title":
            more = len(self.bundle.fresh) - len(duels)
            duels += [{"state": "judged", "outcome": rest}] * more
        changed = {**match, "duels": duels}
        return {**changed, "tally": tally_of(results_of(changed))}

    def winner(self) -> Row:
        """Who leads with the new verdicts in place of the round's, all others as they are; is it certain?"""
        official = str(self.bundle.document("decision.json")["winner"])
        matches = [self._with(match) for match in self.bundle.document(MATCHES)]
        leads = winner_of(self.bundle, matches) or NOBODY
        verdicts = self.verdicts(self.cited)
        certain = all(row["result"] == STANDS for row in self.standings)
        if self.bundle.titled:  # margins of screens also say who plays for the title
            every = sum(row["duels"] for row in self.standings)
            certain = certain and verdicts["same"] + verdicts["changed"] == every
        result = CHANGES if leads != official else STANDS if certain else UNCOVERED
        distance = self.bundle.document("statistics.json")["flip_distance"]
        missing = {"open": verdicts[OPEN], "unanswered": verdicts["unanswered"]}
        return {
            "official": official,
            "with_these_answers": leads,
            "result": result,
            "flip_distance": distance,
            "duels": missing,
        }

    def answers_share(
        self, duels: Sequence[CitedDuel], *, whole: Sequence[CitedDuel], kind: str = ""
    ) -> AgreementShare:
        """Of the questions of these duels, drawn from `whole`, that were answered; of one kind where one is named."""
        keys = answered(duels, self.answers, kind=kind)
        drawn = sum(bool(answered([duel], self.answers, kind=kind)) for duel in duels)
        having = sum(any(not kind or each.kind == kind for each in duel.questions) for duel in whole)
        return share(sum(map(self.agrees, keys)), len(keys), drawn=drawn, whole=having)

    def verdicts_share(self) -> AgreementShare:
        """Of the drawn duels that have a verdict now."""
        counts = self.verdicts(self.drawn)
        of = counts["same"] + counts["changed"]
        return share(counts["same"], of, drawn=of, whole=len(self.whole))

    def document(self) -> Row:
        """What was compared and what came of it, without who asked, where and when."""
        by_kind = []
        for kind in sorted({question.kind for question in questions_of(self.cited).values()}):
            numbers = self.answers_share(self.drawn, whole=self.whole, kind=kind).document()
            by_kind.append({"kind": kind, **numbers, "difference_micro": self._difference(kind)})
        by_match = []
        for row in self.standings:
            mine, whole = ([duel for duel in duels if duel.match == row["match"]] for duels in (self.drawn, self.whole))
            every = [duel for duel in self.cited if duel.match == row["match"]]
            numbers = {"answers": self.answers_share(mine, whole=whole).document()}
            by_match.append({**row, **numbers, "verdicts": plain_counts(self.verdicts(every))})
        return {
            "answers": self.answers_share(self.drawn, whole=self.whole).document(),
            "by_kind": by_kind,
            "by_match": by_match,
            "verdicts": {**self.verdicts_share().document(), **plain_counts(self.verdicts(self.drawn))},
            "winner": self.winner(),
        }

    def _difference(self, kind: str) -> int | None:
        """How far two answers of this kind are apart on average, in millionths of what a label may be worth; None where
        labels name photographs."""
        if kind == "best_view":
            return None
        worth = labels_of(self.described, kind)
        pairs = [
            (expected(self.answers[key]["shares"], worth), expected(self.before[key]["shares"], worth))
            for key in answered(self.drawn, self.answers, kind=kind)
        ]
        apart = sum((abs(new - old) for new, old in pairs), Fraction(0))
        return round(apart / len(pairs)) if pairs else None


def answered(duels: Iterable[CitedDuel], answers: Collection[str], *, kind: str = "") -> list[str]:
    """The keys of these duels' questions that have an answer; of one kind where one is named."""
    questions = questions_of(duels).values()
    return [each.key for each in questions if each.key in answers and kind in ("", each.kind)]


def likeliest(shares: Mapping[str, int]) -> str:
    return max(sorted(shares), key=shares.__getitem__)


def expected(shares: Mapping[str, int], worth: Mapping[str, Any]) -> Fraction:
    return Fraction(sum(worth[name] * number for name, number in shares.items()), sum(shares.values()) or 1)


def plain_counts(verdicts: Counter[str]) -> Row:
    return {name: verdicts[name] for name in ("same", "changed", OPEN, "unanswered")}


def holds(bundle: ExaminedBundle, match: Row) -> bool:
    """Does the challenger reach what this match asks of it?"""
    rules, tally = bundle.rules, tally_of(results_of(match))
    if match["kind"] == "title":
        return title.played(bundle, match)[1] == "title"
    if bundle.titled and match["kind"] == "audit":
        return by_bankroll([result_of(duel) for duel in match["duels"]], rules=rules) == "not_worse"
    bar = Fraction(rules["win_margin"]) * (-1 if match["kind"].startswith("audit") else 1)
    return counted_of(tally) >= max(1, rules["least_counted"]) and margin_of(tally) >= bar


def winner_of(bundle: ExaminedBundle, matches: list[Row]) -> str:
    """Who leads by these matches, and the audits as they are but for what rests on a match; "" where one is missing."""
    audits, before = bundle.document("audits.json"), pairs_of(bundle.document(MATCHES))
    met, rejected = pairs_of(matches), rejected_in(audits)
    for audit in audits:
        if audit["kind"] == "generation" and audit["code"] in BY_MATCHES:
            keys = [key for key in matches_of(bundle, audit) if key in met]
            turned = any(holds(bundle, met[key]) != holds(bundle, before[key]) for key in keys)
            rejected ^= {audit["entry"]} if turned else set()
    if bundle.titled:
        return title.outcome(bundle, matches, rejected)[2]
    try:
        rungs = climb(order_of(bundle), met, rejected=rejected, rules=bundle.rules)
    except Gap:
        return ""
    won = {rung["challenger"] for rung in rungs if rung["verdict"] == "advanced"}
    unaudited = bundle.rules["audits"] and won - {audit["entry"] for audit in audits}
    return "" if unaudited else defender_after(rungs)


def leader_name(winner: str) -> str:
    return "the leader" if winner == LEADER else winner
