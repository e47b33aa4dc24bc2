"""Where are the work list, its cases and the sign-in?"""

from __future__ import annotations

from django.urls import path
from django.urls.resolvers import URLPattern

from dashboard.reviewing import signing_in, views

urlpatterns: list[URLPattern] = [
    path("reviews/", views.work_list, name="reviews"),
    path("reviews.json", views.work_json, name="reviews-json"),
    path("reviews/sign-in/", signing_in.sign_in, name="sign-in"),
    path("reviews/sign-out/", signing_in.sign_out, name="sign-out"),
    path("reviews/letters/", views.letters, name="letters"),
    path("reviews/<slug:slug>/<int:number>/correct/", views.correct, name="correct"),
    path("reviews/<slug:slug>/<int:number>/<slug:kind>/<slug:name>/", views.case, name="case"),
]
