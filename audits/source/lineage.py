"""What is a solution's fingerprint?  Its files, functions and winnowed tokens, as `decisions.lineage` compares them."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections.abc import Mapping

from audits.decisions.lineage import SHORTEST_FUNCTION, Fingerprint, winnow
from audits.source import python
from audits.source.tree import Tree

CODE = (".py", ".pyw", ".js", ".ts", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".rs", ".glsl", ".wgsl", ".sh")
WORD = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|[^\s\w]")
MOST_TOKENS = 40_000
LONGEST_DIFF = 4000  # lines


def fingerprint(tree: Tree) -> Fingerprint:
    files: dict[str, str] = {}
    functions: dict[str, str] = {}
    marks: dict[str, list[int]] = {}
    weight: dict[str, int] = {}
    for source in tree.files:
        if source.text is None or not source.path.lower().endswith(CODE):
            continue
        module = python.parse(source) if python.is_python(source) else None
        tokens = (WORD.findall(source.text) if module is None else shape(module.tree))[:MOST_TOKENS]
        if len(tokens) >= SHORTEST_FUNCTION:
            files[source.path] = _digest(" ".join(source.text.split()))
        marks[source.path], weight[source.path] = winnow(tokens), len(tokens)
        for node in ast.walk(module.tree) if module else ():
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            words = shape(node)
            if len(words) >= SHORTEST_FUNCTION:
                functions[_digest("\x1f".join(words))] = f"{source.path}:{node.lineno} {node.name}"
    return Fingerprint(files=files, functions=functions, marks=marks, weight=weight)


def shape(tree: ast.AST) -> list[str]:
    """The syntax tree as words: kinds of nodes, attributes, called names and constants; own names become one word."""
    words: list[str] = []
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        words.append(type(node).__name__)
        if isinstance(node, ast.Attribute):
            words.append(node.attr)
        elif isinstance(node, ast.Constant):
            words.append(repr(node.value)[:40] if not isinstance(node.value, str) else "text")
        elif isinstance(node, ast.keyword):
            words.append(node.arg or "**")
        elif isinstance(node, ast.alias):
            words.append(node.name)
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        children = list(ast.iter_child_nodes(node))
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            children.remove(first)  # a docstring is nobody's code
        pending += reversed(children)
    return words


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def diff(ours: Mapping[str, bytes], theirs: Mapping[str, bytes], *, path: str, their_path: str) -> list[str]:
    """One file of two solutions, as a unified diff from theirs to ours.  Hostile text: shown as text only."""
    left, right = (printable_lines(files.get(name, b"")) for files, name in ((theirs, their_path), (ours, path)))
    made = difflib.unified_diff(left, right, fromfile=their_path, tofile=path, lineterm="")
    return [line for line, _ in zip(made, range(LONGEST_DIFF), strict=False)]


def printable_lines(content: bytes) -> list[str]:
    text = content[:1_000_000].decode("utf-8", "replace")
    return ["".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)[:500] for line in text.splitlines()]
