"""May a page link to this address, which is none of ours?  Only where a browser goes by http or https."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

WEB = re.compile(r"https?://[^\s\x00-\x20\x7f-\xa0\"'<>\\^`{|}\u2028\u2029\u202a-\u202e\u2066-\u2069]+", re.IGNORECASE)
LONGEST = 2000


def web_address(text: object) -> str:
    """The address as it was written, or empty where it must not become a link.

    Records, reveals and rows come from elsewhere: an address in them may be `javascript:…`, may hide its host behind a
    name and password, or hold what ends an attribute.  Every fact, template and sheet that shows such an address as a
    link takes it from here.
    """
    if not isinstance(text, str) or len(text) > LONGEST or not WEB.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return ""
    return text if usable else ""
