"""The habits of the house, each with its reason in the failure text."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("competition", "judging", "audits", "dashboard")
GROUND = ("core", "formats")
FLOORS = (("core",), ("formats", "competition"), ("judging",), ("audits",), ("dashboard",))
LONGEST_FUNCTION = 60
LONGEST_TEMPLATE_LINE = 120


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in p.parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_a_lower_floor_never_imports_a_higher_one() -> None:
    wrong = [
        f"{at(path, line)} imports {module}"
        for rank, floor in enumerate(FLOORS)
        for path in sources(*floor)
        for line, module in imports(path)
        if module.split(".")[0] in {name for higher in FLOORS[rank + 1 :] for name in higher}
    ]
    law = "core <- formats, competition <- judging <- audits <- dashboard keeps the game free of its watchers"
    assert not wrong, f"{law}, and the ground floor free of the game: {wrong}"


def test_the_ground_floor_knows_nothing_of_the_game() -> None:
    wrong = [
        f"{at(path, line)} imports {module}"
        for path in sources(*GROUND)
        for line, module in imports(path)
        if module.split(".")[0] in APPS
    ]
    assert not wrong, (
        f"core and formats serve any platform of rounds; what they need of the game is handed to them: {wrong}"
    )


def test_no_two_modules_of_the_formats_need_each_other() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources("formats")}
    needs: dict[str, set[str]] = {}
    for name, path in names.items():
        froms = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        wanted = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
        needs[name] = (wanted | {str(node.module) for node in froms}) & names.keys()
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as circle:
        pytest.fail(f"what both need belongs in a module of its own, hidden imports too: {' -> '.join(circle.args[1])}")


def test_whatever_leaves_this_machine_goes_through_the_one_client() -> None:
    """A second client would have second rules: which addresses, how long, how many bytes."""
    allowed = {
        "audits/pods/control_service.py": "runs in a pod, which sees this one file and the standard library",
        "audits/source/network_access.py": "names the calls that it looks for in miners' sources",
    }
    forbidden = re.compile(
        r"^\s*(?:import|from)\s+(?:httpx|requests|aiohttp|urllib3|urllib\.request|http\.client)\b"
        r"|socket\.create_connection|urllib\.request\.|http\.client\.",
        re.MULTILINE,
    )
    wrong = [
        at(path, text.count("\n", 0, match.start()) + 1)
        for path in sources(*GROUND, *APPS)
        if not path.is_relative_to(ROOT / "core" / "net") and str(path.relative_to(ROOT)) not in allowed
        for text in (path.read_text(),)
        for match in forbidden.finditer(text)
    ]
    assert not wrong, (
        f"ask by core.net.http_client (or fetch, or connection_pool), which bounds address, time, size: {wrong}"
    )


def test_decisions_import_the_standard_library_only() -> None:
    pure = re.compile(r"(competition|judging|audits)\.decisions\b|competition\.rulesets\b")
    wrong = [
        f"{at(path, line)} imports {module}"
        for folder in ("competition/rulesets", *(f"{app}/decisions" for app in APPS))
        for path in sources(folder)
        for line, module in imports(path)
        if module.split(".")[0] not in sys.stdlib_module_names and not pure.match(module)
    ]
    assert not wrong, f"what moves money must be readable, and repeatable, without the platform: {wrong}"


def test_verify_imports_nothing_of_the_platform() -> None:
    wrong = [
        f"{at(path, line)} imports {module}"
        for path in sources("verify")
        for line, module in imports(path)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "verify", "rfc8785", "bittensor_core"}
    ]
    assert not wrong, f"a verifier that shares code with what it checks repeats its mistakes: {wrong}"


def _writes_state(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Attribute) and t.attr == "state" for t in node.targets)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("update", "bulk_update")
    ):
        named = {keyword.arg for keyword in node.keywords}
        return "state" in named
    return False


def test_only_the_engine_writes_a_state() -> None:
    engine = ROOT / "core" / "machine" / "engine.py"
    wrong = [
        at(path, node.lineno)
        for path in sources(*GROUND, *APPS)
        if path != engine
        for node in ast.walk(ast.parse(path.read_text()))
        if _writes_state(node)
    ]
    assert not wrong, f"a state written past the engine leaves no event, no lease and no reason: {wrong}"


def test_how_often_a_row_is_tried_stands_in_its_states_declaration() -> None:
    wrong = [
        at(path, number)
        for path in sources(*GROUND, *APPS)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"attempts(__gte=| >= | > )\d", line)
    ]
    assert not wrong, f"write State(tries=…) and ask `exhausted` or `out_of_tries()`; a second figure differs: {wrong}"


def test_functions_hold_one_idea() -> None:
    long_functions = [
        f"{at(path, node.lineno)} {node.name} ({length} lines)"
        for path in sources(*GROUND, *APPS, "verify")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long_functions, f"a longer function does two things: give the second one a name: {long_functions}"


def test_every_module_says_which_question_it_answers() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources(*GROUND, *APPS, "verify")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent, f"a reader opens a module to get an answer: {silent}"


def test_the_web_process_never_loads_a_model_or_a_chain_client() -> None:
    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'competition.settings'\n"
        "from competition.wsgi import application\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "banned = {'torch', 'transformers', 'bittensor', 'trimesh', 'cv2', 'embreex'}\n"
        "heavy = sorted({m.split('.')[0] for m in sys.modules} & banned)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, f"the web process must stay small and quick to start; {ran.stderr[-500:]}"


def test_models_and_migrations_agree() -> None:
    command = [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, f"a model without its migration breaks the next deployment: {ran.stdout}{ran.stderr}"


@pytest.mark.django_db
def test_every_command_is_documented() -> None:
    documented = (ROOT / "docs" / "commands.md").read_text()
    commands = {p.stem for app in APPS for p in (ROOT / app / "management" / "commands").glob("[a-z]*.py")}
    missing = sorted(name for name in commands if f"`{name}" not in documented)
    assert not missing, f"a command nobody can find is not there; name it in docs/commands.md: {missing}"


def test_no_command_takes_a_method_away_from_django_s() -> None:
    """A shell runs Django's `check` before a command, `call_command` in a test does not: a test alone would not see."""
    from django.core.management import load_command_class
    from django.core.management.base import BaseCommand

    ours = {
        "__module__",
        "__doc__",
        "help",
        "add_arguments",
        "handle",
        "requires_system_checks",
        "__static_attributes__",
    }
    taken = {
        f"{app}: {path.stem}.{name}"
        for app in APPS
        for path in (ROOT / app / "management" / "commands").glob("[a-z]*.py")
        for name in set(vars(type(load_command_class(app, path.stem)))) & set(dir(BaseCommand)) - ours
    }
    assert not taken, f"these would run in place of Django's own: {taken}"


