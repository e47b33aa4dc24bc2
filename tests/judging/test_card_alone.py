"""Does a machine that only runs a model need anything but torch, transformers, numpy and Pillow?"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785

from benchmarks import card, model_speed
from judging.panel.beginnings import grouped
from judging.panel.questions import identity
from judging.panel.questions.calls import Call
from judging.panel.questions.pictures import ReadyPicture
from judging.panel.questions.version import version_named

ROOT = Path(__file__).resolve().parents[2]
# All that requirements.txt brings and the platform loads, but for numpy and Pillow.
BLOCKED = (
    "import sys\n"
    "for name in ('django', 'rest_framework', 'dramatiq', 'psycopg', 'cv2', 'rfc8785', 'trimesh', 'scipy', 'httpx',\n"
    "             'embreex', 'bittensor_core', 'cryptography', 'competition', 'core', 'audits', 'dashboard'):\n"
    "    sys.modules[name] = None\n"
)


def alone(program: str, *, timeout: float = 60) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKED + program], cwd=ROOT, capture_output=True, text=True, timeout=timeout
    )
    assert ran.returncode == 0, ran.stderr[-1500:]
    return ran.stdout


def test_the_judge_and_its_benchmark_load_with_numpy_and_pillow_alone() -> None:
    program = (
        "before = set(sys.modules)\n"
        "from benchmarks import card, model_speed\n"
        "from judging.panel.questions.version import version_named\n"
        "from judging.panel.transformers import Transformers\n"
        "judge = Transformers(version_named('vlm-2'), folder='nowhere', device='cpu')\n"
        "call = next(model_speed.questions(judge.judge_version))\n"
        "assert call.pictures[1][1].jpeg()[:2] == b'\\xff\\xd8'\n"
        "files = {n.partition('.')[0] for n in set(sys.modules) - before if getattr(sys.modules[n], '__file__', '')}\n"
        "print(sorted(files - set(sys.stdlib_module_names)))"
    )
    assert alone(program).strip() == "['PIL', 'benchmarks', 'judging', 'numpy']"


@pytest.mark.torch
def test_a_model_answers_with_torch_transformers_numpy_and_pillow_alone() -> None:
    program = (
        "from benchmarks import model_speed\n"
        "for row in model_speed.measured('tiny', device='cpu', batches=(1, 3), seconds=0.1, pixels=112):\n"
        "    print(row.line())"
    )
    assert alone(program, timeout=300).count("| tiny, random weights |") == 4


def test_hashes_are_those_of_rfc_8785() -> None:
    odd = {"b": [1, -2, True, None, {}], "a": 'x\u2028é\x01\x7f\b\t\n"\\/😀'}
    for document in (odd, version_named("vlm-1").described(), version_named("vlm-2").described()):
        assert identity.canonical(document) == bytes(rfc8785.dumps(document))
        assert identity.digest(document) == hashlib.sha256(rfc8785.dumps(document)).hexdigest()


@pytest.mark.parametrize("number", [0.5, 1.0, float("nan"), float("inf")])
def test_a_number_with_a_fraction_is_not_hashed(number: float) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        identity.digest({"a": [number]})


def call(number: int, *pictures: str) -> Call:
    shown = tuple((f"{n}:", ReadyPicture((), 64, name.encode())) for n, name in enumerate(pictures))
    return Call("likeness", "", shown, "better?", ("1", "2"), str(number))


def test_questions_are_grouped_by_the_pictures_they_begin_with() -> None:
    asked = [
        call(0, "prompt", "leader", "a"),
        call(1, "prompt", "a", "leader"),
        call(2, "prompt", "leader", "b"),
        call(3, "prompt", "b"),
        call(4, "other", "leader", "c"),
        call(5, "prompt"),
    ]
    assert grouped(asked) == [(2, [0, 2]), (1, [1, 3]), (0, [4]), (0, [5])]


def test_the_script_for_a_card_names_what_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "model": "7b",
        "device": "a card",
        "attention": "sdpa",
        "batch": 1,
        "shared": False,
        "tokens": 2551,
        "questions_s": 2.0,
        "prefill_share": 0.5,
        "memory_gib": 16.0,
    }
    faster = row | {"batch": 8, "shared": True, "questions_s": 9.0, "prefill_share": 0.0}
    results = {"7b": ([row, faster], ""), "3b": ([], "CUDA error")}
    monkeypatch.setattr(card, "run_form", lambda size, attention, **_: results[size])
    monkeypatch.setattr(card.importlib.util, "find_spec", lambda name: None)
    report = json.loads(json.dumps(card.run(["3b", "7b"], seconds=1, within_s=500, more=[])))
    text = card.table(report)
    assert "4.5 times the questions of one at a time" in text and "| 50% | 16.0 |" in text
    assert "Left out, 3b sdpa: CUDA error." in text and "flash_attn is not installed" in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {len(model_speed.COLUMNS) + 1}
