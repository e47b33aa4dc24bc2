"""When does a rendering, a match or a duel move?  The diagrams of this app."""

from core.machine.graph import Graph, State


class RenderingStates(Graph):
    """The pictures of one file under one rig, made once per content."""

    rendering = State(to=("rendered", "refused"), queue="cpu", lease_s=240, tries=5)
    rendered = State()
    refused = State()


class MeasurementStates(Graph):
    """How sound a file is, measured once per content and version of the measure, or not to be had."""

    measuring = State(to=("measured", "unmeasured"), queue="cpu", lease_s=300, tries=3)
    measured = State()
    unmeasured = State()


class MatchStates(Graph):
    """A match waits for both sides' pictures, then its duels are judged, then it is decided.  It is dropped where the
    correction that asked for it is discarded before that."""

    waiting = State(to=("judging", "dropped"), queue="io")
    judging = State(to=("decided", "dropped"), queue="io")
    decided = State()
    dropped = State()


class DuelStates(Graph):
    """A duel is judged, or has no need to be: forfeited (a side delivered nothing), unneeded (the match is certain),
    void (it could not be judged for a reason that is ours)."""

    judging = State(to=("judged", "forfeited", "void", "unneeded"), queue="judge", lease_s=120, tries=5)
    judged = State()
    forfeited = State()
    unneeded = State()
    void = State()


class ControlStates(Graph):
    """A question to the judge of which everybody knows the answer; unneeded where there is nothing to ask it about."""

    judging = State(to=("judged", "unneeded"), queue="judge", lease_s=120, tries=5)
    judged = State()
    unneeded = State()
