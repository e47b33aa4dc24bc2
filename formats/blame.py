"""Whose fault is it that work on a miner's file failed?  A good file decides, right afterwards, in the same place.

A tool that fails on one file, fails on it again, and then works on a good file of the same kind was broken *by the
file*: its miner must act.  However it failed (an exception, a crash, a timeout, memory, nonsense) makes no difference,
so no file can make us call its fault ours and stop everybody's round.  Only where the good file fails too is it ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.sandbox.outcomes import Refused, RendererFault
from formats import known_good
from formats.rules import refusal


def accuse(fault: RendererFault) -> Refused:
    """The refusal of a file that broke a tool."""
    return refusal("CANNOT_RENDER", why=fault.sentence)


Result = TypeVar("Result")


def settled(
    work: Callable[[Path], Result],
    data: Path,
    *,
    file_format: str,
    accuse: Callable[[RendererFault], Refused] = accuse,
) -> Result:
    """`work(data)`; where that fails twice, who must act is settled by `work(<a good file of file_format>)`.

    Raises Refused or RendererFault, nothing else.
    """
    try:  # a file that is not there, or cannot be read, says nothing about its miner
        with data.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise RendererFault("NO_FILE", f"the stored file cannot be read: {error}") from error
    for _ in range(2):  # a failure that does not come again was nobody's
        try:
            return work(data)
        except Refused:
            raise
        except Exception as error:
            fault = as_fault(error)
    with tempfile.TemporaryDirectory(prefix="gauntlet-control-") as folder:
        good = Path(folder, "control")
        good.write_bytes(known_good(file_format))
        try:
            work(good)
        except Refused as refused:
            raise RendererFault("CONTROL_FAILED", f"a good file was refused: {refused}") from refused
        except Exception as error:
            raise as_fault(error) from error
    raise accuse(fault) from fault


def as_fault(error: Exception) -> RendererFault:
    if isinstance(error, RendererFault):
        return error
    if isinstance(error, OSError):
        return RendererFault("NO_ROOM", f"files cannot be written: {error}")
    return RendererFault("CRASHED", f"the work broke off: {error!r}"[:400])
