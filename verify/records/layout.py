"""Which files does a public state repository have, and how does each era name what is in them?

Whoever reads such records reads them by this: the verifier, and the platform when it imports them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from verify.rounds import CHALLENGER, DEFENDER

TOP = ("config.json", "state.json", "leader.json", "prompts.txt", "README.md")
OF_ROUND = frozenset(
    (
        *("schedule.json", "seed.json", "prompts.txt", "submissions.json", "builds.json", "winner.json"),
        *("rules.json", "fresh_prompts.txt", "matches_matrix.csv", "judge_progress.json", "audit_matrix.csv"),
        *("require_audit.json", "source_audit.json", "generation_audits.json", "generation_reports.json"),
    )
)
OF_MINER = re.compile(
    r"submitted\.json|generated(_\d+)?\.json|pod_stats\.json|duels(_[\w-]{1,60})?\.json|generations\.json"
    r"|audit_[A-Za-z0-9]{1,10}_\d{1,4}\.json",
    re.A,
)
REPORTS = "generation_reports.json"
ONLY_ERA_2 = ("audit_matrix.csv", REPORTS, "leader/generated_1.json")
"""Era 3 has them, too, where a round is written in the layout of June 2026; `REPORTS` tells that it is."""
AUDIT_FILE = re.compile(r"audit_[A-Za-z0-9]{1,10}_(\d{1,4})\.json", re.A)
"""Era 2: `audit_<first ten of the left side>_<repeat>.json` lies with the audited miner."""
MATRIX = ("left", "right", "margin")
"""The columns of matches_matrix.csv and audit_matrix.csv."""
NAMES = {0: ("leader", "hotkey"), 1: ("left", "right"), 2: ("left", "right"), 3: ("left", "right")}
SIDES = {0: ("leader", "miner"), 1: ("left", "right"), 2: ("left", "right"), 3: ("left", "right")}
"""Who defends and who challenges: in a match file, and in each of its duels."""
OUTPUTS = {0: "ply", 1: "glb", 2: "js"}
"""Under which key a row names what a miner made.  In era 3 it is the ending of the competition's format."""
UNNEEDED = "unneeded"
"""The state that era 3 gives a skipped duel which a match certain of its outcome left out; a void one is `void`."""
TOO_LATE = {
    f"Generation time exceeded for {who}": sides
    for who, sides in {"challenger": {CHALLENGER}, "leader": {DEFENDER}, "both": {DEFENDER, CHALLENGER}}.items()
}
"""What a duel of era 0 says of who took too long -> the sides."""


def state_of_duel(stated: object, detail: object) -> str | None:
    """What became of a duel of era 3, as it says beside it, or in the `detail` of the layout of June 2026."""
    state = detail.get("state") if stated is None and isinstance(detail, dict) else stated
    return state if isinstance(state, str) else None


def era_of(has: Callable[[str], bool], *, audit_repeats: object, generation_minutes: object) -> int:
    """0: one duels.json a miner, no audits; 1: matrix and distance audits; 2: audits judged in repeats; 3: the round
    brings its own rules.  `has`: is this file in the round's folder?  The others stand in config.json."""
    if has("rules.json"):
        return 3
    if audit_repeats is not None or any(map(has, ONLY_ERA_2)):
        return 2
    return 0 if has("judge_progress.json") or generation_minutes is None else 1


def unneeded_places(skipped: Sequence[bool], states: Sequence[object], unjudged: Sequence[bool]) -> list[bool]:
    """Which duels of a match of era 3 were left out because it was certain, duel by duel.

    By their states; in records from before they were told, the skipped ones after the last that a judge saw.
    """
    if any(state is not None for state in states):
        return [state == UNNEEDED and left_out for state, left_out in zip(states, skipped, strict=True)]
    last = max((place for place, nobody in enumerate(unjudged) if not nobody), default=-1)
    return [left_out and place > last for place, left_out in enumerate(skipped)]


def stem_of(prompt: str) -> str:
    """The name of a prompt: the last part of its address without the extension."""
    last = prompt.rstrip("/").rsplit("/", 1)[-1]
    return last.rsplit(".", 1)[0] if "." in last else last
