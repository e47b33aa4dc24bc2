"""Is the OpenAPI document there for the first visitors, however many come at once, and is nothing in it a guess?"""

from __future__ import annotations

import os
import subprocess
import sys

from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator

AT_ONCE = """if True:
    import sys, threading
    import django
    django.setup()
    from dashboard.api.resources.index import document
    sys.setswitchinterval(1e-6)
    start, written = threading.Barrier(8), []
    def visit():
        start.wait()
        written.append(document())
    visitors = [threading.Thread(target=visit) for _ in range(8)]
    [visitor.start() for visitor in visitors]
    [visitor.join() for visitor in visitors]
    print(len(written), len(set(written)))
"""


def test_the_first_visitors_of_a_fresh_process_all_get_the_same_document() -> None:
    """Found by the fuzzer: the generator's extensions were loaded by two threads at once, and one was told 500."""
    told = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", AT_ONCE], env=told, capture_output=True, text=True)
    assert done.stdout.split() == ["8", "1"], done.stderr[-2000:]


def test_nothing_in_the_document_is_guessed() -> None:
    """What the generator cannot read off a view it warns of, and writes down as a text or an object of any kind."""
    reset_generator_stats()
    SchemaGenerator().get_schema(request=None, public=True)
    guesses = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert not guesses, "declare the type on the view, the filter or the dataclass"
