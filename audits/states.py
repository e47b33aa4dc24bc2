"""When does a pod run or an audit move?  The diagrams of this app."""

from competition.machine.graph import Graph, State


class PodRunStates(Graph):
    """A pod is started and warmed up, generates in batches, and its results are collected."""

    warming = State(to=("generating", "failed"), queue="pods", lease_s=60, tries=20)
    generating = State(to=("warming", "done", "failed"), queue="pods", lease_s=60, tries=20)
    done = State()
    failed = State()


class AuditStates(Graph):
    """Evidence is gathered, then a verdict follows from it."""

    gathering = State(to=("passed", "rejected"), queue="pods", lease_s=60, tries=20)
    passed = State()
    rejected = State()
