"""Where are the work list, its cases and the sign-in?"""

from __future__ import annotations

from django.urls import path
from django.urls.resolvers import URLPattern

from dashboard.reviewing import shadow_views, signing_in, views
from dashboard.reviewing.shadow_views import for_staff, shadow_list, shadow_run

urlpatterns: list[URLPattern] = [
    path("reviews/", views.work_list, name="reviews"),
    path("reviews.json", views.work_json, name="reviews-json"),
    path("reviews/sign-in/", signing_in.sign_in, name="sign-in"),
    path("reviews/sign-out/", signing_in.sign_out, name="sign-out"),
    path("reviews/letters/", views.letters, name="letters"),
    path("reviews/shadows/", for_staff(shadow_list.html), name="shadows"),
    path("reviews/shadows.json", for_staff(shadow_list.json), name="shadows-json"),
    path("reviews/shadows/<int:number>/", for_staff(shadow_run.html), name="shadow"),
    path("reviews/shadows/<int:number>.json", for_staff(shadow_run.json), name="shadow-json"),
    path("reviews/shadows/<int:number>/margins.json", for_staff(shadow_views.margins), name="shadow-margins"),
    path("reviews/<slug:slug>/<int:number>/correct/", views.correct, name="correct"),
    path("reviews/<slug:slug>/<int:number>/<slug:kind>/<slug:name>/", views.case, name="case"),
]
