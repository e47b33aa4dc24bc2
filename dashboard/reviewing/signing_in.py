"""Who is asking?  A name, a password and a second factor; every page of somebody signed in is kept by nobody.

Whoever guesses is counted by address, so that nobody who merely knows a name keeps its owner out; a browser that has
signed in before is counted by itself, wherever it is.  Both factors are always asked for, and which one was wrong is
never said: from however many addresses somebody guesses, each guess must be right in both at once.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from typing import Any

from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.signals import user_login_failed
from django.core import signing
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from audits.reviews.rulings import Signer
from dashboard.doors import visitors

SIX_DIGITS = re.compile("[0-9]{6}")
WRONG = (
    "Name, password or code is wrong: none of them is told apart. A code counts once, and for half a minute; after a "
    "wrong one wait for the next. If it stays so, the operator gives new secrets: manage.py reviewer NAME --reset."
)
LOCKED = (
    "Too many wrong tries from this address: it must wait for a quarter of an hour. Other addresses, and browsers that "
    "have signed in before, may still sign in."
)
MOST_WRONG = 20
"""Wrong tries of one address, whatever the names, before it must wait."""
KNOWN_COOKIE = "known-browser"
KNOWN_SECONDS = 180 * 24 * 3600
OWN = ipaddress.IPv6Address("fd00::")
"""Where browsers that have signed in before are counted: addresses that no visitor comes from."""


class SignIn(forms.Form):
    username = forms.CharField(max_length=150)
    password = forms.CharField(max_length=1000, strip=False)
    otp_token = forms.CharField(max_length=64)


@sensitive_post_parameters("password", "otp_token")
@csrf_protect
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request, problem="", status=200)
    if wrong_tries(counted_address(request)) >= MOST_WRONG:
        return _form(request, problem=LOCKED, status=429)
    form = SignIn(request.POST)
    user = with_both_factors(request, **form.cleaned_data) if form.is_valid() else None
    if user is None:
        locked = getattr(request, "axes_locked_out", False)
        request.axes_locked_out = False  # type: ignore[attr-defined]  # answered here, not by axes' middleware
        return _form(request, problem=LOCKED if locked else WRONG, status=429 if locked else 400)
    login(request, user)
    response = HttpResponseRedirect(_back(request))
    known = signing.dumps([user.get_username(), secrets.randbits(64)], salt=KNOWN_COOKIE)
    response.set_cookie(
        KNOWN_COOKIE,
        known,
        max_age=KNOWN_SECONDS,
        path=reverse("sign-in"),
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def with_both_factors(request: HttpRequest, *, username: str, password: str, otp_token: str) -> Any:
    """The account, with the device that the code was of; None if anything is wrong, and then the try is counted.

    Six digits are an authenticator's code; anything else is tried as a backup code.
    """
    user: Any = authenticate(request, username=username, password=password)
    if user is None:
        return None
    kind = TOTPDevice if SIX_DIGITS.fullmatch(otp_token) else StaticDevice
    own = kind.objects.filter(user=user, confirmed=True).first()
    with transaction.atomic():  # the device is locked meanwhile: a code counts once
        device = Device.from_persistent_id(own.persistent_id, for_verify=True) if own else None
        good = device is not None and device.verify_is_allowed()[0] and device.verify_token(otp_token)
    if not good:
        user_login_failed.send(sender=__name__, credentials={"username": username}, request=request)
        return None
    user.otp_device = device
    return user


def counted_address(request: HttpRequest, *_: Any) -> str | None:
    """Under which address this try is counted: the visitor's, or the browser's own if this name signed in with it."""
    try:
        name, number = signing.loads(request.COOKIES.get(KNOWN_COOKIE, ""), salt=KNOWN_COOKIE, max_age=KNOWN_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return visitors.address_of(request) or None
    return str(OWN + int(number)) if name == request.POST.get("username") else visitors.address_of(request) or None


def wrong_tries(address: str | None) -> int:
    """Of this address lately, whatever the names."""
    lately = timezone.now() - settings.AXES_COOLOFF_TIME
    rows = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=lately)
    return rows.aggregate(n=Sum("failures_since_start"))["n"] or 0


def _form(request: HttpRequest, *, problem: str, status: int) -> HttpResponse:
    context = {"problem": problem, "next": _back(request), "name": request.POST.get("username", "")[:150]}
    response = render(request, "reviewing/sign_in.html", context, status=status)
    if status == 429:
        response.headers["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return response


@csrf_protect
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect(reverse("reviews"))


def signer_of(request: Any) -> Signer | None:
    """Who is signed in with both factors and may decide anything; None for everybody else."""
    user = request.user
    if not user.is_authenticated or not hasattr(user, "is_verified") or not user.is_verified():
        return None
    signer = Signer.of(user, second_factor=True)
    return signer if signer.role else None


def unkept(response: HttpResponse) -> HttpResponse:
    """Neither a proxy nor the browser keeps what staff see."""
    add_never_cache_headers(response)
    return response


def _back(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    good = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return target if good else reverse("reviews")
