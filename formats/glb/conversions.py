"""What can whoever uses a winner's mesh get it as?  Converted from the canonical glb of the examined file.

A copy carries its provenance inside: in glTF's `asset`, or as comments of an OBJ.
"""

import io
import json
import zipfile

import trimesh

from formats import known_good_files
from formats.glb import gltf
from formats.provenance import Provenance, sentence

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
