"""What may a judge be asked?  Each question says what is shown, what is asked and what an answer may be.

All of them are about two assets.  Judges that see are good at comparing and bad at marking one thing on a scale, so a
mark for a single asset is never evidence; what a judge works out about one asset it may keep for all its duels.
"""

from typing import Any

from judging.panel.questions import around, front, gray
from judging.panel.questions.form import Form

__all__ = ["QUESTIONS", "Form", "described"]

QUESTIONS: dict[str, Form] = {form.kind: form for form in (front.FORM, gray.FORM, around.FORM)}


def described() -> dict[str, Any]:
    """All questions as JSON: part of the version of every judge that is asked them."""
    return {kind: form.described() for kind, form in QUESTIONS.items()}
