"""When is a round's bundle published?"""

from competition.machine.graph import Graph, State


class PublicationStates(Graph):
    """The files are written, then their hash is an event and the head of the ledger is signed."""

    publishing = State(to=("published",), queue="io", lease_s=180, tries=8)
    published = State()
