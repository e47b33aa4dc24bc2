"""`python -m verify PATH`: what disagrees in a state repository, a round's bundle, or a folder of them?

With `--ask URL`, of one bundle that a model judged: would another judge answer as the round's did?
"""

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


def ask_again(path: Path, given: argparse.Namespace) -> int:
    """Of one bundle, once it is verified."""
    if not is_bundle(path):
        print(f"Not asked: {path} is no bundle; --ask takes the folder of one round.", file=sys.stderr)
        return 2
    try:
        from verify.bundles import bundle  # as in `_bundles`
        from verify.second_opinion.command import Choices, second_opinion  # draws pictures: numpy, OpenCV, Pillow
    except ModuleNotFoundError as missing:
        packages = "numpy opencv-python-headless pillow rfc8785"
        print(f"--ask needs the package {missing.name}, too: pip install {packages}", file=sys.stderr)
        return 2
    options = {field.name: getattr(given, field.name) for field in fields(Choices)}
    return second_opinion(bundle.examine(path, operator=given.operator), Choices(**options))


def sample_size(text: str) -> int | None:
    """`all`, or a number of questions from 1 on.  Raises ValueError."""
    if text != "all" and int(text) < 1:
        raise ValueError(text)
    return None if text == "all" else int(text)


def add_ask_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("asking a judge of your own")
    group.add_argument("--ask", dest="url", metavar="URL", help="an OpenAI-compatible server: http://HOST:PORT")
    help_ = "questions at most, or `all` (200 without)"
    group.add_argument("--sample", type=sample_size, default=200, metavar="N", help=help_)
    group.add_argument("--seed", default="", help="what draws them; without it a new one, which is shown")
    group.add_argument("--model", default="", metavar="NAME", help="as the server names it; without it the judge's own")
    group.add_argument("--key-file", type=Path, metavar="FILE", help="holds the server's key alone")
    group.add_argument("--answers", type=Path, metavar="FILE", help="where answers stay; without it beside the bundle")
    group.add_argument("--report", type=Path, metavar="FILE", help="write the report there as JSON")
    group.add_argument("--yes", action="store_true", help="do not ask whether it may cost what it will")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: no errors; 1: errors; 2: nothing to examine."""
    parser = argparse.ArgumentParser(prog="python -m verify", description=__doc__)
    path_help = "a state repository, a round's bundle, a folder of them, or the address https://SITE/c/SLUG"
    parser.add_argument("path", help=path_help)
    parser.add_argument("--json", dest="as_json", action="store_true", help="print one JSON document")
    parser.add_argument("--errors", action="store_true", help="leave out what is only notable")
    parser.add_argument("--operator", metavar="ADDRESS", help="the ss58 address whose signature a bundle must bear")
    parser.add_argument("--chain", dest="node", metavar="URL", help="a node of the chain: compare the ledger with it")
    parser.add_argument("--anchors", type=Path, metavar="FILE", help="the anchors as a file, with or without a node")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a signed head kept earlier: is it of this?")
    parser.add_argument("--draft", action="store_true", help="not signed yet: neither signature nor announcement")
    add_ask_options(parser)
    given = parser.parse_args(arguments)
    options = Options(**{field.name: getattr(given, field.name) for field in fields(Options)})
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of hostile files, in letters that a terminal lacks
    if given.url:
        return ask_again(Path(given.path), given)
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
    if given.as_json:
        print(document(report, path=given.path, errors_only=given.errors))
    else:
        print("\n".join(lines(report, errors_only=given.errors)))
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
