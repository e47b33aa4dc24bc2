"""What does a web server load?"""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018  (every view now, not at the first visitor's cost)
# What is loaded by now stays for good: a collector that walked it again and again made one page in twenty wait 100 ms.
gc.collect()
gc.freeze()
