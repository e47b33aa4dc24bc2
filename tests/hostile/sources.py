"""Repositories made against whatever reads them: `KINDS`, name -> a function that makes the tree, always the same.

Each is a clean repository with one thing in it that some reader may stumble over: depth, length, numbers, encodings,
types that nobody expects, names.  The same inputs serve every door that a repository comes through.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from audits.source import control_tree

Files = dict[str, bytes]
Make = Callable[[], Files]

CLEAN: Files = {name: text.encode() for name, text in control_tree.FILES.items()}
DEPTHS = (90, 1_000, 5_000, 60_000)


def with_file(path: str, content: bytes | str) -> Files:
    return {**CLEAN, path: content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content}


NESTED: dict[str, Callable[[int], str]] = {
    "calls": lambda n: "x = f" + "()" * n,
    "attributes": lambda n: "x = a" + ".b" * n,
    "subscripts": lambda n: "x = a" + "[0]" * n,
    "parentheses": lambda n: "x = " + "(" * n + "1" + ")" * n,
    "open_parentheses": lambda n: "x = " + "(" * n,
    "lists": lambda n: "x = " + "[" * n + "]" * n,
    "dicts": lambda n: "x = " + "{1: " * n + "1" + "}" * n,
    "tuples": lambda n: "x = " + "(" * n + "1" + ",)" * n,
    "minus": lambda n: "x = " + "-" * n + "1",
    "not": lambda n: "x = " + "not " * n + "y",
    "sum": lambda n: "x = " + "+".join(["'a'"] * n),
    "sum_of_names": lambda n: "x = " + "+".join(["a"] * n),
    "power": lambda n: "x = " + "**".join(["2"] * n),
    "and": lambda n: "x = " + " and ".join(["a"] * n),
    "compare": lambda n: "x = " + " < ".join(["a"] * n),
    "lambda": lambda n: "x = " + "lambda: " * n + "1",
    "ternary": lambda n: "x = " + "1 if a else " * n + "2",
    "comprehension": lambda n: "x = " + "[" * n + "a" + " for a in b]" * n,
    "call_arguments": lambda n: "x = " + "f(" * n + ")" * n,
    "adjacent_texts": lambda n: "x = " + "'a' " * n,
    "f_strings": lambda n: "x = " + "f'{a}' " * n,
    "decorators": lambda n: "@a\n" * n + "def f(): pass",
    "joins": lambda n: "x = " + "''.join([" * n + "'a'" + "])" * n,
    "encoded": lambda n: "import base64\nx = " + "base64.b64decode(" * n + "'aaaa'" + ")" * n,
    "getattr": lambda n: "x = " + "getattr(" * n + "a" + ", 'b')" * n,
}


def _blocks(word: str, depth: int) -> str:
    return "".join(" " * n + word + "\n" for n in range(depth)) + " " * depth + "pass\n"


def _doubled(depth: int) -> str:
    """Each constant is the sum of the next one with itself."""
    return "".join(f"a{n} = a{n + 1} + a{n + 1}\n" for n in range(depth)) + f"a{depth} = 'x'\n"


PYTHON: dict[str, str | bytes] = {
    **{
        f"blocks_{word.split()[0]}_{depth}": _blocks(word, depth)
        for depth in (19, 99, 3_000)
        for word in ("if a:", "for a in b:", "class A:", "def f():", "with a:", "while a:")
    },
    **{f"doubled_{depth}": _doubled(depth) for depth in (15, 60, 2_000)},
    "constants_in_a_circle": "a = b\nb = a\nx = a + b\n",
    "constant_of_itself": "a = a + a\n",
    **{f"hexadecimal_{n}": "x = 0x" + "f" * n for n in (5_000, 900_000)},
    **{f"decimal_{n}": "x = " + "9" * n for n in (4_301, 900_000)},
    **{f"binary_{n}": "x = 0b" + "1" * n for n in (20_000, 900_000)},
    "octal": "x = 0o" + "7" * 50_000,
    "float": "x = 1e999999999",
    "complex": "x = 1e99999j" + "+1j" * 500,
    "negative_hexadecimal": "x = -0x" + "f" * 50_000,
    "shift": "x = 1 << 10**9",
    "power_tower": "x = 9**9**9**9",
    "times": "x = 'a' * 10**12",
    "chr": "x = chr(10**30) + chr(-1) + chr(0xd800)",
    "slice": "x = 'abc'[::10**30]",
    "surrogates": "x = '\\ud800' + '\\udfff'\nimport os\nos.environ['\\ud800']\n",
    "surrogate_bytes": "x = '\ud800'",
    "nul_in_text": "x = 'a\\0b'\nrequests.get('http://a\\0.io')\n",
    "nul_bytes": b"x = 1\0\0\0\n",
    "latin": b"x = '\xe9\xff'\n",
    "utf_16": "x = 1\n".encode("utf-16"),
    "cookie_rot13": "# -*- coding: rot13 -*-\nk = 1\n",
    "cookie_unknown": "# -*- coding: nobody -*-\nx = 1\n",
    "cookie_utf_7": b"# -*- coding: utf-7 -*-\n+AHg- = 1\n",
    "byte_order_mark": "\ufeffx = 1\n",
    "carriage_returns": "x = 1\r" * 5_000,
    "form_feeds": "\f" * 9_000 + "x = 1\n",
    "tabs": "\t" * 9_000 + "x = 1\n",
    "bidirectional": "x = '\u202e\u2066 if a'\n" * 500,
    "wide_names": "ﬁ = ｘ = 1\n" * 500,
    "one_line": "x = '" + "a" * 1_000_000 + "'",
    "too_large": "x = 1\n" * 400_000,
    "many_imports": "".join(f"import a{n}\n" for n in range(60_000)),
    "many_functions": "".join(f"def f{n}(a):\n    return a\n" for n in range(20_000)),
    "many_texts": "".join(f"x{n} = 'https://a{n}.io'\n" for n in range(20_000)),
    "many_calls": "import requests\n" + "requests.get('https://a.io')\n" * 20_000,
    "many_globals": "x = [" + "1," * 400_000 + "]",
    "no_newline": "x = 1\\",
    "open_text": 'x = """' + "a" * 90_000,
    "many_names": ",".join(f"a{n}" for n in range(90_000)) + " = b",
    "match": "match a:\n case " + "[" * 900 + "]" * 900,
    "base64_of_nothing": "import base64\nx = base64.b64decode('é')\n",
    "hex_of_nothing": "x = bytes.fromhex('g\\ud800')\n",
    "large_base64": f"import base64\nx = base64.b64decode('{base64.b64encode(bytes(700_000)).decode()}')\n",
    "decode_unknown": "import codecs\nx = codecs.decode('\\ud800', 'rot13')\n",
    "star": "x = " + "*" * 3_000 + "a",
    "walrus": "x = " + "(a := " * 900 + "1" + ")" * 900,
    "type_comment": "x = 1  # type: " + "[" * 90_000,
    "await": "async def f():\n    return " + "await " * 3_000 + "a",
    "future": "from __future__ import nothing\n",
    "exec_of_itself": "exec(open(__file__).read())\n" * 500,
    "empty_lines": "\n" * 900_000,
}

