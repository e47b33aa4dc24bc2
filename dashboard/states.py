"""When is a round's bundle published, when is a file made light for the pages, or converted?"""

from core.machine.graph import Graph, State


class PublicationStates(Graph):
    """The files are written and their hash becomes an event; then the head of the ledger is signed and all is shown.
    In both states the verifier reads the draft first, for GAUNTLET_VERIFY_SECONDS at most."""

    publishing = State(to=("signing",), queue="io", lease_s=1800, tries=8)
    signing = State(to=("published",), queue="io", lease_s=1800, tries=8)
    published = State()


class LightCopyStates(Graph):
    """A heavy file is made light for the pages, or cannot be."""

    lightening = State(to=("made", "refused"), queue="cpu", lease_s=200, tries=3)
    made = State()
    refused = State()


class WinnerCopyStates(Graph):
    """A copy of a winner's file in another format, for whoever wants to use it."""

    converting = State(to=("made", "refused"), queue="cpu", lease_s=450, tries=3)
    made = State()
    refused = State()
