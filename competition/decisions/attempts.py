"""What are an audit's pod run, outputs and matches called, where its code is run more than once?

Rows, bundles and public records number them behind the name: the first attempt is `audit`, further ones are `audit_1`,
`audit_2`.
"""

from __future__ import annotations


def numbered(name: str, attempt: int) -> str:
    """The name that an attempt goes by; 0 is the first."""
    return f"{name}_{attempt}" if attempt else name


def plain(name: str) -> str:
    """Without the number of the attempt."""
    return name.partition("_")[0]