REQUIREMENTS: dict[str, str | bytes] = {
    **{f"marker_depth_{n}": "a==1; " + "(" * n + "python_version>'3'" + ")" * n for n in DEPTHS},
    **{f"marker_and_{n}": "a==1; " + " and ".join(["python_version>'3'"] * n) for n in (300, 9_000)},
    **{f"version_{n}": "a==" + "9" * n for n in (4_301, 90_000)},
    "version_dots": "a==" + ".".join(["1"] * 9_000),
    "version_epoch": "a==" + "9" * 5_000 + "!1",
    "version_local": "a==1+" + "a." * 2_000 + "a",
    "version_post": "a==1.post" + "9" * 5_000,
    "extras": "a[" + ",".join(["b"] * 9_000) + "]==1",
    "specifiers": "a" + ",".join([">=1"] * 9_000),
    "brackets": "a @ http://[::1",
    "bracket": "http://[",
    "port": "a @ https://a.io:99999999/b.whl#sha256=" + "0" * 64,
    "address_of_nothing": "a @ \ud800",
    "commit_of_nothing": "git+https://" + "a@" * 3_000,
    "nul": b"a\0==1\n",
    "continued": "a==1 \\\n" * 90_000,
    "continued_for_ever": "\\\n" * 300_000,
    "one_line": "a" * 1_000_000,
    "many": "".join(f"a{n}>={n}\n" for n in range(30_000)),
    "hashes": "a==1 " + "--hash=sha256:0 " * 9_000,
    "includes_itself": "-r requirements.txt\n" * 3_000,
    "includes_far": "-r " + "../" * 900 + "etc/passwd\n",
    "options": "--" * 9_000,
    "equals": "=" * 90_000,
    "quotes": "a; python_version == '" + "a" * 90_000,
    "latin": b"caf\xe9==1\n",
    "utf_16": "a==1\n".encode("utf-16"),
    "unicode": "ａ==１\n",
    "spaces": " " * 900_000,
    "wheel": "./" + "a-" * 3_000 + ".whl",
    "comments": "#" * 900_000,
    "tabs_in_hash": "a==1\t--hash=sha256:\t0\n",
    "semicolons": "a==1" + ";" * 9_000,
    "at_signs": "a" + "@" * 9_000,
    "parentheses": "a " + "(" * 9_000 + "==1",
}

