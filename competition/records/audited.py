"""What do a round's audit files say, whatever its era calls things?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from competition.records.reading import HOTKEY, STEM, Item, RoundFiles, Unfit, each
from verify.reading import finite
from verify.records.layout import OUTPUTS

SOURCE, GENERATION = "source", "generation"
STATES = {"passed": "passed", "rejected": "rejected", "failed": "rejected", "pending": "reviewing"}
# era 1: docs/records.md says how each was read off the records
MISMATCH_DISTANCE, HARD_LIMIT_SECONDS = 0.1, 180.0
LIMITS_1 = {"failed_prompts": 6, "failed_critical": 1, "generation_time_s": 90}
NUMBERS_1 = ("checked_prompts", "failed_prompts", "failed_critical")


@dataclass(frozen=True, kw_only=True)
class PromptFinding:
    """One prompt that an audit found wanting."""

    rule: str
    stem: str
    critical: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class ReadAudit:
    hotkey: str
    kind: str
    state: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    observed: tuple[PromptFinding, ...] = ()


def read_audits(files: RoundFiles, *, at: str, era: int) -> list[ReadAudit]:
    """Source audits, then generation audits; of two of one hotkey and kind the second is left out (reported)."""
    if era == 0:
        return []

    def source(item: Item) -> ReadAudit:
        reason = item.maybe_text("reason") or ""
        return ReadAudit(hotkey=item.hotkey("hotkey"), kind=SOURCE, state=_state(item, "verdict"), reason=reason)

    audits = [*each(files.listed(f"{at}/source_audit.json"), source), *_generation(files, at=at, era=era)]
    unique: dict[tuple[str, str], ReadAudit] = {}
    for audit in audits:
        if (audit.hotkey, audit.kind) in unique:
            files.report(f"{at}/source_audit.json", f"{audit.hotkey} has two audits; the second is left out")
        else:
            unique[audit.hotkey, audit.kind] = audit
    return list(unique.values())


def _state(item: Item, key: str) -> str:
    word = item.text(key)
    if word not in STATES:
        item.wrong(key, f"one of {', '.join(STATES)} is needed")
    return STATES[word]


def _generation(files: RoundFiles, *, at: str, era: int) -> Iterator[ReadAudit]:
    required = {
        hotkey: item
        for item in files.listed(f"{at}/require_audit.json")
        if isinstance(hotkey := item.values.get("hotkey"), str)
    }
    for hotkey, item in files.items(f"{at}/generation_audits.json"):
        if not HOTKEY.fullmatch(hotkey):
            files.report(item.file, f"{hotkey[:60]!r} is no hotkey", line=files.line(item.file, hotkey))
            continue
        try:
            yield (_by_distance if era == 1 else _by_repeats)(files, item, hotkey, required.get(hotkey), at=at)
        except Unfit:
            continue


def _by_distance(files: RoundFiles, item: Item, hotkey: str, required: Item | None, *, at: str) -> ReadAudit:
    numbers: dict[str, Any] = {key: item.whole(key) for key in NUMBERS_1}
    if item.values.get("generation_time") is not None:
        numbers["generation_time_s"] = item.number("generation_time")
    listed = required.values.get("critical_prompts") if required else None
    critical = [stem for stem in listed if isinstance(stem, str)] if isinstance(listed, list) else []
    if critical:
        numbers["critical_prompts"] = critical
    stated = item.values.get("hotkey", hotkey)
    if stated != hotkey:
        numbers["names_hotkey"] = str(stated)
    return ReadAudit(
        hotkey=hotkey,
        kind=GENERATION,
        state=_state(item, "outcome"),
        reason=item.maybe_text("reason") or "",
        numbers=numbers,
        limits=LIMITS_1,
        observed=tuple(_observed(files, f"{at}/{hotkey}/generated.json", critical)),
    )


def _observed(files: RoundFiles, file: str, critical: list[str]) -> Iterator[PromptFinding]:
    for stem, item in files.items(file):
        if not STEM.fullmatch(stem):
            continue
        try:
            failing = _failing(item)
        except Unfit:
            continue
        if failing:
            yield PromptFinding(rule=failing[0], stem=stem, critical=stem in critical, sentence=failing[1])


def _failing(item: Item) -> tuple[str, str] | None:
    if item.values.get(OUTPUTS[1]) is None:
        return "missing-file", "Nothing came when it was generated again."
    distance = item.number("distance") if item.values.get("distance") is not None else 0.0
    seconds = item.number("generation_time") if item.values.get("generation_time") is not None else 0.0
    if distance > MISMATCH_DISTANCE:
        return (
            "distance",
            f"Generated again, it is {distance:.3f} from what was submitted; {MISMATCH_DISTANCE} is allowed.",
        )
    if seconds > HARD_LIMIT_SECONDS:
        return "time", f"Generating it took {seconds:.1f} s; {HARD_LIMIT_SECONDS:.0f} s are allowed."
    return None


def _by_repeats(files: RoundFiles, item: Item, hotkey: str, required: Item | None, *, at: str) -> ReadAudit:
    """Era 2: margins of each regeneration against the submitted files and against the defender."""
    margins = {
        row["left"]: margin
        for _, row in files.table(f"{at}/audit_matrix.csv", columns=("left", "right", "margin"))
        if row["right"] == hotkey and (margin := finite(row["margin"])) is not None
    }
    report = (files.json(f"{at}/generation_reports.json", kind=dict) or {}).get(hotkey)
    numbers: dict[str, Any] = {"margins": margins}
    if isinstance(report, dict):
        numbers["report"] = report
    if required is not None and isinstance(required.values.get("latest_defender"), str):
        numbers["latest_defender"] = required.values["latest_defender"]
    state, reason = _state(item, "verdict"), item.maybe_text("reason") or ""
    return ReadAudit(hotkey=hotkey, kind=GENERATION, state=state, reason=reason, numbers=numbers)
