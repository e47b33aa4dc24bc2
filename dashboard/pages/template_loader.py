"""How are templates indented for their reader, and not for the visitor?  They lose it when they are loaded.

That is once for each process, so a request pays nothing; line numbers in error messages stay.
"""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders import filesystem

# What is left as it was written, or an indentation: before a tag, or before anything else.
INDENTATION = re.compile(r"<(pre|textarea|script)\b.*?</\1>|(?<=\n)[ \t]+(?=([<{])?)", re.DOTALL)


class Loader(filesystem.Loader):
    """HTML from the project's own folder."""

    def get_contents(self, origin: Origin) -> str:
        source = str(super().get_contents(origin))
        return without_indentation(source) if origin.name.endswith(".html") else source


def without_indentation(html: str) -> str:
    """HTML that a browser shows in the same way; before text and attributes one space is left."""
    return INDENTATION.sub(lambda match: match[0] if match[1] else "" if match[2] else " ", html)
