"""What does Django's admin show?  Every row of the game, to read."""

from django.apps import apps
from django.contrib import admin

from competition.notices.models import Subscription
from dashboard.reviewing.admin_site import ToRead

UNLISTED_MODELS = (Subscription,)  # a Discord address is a password

for app in ("competition", "judging", "audits", "dashboard"):
    for model in apps.get_app_config(app).get_models():
        name = model._meta.label_lower
        if model not in UNLISTED_MODELS and "token" not in name and "nonce" not in name:
            admin.site.register(model, ToRead)
