"""What does the fake node's runtime look like?  The pallets of subtensor that Gauntlet touches, and nothing else.

Names, key hashers and value types are those of the real runtime's public source; the client decodes this description
as it decodes a real node's.  Events and errors are cut to what the fake emits.
"""

from __future__ import annotations

from functools import cache

import bittensor_core

from tests.competition.chain.scale import Registry, api, constant, metadata_v15, pallet, storage

SPEC, TRANSACTION = 417, 1
BLOCK_MS = 12_000
NET, UID, STORE = "u16", "u16", "u16"
ERRORS = ("HotKeyNotRegisteredInSubNet", "SettingWeightsTooFast", "NeuronNoValidatorPermit")


@cache
def metadata() -> bytes:
    """The whole description, as `Metadata_metadata_at_version(15)` gives it."""
    r = Registry()
    r.of("()")
    r.struct("AccountId32", ("", "[u8;32]"), path="sp_core::crypto::AccountId32")
    r.struct("H256", ("", "[u8;32]"), path="primitive_types::H256")
    _commitments_types(r)
    _events(r)
    _calls(r)
    pallets = [_system(r), _timestamp(r), _aura(r), _subtensor(r), _commitments(r)]
    weight = ("Weight", ("ref_time", "Compact<u64>"), ("proof_size", "Compact<u64>"))
    if "Weight" not in r.ids:
        r.struct(*weight, path="sp_weights::weight_v2::Weight")
    r.enum("DispatchClass", {0: ("Normal", []), 1: ("Operational", []), 2: ("Mandatory", [])})
    fee = [("weight", "Weight"), ("class", "DispatchClass"), ("partial_fee", "u64")]
    r.struct("RuntimeDispatchInfo", *fee, path="pallet_transaction_payment::types::RuntimeDispatchInfo")
    inputs = [("uxt", "[u8]"), ("len", "u32")]
    apis = [api(r, "TransactionPaymentApi", {"query_info": (inputs, "RuntimeDispatchInfo")})]
    _extrinsic(r)
    return metadata_v15(
        r,
        pallets=pallets,
        apis=apis,
        address="MultiAddress",
        call="RuntimeCall",
        signature="MultiSignature",
        extra="()",
        event="RuntimeEvent",
        error="RuntimeError",
        extensions=[
            ("CheckNonZeroSender", "()", "()"),
            ("CheckSpecVersion", "()", "u32"),
            ("CheckTxVersion", "()", "u32"),
            ("CheckGenesis", "()", "H256"),
            ("CheckMortality", "Era", "H256"),
            ("CheckNonce", "Compact<u32>", "()"),
            ("CheckWeight", "()", "()"),
            ("ChargeTransactionPayment", "Compact<u64>", "()"),
        ],
    )


@cache
def codec() -> bittensor_core.Runtime:
    return bittensor_core.Runtime(metadata(), SPEC, TRANSACTION, 42)


def _commitments_types(r: Registry) -> None:
    raw = {n + 1: (f"Raw{n}", [("", f"[u8;{n}]")]) for n in range(129)}
    fields = [("encrypted", "[u8]"), ("reveal_round", "u64")]
    last = {134: ("TimelockEncrypted", fields), 135: ("ResetBondsFlag", []), 136: ("BigRaw", [("", "[u8]")])}
    r.enum("Data", {0: ("None", []), **raw, **last}, path="pallet_commitments::types::Data")
    r.struct("CommitmentInfo", ("fields", "[Data]"), path="pallet_commitments::types::CommitmentInfo")
    named = [("deposit", "u64"), ("block", "u32"), ("info", "CommitmentInfo")]
    r.struct("Registration", *named, path="pallet_commitments::types::Registration")


def _events(r: Registry) -> None:
    r.struct("Weight", ("ref_time", "Compact<u64>"), ("proof_size", "Compact<u64>"), path="sp_weights::Weight")
    r.struct("ModuleError", ("index", "u8"), ("error", "[u8;4]"), path="sp_runtime::ModuleError")
    kinds = {0: ("Other", []), 1: ("CannotLookup", []), 2: ("BadOrigin", []), 3: ("Module", [("", "ModuleError")])}
    r.enum("DispatchError", kinds, path="sp_runtime::DispatchError")
    r.struct("DispatchInfo", ("weight", "Weight"), path="frame_support::dispatch::DispatchInfo")
    info = ("dispatch_info", "DispatchInfo")
    done = {0: ("ExtrinsicSuccess", [info]), 1: ("ExtrinsicFailed", [("dispatch_error", "DispatchError"), info])}
    r.enum("SystemEvent", done, path="frame_system::pallet::Event")
    r.enum("RuntimeEvent", {0: ("System", [("", "SystemEvent")])}, path="node_runtime::RuntimeEvent")
    phases = {0: ("ApplyExtrinsic", [("", "u32")]), 1: ("Finalization", []), 2: ("Initialization", [])}
    r.enum("Phase", phases, path="frame_system::Phase")
    record = [("phase", "Phase"), ("event", "RuntimeEvent"), ("topics", "[H256]")]
    r.struct("EventRecord", *record, path="frame_system::EventRecord")
    r.enum("SubtensorError", {n: (name, []) for n, name in enumerate(ERRORS)}, path="pallet_subtensor::pallet::Error")
    outer = {7: ("SubtensorModule", [("", "SubtensorError")])}
    r.enum("RuntimeError", outer, path="node_runtime::RuntimeError")


