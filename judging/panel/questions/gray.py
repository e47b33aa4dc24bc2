"""The question of `front` again on a gray background, where white things can be seen."""

from judging.panel.questions import front
from judging.panel.questions.form import Form

FORM = Form(kind="gray", shows=tuple(f"gray_{view}" for view in front.FORM.shows), asks=front.FORM.asks)
