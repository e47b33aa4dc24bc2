"""A short run of `make fuzz`: damaged files are refused or read, and nothing else."""

from __future__ import annotations

import json
import random

import pytest

from formats import examiner, known_good_files
from formats.glb import gltf
from formats.registry import FORMATS
from tests.judging import fuzzing


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_refused_or_read(name: str) -> None:
    assert "refused" in fuzzing.attack(name, count=400, seed=7)


def test_the_damage_is_the_same_for_the_same_seed_and_is_damage() -> None:
    good = fuzzing.corpus("ply")
    first, again = (fuzzing.damaged(good[1], random.Random("x"), good) for _ in range(2))
    assert first == again != good[1]


def test_a_mesh_without_primitives_draws_nothing_and_breaks_nothing() -> None:
    """Found by `make fuzz`: the check passed over it, and reading broke on it."""
    tree, body = gltf.chunks(known_good_files.glb())
    tree["meshes"].append({})
    tree["nodes"].append({"mesh": 1})
    tree["scenes"][0]["nodes"].append(1)
    assert examiner("glb")(known_good_files.pack(json.dumps(tree).encode(), bytes(body))).count == 1
