"""A small round before a model, without a database: two challengers, three prompts, judged by the platform's own panel.

Only what a second opinion reads of a bundle is there: it is neither signed nor whole.  The model is a simulated server
whose eyes take every picture for worth something by its hash.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.vlm_server_mind import Mind
from judging.panel.answer_store import Remembered
from judging.panel.questions.calls import shares_of
from judging.panel.questions.pictures import content
from judging.panel.vlm_panel import Deliberation
from tests.judging.vlm_stage import VERSION, judge, picture, served, side
from verify.bundles.files import ExaminedBundle

PROMPTS, ENTRIES = ("axe", "bell", "cup"), ("leader", "ash", "birch")
EYES: dict[str, Any] = {"guess": 0.7, "bias": 0.2}
"""Of the round's judge."""
RULES = {"win_margin": 0.05, "least_counted": 1, "audits": [], "stop_early": False, "audit_repeats": 1}


def judged(folder: Path) -> ExaminedBundle:
    """The round, judged, with its pictures in `folder`/bundle."""
    bundle = ExaminedBundle(folder / "bundle")
    bundle.log.round = 1
    (bundle.folder / "blobs").mkdir(parents=True)
    bundle.manifest = {"competition": "made", "round": 1, "files": []}
    (bundle.folder / "manifest.json").write_text(json.dumps(bundle.manifest))
    answers, matches, views = Remembered(), [], dict[str, dict[str, str]]()
    prompts = {stem: picture(folder / f"{stem}.png", shade=3000 + n) for n, stem in enumerate(PROMPTS)}
    sides = {
        (entry, stem): side(folder / entry, stem, shade=20 * n + 7 * place + 1)
        for n, entry in enumerate(ENTRIES)
        for place, stem in enumerate(PROMPTS)
    }
    sides = {key: type(each)(f"{n:064x}", each.views) for n, (key, each) in enumerate(sides.items())}
    with served(Mind(**EYES)) as (_, url):
        model = judge(url)
        for entry in ENTRIES[1:]:
            duels = []
            for position, stem in enumerate(PROMPTS):
                both = [sides["leader", stem], sides[entry, stem]]
                verdict = Deliberation(VERSION, model, answers, prompts[stem], *both).verdict()
                row = {"position": position, "prompt": stem, "state": "judged", "outcome": verdict.outcome}
                left, right = (each.sha256 for each in both)
                duels.append({**row, "left": left, "right": right, "detail": verdict.detail()})
            matches.append(match_of(entry, duels))
    for path in (*prompts.values(), *(path for each in sides.values() for path in each.views.values())):
        shutil.copy(path, bundle.folder / "blobs" / content(path))
    for each in sides.values():
        views[each.sha256] = {name: content(path) for name, path in each.views.items()}
    bundle.documents = {
        "competition.json": {"judge": "openai:vlm-2"},
        "round.json": {
            "rules": RULES,
            "prompts": [{"position": n, "stem": s, "sha256": content(prompts[s])} for n, s in enumerate(PROMPTS)],
        },
        "assets.json": [
            {"sha256": name, "rendering": {"state": "rendered", "views": shown}} for name, shown in views.items()
        ],
        "matches.json": matches,
        "audits.json": [],
        "reveals.json": [],
        "submissions.json": [
            {
                "entry": entry,
                "miner": entry,
                "role": "challenger",
                "reveal_block": n,
                "extrinsic_index": 0,
                "objection": "",
                "copy_of": "",
            }
            for n, entry in enumerate(ENTRIES[1:])
        ],
        "judging.json": {
            "name": "openai:vlm-2",
            "version": VERSION.digest,
            "described": VERSION.described(),
            "controls": [],
            "answers": [answer_row(answers, key) for key in sorted(answers.replies)],
        },
        "statistics.json": {
            "matches": [{"match": f"screen leader {m['challenger']}", "flip_distance": 1} for m in matches],
            "flip_distance": 1,
        },
    }
    won = [m["challenger"] for m in matches if m["tally"]["won"] > m["tally"]["lost"]]
    assert len(won) == 1, "two would have to meet"
    bundle.documents["decision.json"] = {"winner": won[0]}
    return bundle


def match_of(entry: str, duels: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = Counter(duel["outcome"] for duel in duels)
    tally = dict.fromkeys(("won", "drawn", "lost", "void", "forfeits_challenger", "forfeits_defender"), 0)
    tally |= {"won": outcomes["challenger"], "drawn": outcomes["draw"], "lost": outcomes["defender"]}
    return {"kind": "screen", "defender": "leader", "challenger": entry, "duels": duels, "tally": tally}


def answer_row(answers: Remembered, key: str) -> dict[str, Any]:
    """As the platform publishes it, but for the log-probabilities, which nobody reads here."""
    reply = answers.replies[key]
    shares = shares_of(reply.probabilities)
    return {"key": key, "kind": answers.kinds[key], "model": VERSION.served_as, "text": reply.text, "shares": shares}
