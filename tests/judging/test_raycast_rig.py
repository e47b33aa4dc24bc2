"""Does a rig keep its promises: same data, same digest; wrong data, a clear complaint?"""

from typing import Any

import pytest

from judging.renderers.rig import AS_THE_SUBNET, EMBEDDED, FULL, Rig


def test_a_rig_survives_its_json_and_its_digest_names_it() -> None:
    assert Rig.from_json(EMBEDDED.to_json()) == EMBEDDED
    assert Rig.from_json(EMBEDDED.to_json() | {"radius": 2}).digest() == EMBEDDED.digest()
    assert Rig.from_json(EMBEDDED.to_json() | {"pixels": 512}).digest() != EMBEDDED.digest()


def test_the_subnets_light_names_another_rig_and_makes_its_grid_of_whole_views() -> None:
    rig = Rig.from_json(FULL.to_json() | {"light": "subnet-2026-06"})
    assert rig == AS_THE_SUBNET
    assert rig.digest() != FULL.digest()
    assert (FULL.pictures()["grid"], rig.pictures()["grid"]) == (518, 2 * 518 + 5)
    assert "light" not in FULL.to_json(), "rigs from before there was a choice keep their digest"


@pytest.mark.parametrize(
    "wrong",
    [
        {"views": []},
        {"views": [{"name": "../x", "theta": 0, "phi": 0}], "gray": []},
        {"views": [{"name": "grid", "theta": 0, "phi": 0}], "gray": []},
        {"views": [{"name": "a", "theta": 0, "phi": 91}], "gray": []},
        {"views": [{"name": "a", "theta": "x", "phi": 0}], "gray": []},
        {"gray": ["nowhere"]},
        {"pixels": 100_000},
        {"samples": 0},
        {"fov": 180},
        {"radius": 0.1},
        {"background": "white"},
        {"lens": 50},
    ],
)
def test_a_wrong_rig_is_said_to_be_wrong(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rig"):
        Rig.from_json(EMBEDDED.to_json() | wrong)
