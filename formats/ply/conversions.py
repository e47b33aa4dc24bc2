"""What can whoever uses a winner's splats get them as?

A copy carries its provenance inside: as comments of a ply, or as gzip's comment around an SPZ.
"""

from formats.ply import examine as ply
from formats.ply import spz
from formats.provenance import Provenance, sentence


def ply_of(data: bytes, provenance: Provenance) -> bytes:
    """The same splats, with comments in a header of ours."""
    return ply.write(ply.read(data), comments=[f"{name}: {value}" for name, value in provenance.items()])


def spz_of(data: bytes, provenance: Provenance) -> bytes:
    """All splats, packed with all their harmonics."""
    return spz.pack(ply.read(data), comment=sentence(provenance))
