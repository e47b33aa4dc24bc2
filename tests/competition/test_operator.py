"""Is the operator's key read from what its owner has, and never told?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import operator_key

SEED = "ab" * 32


@pytest.mark.parametrize("text", [SEED, f"{SEED}\n", json.dumps({"secretSeed": f"0x{SEED}", "ss58Address": "5x"})])
def test_a_seed_and_a_wallets_hotkey_file_are_the_same_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "operator.key"
    path.write_text(text)
    plain = operator_key.Keypair.create_from_seed(bytes.fromhex(SEED))
    assert operator_key._keypair(path).ss58_address == plain.ss58_address


@pytest.mark.parametrize(
    "text", [f"{SEED}00", "secret words", '{"accountId": "0xabab"}', "{", "[]", '{"secretSeed": 5}']
)
def test_a_file_that_is_none_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "operator.key"
    path.write_text(text)
    with pytest.raises(ValueError, match="GAUNTLET_OPERATOR_KEY") as told:
        operator_key._keypair(path)
    assert SEED not in str(told.value) and "secret words" not in str(told.value)