TOML: dict[str, str | bytes] = {
    **{f"dotted_{n}": "a." * n + "b = 1" for n in (900, 5_000, 90_000)},
    **{f"arrays_{n}": "a = " + "[" * n + "]" * n for n in (900, 90_000)},
    **{f"tables_{n}": "a = " + "{a = " * n + "1" + "}" * n for n in (900, 30_000)},
    **{f"headers_{n}": "[" + "a." * n + "b]" for n in (900, 90_000)},
    **{f"number_{n}": "a = " + "9" * n for n in (4_301, 90_000)},
    "hexadecimal": "a = 0x" + "f" * 90_000,
    "float": "a = 1e999999",
    "date": "a = 9999-99-99",
    "offset": "a = 1979-05-27T07:32:00+99:99",
    "early_date": "a = 0001-01-01T00:00:00+23:59",
    "open_text": 'a = """' + "x" * 90_000,
    "latin": b"a = '\xe9'",
    "nul": b"a = 1\0",
    "surrogate": 'a = "\\ud800"',
    "many_keys": "".join(f"a{n} = {n}\n" for n in range(40_000)),
    "many_tables": "[[package]]\nname = 'a'\nversion = '1'\n" * 20_000,
    "same_key": "a = 1\n" * 900,
    "project_list": "project = []",
    "project_number": "project = 1",
    "package_number": "package = 1",
    "package_text": "package = 'a'",
    "package_of_numbers": "package = [1, 2]",
    "package_of_lists": "package = [[]]",
    "version_table": "[[package]]\nname = 'a'\nversion = {a = 1}\n",
    "name_list": "[[package]]\nname = []\nversion = '1'\n",
    "dependencies_number": "[project]\ndependencies = 1\n",
    "dependencies_text": "[project]\ndependencies = 'numpy'\n",
    "dependencies_table": "[project.dependencies]\na = 1\n",
    "dependencies_mixed": "[project]\ndependencies = [1, [], {}]\n",
    "dependencies_deep": "[project]\ndependencies = ['a; " + "(" * 3_000 + "']\n",
    "empty": "",
    "spaces": " " * 500_000,
    "dependencies_many": "[project]\ndependencies = [" + "'a>=1'," * 30_000 + "]\n",
}

JSON: dict[str, str | bytes] = {
    **{f"lists_{n}": "[" * n for n in (900, 100_000)},
    **{f"objects_{n}": '{"default":' * n for n in (900, 100_000)},
    "number": '{"default": ' + "9" * 5_000 + "}",
    "nan": '{"default": NaN}',
    "list": "[]",
    "text": '"a"',
    "null": "null",
    "default_list": '{"default": []}',
    "default_numbers": '{"default": {"a": 1}}',
    "surrogate": '{"default": {"\\ud800": {}}}',
    "default_null": '{"default": null}',
    "version_list": '{"default": {"a": {"version": []}}}',
    "same_key": "{" + '"default": {},' * 9_000 + '"a": 1}',
}

