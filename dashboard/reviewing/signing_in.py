"""Who is asking?  A name, a password and a second factor; every page of somebody signed in is kept by nobody."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp.forms import OTPAuthenticationForm
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from audits.ruling import Signer

SIX_DIGITS = re.compile("[0-9]{6}")


class SignIn(OTPAuthenticationForm):
    """Six digits are an authenticator's code; anything else is tried as a backup code."""

    def _chosen_device(self, user: Any) -> Device | None:
        kind = TOTPDevice if SIX_DIGITS.fullmatch(self.cleaned_data.get("otp_token") or "") else StaticDevice
        own = kind.objects.filter(user=user, confirmed=True).first()
        return Device.from_persistent_id(own.persistent_id, for_verify=True) if own else None


@sensitive_post_parameters("password", "otp_token")
@csrf_protect
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignIn(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return HttpResponseRedirect(_back(request))
    said = [str(message) for message in form.non_field_errors()] if form.is_bound else []
    context = {"said": said, "next": _back(request), "name": request.POST.get("username", "")[:150]}
    return render(request, "reviewing/sign_in.html", context, status=400 if form.is_bound else 200)


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
    asked = request.POST.get("next") or request.GET.get("next") or ""
    good = url_has_allowed_host_and_scheme(asked, allowed_hosts=None) and asked.startswith("/")
    return asked if good else reverse("reviews")
