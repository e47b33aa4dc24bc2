"""When does a pod run or an audit move?  The diagrams of this app."""

from core.machine.graph import Graph, State


class PodRunStates(Graph):
    """A pod is started and warms up, generates batch by batch, and may be replaced; its results are collected."""

    warming = State(to=("generating", "done", "failed"), queue="pods", lease_s=90, tries=20)
    generating = State(to=("warming", "done", "failed"), queue="pods", lease_s=90, tries=20)
    done = State()
    failed = State()


class BuildStates(Graph):
    """An image is built from the archive of a commit; one that we failed is built again when its round goes on."""

    building = State(to=("built", "failed"), queue="pods", lease_s=4000, tries=20, looks=3)
    built = State()
    failed = State(to=("building",))


class AuditStates(Graph):
    """Evidence is gathered, then a verdict follows from it, or a person is asked for one.  It is dropped where the
    correction that asked for it is discarded before that."""

    gathering = State(to=("passed", "rejected", "reviewing", "dropped"), queue="pods", lease_s=400, tries=6, looks=3)
    reviewing = State(to=("passed", "rejected", "dropped"))
    passed = State()
    rejected = State()
    dropped = State()


class RulingStates(Graph):
    """One person proposes a decision; another confirms exactly that, or declines; who proposed may withdraw."""

    proposed = State(to=("confirmed", "declined", "withdrawn"))
    confirmed = State()
    declined = State()
    withdrawn = State()


class AppealStates(Graph):
    """A miner's signed objection to a verdict waits for two people."""

    lodged = State(to=("upheld", "dismissed"))
    upheld = State()
    dismissed = State()


class CorrectionStates(Graph):
    """What has to be judged or audited anew is done beside the old results; two people apply or discard the whole."""

    staged = State(to=("ready", "discarded"), queue="io", lease_s=90, tries=20)
    ready = State(to=("applied", "discarded"))
    applied = State()
    discarded = State()