DOCKERFILE: dict[str, str | bytes] = {
    "many": "FROM x\n" * 30_000,
    "continued": "RUN a \\\n" * 90_000,
    "heredoc": "FROM x\nRUN <<EOF\n" + "a\n" * 90_000,
    "heredocs": "FROM x\nRUN " + "<<A " * 3_000 + "\nA\n" * 3_000,
    "json": "FROM x\nRUN " + "[" * 90_000,
    "json_number": "FROM x\nRUN [" + "9" * 5_000 + "]",
    "onbuild": "FROM x\n" + "ONBUILD " * 9_000 + "RUN a",
    "arguments": "".join(f"ARG A{n}=$A{n + 1}\n" for n in range(9_000)) + "FROM $A0\n",
    "escape": "# escape=`\nFROM x`\n",
    "quotes": "FROM x\nRUN pip install '" + "a" * 90_000,
    "pipes": "FROM x\nRUN " + "curl a | " * 9_000 + "sh",
    "from_nothing": "FROM\n",
    "from_digest": "FROM a@sha256:" + "0" * 90_000,
    "platform": "FROM --platform=" * 3_000 + "a",
    "nul": b"FROM x\0\n",
    "latin": b"FROM caf\xe9\n",
    "stages": "".join(f"FROM x AS a{n}\n" for n in range(9_000)),
    "shell_words": "FROM x\nRUN pip install " + "$(" * 3_000,
    "semicolons": "FROM x\nRUN " + "pip install a;" * 9_000,
    "label": "FROM x\nLABEL a=" + "b" * 900_000,
    "syntax": "# syntax=evil.io/a\nFROM x\n",
    "add": "FROM x\n" + "ADD https://a.io/b /\n" * 9_000,
}

OTHERS: dict[str, tuple[str, str | bytes]] = {
    "setup_cfg_without_a_head": ("setup.cfg", "install_requires = a\n"),
    "setup_cfg_interpolated": ("setup.cfg", "[options]\ninstall_requires = %(install_requires)s\n"),
    "setup_cfg_many": ("setup.cfg", "[options]\ninstall_requires =\n" + " a\n" * 60_000),
    "setup_cfg_latin": ("setup.cfg", b"[options]\ninstall_requires = caf\xe9\n"),
    "setup_cfg_keys": ("setup.cfg", "[options]\n" + "a\n" * 9_000),
    "setup_cfg_heads": ("setup.cfg", "[" * 90_000),
    "setup_py_of_itself": ("setup.py", "a = a\nsetup(install_requires=a)\n"),
    "setup_py_of_calls": ("setup.py", "setup(install_requires=[" + "str(" * 900 + "'a'" + ")" * 900 + "])\n"),
    "setup_py_of_stars": ("setup.py", "setup(install_requires=[*a, *b, 1, None, b'\\xff'])\n"),
    "conda_deep": ("environment.yml", "dependencies:\n" + " - a\n" * 60_000),
    "conda_anchors": ("environment.yml", "a: &a [*a]\ndependencies: *a\n"),
    "conda_pip": ("environment.yml", "dependencies:\n - pip:\n" + "   - a; ((((((((\n" * 900),
    "conda_latin": ("environment.yml", b"dependencies:\n - caf\xe9\n"),
    "attributes": (".gitattributes", "* filter=lfs\n" * 30_000),
    "modules": (".gitmodules", '[submodule "a"]\n' * 9_000),
    "pointer": (
        "weights.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize " + "9" * 5_000,
    ),
    "licence_words": ("LICENSE", "permission " * 90_000),
    "licence_binary": ("LICENSE", bytes(range(256)) * 900),
    "licence_letters": ("LICENSE", "a" * 900_000),
    "licence_lines": ("LICENSE", "\n" * 900_000),
    "licences": ("vendored/LICENSE", "GNU GENERAL PUBLIC LICENSE " * 9_000),
    "keys": ("keys.txt", "-----BEGIN RSA PRIVATE KEY-----\n" * 9_000),
    "entropy": ("blob.txt", base64.b64encode(Random(1).randbytes(700_000))),
    "tokens": ("tokens.py", "".join(f'T{n} = "hf_{n:034}"\n' for n in range(20_000))),
    "token_line": ("token.txt", 'token = "' + "a" * 900_000),
    "secret_words": ("secret.yml", "secret: " * 90_000),
    "json_deep": ("table.json", "[" * 100_000),
    "json_number": ("table.json", "9" * 90_000),
    "yaml": ("a.yaml", "- " * 90_000),
    "notebook": ("a.ipynb", json.dumps({"cells": [{"source": ["x" * 9_000]}] * 90})),
    "csv": ("a.csv", "," * 900_000),
    "pickle": ("a.pkl", b"\x80\x04" + b"(" * 90_000 + b"."),
    "program": ("a.so", b"\x7fELF" + bytes(90_000)),
    "compiled": ("a.pyc", bytes(16) + b"\xe3" * 9_000),
    "picture": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(90_000)),
    "shell": ("run.sh", "#!/bin/sh\n" + "$(" * 30_000),
    "shebang": ("tool", "#!" + "python " * 30_000 + "\n" + "(" * 9_000),
    "fortran": ("a.f90", "call " * 90_000),
    "markup": ("a.html", "<div>" * 90_000),
    "script": ("a.js", "((" * 90_000),
    "links_in_text": ("README.md", "[a](http://[::1 " * 9_000),
    "empty_file": ("empty.py", b""),
    "stub": ("a.pyi", "(" * 9_000),
    "long_name": ("d/" * 11 + "a" * 60 + ".py", "x = 1\n"),
    "odd_name": ("é ü\u00a0ß.py", "x = 1\n"),
    "name_like_an_option": ("--help", "x\n"),
    "name_of_a_folder": ("requirements/.txt", "a\n"),
    "dots": ("...", "x\n"),
}


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(30_000_000))
    return buffer.getvalue()


