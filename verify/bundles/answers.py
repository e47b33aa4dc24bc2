"""Which question does an answer belong to, is it one, and what is it worth?

An answer is kept under `SHA256(JCS({judge, kind, pictures, text}))`, and with a `take` where it was asked anew; a
picture under `SHA256(JCS({layout, pixels, quality, tiles}))`, its tiles being photographs by their hash.  So from the
hashes of two assets' views follows which answers a verdict about them rests on.  Shares are billionths; a score is the
expected worth of the allowed labels in millionths.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from verify.bundles.ballots import BARS, lead_before_sides, stage_of
from verify.bundles.files import ExaminedBundle, Row, canonical

QUALITY, WHOLE, MILLION = 92, 10**9, 10**6
MOST_MASS = 1_001_000_000
SLACK = 3e-6
"""Log-probabilities are told in millionths."""
PARTS, LONGEST_PART = 6, 80
ODD = re.compile(r"[^A-Za-z0-9 ,'/-]+")
SPACES = " \t\n▁Ġ"

Views = Mapping[str, str]


class MissingAnswer(Exception):
    """A verdict rests on an answer that is not there."""


class AnswersByKey:
    """The answers of one judge version, and which of them were needed."""

    def __init__(
        self, rows: Iterable[Row], *, version: str, described: Row, views: Mapping[str, Views] | None = None
    ) -> None:
        self.rows = {row["key"]: row for row in rows}
        self.version, self.described, self.views = version, described, views or {}
        self.needed: set[str] = set()
        self.attempt = ""

    @property
    def bars(self) -> dict[str, int]:
        return bars_of(self.described)

    def stages(self, kinds: Sequence[str], *, reference: str, left: Views, right: Views) -> list[Row]:
        """What these questions about these two came to, by the answers.  Raises Missing."""
        rows: list[Row] = []
        for kind in kinds:
            words, sides = str(self.described["questions"][kind]["asks"]), (left, right)
            if kind == "sides":
                ab = self._sides(words.replace("{parts}", ""), reference, left, right, rows)
                ba = -ab
            elif kind == "checklist":
                parts = self.answer_to("parts", [[reference]], str(self.described["questions"]["parts"]["asks"]))
                words = words.replace("{parts}", "; ".join(parts_of(parts["text"])) + ".")
                marks = [self._score(kind, [[reference], self._shown(kind, side)], words) for side in sides]
                ab, ba = marks[1] - marks[0], marks[0] - marks[1]
            else:
                shown = [self._best_view(reference, s) if kind == "detail" else self._shown(kind, s) for s in sides]
                ab, ba = (self._score(kind, [[reference], *two], words) for two in (shown, shown[::-1]))
            rows.append(stage_of(kind, ab, ba))
        return rows

    def _sides(self, words: str, reference: str, left: Views, right: Views, before: list[Row]) -> int:
        """The winner so far is looked at first, the other only if that may cost the winner its win."""
        leads = lead_before_sides(before, bars=self.bars)[0] > 0
        order = [("challenger", right), ("defender", left)] if leads else [("defender", left), ("challenger", right)]
        spoiled = {"defender": 0, "challenger": 0}
        for place, side in order:
            spoiled[place] = self._score("sides", [[reference], self._shown("sides", side)], words)
            if spoiled[place] < self.bars["sides"]:
                break
        return spoiled["defender"] - spoiled["challenger"]

    def _best_view(self, reference: str, side: Views) -> list[str]:
        template = self.described["questions"]["best_view"]
        text = template["asks"].replace("{parts}", "")
        shares = self.answer_to("best_view", [[reference], self._shown("best_view", side)], text)["shares"]
        view = template["shows"][template["labels"][max(sorted(shares), key=shares.__getitem__)]]
        return [side[view]]

    def _shown(self, kind: str, side: Views) -> list[str]:
        names = self.described["questions"][kind]["shows"]
        return [side[name] for name in names if name in side]

    def _score(self, kind: str, pictures: list[list[str]], text: str) -> int:
        labels, shares = self.described["questions"][kind]["labels"], self.answer_to(kind, pictures, text)["shares"]
        if not sum(shares.values()) or not shares.keys() <= labels.keys():
            raise MissingAnswer(f"no answer to {kind}: not one of the allowed labels")
        worth = sum(labels[label] * share for label, share in shares.items())
        return round(Fraction(worth, sum(shares.values())))

    def answer_to(self, kind: str, pictures: list[list[str]], text: str) -> Row:
        """`pictures`: of each the photographs that it consists of, by hash.  Raises MissingAnswer."""
        sheet = {"layout": "sheet-1", "quality": QUALITY, "pixels": self.described["pixels"]}
        shown = [sha256(sheet | {"tiles": tiles}) for tiles in pictures]
        named = {"judge": self.version, "kind": kind, "pictures": shown, "text": text}
        key = sha256(named | ({"take": self.attempt} if self.attempt else {}))
        if key not in self.rows:
            raise MissingAnswer(f"no answer {key[:16]}… to {kind}")
        self.needed.add(key)
        return self.rows[key]


def bars_of_bundle(bundle: ExaminedBundle) -> dict[str, int]:
    """From where on an answer counts with the judge of this bundle."""
    described = bundle.documents.get("judging.json", {}).get("described")
    return bars_of(described) if described else dict(BARS)


def bars_of(described: Row) -> dict[str, int]:
    bars = dict(described["bars"])
    return bars | {"sides": bars["side_guard"]}


def sha256(value: Any) -> str:
    return hashlib.sha256(canonical(value) or b"").hexdigest()


def parts_of(text: str) -> list[str]:
    """The six parts of the prompt's object, in plain letters.  Raises ValueError."""
    parts = json.loads(text)["parts"]
    plain = [" ".join(ODD.sub(" ", part).split())[:LONGEST_PART] for part in parts[:PARTS]]
    if not isinstance(parts, list) or len(plain) != PARTS or not all(plain):
        raise ValueError("not six parts")
    return plain


