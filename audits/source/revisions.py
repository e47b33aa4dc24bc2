"""Is every model and data set one exact revision, and may it be used?

A repository of weights can change under its name as a package can.  Accepted: a revision of 40 hex digits.  Licences of
weights are looked up in a table kept by hand (`weights.json`), because a hub's tag is only what its uploader claims.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from audits.source import python
from audits.source.findings import BLOCKING, NOTICE, PERSON, SourceFinding, excerpt
from audits.source.python import Module
from audits.source.tree import SourceFile, Tree

COMMIT = re.compile(r"[0-9a-f]{40}")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
LOADS = re.compile(
    r"(?:.*\.)?(?:from_pretrained|hf_hub_download|snapshot_download|load_dataset|cached_file|load_lora_weights"
    r"|load_textual_inversion|from_single_file|hf_hub_url|create_model_and_transforms|try_to_load_from_cache|pipeline)"
)
HUB = re.compile(r"torch\.hub\.(?:load|load_state_dict_from_url|download_url_to_file)|timm\.create_model|gdown\.\w+")
REPO_WORDS = (
    "repo_id",
    "pretrained_model_name_or_path",
    "model",
    "path",
    "repo_or_dir",
    "model_name",
    "repo",
    "model_id",
)
COMMAND = re.compile(r"\b(?:huggingface-cli|hf)\s+download\s+(?P<what>\S+)(?P<rest>[^;&|]*)")
SUBMODEL = re.compile(r"(?:https?://)?huggingface\.co/(?P<what>[^/\s]+/[^/\s]+)/resolve/(?P<revision>[^/\s\"']+)/")
HOW = "Name its revision by 40 hex digits (revision=…)."
SEVERITY = {"allowed": NOTICE, "person": PERSON, "refused": BLOCKING}


def check(tree: Tree) -> Iterator[SourceFinding]:
    for module in python.modules(tree):
        for node, name in module.calls():
            if LOADS.fullmatch(name):
                yield from loaded_model(module, node, name)
            elif HUB.fullmatch(name):
                yield from hub_download(module, node, name)
    for source in tree.files:
        if not python.is_python(source):
            yield from downloads_in_scripts(source)


def loaded_model(module: Module, node: ast.Call, name: str) -> Iterator[SourceFinding]:
    """A model or data set that a library fetches from a hub: by an exact revision, or not."""
    what = what_of(module, node)
    if name.rpartition(".")[2] in ("pipeline", "cached_file") and not (what and MODEL.fullmatch(what)):
        return
    if what is not None and not MODEL.fullmatch(what):
        return  # a folder of the commit, or of the image
    shown = excerpt(what) if what else "a model whose name is a variable"
    revision = revision_of(module, node)
    trusts = any(word.arg == "trust_remote_code" and module.value(word.value) is True for word in node.keywords)
    if what is None and _is_folder(module, node):
        return
    if not (isinstance(revision, str) and COMMIT.fullmatch(revision)):
        severity = BLOCKING if what else PERSON
        why = f"{shown} is loaded without an exact revision: it may be another model tomorrow. {HOW}"
        yield module.finding(node, severity=severity, rule="model_not_pinned", sentence=why)
    elif trusts:
        why = f"{shown} brings code of its own that runs here: it is pinned, and not in this commit."
        yield module.finding(node, severity=NOTICE, rule="remote_code", sentence=why)
    if what:
        yield from _licence(module.finding(node, severity=NOTICE, rule="", sentence=""), what)


def what_of(module: Module, node: ast.Call) -> str | None:
    words = {word.arg: word.value for word in node.keywords}
    given = next((words[name] for name in REPO_WORDS if name in words), None)
    if given is None and node.args:
        given = node.args[1] if len(node.args) > 1 and module.name(node.func).endswith("pipeline") else node.args[0]
    if isinstance(given, ast.Call) and given.args:  # os.environ.get("MODEL", "owner/name")
        given = given.args[-1]
    return module.text(given)


def _is_folder(module: Module, node: ast.Call) -> bool:
    """What is built from a path of this machine, or comes out of a pinned download, is no name on a hub."""
    named = ast.unparse(node.args[0] if node.args else node.keywords[0].value if node.keywords else node).lower()
    local = any(word.arg == "local_files_only" and module.value(word.value) is True for word in node.keywords)
    return local or any(piece in named for piece in ("path", "dir", "folder", "snapshot", "local", "root", "file"))


def revision_of(module: Module, node: ast.Call) -> object:
    return next((module.value(word.value) for word in node.keywords if word.arg in ("revision", "code_revision")), None)


def hub_download(module: Module, node: ast.Call, name: str) -> Iterator[SourceFinding]:
    """What torch.hub, timm or gdown fetch: by a commit or a hash, or not."""
    what = what_of(module, node) or ""
    hashed = any(word.arg in ("hash_prefix", "check_hash") and module.value(word.value) for word in node.keywords)
    pinned = re.search(r":[0-9a-f]{40}\b", what) or hashed or COMMIT.search(what)
    plain = name == "timm.create_model" and not any(
        w.arg == "pretrained" and module.value(w.value) for w in node.keywords
    )
    local = any(word.arg == "source" and module.value(word.value) == "local" for word in node.keywords)
    if not pinned and not plain and not local:
        shown = excerpt(what) or excerpt(name)
        why = f"{shown} is loaded without an exact revision or hash: it may be something else tomorrow."
        yield module.finding(node, severity=BLOCKING, rule="model_not_pinned", sentence=why)


def downloads_in_scripts(source: SourceFile) -> Iterator[SourceFinding]:
    """Downloads of weights in recipes and scripts."""
    if source.text is None or source.path.lower().endswith((".md", ".rst")):
        return
    for number, line in enumerate(source.lines(), start=1):
        plain = line.partition("#")[0] if not source.path.endswith(".txt") else line
        for what, revision in _downloads(plain):
            place = SourceFinding(
                severity=NOTICE, rule="", sentence="", file=source.path, line=number, excerpt=excerpt(line)
            )
            if not COMMIT.fullmatch(revision):
                why = f"{excerpt(what)} is downloaded without an exact revision. {HOW}"
                yield _with(place, BLOCKING, "model_not_pinned", why)
            yield from _licence(place, what)


def _downloads(line: str) -> Iterator[tuple[str, str]]:
    if matched := COMMAND.search(line):
        named = re.search(r"--revision[ =](\S+)", matched["rest"])
        yield matched["what"].strip("\"'"), named[1] if named else ""
    for link in SUBMODEL.finditer(line):
        yield link["what"], link["revision"]


def _licence(place: SourceFinding, what: str) -> Iterator[SourceFinding]:
    entry = TABLE.get(what.lower())
    if entry is None:
        why = f"The licence of {excerpt(what)} is not in our table: a person must read it, and add it there."
        yield _with(place, PERSON, "model_licence_unknown", why)
        return
    severity = SEVERITY[str(entry["policy"])]
    rule = "model_licence" if severity == NOTICE else "model_licence_not_open"
    yield _with(place, severity, rule, f"{excerpt(what)}: {entry['licence']}. {entry['why']}")


def _with(place: SourceFinding, severity: str, rule: str, sentence: str) -> SourceFinding:
    return SourceFinding(
        severity=severity, rule=rule, sentence=sentence, file=place.file, line=place.line, excerpt=place.excerpt
    )


_WEIGHTS = json.loads(Path(__file__).with_name("weights.json").read_text())
TABLE: Mapping[str, Mapping[str, str]] = {  # read when it is imported: a walled child finds no files
    name.lower(): {**_WEIGHTS["reasons"][row["reason"]], **row} for name, row in _WEIGHTS["models"].items()
}
