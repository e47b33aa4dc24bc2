"""Is a deployment safe by default, and does a wrong setting say so?"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.web.headers import ContentSecurity

ROOT = Path(__file__).resolve().parents[2]


def settings_say(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`expression` over a fresh load of the settings in a clean environment."""
    code = f"from competition import settings as s; print(({expression}))"
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GAUNTLET_", "DATABASE", "BROKER"))
    }
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean | environment, capture_output=True, text=True
    )


KNOWN = (
    "__import__('json').dumps([[v.name, v.default.replace(str(s.VAR_DIR) + '/', '<GAUNTLET_VAR>/')"
    ".replace(str(s.BASE_DIR) + '/', ''), v.must] for v in s.env.KNOWN.values()])"
)
FORKED = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import django.core.management, environ, manage
django.core.management.execute_from_command_line = lambda argv: None
answers = []
for name, value in json.loads(sys.stdin.read()):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(write, 1), os.dup2(write, 2), os.close(read), os.close(write)
        os.environ[name] = value
        sys.argv = ["manage.py", "help", "check"]
        manage.main()
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        told = pipe.read()
    answers.append([name, value, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told])
print(json.dumps(answers))
"""
"""What `manage.py` makes of each value of a variable, in a process of its own each."""


def documented() -> dict[str, tuple[str, str]]:
    """Variable -> (default, what it must be), by docs/settings.md."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| .* \|$", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    return {name: (default, must) for name, default, must in rows}


def manage_with(pairs: list[tuple[str, str]], *, var: Path) -> list[tuple[str, str, int, str]]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GAUNTLET_", "DATABASE", "BROKER"))
    }
    environment = clean | {"GAUNTLET_VAR": str(var), "DJANGO_SETTINGS_MODULE": "competition.settings"}
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        cwd=ROOT,
        env=environment,
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(answer) for answer in json.loads(done.stdout)]


def test_the_page_of_settings_has_each_variable_with_its_default_and_its_edges(tmp_path: Path) -> None:
    said = settings_say(KNOWN, GAUNTLET_VAR=str(tmp_path))
    read = {name: (default, must) for name, default, must in json.loads(said.stdout)}
    page = documented()
    assert set(read) == set(page), "docs/settings.md has one row for each variable that competition/settings.py reads"
    for name, (default, must) in read.items():
        assert page[name][1] == must, f"{name}: the page says another thing than the refusal"
        shown = f"`{default}`" if default else "empty"
        if name != "GAUNTLET_VAR":
            assert page[name][0].startswith(shown), f"{name}: its default is {shown}"
    assert not re.search(r"(?<![>\w/])var/", (ROOT / "docs/settings.md").read_text()), "write <GAUNTLET_VAR>/"


