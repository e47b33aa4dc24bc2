"""Which rules must a file keep to be rendered, and what should a miner do about a broken one?

Every refusal names one of these codes, says what was found, and what to change.  Numbers are the limits in force.
"""

from collections import ChainMap
from typing import Any

from core.sandbox.outcomes import Refused
from formats.registry import FORMATS, part
from formats.rule import Rule

MEGABYTE = 1 << 20

MOST_BYTES = 200 * 1000 * 1000
MOST_JSON_BYTES = 8 * MEGABYTE
MOST_JSON_DEPTH = 64
MOST_NODES = 10_000
MOST_NODE_DEPTH = 64
MOST_ENTRIES = 20_000  # of any top-level list other than nodes and materials
MOST_MATERIALS = 2_000
MOST_DRAWS = 5_000
MOST_TRIANGLES = 2_000_000
MOST_VERTICES = 3_000_000
MOST_IMAGE_EDGE = 8192
MOST_IMAGE_PIXELS = 100_000_000  # of all images together
HALF_CUBE = 0.5
TOLERANCE = 0.01

EXTENSIONS = frozenset(
    {
        "EXT_texture_webp",
        "KHR_lights_punctual",
        "KHR_materials_anisotropy",
        "KHR_materials_clearcoat",
        "KHR_materials_dispersion",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_iridescence",
        "KHR_materials_sheen",
        "KHR_materials_specular",
        "KHR_materials_transmission",
        "KHR_materials_unlit",
        "KHR_materials_volume",
        "KHR_mesh_quantization",
        "KHR_texture_transform",
    }
)


