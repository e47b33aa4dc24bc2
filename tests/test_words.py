"""One word a thing: which names stand for two things, and which words of our own still stand for the field's?

Of modules, functions and classes, and of every value that the product binds: parameters, locals, attributes, fields.
The lists may only become shorter: `tests/words_ratchet.json` holds what is left.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from pathlib import Path

from tests.test_conventions import parsed

ROOT = Path(__file__).resolve().parent.parent
PLATFORM = ("core", "formats", "competition", "judging", "audits", "dashboard")
LEFT = json.loads((Path(__file__).parent / "words_ratchet.json").read_text())

# Anywhere in the name of a module, a function or a class: the word -> what to write instead.
ANYWHERE = {
    **dict.fromkeys(("told", "tell", "say", "said"), "payload, summary or to_dict"),
    **dict.fromkeys(("found", "asked"), "rows or result, or the noun for what it holds"),
    "gathering": "page_queries",
    "gather": "page_queries, collect_evidence or start_match",
    "deliberating": "VlmPanel",
    "asking": "duel_verdict",
    "hearing": "judge_worker",
    "deciding": "match_decision",
    "book": "AnswerStore",
    "resting": "cited_answers",
    "doctoring": "control_images",
    "breakages": "degraded_meshes",
    "likeness": "image_similarity",
    "anew": "attempt, rerun or regeneration",
    "watching": "node_quorum or system_health",
    "holding": "lease_renewal",
    "alone": "advisory_lock",
    "keeping": "page_cache",
    "shelf": "CachedPage",
    "kept": "CachedPage, or the noun for what is stored",
    "marking": "inline_svg",
    "exploring": "chart_data",
    "sureness": "confidence",
    "stakes": "bankroll_chart",
    "receipts": "decision_trail",
    "paying": "payouts",
    "founding": "competition_setup",
    "directing": "demo_director",
    "desk": "format_sandbox",
    "darkroom": "sandbox_render",
    "photograph": "raycaster",
    "lightening": "mesh_simplification",
    "sniffing": "environment_probes",
    "strangers": "unknown_files",
    "speaker": "representative",
}
# As a whole name only: inside a longer name these are plain English.
ALONE = {
    "take": "attempt, rerun or regeneration",
    "again": "attempt, rerun or regeneration",
    "answers_kept": "cited_answers",
    "setting": "weights",
    "counting": "duel_statistics",
    "acting": "writes",
    "trust": "evidence",
    "control": "known_good_files",
    "outside": "network_access",
    "outline": "external_pointers",
    "hidden": "obfuscation",
    "thin": "fragile_results",
    "pale": "low_contrast",
}
# Where they name a value, these are the field's own: a control pair, a setting of an engine.
PLAIN_FOR_A_VALUE = {"control", "setting"}
# What is stored or published under its name keeps it: a column, a field of a document, a state, a setting.
PUBLISHED = {
    "audits/reviews/models.py": {"told_at"},
    "audits/states.py": {"gathering"},
    "competition/chain/observations.py": {"weights_said", "told_by"},
    "competition/rulesets/rules.py": {"stakes"},
    "competition/settings.py": {"PAGES_KEPT_SECONDS"},
    "competition/stored_files/damage.py": {"found_at"},
    "dashboard/api/rows/evidence.py": {"found"},
    "dashboard/api/rows/judging.py": {"take"},
    "dashboard/facts/finding_pages.py": {"found"},
    "dashboard/facts/home_pages.py": {"deciding", "deciding_url"},
    "dashboard/facts/judge_pages.py": {"take"},
    "dashboard/facts/matches.py": {"take"},
    "dashboard/facts/records.py": {"found"},
    "dashboard/models.py": {"found"},
    "dashboard/operations/system_health.py": {"found_at"},
    "dashboard/states.py": {"lightening"},
    "judging/decisions/cascade.py": {"likeness"},
    "judging/models.py": {"asked_for"},
    "verify/findings.py": {"found"},
}


def modules() -> Iterator[Path]:
    for folder in (*PLATFORM, "verify"):
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in p.parts)


def names(path: Path) -> Iterator[str]:
    """The module's own name, and those of its functions and classes."""
    yield path.stem
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def values(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every parameter, local, attribute, field, exception and alias that the module binds."""
    for node in ast.walk(parsed(path)):
        name = None
        if isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            name = node.name
        elif isinstance(node, ast.MatchMapping):
            name = node.rest
        elif isinstance(node, ast.alias):
            name = node.asname
        if name:
            yield getattr(node, "lineno", 0), name


def banned(name: str, *, whole_names: Container[str] = ALONE) -> Iterator[str]:
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    yield from (word for word in parts if word in ANYWHERE)
    if (whole := "_".join(parts)) in whole_names:
        yield whole


def uses() -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in modules():
        for name in names(path):
            for word in banned(name):
                found[word].append(f"{path.relative_to(ROOT)}: {name}")
    return found


def value_uses() -> dict[str, list[str]]:
    """As `uses`, of the names of values; once where a name is bound several times in a module."""
    whole_names = ALONE.keys() - PLAIN_FOR_A_VALUE
    places: dict[str, dict[str, int]] = defaultdict(dict)
    for path in modules():
        where = str(path.relative_to(ROOT))
        for line, name in values(path):
            for word in banned(name, whole_names=whole_names) if name not in PUBLISHED.get(where, ()) else ():
                places[word].setdefault(f"{where}: {name}", line)
    return {word: [f"{place} (line {line})" for place, line in lines.items()] for word, lines in places.items()}


def repeated_class_names() -> dict[str, list[str]]:
    """Of the platform and of the verifier, which is a program of its own but is read beside it."""
    places = defaultdict(list)
    for path in modules():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and node.name != "Command":  # Django finds commands by that name
                places[node.name].append(str(path.relative_to(ROOT)))
    return {name: where for name, where in places.items() if len(where) > 1}


def test_a_name_has_the_field_s_words_and_not_ours() -> None:
    allowed = Counter(LEFT["words"])
    wrong = [
        f"`{word}` stands in {len(where)} names, {allowed[word]} are left; write {(ANYWHERE | ALONE)[word]}: {where}"
        for word, where in sorted(uses().items())
        if len(where) > allowed[word]
    ]
    assert not wrong, (
        "a reader who searches the web for a word must find the concept, and one word means one thing. "
        f"Name what you added otherwise; the figures of words_ratchet.json only fall: {wrong}"
    )


def test_a_value_has_the_field_s_words_and_not_ours() -> None:
    allowed = Counter(LEFT["values"])
    wrong = [
        f"`{word}` names {len(where)} values, {allowed[word]} are left; write {(ANYWHERE | ALONE)[word]}: {where}"
        for word, where in sorted(value_uses().items())
        if len(where) > allowed[word]
    ]
    assert not wrong, (
        "a parameter, a local or a field is a noun for what it holds (`rows`, `payload`, `sentence`, `query`), so that "
        "a line reads without the line before. Rename what you added; a name that is stored or published belongs into "
        f"PUBLISHED; the figures of words_ratchet.json only fall: {wrong}"
    )


def test_what_keeps_its_name_because_it_is_published_is_still_bound() -> None:
    gone = {
        where: missing
        for where, kept in PUBLISHED.items()
        if (missing := kept - {name for _, name in values(ROOT / where)})
    }
    assert not gone, f"PUBLISHED names what its module binds no more; take it out: {gone}"


def test_a_class_name_stands_for_one_thing() -> None:
    repeated = repeated_class_names()
    wrong = {
        name: where for name, where in sorted(repeated.items()) if len(where) > LEFT["repeated_classes"].get(name, 1)
    }
    assert not wrong, (
        "who reads `Refused` must not have to ask whose; put the noun before it (AppealRefused). "
        f"The figures of words_ratchet.json only fall: {wrong}"
    )
