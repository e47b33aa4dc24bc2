"""What does a visitor choose behind the question mark?  What is no choice is refused with what may be written."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import BadRequest
from django.http import HttpRequest

from dashboard.doors.numbers import whole_number


class BadChoice(BadRequest):
    """A page says so and shows what it shows without it; a program gets 400."""

    def __init__(self, name: str, *, allowed: str) -> None:
        self.name = name
        super().__init__(f"{name} is none of what it can be here: write {allowed}, or leave {name} out.")


def choice(request: HttpRequest, name: str, allowed: Sequence[str], *, default: str | None = None) -> str:
    """One of `allowed`; without it `default`, or else the first of them.  Raises BadChoice."""
    value = request.GET.get(name, "")
    if not value:
        return allowed[0] if default is None else default
    if value not in allowed:
        raise BadChoice(name, allowed=" or ".join((", ".join(allowed[:-1]), allowed[-1]) if allowed[1:] else allowed))
    return value


def number(request: HttpRequest, name: str) -> int | None:
    """None without it.  Raises BadChoice."""
    value = request.GET.get(name, "")
    if value and whole_number(value) is None:
        raise BadChoice(name, allowed="a whole number of at most nine digits")
    return whole_number(value)


def sheet_links(request: HttpRequest, sheet: int, *, sheets: int) -> dict[str, str]:
    """Addresses of the sheets beside this one, with all else that was chosen; empty where there is none."""
    query = request.GET.copy()

    def at(number: int) -> str:
        query["page"] = str(number)
        return f"?{query.urlencode()}" if 1 <= number <= sheets else ""

    return {"before": at(sheet - 1), "after": at(sheet + 1)}
