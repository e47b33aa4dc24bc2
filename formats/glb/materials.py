"""Are materials, textures and samplers what the renderer expects to read?"""

from formats.glb.gltf import CORE_TEXTURES, SURFACE_TEXTURES, image_of
from formats.glb.textures import CLAMP, LINEAR_FILTER, MINIFYING, MIRROR, NEAREST, REPEAT
from formats.glb.tree import Json, choice, entries, flag, item, number, numbers, reference, whole
from formats.rules import EXTENSIONS, MOST_ENTRIES, MOST_MATERIALS, refusal

MOST_CHANNEL = 3  # TEXCOORD_3: three.js reads no more


def check_extensions(tree: Json) -> tuple[str, ...]:
    """What the file needs must be on the list; what it merely uses may be ignored."""
    for key in ("extensionsRequired", "extensionsUsed"):
        names = tree.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise refusal("WRONG_SHAPE", where=key, wanted="a list of names")
    for name in tree.get("extensionsRequired", []):
        if name not in EXTENSIONS:
            raise refusal("UNSUPPORTED_EXTENSION", name=name)
    return tuple(sorted(set(tree.get("extensionsUsed", []))))


def check_textures(tree: Json) -> None:
    samplers = entries(tree, "samplers", limit=MOST_ENTRIES)
    for index, sampler in enumerate(samplers):
        for key in ("wrapS", "wrapT"):
            choice(sampler, key, where=f"samplers[{index}]", among=(CLAMP, MIRROR, REPEAT))
        choice(sampler, "magFilter", where=f"samplers[{index}]", among=(NEAREST, LINEAR_FILTER))
        choice(sampler, "minFilter", where=f"samplers[{index}]", among=tuple(MINIFYING))
    images = tree.get("images", [])
    for index, texture in enumerate(entries(tree, "textures", limit=MOST_ENTRIES)):
        where = f"textures[{index}]"
        if "sampler" in texture:
            reference(texture, "sampler", where=where, count=len(samplers))
        webp = item(item(texture, "extensions", where=where), "EXT_texture_webp", where=where)
        for offer in (webp, texture):
            if "source" in offer:
                reference(offer, "source", where=where, count=len(images))


def check_materials(tree: Json) -> None:
    for index, material in enumerate(entries(tree, "materials", limit=MOST_MATERIALS)):
        where = f"materials[{index}]"
        metal = item(material, "pbrMetallicRoughness", where=where)
        numbers(metal, "baseColorFactor", where=where, width=4)
        numbers(material, "emissiveFactor", where=where, width=3)
        number(material, "alphaCutoff", where=where)
        choice(material, "alphaMode", where=where, among=("OPAQUE", "MASK", "BLEND"))
        flag(material, "doubleSided", where=where)
        extensions = item(material, "extensions", where=where)
        number(item(extensions, "KHR_materials_emissive_strength", where=where), "emissiveStrength", where=where)
        for key in SURFACE_TEXTURES:
            _check_slot(tree, metal, key, where=where)
        for key in CORE_TEXTURES:
            _check_slot(tree, material, key, where=where)
        for name in sorted(EXTENSIONS & extensions.keys()):
            extension = item(extensions, name, where=where)
            for key in [key for key in extension if key.endswith("Texture")]:
                _check_slot(tree, extension, key, where=f"{where}.{name}")


def _check_slot(tree: Json, entry: Json, key: str, *, where: str) -> None:
    if key not in entry:
        return
    slot = item(entry, key, where=where)
    where = f"{where}.{key}"
    index = reference(slot, "index", where=where, count=len(tree.get("textures", [])))
    texture = tree["textures"][index]
    if image_of(texture) is None:
        if "KHR_texture_basisu" in texture.get("extensions", {}):
            raise refusal("UNSUPPORTED_EXTENSION", name="KHR_texture_basisu")
        raise refusal("TEXTURE_WITHOUT_IMAGE", where=where, index=index)
    channel = whole(slot, "texCoord", where=where, default=0)
    moved = item(item(slot, "extensions", where=where), "KHR_texture_transform", where=where)
    numbers(moved, "offset", where=where, width=2)
    numbers(moved, "scale", where=where, width=2)
    number(moved, "rotation", where=where)
    channel = max(channel, whole(moved, "texCoord", where=where, default=0))
    if channel > MOST_CHANNEL:
        raise refusal("TEXCOORD_TOO_HIGH", where=where, channel=channel)
