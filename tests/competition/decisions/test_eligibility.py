"""What a miner's messages add up to; nothing a miner writes can raise, and each refusal can be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions import eligibility
from competition.decisions.eligibility import Derived, RevealMessage, copies, derive, objection, read, unprefixed

COMMIT, OTHER = "a" * 40, "b" * 40
REPO, URL = "owner/some-repo.v2", "https://files.example.org/round_3"
WHOLE = {"repo": REPO, "commit": COMMIT, "cdn_url": URL}


def scale(text: bytes) -> bytes:
    """With the SCALE compact length that the chain puts before it."""
    size = len(text)
    if size < 1 << 6:
        return bytes([size << 2]) + text
    if size < 1 << 14:
        return (size << 2 | 1).to_bytes(2, "little") + text
    return (size << 2 | 2).to_bytes(4, "little") + text


def said(value: Any) -> bytes:
    return json.dumps(value).encode()


def reveal(value: Any, block: int = 100, hotkey: str = "5a", index: int = 0) -> RevealMessage:
    return RevealMessage(
        hotkey=hotkey, block=block, extrinsic_index=index, raw=value if isinstance(value, bytes) else said(value)
    )


def added_up(*reveals: RevealMessage, demo: bool = False) -> Derived:
    (one,) = derive(reveals, earliest=0, latest=1000, demo=demo)
    return one


@pytest.mark.parametrize(
    "raw",
    [
        said(WHOLE),
        scale(said(WHOLE)),
        scale(said(WHOLE) + b" " * 200),
        str(WHOLE).encode(),  # single quotes
        scale(str(WHOLE).encode()),
        str(WHOLE).encode().replace(f"'{REPO}'".encode(), f'"{REPO}"'.encode()),  # both kinds
        b"\n " + said(WHOLE) + b" \n",
        said(WHOLE | {"note": "ignored", "repo": f" {REPO} "}),
        said(WHOLE)[:-1] + b', "commit": "' + COMMIT.encode() + b'"}',
    ],
)
def test_a_message_is_read_in_every_form_seen(raw: bytes) -> None:
    assert read(raw) == eligibility.PayloadReading(WHOLE)


@pytest.mark.parametrize("size", [1, 40, 63, 64, 500, 4000, 16383, 16384, 20000])
def test_the_length_before_a_text_is_taken_off(size: int) -> None:
    assert unprefixed(scale(b"x" * size)) == b"x" * size


def test_a_length_that_is_not_the_texts_is_left_alone() -> None:
    for raw in (b"", b"\x04", b"\xfcab", b"\x01", b"\x02\x00", b"{}", b"\x0cabcd", b"5"):
        assert unprefixed(raw) == raw


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"5", "The message is a number"),  # the message that once stopped a round
        (b"null", "The message is null"),
        (b"true", "The message is true or false"),
        (b'"text"', "The message is a text"),
        (b"[]", "The message is a list"),
        (b"{}", "none of repo, commit and cdn_url"),
        (b"", "not JSON"),
        (b"commit=" + COMMIT.encode(), "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[" * 1_000_000, "1000000 bytes long"),
        (b"[" * 4000, "too many brackets"),
        (b'{"a":' * 800, "too many brackets"),
        (b'{"commit": 5}', "Commit must be a text, not a number"),
        (b'{"commit": ["x"]}', "not a list"),
        (b'{"commit": {"x": 1}}', "not an object"),
        (b'{"commit": false}', "not true or false"),
        (b'{"repo": "' + b"x" * 600 + b'"}', "Repo is 600 characters long"),
        (b'{"repo": "a\\u0000b"}', "printable ASCII"),
        (b'{"repo": "a\\ud800b"}', "printable ASCII"),
        ('{"repo": "öwner/name"}'.encode(), "printable ASCII"),
        (b'{"commit": ' + b"9" * 4000 + b"}", "not a number"),
        (b'{"commit": NaN}', "not a number"),
        (b'{"commit": "' + COMMIT.encode(), "not JSON"),
        (b"{'repo': \"a/b'c\"}", "not JSON"),
    ],
)
def test_whatever_is_wrong_is_said(raw: bytes, says: str) -> None:
    for form in (raw, scale(raw)):
        reading = read(form)
        assert reading.fields == {}
        assert reading.objection is not None and says.removeprefix("1000000 ") in reading.objection
        assert reading.objection.endswith(".")


def test_a_bad_field_does_not_take_the_good_ones_along() -> None:
    reading = read(said({"repo": REPO, "commit": 5, "cdn_url": None}))
    assert reading.fields == {"repo": REPO} and reading.objection == "Commit must be a text, not a number."


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode) | st.binary(max_size=200).map(scale))
def test_no_bytes_make_the_reader_stumble(raw: bytes) -> None:
    reading = read(raw)
    assert reading.fields or reading.objection
    for value in reading.fields.values():
        assert value.isascii() and value.isprintable() and 0 < len(value) <= 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(COMMIT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
REVEALS = st.lists(
    st.builds(
        RevealMessage,
        hotkey=st.sampled_from(["5a", "5b", "5c"]),
        block=st.integers(90, 210),
        extrinsic_index=st.integers(0, 2),
        raw=(st.dictionaries(st.sampled_from(["repo", "commit", "cdn_url", "x"]), JSON) | JSON).map(said)
        | st.fixed_dictionaries({}, optional={key: st.just(value) for key, value in WHOLE.items()}).map(said)
        | st.binary(max_size=40),
    ),
    max_size=8,
)


@given(REVEALS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(reveals: list[RevealMessage], chance: Any) -> None:
    derived = derive(reveals, earliest=100, latest=200)
    shuffled = list(reveals)
    chance.shuffle(shuffled)
    assert derive(shuffled, earliest=100, latest=200) == derived
    assert list(derived) == sorted(derived, key=lambda entry: entry.place)
    assert {entry.hotkey for entry in derived} == {r.hotkey for r in reveals if 100 <= r.block <= 200}
    for entry in derived:
        assert 100 <= entry.reveal_block <= 200
        assert entry.objection or (entry.repo, entry.commit, entry.cdn_url) == (REPO, COMMIT, URL)


def test_both_ends_of_the_window_count() -> None:
    reveals = [reveal(WHOLE, block, hotkey=f"5{block}") for block in (99, 100, 200, 201)]
    assert [entry.hotkey for entry in derive(reveals, earliest=100, latest=200)] == ["5100", "5200"]


def test_fields_add_up_over_messages() -> None:
    entry = added_up(reveal({"commit": COMMIT}, 10), reveal({"repo": REPO, "cdn_url": URL + "/"}, 30))
    assert (entry.repo, entry.commit, entry.cdn_url, entry.objection) == (REPO, COMMIT, URL, None)
    assert entry.reveal_block == 10  # the place is the commit's


def test_the_place_is_that_of_the_latest_commit() -> None:
    entry = added_up(reveal(WHOLE, 10), reveal({"commit": OTHER}, 20), reveal({"cdn_url": URL}, 30))
    assert (entry.commit, entry.reveal_block) == (OTHER, 20)


def test_an_empty_value_takes_nothing_back() -> None:
    entry = added_up(reveal(WHOLE, 10), reveal({"commit": "", "repo": None, "cdn_url": " "}, 20))
    assert entry.objection is None and entry.reveal_block == 10


def test_a_message_that_cannot_be_read_takes_nothing_back_and_is_shown() -> None:
    entry = added_up(reveal(WHOLE, 10), reveal(b"5", 20))
    assert entry.objection is None and entry.reveal_block == 10
    assert entry.remarks == ("Block 20: The message is a number, not a JSON object with repo, commit and cdn_url.",)


def test_the_latest_value_counts_even_where_it_is_wrong() -> None:
    entry = added_up(reveal(WHOLE, 10), reveal({"commit": "abc"}, 20))
    assert entry.objection is not None and "“abc”" in entry.objection


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"repo": ""}, "No repo was revealed"),
        ({"repo": "", "cdn_url": ""}, "No repo and no cdn_url was revealed"),
        ({"repo": "name"}, "owner/name"),
        ({"repo": "a/b/c"}, "owner/name"),
        ({"repo": "a/.."}, "owner/name"),
        ({"repo": "../b"}, "owner/name"),
        ({"repo": "a/b\n"}, "owner/name"),
        ({"repo": "a/b c"}, "owner/name"),
        ({"repo": "https://github.com/a/b"}, "owner/name"),
        ({"repo": "-a/b"}, "owner/name"),
        ({"commit": COMMIT.upper()}, "40 lower-case"),
        ({"commit": COMMIT[1:]}, "40 lower-case"),
        ({"commit": COMMIT + "\n"}, "40 lower-case"),
        ({"commit": "main"}, "40 lower-case"),
        ({"cdn_url": "http://files.example.org"}, "https://"),
        ({"cdn_url": "ftp://files.example.org"}, "https://"),
        ({"cdn_url": "files.example.org"}, "web address"),
        ({"cdn_url": "https://"}, "web address"),
        ({"cdn_url": "https://[::1"}, "web address"),
        ({"cdn_url": "https://a.b:x/"}, "web address"),
        ({"cdn_url": "https://a.b:99999/"}, "web address"),
        ({"cdn_url": "https://a.b\\c"}, "web address"),
        ({"cdn_url": "https://a b.c/"}, "web address"),
        ({"cdn_url": "https://u:p@a.b/"}, "user name"),
        ({"cdn_url": "https://@a.b/"}, "user name"),
        ({"cdn_url": "https://a.b/?x=1"}, "? or #"),
        ({"cdn_url": "https://a.b/#x"}, "? or #"),
        ({"cdn_url": "https://a.b:8443/"}, "no port but 443"),
        ({"cdn_url": "https://a<b>.c/"}, "no host name"),
        ({"cdn_url": "javascript:alert(1)"}, "web address"),
    ],
)
def test_each_objection_names_what_to_change(change: dict[str, str], says: str) -> None:
    sentence = objection(**(WHOLE | change))
    assert sentence is not None and says in sentence and sentence.endswith(".")


@pytest.mark.parametrize(
    "url", ["https://a.b", "https://a.b:443/x", "HTTPS://A.b/x/y_z-1", "https://93.184.215.14/x", "https://[2606::1]/x"]
)
def test_a_plain_https_address_is_accepted(url: str) -> None:
    assert objection(**(WHOLE | {"cdn_url": url})) is None


def test_the_demo_may_use_http_and_any_port() -> None:
    local = WHOLE | {"cdn_url": "http://127.0.0.1:8123/miners/steady"}
    assert objection(**local, demo=True) is None and objection(**local) is not None
    assert added_up(reveal(local), demo=True).objection is None


@given(st.text(max_size=80), st.text(max_size=60), st.text(max_size=80) | st.text(max_size=60).map("https://{}".format))
def test_no_text_makes_the_objection_stumble(repo: str, commit: str, url: str) -> None:
    assert objection(repo=repo, commit=commit, cdn_url=url)


def test_copies_are_grouped_under_the_first_to_reveal() -> None:
    entries = derive(
        [
            reveal(WHOLE, 20, "5late"),
            reveal(WHOLE, 10, "5first"),
            reveal(WHOLE | {"repo": "fork/it"}, 20, "5fork", index=0),
            reveal(WHOLE | {"commit": OTHER}, 5, "5own"),
            reveal({"commit": COMMIT}, 1, "5unfinished"),
        ],
        earliest=0,
        latest=100,
    )
    assert copies(entries) == {"5fork": "5first", "5late": "5first"}
    assert copies(reversed(entries)) == copies(entries)
