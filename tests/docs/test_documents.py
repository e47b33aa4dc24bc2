"""What the documents show is there: files, links, commands, options, releases."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.docs import measures, registrations

ROOT = Path(__file__).resolve().parents[2]
TOP = ("core", "formats", "competition", "judging", "audits", "dashboard", "verify", "templates", "tests")
FOLDERS = (*TOP, "benchmarks", "examples", "clients", "deploy", "docs")
PAGES = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("deploy", "examples", "clients/python")),
)
NOW = [page for page in PAGES if page.name not in ("CHANGELOG.md", "decisions.md")]
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./@-]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
MANAGE = re.compile(r"manage\.py ([a-z_]+)((?: [^`|\n#]*)?)")
MODULE = re.compile(r"python -m ((?:benchmarks|examples|tests|verify)[\w.]*)")
TARGET = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)
DJANGO = ("dbshell", "migrate", "collectstatic", "makemigrations", "check", "help")
LONGEST_LINE = 160


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_file_that_a_document_names_is_there(page: Path) -> None:
    named = {path for path in PATH.findall(page.read_text()) if not re.search(r"<|…|VERSION|FOLDER", path)}
    if page.name == "CHANGELOG.md":
        return  # what it says of a release was so in that release
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert not missing, f"moved or never there; write where it is now: {missing}"


RARE = {
    "reckon": "compute",
    "by lot": "at random",
    "laid aside": "waits",
    "on a guess": "early",
    "came to pass": "happened",
    "anew": "again",
    "afresh": "again, or: from nothing",
    "for want of": "because … is missing",
    "that is none": "that is not known",
    "says of": "says about",
}


@pytest.mark.parametrize("page", NOW, ids=relative)
def test_a_document_uses_common_words(page: Path) -> None:
    text = page.read_text().lower()
    rare = {word: common for word, common in RARE.items() if word in text}
    assert not rare, f"most readers' first language is another one; write the common word: {rare}"


def test_a_word_is_defined_once() -> None:
    words = re.findall(r"^\| ([^|]+) \| ", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    defined = Counter(word.strip() for row in words if row != "word" for word in row.split(","))
    twice = sorted(word for word, times in defined.items() if times > 1)
    assert not twice, f"a reader who finds one meaning does not look for the other: {twice}"


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """A page's numbered lines without tables, code and what programs write."""
    code = written = False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        code ^= line.startswith("```")
        written = (
            written or "written by" in line or "<!-- registrations" in line or "<!-- measures" in line
        ) and "<!-- end" not in line
        if not (code or written or line.startswith("|")):
            yield number, line


