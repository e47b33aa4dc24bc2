"""What does a copy say of where it comes from?"""

from collections.abc import Mapping

Provenance = Mapping[str, str]  # what is told of the asset, by name: round, miner, repository, commit, sha256, licence


def sentence(provenance: Provenance) -> str:
    return "; ".join(f"{name}: {value}" for name, value in provenance.items())


def plain(provenance: Provenance) -> dict[str, str]:
    """Values of one line of ASCII: they are written between other people's lines."""
    return {
        name: "".join(c if c.isascii() and c.isprintable() else "?" for c in value)[:300]
        for name, value in provenance.items()
    }
