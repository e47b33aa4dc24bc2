"""The operator's own key does not help: what the rules do not give is named for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify import lies_about_decisions, lies_about_duels, lies_about_entries, made_bundle, made_files
from tests.verify.lies_about_duels import NEEDS_A_VOID_DUEL
from tests.verify.lying import Lie
from verify.bundles import bundle
from verify.bundles.files import ExaminedBundle
from verify.findings import errors

LIES = lies_about_duels.LIES | lies_about_entries.LIES | lies_about_decisions.LIES


def examined(made: made_files.Made, folder: Path) -> ExaminedBundle:
    return bundle.examine(made.write(folder), operator=made_files.hotkey("operator"))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_signed_lie_is_named_for_what_it_is(lie: Lie, tmp_path: Path) -> None:
    void = lie in NEEDS_A_VOID_DUEL
    made = made_bundle.make(prompts=20 if void else 4, void=void)
    lie(made)
    found = examined(made, tmp_path).log.findings
    kinds = {finding.kind for finding in found if finding.severity == "error"}
    assert LIES[lie] in kinds
    assert not kinds & {"ledger-broken", "ledger-gap", "wrong-checkpoint", "bad-signature", "foreign-signature"}


def test_a_void_duel_is_told_and_is_no_error(tmp_path: Path) -> None:
    found = examined(made_bundle.make(prompts=20, void=True), tmp_path).log.findings
    assert [finding.kind for finding in found] == ["void-duel"] and errors(found) == 0