PRICES = (
    "GAUNTLET_PRICE_GPU_HOUR",
    "GAUNTLET_PRICE_TOKENS_READ",
    "GAUNTLET_PRICE_TOKENS_WRITTEN",
    "GAUNTLET_PRICE_CPU_HOUR",
    "GAUNTLET_PRICE_GIGABYTE_MONTH",
)
WRONG = {
    "GAUNTLET_VAR": ["/proc/nowhere", "/dev/null", "/dev/null/x"],
    "GAUNTLET_ORIGIN": [
        "play.example.org",
        "ftp://x",
        "https://",
        "https://x:99999",
        "https://x/y",
        "https://a b",
        "https://u:p@x",
    ],
    "GAUNTLET_HOSTS": ["http://x", "*", "a b", "a,b/c", "-x"],
    "GAUNTLET_SECRET_KEY": ["short"],
    "GAUNTLET_OPERATOR_KEY": ["/tmp"],
    "GAUNTLET_DEBUG": ["perhaps", "2"],
    "GAUNTLET_DEMO": ["perhaps", "-1"],
    "GAUNTLET_FETCH_WITNESS": [
        "github.com",
        "github.com:0",
        "github.com:99999",
        "github.com:x",
        "http://github.com:443",
        ":443",
    ],
    "GAUNTLET_LOG_LEVEL": ["LOUD", "10", "info,debug"],
    "DATABASE_URL": ["mysql://a@b/c", "postgres://a:b@c:99999/d", "postgres://a@b", "nonsense"],
    "DATABASE_OWNER_URL": ["mysql://a@b/c", "postgres://a:b@c:99999/d", "postgres://a@b", "nonsense"],
    "BROKER_URL": ["kafka://x", "nonsense", "redis://", "http://x"],
    "GAUNTLET_CODE_HOST": [
        "github.com",
        "ftp://x",
        "http://github.com",
        "http://127.0.0.1:9",
        "https://u:p@x",
        "https://x?a=b",
    ],
    "GAUNTLET_CODE_WITNESS": ["octocat", "a/b", "a/b@main", "a/b@" + "g" * 40, "https://x/a/b@" + "1" * 40],
    "GAUNTLET_DOCKER_URL": ["ssh://x", "docker", "unix://", "unix://x", "https://", "tcp://x:2375", "https://x:0"],
    "GAUNTLET_DOCKER_GATE": ["gauntlet", "gauntlet:latest", "x@sha256:12"],
    "GAUNTLET_DOCKER_ADDRESS": ["http://x", "a b", "1.2.3.4:5"],
    "GAUNTLET_DOCKER_EGRESS": ["a b", "-x"],
    "GAUNTLET_REGISTRY": ["registry.example.org", "https://x/y", "a b/c"],
    "GAUNTLET_REGISTRY_KEY": ["nocolon", ":x"],
    "GAUNTLET_RUNPOD_KEY": ["a b", "é"],
    "GAUNTLET_RUNPOD_GPUS": ["a;b", "é", "H200=", "H200=cheap", "H200=-1", "H200=1=2", "=2"],
    **{name: ["cheap", "-1", "1,99", "1e3", "nan", "inf", "9" * 8, "0." + "1" * 10, "٣", "$2"] for name in PRICES},
    "GAUNTLET_VERDA_CLIENT": ["a b", "é"],
    "GAUNTLET_VERDA_SECRET": ["a b", "é"],
    "GAUNTLET_VERDA_INFERENCE_KEY": ["a b", "é"],
    "GAUNTLET_VERDA_GPUS": ["a;b", "H200=1e3"],
    "GAUNTLET_TARGON_KEY": ["a b", "é"],
    "GAUNTLET_TARGON_GPUS": ["a;b", "h200-small=1,2,=3"],
    "GAUNTLET_RENTED": ["somebody", "runpod", "targon,verda"],
    "GAUNTLET_POD_PICTURES": [
        "https://x/y",
        "nonsense",
        "https://x/{sha256}{other}",
        "file:///x/{sha256}",
        "https://x/{",
        "{sha256}",
    ],
    "GAUNTLET_VLM_URL": ["nohttp", "ftp://x", "http://x/v1", "http://"],
    "GAUNTLET_VLM_URLS": ["http://x", "a=ftp://x", "a=http://x/v1", "=http://x", "a=http://x,a=http://y"],
    "GAUNTLET_VLM_PINS": [
        "a",
        "a=main:MIT",
        f"a={'0' * 40}",
        f"a={'0' * 40}:",
        f"={'0' * 40}:MIT",
        f"a={'A' * 40}:MIT",
    ],
    "GAUNTLET_VLM_KEY": ["a b"],
    "GAUNTLET_VLM_PICTURES": [
        "https://x/y",
        "file://x/{sha256}",
        "nonsense{sha256}",
        "https://x/{sha256!r}",
        "https://x/{0}",
    ],
    "GAUNTLET_VLM_FOLDER": ["/nowhere"],
    "GAUNTLET_VLM_DEVICE": ["gpu", "cuda:x", "cuda:", "CPU0"],
    "GAUNTLET_OSV_SNAPSHOT": ["/nowhere", "/tmp"],
    "GAUNTLET_LOCAL_REPOSITORIES": ["/dev/null"],
    "GAUNTLET_CHROMIUM": ["bin/chromium"],
    "GAUNTLET_HADOLINT": ["bin/hadolint"],
    "GAUNTLET_EMAIL_URL": ["http://x", "smtp://", "smtp://x:99999", "smtp+tls://u:p@mail.example.org:587"],
    "GAUNTLET_EMAIL_FROM": ["nobody", "a b@c", "a@"],
    "GAUNTLET_CHAIN_ENDPOINTS": ["http://x", "wss://", "wss://x,http://y", "x", "wss://x"],
    "GAUNTLET_BEACON_URLS": ["http://x", "x", "https://x,ftp://y"],
    "GAUNTLET_PROXY_ADDRESSES": ["proxy", "10.0.0.0/33", "1.2.3"],
    "GAUNTLET_CHAIN_SETS_WEIGHTS": ["maybe"],
}
NUMBER = re.compile("a whole number from ([0-9]+) to ([0-9]+)")


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_every_wrong_value_ends_the_command_with_one_sentence_that_names_its_variable(
    every: int, tmp_path: Path
) -> None:
    pairs = [(name, value) for name, values in WRONG.items() for value in (*values, "a\x1bb")]
    edges = {name: NUMBER.fullmatch(must) for name, (_, must) in documented().items()}
    for name, match in edges.items():
        if match:
            numbers = (str(int(match[1]) - 1), str(int(match[2]) + 1), "soon", "²", "1.5", "9" * 5000, "٣")
            pairs += [(name, value) for value in numbers]
    assert {name for name, _ in pairs} == set(documented()), "each variable has values that it refuses"
    for name, value, status, told in manage_with(pairs[::every], var=tmp_path):
        assert status == 2, (name, value, told)
        assert told.count("\n") == 1 and "must be" in told and "Traceback" not in told, (name, value, told)
        assert re.match(f"error: ({name}|GAUNTLET_CHAIN_QUORUM) ", told), (name, value, told)


