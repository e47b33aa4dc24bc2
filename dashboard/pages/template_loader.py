"""How are templates indented for their reader, and not for the visitor?  They lose it when they are loaded.

That is once for each process, so a request pays nothing; line numbers in error messages stay.
"""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders import filesystem

AS_WRITTEN = re.compile(r"<(pre|textarea|script)\b.*?</\1>", re.DOTALL)
INDENTATION = re.compile(r"(?<=\n)[ \t]+")


class Loader(filesystem.Loader):
    """HTML from the project's own folder."""

    def get_contents(self, origin: Origin) -> str:
        source = str(super().get_contents(origin))
        return without_indentation(source) if origin.name.endswith(".html") else source


def without_indentation(html: str) -> str:
    """HTML that a browser shows in the same way: where spaces count (`<pre>`) they are left."""
    between, parts = 0, []
    for kept in AS_WRITTEN.finditer(html):
        parts += [INDENTATION.sub("", html[between : kept.start()]), kept[0]]
        between = kept.end()
    return "".join([*parts, INDENTATION.sub("", html[between:])])
