"""What can go wrong, whose turn is it then, and what should be done?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Trouble(Exception):
    """Anything this client says no with.  `fix`: what to do; `exit_code`: of the command line."""

    exit_code = 1

    def __init__(self, sentence: str, *, fix: str = "", code: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.fix, self.code = sentence, fix, code

    def document(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "sentence": self.sentence, "fix": self.fix}}


class Unusable(Trouble):
    """Something here cannot be used: a key, a folder, an option."""

    exit_code = 2


class Unreachable(Trouble):
    """The server did not answer, or not as an API does.  Class `infrastructure`."""

    exit_code = 4


class Refused(Trouble):
    """The server understood and said no.  `told` is its `error` object."""

    exit_code = 3

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(str(told.get("sentence", "")), fix=str(told.get("fix", "")), code=str(told.get("code", "")))
        self.status, self.told = status, dict(told)

    @property
    def retry_after_s(self) -> int | None:
        seconds = self.told.get("retry_after_s")
        return seconds if isinstance(seconds, int) else None

    def document(self) -> dict[str, Any]:
        return {"error": self.told | {"status": self.status}}