def test_every_value_at_an_edge_is_accepted(tmp_path: Path) -> None:
    pairs = [(name, "") for name in documented() if name != "GAUNTLET_VAR"]
    for name, (_, must) in documented().items():
        match = NUMBER.fullmatch(must)
        pairs += [(name, match[1]), (name, match[2])] if match else []
    pairs += [
        ("GAUNTLET_FETCH_WITNESS", "none"),
        ("GAUNTLET_FETCH_WITNESS", "1.2.3.4:443"),
        ("GAUNTLET_CODE_WITNESS", "none"),
        ("GAUNTLET_CODE_WITNESS", "owner/a.name@" + "0" * 40),
        ("GAUNTLET_LOG_LEVEL", "debug"),
        ("GAUNTLET_CODE_HOST", "https://github.com"),
        ("GAUNTLET_DOCKER_URL", "unix:///var/run/docker.sock"),
        ("GAUNTLET_DOCKER_URL", "https://host:2376"),
        ("GAUNTLET_VLM_URL", "http://[::1]:8000"),
        ("GAUNTLET_VLM_URLS", "a=http://x:8000, b=https://y/z"),
        ("GAUNTLET_VLM_PINS", f"a={'0' * 40}:Apache-2.0,b={'f' * 40}:MIT"),
        ("GAUNTLET_VLM_PICTURES", "file:///mnt/{sha256}"),
        ("GAUNTLET_POD_PICTURES", "https://x/{sha256}{suffix}"),
        ("GAUNTLET_RUNPOD_GPUS", "NVIDIA H100 80GB HBM3, NVIDIA H200=3.99"),
        ("GAUNTLET_TARGON_GPUS", "h200-small=2.4975"),
        ("GAUNTLET_CHAIN_ENDPOINTS", "wss://a.example:443,wss://b.example"),
        ("GAUNTLET_HOSTS", "a.org, .b.org, ::1"),
        ("GAUNTLET_BEACON_URLS", "http://127.0.0.1:9"),
        ("BROKER_URL", "stub://"),
        ("GAUNTLET_EMAIL_FROM", "a@b.org"),
        ("DATABASE_URL", "postgres://u:p@h:5432/n"),
        ("GAUNTLET_PROXY_ADDRESSES", "10.0.0.0/8, fd00::1"),
    ]
    pairs.remove(("GAUNTLET_CHAIN_QUORUM", ""))
    for name, value, status, told in manage_with(pairs, var=tmp_path):
        assert status == 0, (name, value, told)


