"""Under which name is a static file served?"""

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Fingerprinted(CompressedManifestStaticFilesStorage):
    """Names with a content hash once `collectstatic` has run, plain names before: tests need no collected files."""

    manifest_strict = False

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        try:
            return str(super().hashed_name(name, content, filename))
        except ValueError:  # not collected
            return name
