"""The recipe of docs/api/signatures.md holds in every language it is written in."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bittensor_core import Keypair

from dashboard.api import signing

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "api" / "vectors"
TOLD = json.loads((FOLDER / "signatures.json").read_text())


def parts(vector: dict[str, Any]) -> tuple[signing.Signed, signing.SentRequest]:
    signed = signing.claimed(
        {
            "Gauntlet-Hotkey": TOLD["hotkey"],
            "Gauntlet-Timestamp": str(vector["timestamp"]),
            "Gauntlet-Nonce": vector["nonce"],
            "Gauntlet-Signature": vector["signature"],
        }
    )
    assert signed is not None
    body = bytes.fromhex(vector["body_hex"])
    return signed, signing.SentRequest(method=vector["method"], host=vector["host"], path=vector["path"], body=body)


@pytest.mark.parametrize("vector", TOLD["vectors"], ids=lambda vector: vector["name"])
def test_the_platform_judges_each_vector_as_it_says(vector: dict[str, Any]) -> None:
    signed, sent = parts(vector)
    assert signing.message(signed, sent).hex() == vector["message_hex"]
    assert signing.genuine(signed, sent) is vector["holds"]


def test_the_python_recipe_makes_what_the_platform_takes() -> None:
    told = importlib.util.spec_from_file_location("recipe", FOLDER / "sign.py")
    assert told is not None and told.loader is not None
    recipe = importlib.util.module_from_spec(told)
    told.loader.exec_module(recipe)
    for vector in TOLD["vectors"]:
        names = ("method", "host", "path", "timestamp", "nonce")
        made = recipe.message(body=bytes.fromhex(vector["body_hex"]), **{name: vector[name] for name in names})
        assert made.hex() == vector["message_hex"]
    key = Keypair.create_from_seed(bytes.fromhex(TOLD["seed"]))
    headers = recipe.headers(key, "GET", "https://gauntlet.example/api/v1/me/standing?round=6")
    signed = signing.claimed(headers)
    sent = signing.SentRequest(method="GET", host="gauntlet.example", path="/api/v1/me/standing?round=6", body=b"")
    assert signed is not None and signing.genuine(signed, sent)


@pytest.mark.parametrize(
    "words", [[], ["GET"], ["GET", "http://127.0.0.1:9/"], ["GET", "http://127.0.0.1:9/", "//Alice"]]
)
def test_the_python_recipe_says_how_it_is_used(words: list[str]) -> None:
    ran = subprocess.run([sys.executable, FOLDER / "sign.py", *words], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1 and ran.stderr.startswith("usage: ") and "Traceback" not in ran.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine: the JavaScript recipe is not run")
def test_the_javascript_recipe_makes_the_same_texts() -> None:
    command = ["node", str(FOLDER / "sign.mjs"), "check", str(FOLDER / "signatures.json")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{len(TOLD['vectors'])} vectors")
