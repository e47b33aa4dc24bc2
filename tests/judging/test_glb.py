"""Which glb files may be rendered, and is each broken one refused under its own rule?"""

import copy
import random
import struct
from typing import Any

import pytest

from core.sandbox.outcomes import Refused
from formats import rules
from formats.glb import check as glb
from formats.glb import decoded, gltf
from formats.ply.rules import SPLAT_RULES
from formats.threejs.rules import MODULE_RULES
from judging.renderers import sandbox_render
from judging.renderers.raycaster import draw_pictures
from tests.judging import broken_glb
from tests.judging.broken_glb import BROKEN, Glb, broken, good, picture


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_under_its_rule(name: str) -> None:
    rule, data = BROKEN[name]
    with pytest.raises(Refused) as refused:
        glb.check(data)
    assert refused.value.code == rule


@pytest.mark.parametrize("name", BROKEN)
def test_a_refusal_is_one_short_printable_sentence_with_advice(name: str) -> None:
    rule, data = BROKEN[name]
    with pytest.raises(Refused) as refused:
        glb.check(data)
    sentence = refused.value.sentence
    assert sentence.isprintable()
    assert len(sentence) < 400
    assert rules.RULES[rule].advice in sentence
    assert refused.value.failure_class == "miner"


def test_every_rule_about_content_has_a_file_that_breaks_it() -> None:
    at_work = {"TOO_MUCH_MEMORY", "TOO_SLOW", "CANNOT_RENDER", "READ_TWO_WAYS"}  # test_sandbox.py, test_one_reading.py
    by_size = {"FILE_TOO_LARGE"}
    of_others = {*SPLAT_RULES, *MODULE_RULES}  # test_ply.py, test_modules.py
    assert {rule for rule, _ in BROKEN.values()} == set(rules.RULES) - at_work - by_size - of_others


def test_a_file_over_the_size_limit_is_refused_unread() -> None:
    with pytest.raises(Refused, match="FILE_TOO_LARGE"):
        glb.check(bytes(rules.MOST_BYTES + 1))


