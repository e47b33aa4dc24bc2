"""Which admin site is this?  One that asks for a second factor."""

from django.contrib.admin.apps import AdminConfig as Default


class AdminConfig(Default):
    default_site = "dashboard.reviewing.admin_site.Site"
