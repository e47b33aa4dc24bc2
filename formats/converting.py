"""What can whoever uses a winner's asset get it as, and what does the copy say of where it comes from?

A mesh is converted from the canonical glb of the examined file; this runs in the sandbox all the same.  A copy carries
its provenance inside, where its format has a place for it: glTF's `asset`, a ply's comments, gzip's comment around an
SPZ, comments of an OBJ.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping

import trimesh

from formats import known_good_files
from formats.glb import gltf
from formats.ply import examine as ply
from formats.ply import spz

Provenance = Mapping[str, str]  # what is told of the asset, by name: round, miner, repository, commit, sha256, licence
DAY_ONE = (1980, 1, 1, 0, 0, 0)  # a time of day would change the bytes


def glb_of(data: bytes, provenance: Provenance) -> bytes:
    """The same mesh; `asset.copyright` and `asset.extras` say whose it is (glTF 2.0 §3.2)."""
    tree, body = gltf.chunks(data)
    tree["asset"] = {**tree["asset"], "copyright": sentence(provenance), "extras": dict(provenance)}
    return known_good_files.pack(json.dumps(tree, separators=(",", ":")).encode(), bytes(body))


def obj_of(data: bytes, provenance: Provenance) -> bytes:
    """Geometry, base colours and textures as a ZIP of OBJ, MTL and pictures; no metal, no emission."""
    scene = trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False)
    text, textures = trimesh.exchange.obj.export_obj(scene, return_texture=True, header=None, mtl_name="asset.mtl")
    lines = "".join(f"# {name}: {value}\n" for name, value in provenance.items())
    files = {"asset.obj": (lines + text).encode(), "PROVENANCE.txt": lines.encode(), **textures}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=DAY_ONE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()


def ply_of(data: bytes, provenance: Provenance) -> bytes:
    """The same splats, with comments in a header of ours."""
    return ply.write(ply.read(data), comments=[f"{name}: {value}" for name, value in provenance.items()])


def spz_of(data: bytes, provenance: Provenance) -> bytes:
    """All splats, packed with all their harmonics."""
    return spz.pack(ply.read(data), comment=sentence(provenance))


def sentence(provenance: Provenance) -> str:
    return "; ".join(f"{name}: {value}" for name, value in provenance.items())


# The bytes a format is converted from (a module's is the glb it was baked to), and what it can become.
CONVERSIONS: dict[str, dict[str, Callable[[bytes, Provenance], bytes]]] = {
    "glb": {"glb": glb_of, "obj.zip": obj_of},
    "ply": {"ply": ply_of, "spz": spz_of},
}
CONVERSIONS["threejs"] = CONVERSIONS["glb"]


def plain(provenance: Provenance) -> dict[str, str]:
    """Values of one line of ASCII: they are written between other people's lines."""
    return {
        name: "".join(c if c.isascii() and c.isprintable() else "?" for c in value)[:300]
        for name, value in provenance.items()
    }