def test_a_good_file_tells_its_facts() -> None:
    facts = glb.check(good())
    assert (facts.triangles, facts.vertices, facts.draws, facts.materials) == (2, 4, 1, 1)
    assert facts.bounds == ((-0.4, -0.4, 0.0), (0.4, 0.4, 0.0))
    assert [(image.kind, image.width, image.height) for image in facts.images] == [("png", 4, 4)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_header_alone_tells_a_picture_s_size(kind: str) -> None:
    (image,) = glb.check(Glb(picture(37, 21, kind)).bytes()).images
    assert (image.kind, image.width, image.height) == (kind.lower(), 37, 21)


def test_lossless_and_extended_webp_are_measured_too() -> None:
    for more in ({"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}):
        (image,) = glb.check(Glb(picture(37, 21, "WEBP", **more)).bytes()).images
        assert (image.width, image.height) == (37, 21)


def test_a_picture_s_size_may_come_after_a_large_colour_profile() -> None:
    (image,) = glb.check(Glb(picture(37, 21, "JPEG", icc_profile=bytes(300_000))).bytes()).images
    assert (image.width, image.height) == (37, 21)


def test_a_file_without_pictures_or_materials_is_fine() -> None:
    bare = Glb()
    for key in ("materials", "textures", "images"):
        del bare.tree[key]
    del bare.primitive["material"]
    assert glb.check(bare.bytes()).materials == 0


def test_whole_numbers_may_be_written_as_floats() -> None:
    data = broken(lambda it: it.tree["accessors"][0].update(count=4.0))
    facts, reader = glb.examine(data)
    assert facts.vertices == 4
    assert reader.model().parts[0].positions.shape == (4, 3)


def test_repeated_meshes_count_each_time() -> None:
    nodes = [{"children": [1, 2]}, {"mesh": 0}, {"mesh": 0, "translation": [0, 0.05, 0]}]
    facts = glb.check(broken(lambda it: it.tree.update(nodes=nodes)))
    assert (facts.triangles, facts.draws) == (4, 2)
    assert facts.bounds[1] == (0.4, 0.45, 0.0)


def test_the_unit_cube_is_measured_after_transforms() -> None:
    small = broken(lambda it: it.tree["nodes"][0].update(scale=[0.1, 0.1, 0.1]))
    assert glb.check(small).bounds[1] == (0.04, 0.04, 0.0)


def test_unknown_optional_extensions_are_ignored() -> None:
    assert glb.check(broken(lambda it: it.tree.update(extensionsUsed=["ACME_glitter"]))).extensions == ("ACME_glitter",)


def test_sparse_values_replace_the_plain_ones() -> None:
    def lift(it: Glb) -> None:
        where, what = it.view(struct.pack("<H2x", 2)), it.view(struct.pack("<3f", 0.1, 0.2, 0.3))
        it.tree["accessors"][0]["sparse"] = {
            "count": 1,
            "indices": {"bufferView": where, "componentType": broken_glb.USHORT},
            "values": {"bufferView": what},
        }

    facts, reader = glb.examine(broken(lift))
    assert facts.bounds[1] == (0.4, 0.4, 0.3)
    assert reader.model().parts[0].positions[2].tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_strips_and_fans_are_wound_like_lists() -> None:
    strip = broken(lambda it: it.primitive.update(mode=gltf.STRIP))
    fan = broken(lambda it: it.primitive.update(mode=gltf.FAN))
    for data in (strip, fan):
        facts, reader = glb.examine(data)
        assert facts.triangles == sum(len(part.faces) for part in reader.model().parts) == 4


def mutants(seed: int, count: int) -> list[bytes]:
    """Good files with a few bytes, numbers or whole stretches changed."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        data = bytearray(good())
        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            place = chance.randrange(len(data))
            match chance.randrange(6):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    data[place] ^= 1 << chance.randrange(8)
                case 2:
                    data[place : place + 4] = chance.randbytes(4)
                case 3:
                    data[place : place + 1] = chance.choice((b"9", b"-", b"1e9", b"[", b"}", b"null", b"\0\0\xc0\x7f"))
                case 4:
                    del data[place : place + chance.randrange(1, 9)]
                case 5:
                    other = chance.randrange(len(data))
                    data[place : place + 8] = data[other : other + 8]
        if chance.random() < 0.8 and len(data) >= 12:  # most of them past the first hurdle
            struct.pack_into("<I", data, 8, len(data))
        found.append(bytes(data))
    return found


def retold(seed: int, count: int) -> list[bytes]:
    """Good files in which one to three values of the JSON are something else."""
    chance = random.Random(seed)
    return [broken(lambda it: [_retell(it.tree, chance) for _ in range(chance.randint(1, 3))]) for _ in range(count)]


ODD = (-1, 0, 1, 2, 3, 6, 255, 2**31, 2**64, 0.5, 1e300, True, None, "", "VEC2", [], [0], [1] * 16, {}, {"index": 0})


def _retell(tree: Any, chance: random.Random) -> None:
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    if not keys:
        return
    key = chance.choice(keys)
    if isinstance(tree[key], dict | list) and chance.random() < 0.85:
        _retell(tree[key], chance)
    elif chance.random() < 0.15:
        del tree[key]
    else:
        tree[key] = copy.deepcopy(chance.choice(ODD))


def answer(data: bytes) -> str:
    """`refused`, or `drawn` after the whole way to a picture; anything else is a bug."""
    try:
        model = decoded.read(glb.examine(data)[1])
    except Refused:
        return "refused"
    draw_pictures(model, rig=sandbox_render.REHEARSAL, pictures=["front"])
    return "drawn"


@pytest.mark.parametrize("make", [mutants, retold])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_mutated_file_is_refused_or_drawn_and_nothing_else(make: Any, seed: int) -> None:
    answers = {answer(data) for data in make(seed, 250)}
    assert answers == {"refused", "drawn"}