def stated(row: Row) -> Row:
    """An answer with what its shares add up to, in billionths."""
    return row | {"mass": sum(row["shares"].values())}


def write(row: Row, described: Row) -> Row:
    """The answer as this judge can have given it: by its model, to one of its questions, with the labels of that, which
    hold enough of the mass, and with the shares that its log-probabilities give."""
    question = described["questions"].get(row["kind"])
    rewritten = stated(row) | {"model": f"{described['model']}@{described['revision']}"}
    if question is None:
        return rewritten | {"kind": "a question of this judge"}
    if question["about"] == "prompt":
        return rewritten | {"shares": {}, "text": row["text"] if names_parts(row["text"]) else "a list of six parts"}
    mass, least = rewritten["mass"], -(-described["bars"]["least_mass"] * WHOLE // MILLION)
    rewritten["mass"] = mass if max(1, least) <= mass <= MOST_MASS else f"from {least} to {MOST_MASS}"
    allowed = {label: share for label, share in row["shares"].items() if label in question["labels"] and share <= WHOLE}
    return rewritten | {"shares": measured(row | {"shares": allowed}, described)}


def names_parts(text: str) -> bool:
    try:
        return bool(parts_of(text))
    except (ValueError, KeyError, TypeError):
        return False


def measured(row: Row, described: Row) -> dict[str, int]:
    """Its shares by its log-probabilities.  Only a server's are there; a model in a worker's memory gives the shares
    themselves."""
    shares: dict[str, int] = row["shares"]
    if described["mode"] != "logprobs" or described["door"] != "openai":
        return shares
    given = dict.fromkeys(shares, 0.0)
    for entry in row["top"]:
        label = entry["token"].strip(SPACES)
        if label in given:
            given[label] += math.e ** (min(0, entry["micro"]) / MILLION)
    near = {label for label, share in shares.items() if abs(share / WHOLE - min(1.0, given[label])) <= SLACK}
    return {label: share if label in near else round(min(1.0, given[label]) * WHOLE) for label, share in shares.items()}
