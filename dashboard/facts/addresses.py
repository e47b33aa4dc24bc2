"""What is the address of a page?  What Django's `reverse` says, for a list of hundreds.

`reverse` looks through the site's table of addresses at every call, and then checks its own answer against the pattern:
that was a tenth of the time of a page that lists a round's matches.  Here the form of an address is read once.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import quote

from django.urls import get_resolver, get_script_prefix

UNQUOTED = "/~:@!$&'()*+,;="  # what `reverse` leaves as it is


def address(name: str, *values: Any) -> str:
    """Of the page of this name, which has one address; `values` are what its pattern holds, in order."""
    return get_script_prefix() + _form(name).format(*(quote(str(value), safe=UNQUOTED) for value in values))


@cache
def _form(name: str) -> str:
    """`c/{}/r/{}/`."""
    ((ways, *_),) = get_resolver().reverse_dict.getlist(name)
    ((form, names),) = ways
    return str(form % dict.fromkeys(names, "{}"))
