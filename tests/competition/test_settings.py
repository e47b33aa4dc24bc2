"""Is a deployment safe by default, and does a wrong setting say so?"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from competition.headers import ContentSecurity

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


def test_every_environment_variable_is_documented_and_every_documented_one_is_read() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "competition" / "settings.py").read_text()))
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert read == documented, "docs/settings.md has one row for each variable that competition/settings.py reads"


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
