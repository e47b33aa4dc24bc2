"""What runs for which row of this app, and what else does it hand over as it loads?"""

from __future__ import annotations

from competition.stored_files import damage
from core.machine import registry
from dashboard.api import auth
from dashboard.bundles import publish, stored_bundles
from dashboard.copies import conversions, light_copies
from dashboard.models import LightCopy, Publication, Reissue, WinnerCopy

STEPS: registry.StepTable = {
    (LightCopy, "lightening"): light_copies.lighten,
    (WinnerCopy, "converting"): conversions.make_copy,
    (Publication, "publishing"): publish.write,
    (Publication, "signing"): publish.sign,
    (Reissue, "publishing"): publish.write,
    (Reissue, "signing"): publish.sign,
}
SWEEPS = (
    publish.want_publications,
    publish.want_reissues,
    stored_bundles.look_at_bundles,
    conversions.want_copies,
    light_copies.want_light_copies,
    auth.forget,
)


def register() -> None:
    registry.register(STEPS, sweeps=SWEEPS)
    damage.register(
        references=(stored_bundles.copies,),
        sources=(stored_bundles.another_copy,),
        menders={damage.BUNDLE: stored_bundles.PUBLISHED_BUNDLES},
    )
