"""Who plays in the demo: valid keys, codes that exist, reveals that say what they should."""

import json

from bittensor_core import Keypair

from competition.decisions import eligibility
from competition.solution import commit_of
from examples.cast import CAST, CHALLENGERS, LAST_REVEAL, LEADER, MINERS, by_hotkey, folder_of, member

HOSTING = "http://127.0.0.1:8017"


def derived() -> dict[str, eligibility.Derived]:
    heap = [
        eligibility.RevealMessage(hotkey=one.hotkey, block=100 + after, raw=raw)
        for one in CHALLENGERS
        for after, raw in one.payloads(HOSTING)
    ]
    entries = eligibility.derive(heap, earliest=100, latest=100 + LAST_REVEAL, demo=True)
    return {by_hotkey()[entry.hotkey].name: entry for entry in entries}


def test_everyone_but_garbled_has_a_submission() -> None:
    objections = {name: entry.objection for name, entry in derived().items() if entry.objection}
    assert list(objections) == ["Garbled"]


def test_a_submission_names_the_code_and_the_host_of_its_miner() -> None:
    for name, entry in derived().items():
        if name != "Garbled":
            one = member(name)
            assert (entry.repo, entry.commit) == (one.repo, commit_of(MINERS / one.folder))
            assert entry.cdn_url == f"{HOSTING}/{one.slug}"


def test_the_copy_comes_after_what_it_copies() -> None:
    entries = derived()
    copied = eligibility.copies(entries.values())
    assert copied == {member("Copy").hotkey: member("Chooser").hotkey}


def test_the_later_half_of_a_split_reveal_sets_the_place() -> None:
    assert list(derived())[-2:] == ["Twofold", "Copy"]
    assert derived()["Twofold"].reveal_block == 106


def test_the_leader_reveals_and_hosts_nothing() -> None:
    assert LEADER.hosts == "nothing"
    assert LEADER.payloads(HOSTING) == []


def test_hotkeys_can_be_derived_and_are_all_different() -> None:
    assert len(by_hotkey()) == len(CAST)
    chooser = Keypair.create_from_uri("//gauntlet-demo/Chooser")
    assert member("chooser").hotkey == chooser.ss58_address
    signature = member("chooser").key.sign(b"hello")
    assert Keypair(ss58_address=chooser.ss58_address).verify(b"hello", signature)


def test_a_single_quoted_reveal_is_not_json_and_is_read_all_the_same() -> None:
    ((_, raw),) = member("Billboard").payloads(HOSTING)
    assert raw.startswith(b"{'repo'")
    assert json.loads(raw.replace(b"'", b'"'))["repo"] == "demo/billboard"


def test_every_repository_of_the_cast_lies_in_its_folder() -> None:
    for one in CAST:
        assert (folder_of(one.repo) / "serve.py").is_file()