def test_clouds_to_rent_from_need_their_keys_and_a_price_for_each_kind() -> None:
    key, kinds = {"GAUNTLET_TARGON_KEY": "k"}, {"GAUNTLET_TARGON_GPUS": "h200-small=2.49, h100-small=1.9"}
    assert settings_say("s.RENTED", GAUNTLET_RENTED="targon", **key, **kinds).stdout.strip() == "['targon']"
    for others in (key, kinds, key | {"GAUNTLET_TARGON_GPUS": "h200-small=2.49, h100-small"}):
        refused = settings_say("s.RENTED", GAUNTLET_RENTED="targon", **others)
        assert refused.returncode and "GAUNTLET_RENTED must be" in refused.stderr


def test_the_web_server_ends_by_the_same_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "GAUNTLET_VAR": str(tmp_path), "GAUNTLET_WEB_SHARE": "33"}
    words = ["-m", "gunicorn", "competition.wsgi:application", "--bind", "127.0.0.1:0", "--no-control-socket"]
    done = subprocess.run(
        [sys.executable, *words, "--worker-class", "core.web.web_worker.FairWorker"],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "competition.settings"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "error: GAUNTLET_WEB_SHARE must be a whole number from 1 to 32, not '33'" in done.stderr


def test_by_default_only_this_machine_is_answered_and_errors_show_no_code(tmp_path: Path) -> None:
    said = settings_say("s.DEBUG, s.DEMO, s.ALLOWED_HOSTS", GAUNTLET_VAR=str(tmp_path))
    assert said.stdout.strip() == "(False, False, ['127.0.0.1', 'localhost', '[::1]'])"


def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first, second = (settings_say("s.SECRET_KEY", GAUNTLET_VAR=str(tmp_path)).stdout.strip() for _ in range(2))
    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_an_https_origin_makes_cookies_secure_and_its_host_known(tmp_path: Path) -> None:
    said = settings_say(
        "s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0, 'play.example.org' in s.ALLOWED_HOSTS",
        GAUNTLET_VAR=str(tmp_path),
        GAUNTLET_ORIGIN="https://play.example.org",
    )
    assert said.stdout.strip() == "(True, True, True)"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GAUNTLET_ORIGIN", "play.example.org"),
        ("GAUNTLET_REKICK_SECONDS", "soon"),
        ("GAUNTLET_DEBUG", "perhaps"),
        ("GAUNTLET_DATABASE_POOL", "many"),
        ("GAUNTLET_LEASE_SECONDS", "0"),
        ("DATABASE_URL", "mysql://somebody@somewhere/games"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: str, tmp_path: Path) -> None:
    said = settings_say("'accepted'", GAUNTLET_VAR=str(tmp_path), **{name: value})
    assert said.returncode != 0
    assert name in said.stderr.splitlines()[-1]


def test_pages_may_load_nothing_from_elsewhere_and_a_view_may_be_stricter() -> None:
    page = ContentSecurity(lambda request: HttpResponse())(HttpRequest())
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    strict = ContentSecurity(lambda request: HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"}))
    assert strict(HttpRequest()).headers["Content-Security-Policy"] == "default-src 'none'"


def test_tests_keep_their_hands_off_the_checkout() -> None:
    assert ROOT not in settings.VAR_DIR.parents
