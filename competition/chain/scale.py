"""What lies in the raw bytes of a revealed commitment?  Read here, because a client that guesses text loses bytes."""

from __future__ import annotations

from dataclasses import dataclass

MOST_REVEALS = 10  # of one hotkey that the chain keeps


class Undecodable(ValueError):
    """The bytes are not what the chain's metadata promise."""


@dataclass(frozen=True, slots=True)
class Revealed:
    block: int
    payload: bytes


def revealed(raw: bytes) -> tuple[Revealed, ...]:
    """`Vec<(Vec<u8>, u64)>`, oldest first.  Raises Undecodable; never anything else."""
    count, at = compact(raw, 0)
    if count > len(raw):
        raise Undecodable(f"{count} messages in {len(raw)} bytes")
    reveals = []
    for _ in range(count):
        length, at = compact(raw, at)
        payload, number = raw[at : at + length], raw[at + length : at + length + 8]
        if len(payload) != length or len(number) != 8:
            raise Undecodable(f"cut off at byte {len(raw)}")
        reveals.append(Revealed(int.from_bytes(number, "little"), payload))
        at += length + 8
    if at != len(raw):
        raise Undecodable(f"{len(raw) - at} bytes too many")
    return tuple(reveals)


def compact(raw: bytes, at: int) -> tuple[int, int]:
    """(number, where the next thing begins) of a SCALE compact integer."""
    if at >= len(raw):
        raise Undecodable(f"cut off at byte {len(raw)}")
    mode = raw[at] & 3
    width = (1, 2, 4, 1 + 4 + (raw[at] >> 2))[mode]
    chunk = raw[at : at + width]
    if len(chunk) != width:
        raise Undecodable(f"cut off at byte {len(raw)}")
    number = int.from_bytes(chunk[1:], "little") if mode == 3 else int.from_bytes(chunk, "little") >> 2
    return number, at + width