MESH_RULES: dict[str, Rule] = {
    # the container
    "FILE_TOO_LARGE": Rule("the file has {bytes} bytes, the limit is {limit}", "decimate the mesh or shrink textures"),
    "FILE_EMPTY": Rule("the file has no bytes", "check that your host serves the file and not an empty answer"),
    "NOT_A_GLB": Rule(
        "the file does not start with the glTF magic", "export binary glTF 2.0 (.glb), not .gltf or HTML"
    ),
    "WRONG_VERSION": Rule("the container says version {version}", "export glTF 2.0"),
    "TRUNCATED": Rule("the header promises {promised} bytes, the file has {bytes}", "upload the whole file again"),
    "TRAILING_BYTES": Rule("the header promises {promised} bytes, the file has {bytes}", "write the exact file length"),
    "BAD_CHUNKS": Rule("{why}", "write one JSON chunk and at most one BIN chunk, each a multiple of 4 bytes long"),
    "JSON_TOO_LARGE": Rule("the JSON chunk has {bytes} bytes, the limit is {limit}", "keep data in the BIN chunk"),
    "JSON_TOO_DEEP": Rule("the JSON is nested deeper than {limit}", "remove deeply nested extras"),
    "BAD_JSON": Rule("the JSON chunk cannot be read: {why}", "write strict UTF-8 JSON without NaN or Infinity"),
    "WRONG_SHAPE": Rule("{where} is not {wanted}", "follow the glTF 2.0 schema (run gltf-validator)"),
    "TOO_MANY_ENTRIES": Rule("{where} has {count} entries, the limit is {limit}", "merge meshes and materials"),
    "BAD_REFERENCE": Rule("{where} points to entry {index}, there are {count}", "run gltf-validator on your output"),
    # buffers
    "EXTERNAL_FILE": Rule("{where} points outside the file", "embed all buffers and images in the BIN chunk"),
    "DATA_URI": Rule("{where} is a data: URI", "put the bytes in the BIN chunk instead"),
    "BUFFER_WITHOUT_BYTES": Rule("{where} has no bytes in the BIN chunk", "use one buffer, stored in the BIN chunk"),
    "BUFFER_TOO_SHORT": Rule(
        "buffer 0 claims {claimed} bytes, the BIN chunk has {bytes}", "upload the whole file again"
    ),
    "BUFFER_VIEW_OUT_OF_RANGE": Rule("{where} ends at byte {end} of {bytes}", "run gltf-validator on your output"),
    "BAD_STRIDE": Rule(
        "{where} has byteStride {stride}", "use a multiple of 4 from 4 to 252, at least one element long"
    ),
    "BAD_ACCESSOR": Rule("{where}: {why}", "run gltf-validator on your output"),
    "ACCESSOR_OUT_OF_RANGE": Rule("{where} needs {needed} bytes, its bufferView has {bytes}", "write every element"),
    "ACCESSOR_WITHOUT_DATA": Rule("{where} has no bufferView", "store the values; nothing is filled in with zeros"),
    "MISALIGNED_ACCESSOR": Rule("{where} starts at byte {start}", "align data to the size of its component type"),
    "SPARSE_OUT_OF_RANGE": Rule("{where}: {why}", "bake sparse accessors into plain ones"),
    # geometry
    "NO_GEOMETRY": Rule("the default scene draws no triangle", "check that your generator wrote a mesh into the scene"),
    "UNSUPPORTED_PRIMITIVE": Rule("{where} draws points or lines", "export triangles only"),
    "BAD_ATTRIBUTE": Rule("{where} {why}", "use the attribute types of the glTF 2.0 standard"),
    "ATTRIBUTE_COUNT_MISMATCH": Rule(
        "{where} has {count} values for {vertices} vertices", "write one value per vertex"
    ),
    "INDEX_OUT_OF_RANGE": Rule("{where} names vertex {index} of {vertices}", "check the faces your generator writes"),
    "INDEX_RESERVED": Rule(
        "{where} names vertex {index}, which graphics cards take for the end of a strip",
        "write indices of 32 bits, or fewer vertices",
    ),
    "NOT_FINITE": Rule("{where} holds NaN or infinity", "drop or repair such vertices before exporting"),
    "ANIMATED_SHAPE": Rule("{where} uses {what}", "bake skins and morph targets into a plain mesh"),
    "TOO_MANY_VERTICES": Rule("{count} vertices are drawn, the limit is {limit}", "decimate the mesh"),
    "TOO_MANY_TRIANGLES": Rule("{count} triangles are drawn, the limit is {limit}", "decimate the mesh"),
    "INSTANCES_TOO_HEAVY": Rule(
        "nodes repeat meshes until {count} triangles or vertices are drawn, the limit is {limit}", "instance less"
    ),
    "TOO_MANY_DRAWS": Rule("{count} primitives are drawn, the limit is {limit}", "merge meshes"),
    "OUTSIDE_UNIT_CUBE": Rule(
        "the asset reaches from {low} to {high}, allowed is ±0.5 on each axis",
        "centre the asset at the origin and scale it into the unit cube",
    ),
    # nodes
    "NO_SCENE": Rule("the file has no scene", "write a scene that lists the root nodes"),
    "NODE_CYCLE": Rule("node {index} is its own ancestor", "write a tree of nodes"),
    "NODE_SHARED": Rule("node {index} has more than one parent", "write a tree of nodes; share meshes, not nodes"),
    "NODE_TOO_DEEP": Rule("nodes are nested deeper than {limit}", "flatten the hierarchy"),
    "BAD_TRANSFORM": Rule("the transform of node {index} is not usable: {why}", "apply transforms before exporting"),
    # one reading
    "READ_TWO_WAYS": Rule(
        "the check reads {checked}, the renderer {drawn}",
        "re-export the file with another tool: every reader must find the same in it",
    ),
    # pictures and extensions
    "TEXTURE_WITHOUT_IMAGE": Rule(
        "{where} shows texture {index}, which has no PNG, JPEG or WebP picture",
        "give the texture a source, or take it off the material",
    ),
    "TEXCOORD_TOO_HIGH": Rule("{where} uses TEXCOORD_{channel}", "use TEXCOORD_0 to TEXCOORD_3"),
    "BAD_IMAGE": Rule("{where}: {why}", "embed intact PNG, JPEG or WebP files"),
    "IMAGE_TOO_LARGE": Rule("{where} is {width} x {height}, the limit is {limit} a side", "shrink the texture"),
    "IMAGES_TOO_LARGE": Rule("the images have {pixels} pixels together, the limit is {limit}", "shrink the textures"),
    "UNSUPPORTED_EXTENSION": Rule(
        "the file needs the extension {name}", "export without compression (Draco, meshopt, KTX2) and without it"
    ),
    # what only shows at work: see sandbox.py
    "TOO_MUCH_MEMORY": Rule(
        "rendering needs more than {limit} MiB of memory", "use a smaller mesh or smaller textures"
    ),
    "TOO_SLOW": Rule(
        "rendering takes more than {limit} seconds of processor time",
        "use fewer triangles, fewer see-through layers or smaller textures",
    ),
    "CANNOT_RENDER": Rule(
        "the renderer fails on this file each time, and not on others: {why}", "re-export it with another tool"
    ),
}


def known_rules() -> dict[str, Rule]:
    """Those above, and those that each format's row names."""
    own = [part(row.rules) for row in FORMATS.values() if row.rules]
    return dict(ChainMap(MESH_RULES, *own))


RULES = known_rules()  # loads them: whoever refuses a file inside its own root folder finds no modules


def refusal(code: str, **seen: Any) -> Refused:
    """The refusal under rule `code`, in one sentence a miner can act on.  Values come from hostile files."""
    rule = RULES.get(code) or known_rules()[code]
    sentence = rule.observation.format(**{name: plain(value) for name, value in seen.items()})
    return Refused(code, f"{sentence[:1].upper()}{sentence[1:]}; {rule.advice}.")


def plain(value: Any) -> str:
    """A short printable text, whatever a file put there."""
    text = value if isinstance(value, str) else str(value)
    return "".join(c if (c.isprintable() and c.isascii()) or c == "±" else "?" for c in text[:120])
