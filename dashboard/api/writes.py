"""How is something changed?  By a registered hotkey that signed exactly this, or by a token that may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.response import Response

from dashboard.api import filters
from dashboard.api.auth import Caller, body_of, refusal
from dashboard.api.bodies import Takes
from dashboard.api.errors import RequestRefused
from dashboard.api.reading import Answering, Collection
from dashboard.facts.twins import twin


def caller_of(request: Any) -> Caller:
    """Who signed this request.  Raises RequestRefused where nobody did."""
    caller: Any = request.user
    if not isinstance(caller, Caller):
        raise refusal()
    return caller


def forbidden(sentence: str, *, fix: str) -> RequestRefused:
    return RequestRefused(sentence, code="forbidden", fix=fix, status_code=403)


class Personal(Answering):
    """Only for a hotkey that signed, or for a token of `scope` where there is one."""

    private = True
    scope: ClassVar[str] = ""
    refuses: ClassVar[tuple[int, ...]] = (403,)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        caller = caller_of(request)
        if caller.hotkey or (self.scope and caller.may(self.scope)):
            return
        if not self.scope:
            raise forbidden("A token belongs to no miner.", fix="Sign with the miner's hotkey.")
        raise forbidden("This token may not do this.", fix=f"Ask for one of scope {self.scope}.")


class OwnCollection(Personal, Collection):
    """A table of what belongs to the caller."""


class Takable(Personal):
    """Takes a body.  `take` does it; what it returns is answered with 201."""

    takes: ClassVar[Takes]
    gives: ClassVar[type]

    def take(self, request: Any, body: dict[str, Any], **named: Any) -> Any:
        raise NotImplementedError

    def given(self, request: Any) -> dict[str, Any]:
        """The body, read once as bytes (they may be signed) and then as JSON.  Raises RequestRefused."""
        params = {name: request.query_params.getlist(name) for name in request.query_params}
        filters.asked(params, {}, besides=("format",))
        body_of(request._request)
        value: Mapping[str, Any] = request.data
        return self.takes.read(value)

    def taken(self, request: Any, **named: Any) -> Response:
        body = self.given(request)
        return Response(twin(self.take(request, body, **named)), status=201)
