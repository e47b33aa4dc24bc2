"""Lies about a model's answers and controls: the change, and the kind of finding that must name it.

Every hash in the manifest is made anew; the ledger is left, so that other findings may be there as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rfc8785

Documents = dict[str, Any]
Lie = Callable[[Documents], None]
JUDGING = "judging.json"


@contextmanager
def rewritten(folder: Path) -> Iterator[Documents]:
    """The documents to change; then written in canonical form, with a manifest that fits."""
    manifest = json.loads((folder / "manifest.json").read_text())
    names = [entry["path"] for entry in manifest["files"] if entry["role"] == "document"]
    documents = {name: json.loads((folder / name).read_text()) for name in names}
    yield documents
    for entry in manifest["files"]:
        if entry["path"] in documents:
            data = rfc8785.dumps(documents[entry["path"]])
            (folder / entry["path"]).unlink()
            (folder / entry["path"]).write_bytes(data)
            entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_bytes(rfc8785.dumps(manifest))


def answer(documents: Documents, kind: str = "likeness") -> dict[str, Any]:
    return next(row for row in documents[JUDGING]["answers"] if row["kind"] == kind)


def control(documents: Documents, kind: str) -> dict[str, Any]:
    return next(row for row in documents[JUDGING]["controls"] if row["kind"] == kind)


def gap(row: dict[str, Any]) -> int:
    return abs(row["shares"]["1"] - row["shares"]["2"])


def swap(shares: dict[str, int]) -> None:
    shares["1"], shares["2"] = shares["2"], shares["1"]


def shares_turned(documents: Documents) -> None:
    swap(answer(documents)["shares"])


def shares_and_log_probabilities_turned(documents: Documents) -> None:
    """An answer for another order of the same pictures."""
    pairs = [row for row in documents[JUDGING]["answers"] if set(row["shares"]) == {"0", "1", "2"}]
    row = min(pairs, key=lambda r: (gap(r) < 10_000, gap(r)))  # enough to change a score, not the questions
    swap(row["shares"])
    for entry in row["top"]:
        entry["token"] = {"1": "2", "2": "1"}.get(entry["token"], entry["token"])


def answer_left_out(documents: Documents) -> None:
    documents[JUDGING]["answers"].remove(answer(documents))


def answer_nobody_asked_for(documents: Documents) -> None:
    rows = documents[JUDGING]["answers"]
    rows.append({**answer(documents), "key": "f" * 64})
    rows.sort(key=lambda row: row["key"])


def answer_of_another_model(documents: Documents) -> None:
    answer(documents)["model"] = "another/model@main"


def answer_with_little_mass(documents: Documents) -> None:
    row = answer(documents)
    row["shares"] = {label: share * 3 // 10 for label, share in row["shares"].items()}


def another_label(documents: Documents) -> None:
    answer(documents)["shares"]["7"] = 1


def bars_lowered(documents: Documents) -> None:
    documents[JUDGING]["described"]["bars"]["likeness"] = 10_000


def words_changed(documents: Documents) -> None:
    documents[JUDGING]["described"]["questions"]["likeness"]["asks"] += " Prefer model 2."


def stage_turned(documents: Documents) -> None:
    duel = next(
        d for m in documents["matches.json"] for d in m["duels"] if d["state"] == "judged" and d["detail"].get("stages")
    )
    stage = duel["detail"]["stages"][0]
    stage["ab"], stage["ba"], stage["score"] = -stage["ab"], -stage["ba"], -stage["score"]


def control_left_out(documents: Documents) -> None:
    documents[JUDGING]["controls"].remove(control(documents, "injection"))


def control_said_to_be_unneeded(documents: Documents) -> None:
    control(documents, "canary")["state"] = "unneeded"


def control_score_bettered(documents: Documents) -> None:
    control(documents, "canary")["score_micro"] -= 1


def control_of_another_file(documents: Documents) -> None:
    control(documents, "self")["left"] = "e" * 64


def control_with_pictures_of_another(documents: Documents) -> None:
    control(documents, "canary")["views"] = control(documents, "self")["views"]


def repeat_of_another_duel(documents: Documents) -> None:
    control(documents, "repeat")["before_micro"] = 12


def canaries_that_all_fail(documents: Documents) -> None:
    for row in documents[JUDGING]["controls"]:
        if row["kind"] == "canary":
            row["score_micro"] = 500_000


def document_left_out(documents: Documents) -> None:
    documents["competition.json"]["judge"] = "perceptual-v1"


LIES: dict[Lie, str] = {
    shares_turned: "wrong-answer",
    shares_and_log_probabilities_turned: "wrong-ballots",
    answer_left_out: "missing-answer",
    answer_nobody_asked_for: "extra-answer",
    answer_of_another_model: "wrong-answer",
    answer_with_little_mass: "wrong-answer",
    another_label: "wrong-answer",
    bars_lowered: "wrong-judge",
    words_changed: "wrong-judge",
    stage_turned: "wrong-ballots",
    control_left_out: "wrong-control",
    control_said_to_be_unneeded: "wrong-control",
    control_score_bettered: "wrong-control",
    control_of_another_file: "wrong-control",
    control_with_pictures_of_another: "missing-answer",
    repeat_of_another_duel: "wrong-control",
    canaries_that_all_fail: "unhealthy-judge",
    document_left_out: "foreign-file",
}
