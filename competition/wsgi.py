"""What does a web server load?"""

import gc
import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.urls import get_resolver

from core.environment import load_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
load_settings()
django.setup(set_prefix=False)


class Request(WSGIRequest):
    """Django reads the content type while it makes a request, where no middleware could refuse one that is none."""

    unreadable_type = False

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (ValueError, LookupError):
            self.content_type, self.content_params, self.unreadable_type = "", {}, True


class Handler(WSGIHandler):
    request_class = Request


application = Handler()
get_resolver().url_patterns  # noqa: B018  (every view now, not at the first visitor's cost)
# What is loaded by now stays for good: a collector that walked it again and again made one page in twenty wait 100 ms.
gc.collect()
gc.freeze()
