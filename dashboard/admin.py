"""What does Django's admin show?  Every row of the game, to read."""

from django.apps import apps
from django.contrib import admin

from competition.notices.models import Subscription
from dashboard.reviewing.admin_site import ToRead

HIDDEN = (Subscription,)  # a Discord address is a password

for app in ("competition", "judging", "audits", "dashboard"):
    for model in apps.get_app_config(app).get_models():
        if model not in HIDDEN and "token" not in model._meta.model_name and "nonce" not in model._meta.model_name:
            admin.site.register(model, ToRead)