def _many(make: Callable[[int], tuple[str, str]], number: int) -> Files:
    return CLEAN | {path: text.encode() for path, text in map(make, range(number))}


WHOLE: dict[str, Make] = {
    "nothing": dict,
    "empty_files": lambda: dict.fromkeys(CLEAN, b""),
    "binary_files": lambda: dict.fromkeys(CLEAN, bytes(range(256)) * 40),
    "many_files": lambda: _many(lambda n: (f"d{n % 40}/f{n}.py", f"x = {n}\n"), 1_900),
    "many_requirements": lambda: _many(lambda n: (f"requirements-{n}.txt", "a>=1\n"), 1_500),
    "many_recipes": lambda: _many(lambda n: (f"d{n}/Dockerfile", "FROM a\n"), 900),
    "same_function_everywhere": lambda: _many(
        lambda n: (f"f{n}.py", "def f(a, b):\n    return [a for a in b]\n" * 9), 900
    ),
    "archive_in_archive": lambda: with_file("a.zip", _zipped()),
    "large_binary": lambda: with_file("weights.bin", Random(2).randbytes(20_000_000)),
    "everything_at_once": lambda: CLEAN | {f"f{n}.py": NESTED["calls"](900 + n).encode() for n in range(60)},
}


def _kinds() -> Iterator[tuple[str, Make]]:
    for name, nest in NESTED.items():
        for depth in DEPTHS:
            yield f"python_{name}_{depth}", lambda nest=nest, depth=depth: with_file("table.py", nest(depth) + "\n")
    for group, path, texts in (
        ("python", "table.py", PYTHON),
        ("requirements", "requirements.txt", REQUIREMENTS),
        ("project", "pyproject.toml", TOML),
        ("lock", "uv.lock", TOML),
        ("pipfile", "Pipfile.lock", JSON),
        ("recipe", "docker/Dockerfile", DOCKERFILE),
    ):
        for name, text in texts.items():
            yield f"{group}_{name}", partial(with_file, path, text)
    for name, (path, text) in OTHERS.items():
        yield f"other_{name}", partial(with_file, path, text)
    for name, make in WHOLE.items():
        yield f"whole_{name}", make


KINDS: dict[str, Make] = dict(_kinds())