def _calls(r: Registry) -> None:
    plain = [("netuid", NET), ("mecid", "u8"), ("dests", "[u16]"), ("weights", "[u16]"), ("version_key", "u64")]
    locked = [
        ("netuid", NET),
        ("mecid", "u8"),
        ("commit", "[u8]"),
        ("reveal_round", "u64"),
        ("commit_reveal_version", "u16"),
    ]
    weights = {119: ("set_mechanism_weights", plain), 118: ("commit_timelocked_mechanism_weights", locked)}
    r.enum("SubtensorCall", weights, path="pallet_subtensor::pallet::Call")
    commit = {0: ("set_commitment", [("netuid", NET), ("info", "CommitmentInfo")])}
    r.enum("CommitmentsCall", commit, path="pallet_commitments::pallet::Call")
    r.enum("TimestampCall", {0: ("set", [("now", "Compact<u64>")])}, path="pallet_timestamp::pallet::Call")
    outer = {
        2: ("Timestamp", [("", "TimestampCall")]),
        7: ("SubtensorModule", [("", "SubtensorCall")]),
        18: ("Commitments", [("", "CommitmentsCall")]),
    }
    r.enum("RuntimeCall", outer, path="node_runtime::RuntimeCall")


def _extrinsic(r: Registry) -> None:
    r.enum("MultiAddress", {0: ("Id", [("", "AccountId32")])}, path="sp_runtime::multiaddress::MultiAddress")
    kinds = {0: ("Ed25519", [("", "[u8;64]")]), 1: ("Sr25519", [("", "[u8;64]")])}
    r.enum("MultiSignature", kinds, path="sp_runtime::MultiSignature")
    mortal = {n: (f"Mortal{n}", [("", "u8")]) for n in range(1, 256)}
    r.enum("Era", {0: ("Immortal", []), **mortal}, path="sp_runtime::generic::era::Era")


def _system(r: Registry) -> bytes:
    stored = [storage(r, "Events", "[EventRecord]", b"\0"), storage(r, "Number", "u32", bytes(4))]
    version = constant(r, "SS58Prefix", "u16", (42).to_bytes(2, "little"))
    return pallet("System", index=0, stored=stored, constants=[version], event=r.of("SystemEvent"))


def _timestamp(r: Registry) -> bytes:
    now = storage(r, "Now", "u64", bytes(8))
    return pallet("Timestamp", index=2, stored=[now], constants=[], calls=r.of("TimestampCall"))


def _aura(r: Registry) -> bytes:
    slot = constant(r, "SlotDuration", "u64", BLOCK_MS.to_bytes(8, "little"))
    return pallet("Aura", index=3, stored=[], constants=[slot])


def _subtensor(r: Registry) -> bytes:
    net, uid, store = ("Identity", NET), ("Identity", UID), ("Identity", STORE)
    account, empty, zero8 = ("Blake2_128Concat", "AccountId32"), b"\0", bytes(8)
    r.enum("EpochConsensus", {0: ("Yuma", []), 1: ("Null", [])}, path="subtensor_runtime_common::EpochConsensus")
    commits = "[(AccountId32,u64,[u8],u64)]"
    items: list[tuple[str, str, bytes | None, tuple[tuple[str, str], ...]]] = [
        ("Uids", "u16", None, (net, account)),
        ("Keys", "AccountId32", bytes(32), (net, uid)),
        ("Owner", "AccountId32", bytes(32), (account,)),
        ("SubnetOwner", "AccountId32", bytes(32), (net,)),
        ("SubnetOwnerHotkey", "AccountId32", bytes(32), (net,)),
        ("BlockAtRegistration", "u64", zero8, (net, uid)),
        ("TotalHotkeyAlpha", "u64", zero8, (account, net)),
        ("Weights", "[(u16,u16)]", empty, (store, uid)),
        ("LastUpdate", "[u64]", empty, (store,)),
        ("ValidatorPermit", "[bool]", empty, (net,)),
        ("CommitRevealWeightsEnabled", "bool", b"\0", (net,)),
        ("WeightsSetRateLimit", "u64", (100).to_bytes(8, "little"), (net,)),
        ("WeightsVersionKey", "u64", zero8, (net,)),
        ("MinAllowedWeights", "u16", (1).to_bytes(2, "little"), (net,)),
        ("MaxWeightsLimit", "u16", b"\xff\xff", (net,)),
        ("SubnetEpochConsensus", "EpochConsensus", b"\0", (net,)),
        ("Tempo", "u16", (360).to_bytes(2, "little"), (net,)),
        ("RevealPeriodEpochs", "u64", (1).to_bytes(8, "little"), (("Twox64Concat", NET),)),
        ("LastEpochBlock", "u64", zero8, (net,)),
        ("PendingEpochAt", "u64", zero8, (net,)),
        ("SubnetEpochIndex", "u64", zero8, (net,)),
        ("BlocksSinceLastStep", "u64", zero8, (net,)),
        ("TimelockedWeightCommits", commits, empty, (("Twox64Concat", STORE), ("Twox64Concat", "u64"))),
        ("TokenSymbol", "[u8]", b"\0", (net,)),
    ]
    stored = [storage(r, name, value, default, *keys) for name, value, default, keys in items]
    types = {"calls": r.of("SubtensorCall"), "error": r.of("SubtensorError")}
    return pallet("SubtensorModule", index=7, stored=stored, constants=[], **types)


def _commitments(r: Registry) -> bytes:
    keys = (("Identity", NET), ("Twox64Concat", "AccountId32"))
    stored = [
        storage(r, "CommitmentOf", "Registration", None, *keys),
        storage(r, "RevealedCommitments", "[([u8],u64)]", None, *keys),
    ]
    return pallet("Commitments", index=18, stored=stored, constants=[], calls=r.of("CommitmentsCall"))