@pytest.mark.parametrize("page", NOW, ids=relative)
def test_a_line_of_a_document_fits_the_screen(page: Path) -> None:
    long_lines = [number for number, line in prose(page) if len(line) > LONGEST_LINE]
    assert not long_lines, f"over {LONGEST_LINE} characters; break them at a space: {long_lines}"


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    wrong = []
    for target in (first or second for first, second in LINK.findall(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        at = (page.parent / path).resolve() if path else page
        if not at.exists() or (heading and heading not in anchors(at)):
            wrong.append(target)
    assert not wrong, f"nobody gets there: {wrong}"


def test_every_document_is_linked_from_another() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in (first or second for first, second in LINK.findall(page.read_text()))
    }
    lost = [relative(page) for page in PAGES if page.resolve() not in linked and page.name != "README.md"]
    assert not lost, f"a page nobody links is a page nobody reads: {lost}"


def shown_commands() -> Iterator[tuple[str, str, str]]:
    """(page, command, its arguments) of each `manage.py …` that a document shows."""
    for page in NOW:
        for command, arguments in MANAGE.findall(page.read_text()):
            yield relative(page), command, arguments


def test_every_command_that_a_document_shows_exists_with_its_options() -> None:
    known, wrong = get_commands(), []
    for page, name, arguments in shown_commands():
        if name not in known:
            wrong.append(f"{page}: manage.py {name}")
        elif name not in DJANGO:
            options = set(load_command_class(known[name], name).create_parser("manage.py", name)._option_string_actions)
            wrong += [
                f"{page}: manage.py {name} {option}"
                for option in re.findall(r"--[a-z][a-z-]*", arguments)
                if option not in options and name not in ("api_token", "reviewer")
            ]
    assert not wrong, f"whoever types this is told that it does not exist: {wrong}"


def test_every_module_that_a_document_runs_is_there() -> None:
    shown = {(relative(page), module) for page in NOW for module in MODULE.findall(page.read_text())}
    missing = [
        f"{page}: {module}"
        for page, module in sorted(shown)
        if not any(
            (ROOT / path).exists()
            for path in (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__main__.py")
        )
    ]
    assert not missing, f"python -m finds no such module: {missing}"


def test_every_make_target_that_a_document_shows_is_listed_by_make_help() -> None:
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^  make (\S+)", listed, re.MULTILINE))
    shown = {target for page in NOW for target in TARGET.findall(page.read_text())}
    assert shown <= targets, f"`make help` does not list {sorted(shown - targets)}"


QUICK = {
    "python -m examples.kit FOLDER": "chooser: commit",
    "python -m examples.hosting --help": "--platform",
    "python -m verify --help": "--operator",
    "python -m benchmarks.demo_round --help": "BUNDLE",
    "python docs/api/vectors/sign.py": "",
}


@pytest.mark.parametrize("command", QUICK)
def test_a_quick_command_of_the_documents_runs(command: str, tmp_path: Path) -> None:
    words = [str(tmp_path / "made") if word == "FOLDER" else word for word in shlex.split(command)[1:]]
    ran = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in ran.stderr, ran.stderr
    assert QUICK[command] in ran.stdout + ran.stderr


def test_the_tables_of_measures_are_those_that_are_measured() -> None:
    assert measures.written() == measures.tables(), "write them again: python -m tests.docs.measures"


def test_the_table_of_registrations_is_what_the_apps_declare() -> None:
    written = subprocess.run(
        [sys.executable, "-m", "tests.docs.registrations", "--show"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert registrations.written() == written.stdout, "write it anew: python -m tests.docs.registrations"


def test_every_row_that_moves_stands_in_the_table_of_states_with_each_state() -> None:
    from core.machine.engine import stateful_models

    text = registrations.PAGE.read_text().split("## Who moves what")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\w, ]+) \| ([^|]*) \|", text, re.MULTILINE))
    named = {name: states for names, states in rows.items() for name in names.split(", ")}
    wrong = {
        model.__name__: sorted(state for state in model.graph.states if state not in named.get(model.__name__, ""))
        for model in stateful_models()
    }
    missing = {name: states for name, states in wrong.items() if states}
    assert not missing, f"docs/architecture.md, Who moves what, lacks {missing}"


def test_a_worker_s_instance_is_its_queue_whatever_follows_the_dash() -> None:
    unit = (ROOT / "deploy" / "gauntlet-worker@.service").read_text()
    line = re.search(r"^ExecStart=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    assert line is not None
    for instance, queue in (("io", "io"), ("cpu-2", "cpu"), ("judge-0", "judge")):
        script = line[1].replace("%%", "\0").replace("%i", instance).replace("\0", "%").replace("$$", "$")
        script = script.replace("exec ", "echo ")
        ran = subprocess.run(["sh", "-c", script], env={"THREADS": "4"}, capture_output=True, text=True, check=True)
        assert ran.stdout.split()[-4:] == ["--queue", queue, "--threads", "4"]


def test_one_release_has_one_number() -> None:
    sections = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next(name for name in sections if name != "Unreleased")
    versions = {
        str(tomllib.loads((ROOT / path).read_text())["project"]["version"])
        for path in ("pyproject.toml", "clients/python/pyproject.toml")
    }
    client = (ROOT / "clients/python/src/gauntlet_client/version.py").read_text()
    assert versions == {newest} and f'"{newest}"' in client
    assert f"git checkout v{newest}" in (ROOT / "deploy" / "README.md").read_text()


def test_every_plug_in_has_a_row_in_its_document() -> None:
    from audits.pods.runs import PROVIDERS
    from audits.source import CHECKS
    from competition.chain import CHAINS
    from competition.notices.channels import CHANNELS
    from formats.registry import FORMATS
    from judging.backends import JUDGES

    tables = {
        "audits.md": {**CHECKS, **PROVIDERS},
        "chain.md": CHAINS,
        "commands.md": CHANNELS,
        "formats.md": FORMATS,
        "judge.md": JUDGES,
        "reviews.md": CHANNELS,
    }
    missing = [
        f"`{name}` in docs/{page}"
        for page, rows in tables.items()
        for name in rows
        if not re.search(rf"`(?:[^`]* )?{re.escape(name)}[` :]", (ROOT / "docs" / page).read_text())
    ]
    assert not missing, f"whoever looks for it must find what it does and needs: write a row for {missing}"


def test_every_script_of_the_pages_is_listed() -> None:
    text = (ROOT / "docs" / "pages.md").read_text()
    scripts = [path.name for path in (ROOT / "dashboard" / "static" / "dashboard").glob("*.js")]
    missing = sorted(name for name in scripts if f"`{name}`" not in text)
    assert not missing, f"docs/pages.md says which scripts there are, where and when they run; it lacks {missing}"


def test_the_guide_to_a_new_plug_in_has_each_kind() -> None:
    """A kind of plug-in that docs/contributing.md leaves out is added by reading seven other places."""
    guide = (ROOT / "docs" / "contributing.md").read_text()
    kinds = ("format", "judge", "ruleset", "source check", "pod provider", "notice channel", "chain")
    missing = [kind for kind in kinds if f"\n### {kind}\n| file | what |" not in guide]
    assert not missing, f"say which files make a new {missing}"
