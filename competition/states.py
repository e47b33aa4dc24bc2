"""When does a round, an asset or a submission move?  The diagrams of this app."""

from core.machine.graph import Graph, State

RUNNING = ("open", "miner_generation", "downloading", "duels", "finalizing")


class RoundStages(Graph):
    """open -> miner_generation -> downloading -> duels -> finalizing -> finished; paused from any, and back."""

    open = State(to=("miner_generation", "paused"), queue="io")
    miner_generation = State(to=("downloading", "paused"), queue="io")
    downloading = State(to=("duels", "paused"), queue="io")
    duels = State(to=("finalizing", "paused"), queue="io")
    finalizing = State(to=("finished", "paused"), queue="io")
    finished = State(to=("paused",))  # by what the verifier says of its bundle, before that is signed
    paused = State(to=(*RUNNING, "finished"))


class AssetStates(Graph):
    """A submitted asset is downloaded when it is due; a generated one is never due: its pod run brings it."""

    downloading = State(to=("stored", "failed"), queue="io", lease_s=180, tries=8, longest_wait_s=900)
    stored = State()
    failed = State()


class DeliveryStates(Graph):
    """A notice is sent until its receiver has it, or until it is certain that the receiver won't; again where its
    owner asks.  Its tries take about a day in all."""

    waiting = State(to=("delivered", "failed"), queue="letters", lease_s=60, tries=14, longest_wait_s=6 * 3600)
    delivered = State(to=("waiting",))
    failed = State(to=("waiting",))


class DamageStates(Graph):
    """A file of ours that is not what its hash says is mended, or goes on being looked at; it may be damaged again."""

    damaged = State(to=("mended",), queue="io", lease_s=400, tries=2, looks=5)
    mended = State(to=("damaged",))