def test_every_page_is_documented() -> None:
    from django.urls import get_resolver

    told = [ROOT / "docs" / "pages.md", *(ROOT / "docs" / "api").glob("*.md")]
    documented = "".join(path.read_text() for path in told)
    names = {str(key) for key in get_resolver().reverse_dict if isinstance(key, str)}
    missing = sorted(name for name in names if f"`{name}`" not in documented)
    assert not missing, f"a page nobody can find is not there; name it in docs/pages.md or docs/api: {missing}"


def test_every_ruleset_is_documented() -> None:
    from competition.rulesets import RULESETS

    documented = (ROOT / "docs" / "rules.md").read_text()
    missing = sorted(name for name in RULESETS if f"`{name}`" not in documented)
    assert not missing, f"miners must be able to read the rules they are judged by: {missing}"


def test_a_line_of_a_template_can_be_read_without_scrolling() -> None:
    """No formatter may do it: those there are put a space before a comma that follows `{% endif %}`."""
    sent_to_a_model = ROOT / "templates" / "judging"  # to the letter: they are part of a judge's version
    long_lines = [
        at(path, number)
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file() and not path.is_relative_to(sent_to_a_model)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LONGEST_TEMPLATE_LINE
    ]
    assert not long_lines, (
        f"over {LONGEST_TEMPLATE_LINE} characters; break it where there is a space already, or beside a block "
        f"element's tag, and indent by two: {long_lines}"
    )
