"""Who may see and do what is one miner's own?"""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission

from dashboard.api.auth import Caller, refusal
from dashboard.api.errors import RequestRefused


def caller_of(request: Any) -> Caller:
    """Who signed this request.  Raises RequestRefused where nobody did."""
    caller: Any = request.user
    if not isinstance(caller, Caller):
        raise refusal()
    return caller


def forbidden(sentence: str, *, fix: str) -> RequestRefused:
    return RequestRefused(sentence, code="forbidden", fix=fix, status_code=403)


class HotkeyOrScope(BasePermission):
    """Lets in a hotkey that signed, and a token that has the view's `scope`.  Raises RequestRefused for others."""

    def has_permission(self, request: Any, view: Any) -> bool:
        caller = caller_of(request)
        if caller.hotkey or (view.scope and caller.may(view.scope)):
            return True
        if not view.scope:
            raise forbidden("A token belongs to no miner.", fix="Sign with the miner's hotkey.")
        raise forbidden("This token may not do this.", fix=f"Ask for one of scope {view.scope}.")
