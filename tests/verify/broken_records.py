"""The table of breakages: name -> (era of the repository broken, kind of finding expected, what to do to it)."""

from __future__ import annotations

from tests.verify.ways_to_break import (
    ADA,
    ADA_MATCH,
    AUDITS,
    BEN,
    BEN_MATCH,
    CLEO,
    DAN,
    EVE,
    FAY,
    MATRIX,
    Break,
    audit_below,
    both,
    by_one_duel,
    cut,
    fail_build,
    fail_quietly,
    first_row_last,
    lines,
    no_leader_file,
    old_prompt_again,
    put,
    same_block,
    same_size,
    slow_leader,
    swap,
    text,
    too_slow,
    verdicts,
    wrong_slow,
)

BREAKS: dict[str, tuple[int, str, Break]] = {
    # reading
    "JSON cut off": (1, "malformed-json", text(BEN_MATCH, lambda whole: whole[: len(whole) // 2])),
    "JSON with a trailing comma": (1, "malformed-json", text("rounds/1/builds.json", '{"a": {},}')),
    "NaN in JSON": (1, "malformed-json", text("rounds/0/seed.json", '{"seed": NaN}')),
    "JSON nested without end": (1, "malformed-json", text("rounds/0/seed.json", "[" * 100_000)),
    "a number of 10,000 digits": (1, "malformed-json", text("rounds/0/seed.json", '{"seed": ' + "9" * 10_000 + "}")),
    "a hotkey twice": (1, "duplicate-key", text("rounds/1/builds.json", '{"a": {}, "a": {}}')),
    "a list where an object belongs": (1, "wrong-type", text("rounds/1/submissions.json", "[5]")),
    "a submission that is 5": (1, "wrong-type", put("rounds/1/submissions.json", BEN, to=5)),
    "a reveal block in quotes": (1, "wrong-type", put("rounds/1/submissions.json", BEN, "revealed_at_block", to="7")),
    "a duel that is a text": (1, "wrong-type", put(BEN_MATCH, "duels", 3, to="draw")),
    "a seed that is true": (1, "wrong-type", put("rounds/1/seed.json", "seed", to=True)),
    "an infinite margin in the matrix": (1, "wrong-type", text(MATRIX, lambda rows: rows + "leader,x,inf\n")),
    "other CSV columns": (1, "wrong-columns", swap(MATRIX, "left,right", "a,b")),
    "a CSV row too short": (1, "wrong-columns", text(MATRIX, lambda rows: rows + "leader,x\n")),
    "a duel without a winner": (1, "missing-field", cut(BEN_MATCH, "duels", 3, "winner")),
    "no seed": (1, "missing-file", cut("rounds/1/seed.json")),
    "no winner.json": (1, "missing-file", cut("rounds/1/winner.json")),
    "no matrix": (1, "missing-file", cut("rounds/1/matches_matrix.csv")),
    "no judge progress in era 0": (0, "missing-file", cut("rounds/1/judge_progress.json")),
    "no state": (1, "missing-file", cut("state.json")),
    "a stage nobody knows": (1, "unknown-value", put("state.json", "stage", to="resting")),
    "a winner nobody knows": (1, "unknown-value", put(BEN_MATCH, "duels", 3, "winner", to="me")),
    "a file nobody announced": (1, "unknown-file", text("rounds/1/notes.txt", "hello")),
    "a folder nobody announced": (1, "unknown-file", text("rounds/one/seed.json", "{}")),
    "a miner's folder without a submission": (1, "unknown-file", text(f"rounds/1/{FAY}/submitted.json", "{}")),
    "a key nobody announced": (1, "unknown-key", put("rounds/1/schedule.json", "extended_by", to=5)),
    "a win margin of a thousand": (1, "out-of-range", put("config.json", "win_margin", to=1000)),
    "audit repeats without end": (2, "out-of-range", put("config.json", "audit_repeats", to=10**30)),
    # schedule and submissions
    "a window that ends before it starts": (
        1,
        "window-order",
        put("rounds/0/schedule.json", "latest_reveal_block", to=5),
    ),
    "a gap between windows": (1, "window-order", put("rounds/1/schedule.json", "earliest_reveal_block", to=1101)),
    "a later deadline": (1, "generation-deadline", put("rounds/1/schedule.json", "generation_deadline_block", to=1300)),
    "a reveal after the window": (
        1,
        "reveal-outside-window",
        put("rounds/1/submissions.json", CLEO, "revealed_at_block", to=1200),
    ),
    "a submission of another round": (1, "wrong-round", put("rounds/1/submissions.json", BEN, "round", to="made-0")),
    "a build of another commit": (1, "build-mismatch", put("rounds/1/builds.json", BEN, "commit", to="f" * 40)),
    "a build of nobody": (1, "build-mismatch", put("rounds/1/builds.json", FAY, to={})),
    "a submission without a build": (1, "build-missing", cut("rounds/1/builds.json", BEN)),
    "a build state nobody knows": (1, "unknown-value", put("rounds/1/builds.json", BEN, "status", to="fine")),
    "a current round without a schedule": (1, "state-round", put("state.json", "current_round", to=9)),
    # prompts
    "a prompt too few": (1, "prompt-count", lines("rounds/1/prompts.txt", lambda rows: rows[:-1])),
    "a prompt twice": (1, "prompt-twice", lines("rounds/1/prompts.txt", lambda rows: [*rows[:-1], rows[-2]])),
    "carried-over prompts in another order": (
        1,
        "carried-over",
        lines("rounds/1/prompts.txt", lambda rows: [rows[1], rows[0], *rows[2:]]),
    ),
    "another seed": (1, "carried-over", put("rounds/1/seed.json", "seed", to=77)),
    # matches
    "a verdict flipped": (1, "score", put(BEN_MATCH, "duels", 0, "winner", to="left")),
    "a score raised": (1, "score", put(BEN_MATCH, "score", to=9)),
    "a margin raised": (1, "margin", put(BEN_MATCH, "margin", to=0.15)),
    "a margin raised by a hair": (1, "margin", put(ADA_MATCH, "margin", to=0.2500000000000001)),
    "a score raised in era 0": (0, "score", put(f"rounds/0/{ADA}/duels.json", "score", to=9)),
    "a margin in the matrix": (1, "matrix-margin", swap(MATRIX, f"leader,{EVE},0.4", f"leader,{EVE},0.45")),
    "a matrix row lost": (1, "matrix-row-missing", lines(MATRIX, lambda rows: rows[:1] + rows[2:])),
    "a matrix row twice": (1, "matrix-twice", lines(MATRIX, lambda rows: rows[:1] + rows[1:2] + rows[1:])),
    "a match file lost": (1, "match-file-missing", cut(ADA_MATCH)),
    "a match lost from both": (
        1,
        "match-missing",
        both(cut(BEN_MATCH), lines("rounds/1/matches_matrix.csv", lambda rows: [r for r in rows if BEN not in r])),
    ),
    "a match of a stranger": (1, "match-of-stranger", cut("rounds/1/submissions.json", BEN)),
    "a match under another's name": (1, "match-misplaced", put(BEN_MATCH, "right", to=EVE)),
    "a prompt judged twice": (
        1,
        "duel-twice",
        lambda files: files[BEN_MATCH]["duels"].append(files[BEN_MATCH]["duels"][0]),
    ),
    "a duel left out": (1, "duel-missing", cut(BEN_MATCH, "duels", 4)),
    "a duel of another prompt": (1, "duel-of-no-prompt", put(BEN_MATCH, "duels", 4, "name", to="unheard")),
    "another picture shown": (1, "duel-prompt", put(BEN_MATCH, "duels", 4, "prompt", to="https://else.example/x.png")),
    "a side without a picture that wins": (
        1,
        "duel-verdict",
        put(f"rounds/0/{CLEO}/duels_leader.json", "duels", 4, "winner", to="right"),
    ),
    "a missing picture drawn in era 0": (
        0,
        "duel-verdict",
        put(f"rounds/0/{ADA}/duels.json", "duels", 1, "miner_png", to=None),
    ),
    "another file judged than was submitted": (
        1,
        "judged-other-file",
        put(BEN_MATCH, "duels", 4, "right_png", to="https://else.example/x.png"),
    ),
    "the leader's file appears after most matches": (
        1,
        "judged-other-file",
        put(BEN_MATCH, "duels", 4, "left_glb", to="https://else.example/x.glb"),
    ),
    "duels skipped": (1, "duel-skipped", put(BEN_MATCH, "duels", 19, "winner", to="skipped")),
    # era 0's ladder
    "an outcome against its margin": (0, "outcome", put(f"rounds/0/{ADA}/duels.json", "outcome", to="challenger_wins")),
    "a challenger who met the dethroned leader": (
        0,
        "wrong-defender",
        put(f"rounds/0/{CLEO}/duels.json", "leader", to="leader"),
    ),
    "challengers in another order": (
        0,
        "match-order",
        put("rounds/0/judge_progress.json", "completed_hotkeys", to=[BEN, ADA, CLEO]),
    ),
    "another final leader in era 0": (0, "winner", put("rounds/0/judge_progress.json", "leader", to=ADA)),
    "a slow leader that still won": (0, "duel-time", wrong_slow),
    # winner
    "the leader defends although beaten": (1, "winner", put("rounds/0/winner.json", "winner_hotkey", to="leader")),
    "a winner who was rejected": (1, "winner", put("rounds/0/winner.json", "winner_hotkey", to=ADA)),
    "a winner in era 2 whose repeat fell short": (2, "winner", put("rounds/0/winner.json", "winner_hotkey", to=ADA)),
    "winner.json with another commit": (1, "winner-solution", put("rounds/0/winner.json", "commit", to="f" * 40)),
    "winner.json of a defence with another repo": (1, "winner-solution", put("rounds/1/winner.json", "repo", to="a/b")),
    "a winner without a generation audit": (1, "winner-unaudited", cut(AUDITS, EVE)),
    "a winner without a source audit": (1, "winner-unaudited", cut("rounds/2/source_audit.json", 0)),
    "a winner whose source audit failed": (
        1,
        "winner",
        put("rounds/2/source_audit.json", 0, "verdict", to="failed"),
    ),
    "a ladder match never played": (
        1,
        "ladder-match-missing",
        both(
            cut(f"rounds/2/{FAY}/duels_{DAN[:10]}.json"),
            swap("rounds/2/matches_matrix.csv", f"{DAN},{FAY}", f"{DAN},{CLEO}"),
        ),
    ),
    # audits
    "an audit under another hotkey": (1, "audit-key", put(AUDITS, ADA, "hotkey", to=BEN)),
    "an audit lost": (1, "audit-missing", cut(AUDITS, BEN)),
    "an audit never required": (1, "audit-missing", cut("rounds/0/require_audit.json", 2)),
    "an audit nobody required": (1, "audit-not-required", cut("rounds/0/require_audit.json", 2)),
    "an audit listed twice": (
        1,
        "audit-twice",
        lambda files: files["rounds/0/source_audit.json"].append(files["rounds/0/source_audit.json"][0]),
    ),
    "an audit passed over its limits": (
        1,
        "audit-verdict",
        both(put(AUDITS, ADA, "outcome", to="passed"), put(AUDITS, ADA, "reason", to="")),
    ),
    "an audit passed though too slow": (1, "audit-verdict", too_slow),
    "an audit rejected within its limits": (1, "audit-verdict", put(AUDITS, BEN, "outcome", to="rejected")),
    "an audit that miscounts": (1, "audit-numbers", put(AUDITS, BEN, "failed_prompts", to=1)),
    "an audit with a rounded time": (1, "audit-numbers", put(AUDITS, BEN, "generation_time", to=49.0)),
    "a reason with another number": (
        1,
        "audit-reason",
        put(AUDITS, ADA, "reason", to="Non-critical mismatches (12) exceed tolerance (6)"),
    ),
    "a verdict nobody knows": (1, "unknown-value", put(AUDITS, BEN, "outcome", to="fine")),
    "a critical prompt that was lost": (
        1,
        "critical-prompt",
        lambda files: files["rounds/0/require_audit.json"][0].update(
            critical_prompts=[d["name"] for d in files[ADA_MATCH]["duels"] if d["winner"] == "left"]
        ),
    ),
    "critical prompts another seed gives": (
        1,
        "critical-prompts-drawn",
        lambda files: files["rounds/0/require_audit.json"][0]["critical_prompts"].reverse(),
    ),
    "no critical prompts": (
        1,
        "critical-prompts-empty",
        put("rounds/0/require_audit.json", 0, "critical_prompts", to=[]),
    ),
    "an audit without files": (1, "audit-unverifiable", cut(f"rounds/0/{BEN}/generated.json")),
    "an audit still open": (1, "audit-pending", put(AUDITS, BEN, "outcome", to="pending")),
    "a repeat below the bar that passed": (2, "audit-verdict", put(AUDITS, ADA, "verdict", to="passed")),
    "all repeats good and failed": (
        2,
        "audit-verdict",
        put("rounds/2/generation_audits.json", DAN, "verdict", to="failed"),
    ),
    "a repeat missing": (
        2,
        "audit-repeat-missing",
        lines("rounds/2/audit_matrix.csv", lambda rows: [row for row in rows if "submitted_1" not in row]),
    ),
    "an audit against another defender": (
        2,
        "audit-defender",
        put("rounds/2/require_audit.json", 0, "latest_defender", to=FAY),
    ),
    "a report with other numbers": (
        2,
        "repeat-numbers",
        put("rounds/2/generation_reports.json", DAN, "repeats", 1, "failed_prompts", to=3),
    ),
    # reigns
    "reigns out of order": (1, "reign-order", lambda files: files["leader.json"].reverse()),
    "a reign left out": (1, "reign-missing", cut("leader.json", 2)),
    "another leader": (1, "reign-hotkey", put("leader.json", 1, "hotkey", to=BEN)),
    "a weight that did not decay": (1, "reign-weight", put("leader.json", 2, "weight", to=1.0)),
    "a weight below the floor": (2, "reign-weight", put("leader.json", 2, "weight", to=0.0)),
    "another image leads": (1, "reign-solution", put("leader.json", 1, "docker", to="images.example/other:1")),
    "a reign that takes effect too soon": (1, "reign-missing", put("leader.json", 1, "effective_block", to=1150)),
    "a reign out of nowhere": (
        1,
        "reign-unexplained",
        lambda files: files["leader.json"].append(files["leader.json"][-1] | {"effective_block": 9999}),
    ),
    # notable
    "an outage stored as draws": (1, "outage-as-draw", fail_quietly),
    "duels given for a missing leader file": (
        1,
        "defender-file-missing",
        both(verdicts(BEN_MATCH, won=0, lost=6), no_leader_file),
    ),
    "qualified only by a missing leader file": (
        1,
        "qualified-by-missing-file",
        both(verdicts(BEN_MATCH, won=2, lost=0), no_leader_file),
    ),
    "duels given because the leader was slow": (0, "defender-too-slow", slow_leader),
    "a rejection for a build fault": (1, "rejected-for-infrastructure", fail_build),
    "a rejection before any duel": (
        1,
        "rejected-before-duels",
        both(
            cut(BEN_MATCH),
            lines("rounds/1/matches_matrix.csv", lambda rows: [row for row in rows if BEN not in row]),
            put("rounds/1/source_audit.json", slice(0, 0), to=[{"hotkey": BEN, "verdict": "failed", "reason": "gone"}]),
        ),
    ),
    "one commit under two hotkeys": (
        1,
        "same-commit",
        lambda files: [
            files[f"rounds/2/{name}.json"][FAY].update(commit=files["rounds/2/submissions.json"][CLEO]["commit"])
            for name in ("submissions", "builds")
        ],
    ),
    "equal files under two hotkeys": (1, "same-bytes", same_size),
    "the leader's commit challenges": (
        1,
        "leader-solution-challenges",
        lambda files: [
            files[f"rounds/1/{name}.json"][BEN].update(commit=files["leader.json"][1]["commit"])
            for name in ("submissions", "builds")
        ],
    ),
    "a tie between two qualified": (1, "order-by-tie", same_block),
    "a match judged later than its turn": (
        1,
        "judged-out-of-order",
        lines("rounds/2/matches_matrix.csv", first_row_last),
    ),
    "a winner by one duel": (1, "winner-by-one-duel", by_one_duel),
    "one duel short": (1, "one-duel-short", verdicts(BEN_MATCH, won=3, lost=2)),
    "an audit below the threshold": (1, "audit-below-threshold", audit_below),
    "an audit skipped": (
        1,
        "audit-skipped",
        put("rounds/0/source_audit.json", 0, "reason", to="Audit skipped: no effect"),
    ),
    "no source audit beside a generation audit": (1, "source-audit-missing", cut("rounds/0/source_audit.json", 0)),
    "a prompt drawn again": (1, "prompt-drawn-again", old_prompt_again),
}

CONSEQUENCES: dict[str, set[str]] = {"qualified only by a missing leader file": {"audit-missing"}}
"""What is wrong besides, where a break that is only notable in itself also leaves another file behind."""
