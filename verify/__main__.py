"""`python -m verify PATH`: what disagrees in a state repository, a round's bundle, or a folder of them?"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from verify.findings import BROKEN, FindingLog, VerifierReport, document, lines, together
from verify.records.repository import examine, is_repository

NOTHING = "no state repository (config.json and rounds/) and no bundle (manifest.json) here"


def is_bundle(path: Path) -> bool:
    return (path / "manifest.json").is_file()


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a bundle is compared with beyond itself: the pinned operator, a node, a file of anchors, a signed head that
    somebody kept."""

    operator: str | None = None
    node: str | None = None
    anchors: Path | None = None
    checkpoint: Path | None = None
    draft: bool = False  # before it is signed


def examine_path(path: Path, *, options: Options) -> VerifierReport | None:
    """One state repository or one bundle; None when the path is neither."""
    if is_bundle(path):
        return _bundles({"": path}, options=options)
    return examine(path) if is_repository(path) else None


def _bundles(paths: Mapping[str, Path], *, options: Options) -> VerifierReport:
    """Each by itself, and then all of them as one history.  `paths`: what to put before a file's name -> folder."""
    from verify.bundles import bundle, chain, checkpoints, series  # only these need more than the standard library

    each = [
        bundle.examine(path, operator=options.operator, prefix=prefix, draft=options.draft)
        for prefix, path in paths.items()
    ]
    for one in each if options.node or options.anchors else ():
        chain.check(one, node=options.node, anchors=options.anchors)
    books = [*(one.log for one in each), series.check(each)]
    if options.checkpoint is not None:
        books.append(checkpoints.check(each, options.checkpoint, operator=options.operator))
    return together([log.report() for log in books])


def examine_served(address: str, *, options: Options) -> VerifierReport:
    """The ledger that a site serves: its hashes, its signed head, and the signed head that somebody kept."""
    from verify.bundles import checkpoints, served, web  # as in `_bundles`

    after = 0
    if options.checkpoint is not None:
        with contextlib.suppress(*BROKEN):  # told by the check itself
            after = max(0, min(head.seq for head in checkpoints.read(options.checkpoint)) - 1)
    try:
        ledger = served.read(address, after=after, operator=options.operator)
    except web.Unreachable as error:
        log = FindingLog()
        log.note("ledger-unread", file=address, sentence=f"Nothing was compared: {error}")
        return log.report()
    books = [ledger.log]
    if options.checkpoint is not None:
        books.append(checkpoints.check([ledger], options.checkpoint, operator=options.operator))
    return together([log.report() for log in books])


def examine_all(path: Path, *, operator: str | None = None, options: Options | None = None) -> VerifierReport | None:
    """The path itself, or else everything directly inside it."""
    options = options or Options(operator=operator)
    whole = examine_path(path, options=options)
    if whole is not None or not path.is_dir():
        return whole
    inside = sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))
    reports = [examine(child, prefix=f"{child.name}/") for child in inside if is_repository(child)]
    bundles = {f"{child.name}/": child for child in inside if is_bundle(child)}
    reports += [_bundles(bundles, options=options)] if bundles else []
    return together(reports) if reports else None


def main(arguments: Sequence[str] | None = None) -> int:
    """0: no errors; 1: errors; 2: nothing to examine."""
    parser = argparse.ArgumentParser(prog="python -m verify", description=__doc__)
    path_help = "a state repository, a round's bundle, a folder of them, or the address https://SITE/c/SLUG"
    parser.add_argument("path", help=path_help)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--errors", action="store_true", help="leave out what is only notable")
    parser.add_argument("--operator", metavar="ADDRESS", help="the ss58 address whose signature a bundle must bear")
    parser.add_argument("--chain", dest="node", metavar="URL", help="a node of the chain: compare the ledger with it")
    parser.add_argument("--anchors", type=Path, metavar="FILE", help="the anchors as a file, with or without a node")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a signed head kept earlier: is it of this?")
    parser.add_argument("--draft", action="store_true", help="not signed yet: neither signature nor announcement")
    given = parser.parse_args(arguments)
    options = Options(**{field.name: getattr(given, field.name) for field in fields(Options)})
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of hostile files, in letters that a terminal lacks
    served = given.path.startswith(("http://", "https://"))
    try:
        report = (
            examine_served(given.path, options=options) if served else examine_all(Path(given.path), options=options)
        )
    except ModuleNotFoundError as missing:  # only a bundle needs more than the standard library
        print(f"A bundle needs the package {missing.name}: pip install {missing.name}", file=sys.stderr)
        return 2
    if report is None:
        print(f"{given.path}: {NOTHING}.", file=sys.stderr)
        return 2
    if given.json:
        print(document(report, path=given.path, errors_only=given.errors))
    else:
        print("\n".join(lines(report, errors_only=given.errors)))
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
