"""Is the address of a page the one that the site's table gives it?"""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse, set_script_prefix

from dashboard.facts.addresses import address

HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
AT = ["made", 7]
PAGES: list[tuple[str, list[Any]]] = [
    ("miner", [HOTKEY]),
    ("round", AT),
    ("audit", [*AT, HOTKEY]),
    ("title", [*AT, HOTKEY]),
    ("match", [*AT, "leader", HOTKEY]),
    ("match", [*AT, HOTKEY, HOTKEY]),
    ("duel", [*AT, "leader", HOTKEY, "a-prompt.of_1"]),
    ("case", [*AT, "audit", f"{HOTKEY}-source-1"]),
    ("bundle-file", [*AT, "files/it's a (file), 100%?#.json"]),
]


@pytest.mark.parametrize(("name", "values"), PAGES)
def test_an_address_is_what_the_table_of_addresses_says(name: str, values: list[Any]) -> None:
    assert address(name, *values) == reverse(name, args=values)


def test_an_address_lies_below_where_the_site_is_served() -> None:
    set_script_prefix("/below/")
    try:
        assert address("round", *AT) == reverse("round", args=AT) == "/below/c/made/r/7/"
    finally:
        set_script_prefix("/")
