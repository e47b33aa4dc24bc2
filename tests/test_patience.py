"""Can a slow or busy machine fail a test?  What these rules can see of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.test_conventions import at, parsed

TESTS = Path(__file__).resolve().parent
LEAST_S = 60  # a wait that ends early costs nothing by being allowed long
CLOCKS = {"monotonic", "perf_counter", "process_time", "time"}


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted(TESTS.rglob("*.py")):
        if "corpus" not in path.parts:  # what miners wrote
            yield from ((path, node) for node in ast.walk(parsed(path)))


def reads_a_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS


def measures(node: ast.AST) -> bool:
    """An assertion about how long something took."""
    if not isinstance(node, ast.Assert):
        return False
    differences = [each for each in ast.walk(node.test) if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub)]
    return any(reads_a_clock(side) for each in differences for side in (each.left, each.right))


def hurries(node: ast.AST) -> bool:
    """A process or a thread that is given less time than a busy machine may need."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    given = [word.value for word in node.keywords if word.arg == "timeout"]
    given += node.args[:1] if node.func.attr in ("wait", "join") else []
    processes = node.func.attr in ("run", "communicate", "wait", "join", "check_output", "urlopen", "result")
    return processes and any(_short(value) for value in given)


def _short(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value < LEAST_S


def test_no_test_asserts_how_long_something_took() -> None:
    wrong = [at(path, node.lineno) for path, node in nodes() if measures(node)]
    assert not wrong, f"speed is measured in benchmarks/: here a busy machine would fail what is right: {wrong}"


def test_nothing_is_awaited_for_less_than_a_minute() -> None:
    wrong = [at(path, node.lineno) for path, node in nodes() if hurries(node)]
    assert not wrong, f"{LEAST_S} s or more: whoever is quick does not wait, and CI has two slow cores: {wrong}"
