"""Is what a miner's bytes break the miner's, and what breaks by itself ours?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from formats import known_good, known_good_files
from formats.blame import settled
from formats.sandbox import Sandbox
from tests.judging.broken_glb import good

FAULTS: dict[str, Exception] = {
    "a crash": RendererFault("CRASHED", "it broke off"),
    "no answer": RendererFault("OVERRAN", "no answer in time"),
    "a kill": RendererFault("KILLED", "killed with SIGKILL"),
    "a lost server": RendererFault("SANDBOX_DIED", "the server ended"),
    "a full disk": OSError(28, "No space left on device"),
    "a bug of ours": ZeroDivisionError("division by zero"),
    "no memory": MemoryError(),
    "nonsense": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "asset.glb"
    path.write_bytes(good())
    return path


def failing(error: Exception, *, always: bool) -> Callable[[Path], str]:
    """Work that fails on the miner's file, and `always` on the known-good one, too."""

    def work(path: Path) -> str:
        if always or path.read_bytes() != known_good_files.glb():
            raise error
        return "done"

    return work


@pytest.mark.parametrize("name", FAULTS)
def test_a_tool_that_works_on_a_good_file_was_broken_by_the_other(name: str, file: Path) -> None:
    with pytest.raises(Refused) as refused:
        settled(failing(FAULTS[name], always=False), file, file_format="glb")
    assert (refused.value.failure_class, refused.value.code) == ("miner", "CANNOT_RENDER")


@pytest.mark.parametrize("name", FAULTS)
def test_a_tool_that_fails_on_a_good_file_too_is_ours(name: str, file: Path) -> None:
    with pytest.raises(RendererFault) as fault:
        settled(failing(FAULTS[name], always=True), file, file_format="glb")
    assert fault.value.failure_class == "infrastructure"


def test_a_failure_that_does_not_come_again_is_nobody_s(file: Path) -> None:
    outcomes = iter([RendererFault("KILLED", "once"), "done"])

    def work(path: Path) -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert settled(work, file, file_format="glb") == "done"


def test_a_good_file_that_is_refused_is_our_fault(file: Path) -> None:
    def work(path: Path) -> str:
        if path.read_bytes() == known_good_files.glb():
            raise Refused("NO_SCENE", "The file has no scene.")
        raise RendererFault("CRASHED", "it broke off")

    with pytest.raises(RendererFault, match="CONTROL_FAILED"):
        settled(work, file, file_format="glb")


def test_a_file_that_is_not_there_says_nothing_about_its_miner(tmp_path: Path) -> None:
    with pytest.raises(RendererFault, match="NO_FILE"):
        settled(failing(ValueError(), always=False), tmp_path / "nowhere", file_format="glb")


def test_every_format_has_a_good_file() -> None:
    from formats.registry import FORMATS

    assert all(known_good(name) for name in FORMATS)


def test_work_that_never_ends_on_one_file_is_its_miner_s_doing(file: Path, tmp_path: Path) -> None:
    """In a real sandbox: it hangs on this file each time, and answers for another."""
    box = Sandbox("tests.core.hostile_work:work")

    def work(path: Path) -> object:
        deed = "environment" if path.read_bytes() == known_good_files.glb() else "sleep"
        limits = SandboxPolicy(wall_seconds=60.0 if deed == "environment" else 1.0)
        return box.run({"deed": deed}, data=path, folder=tmp_path, limits=limits)

    try:
        with pytest.raises(Refused, match="CANNOT_RENDER"):
            settled(work, file, file_format="glb")
    finally:
        box.close()
