"""A file's name is the hash of its bytes: it cannot lie, collide, or lead out of the folder."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.store import SMALL, AssetStore, NotInStore, RottenFile, Store

BYTES = b"glTF" + bytes(1000)
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_was_put_can_be_had(store: AssetStore) -> None:
    assert store.put(BYTES) == SHA256
    assert store.exists(SHA256) and store.size(SHA256) == len(BYTES) and store.verify(SHA256)
    assert store.path(SHA256).read_bytes() == BYTES
    with store.open(SHA256) as file:
        assert file.read() == BYTES


def test_a_file_is_copied_not_taken(store: Store, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(BYTES)
    assert store.put(tmp_path / "given") == SHA256
    assert (tmp_path / "given").read_bytes() == BYTES
    assert store.path(SHA256) == store.root / SHA256[:2] / SHA256[2:4] / SHA256


def test_putting_twice_changes_nothing(store: Store) -> None:
    store.put(BYTES)
    before = store.path(SHA256).stat()
    store.put(BYTES)
    after = store.path(SHA256).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert sorted(path.name for path in store.root.rglob("*") if path.is_file()) == [SHA256]


def test_nobody_writes_to_a_stored_file_by_accident(store: Store) -> None:
    store.put(BYTES)
    assert store.path(SHA256).stat().st_mode & 0o777 == 0o444


def test_rot_is_noticed(store: Store) -> None:
    store.put(BYTES)
    store.path(SHA256).chmod(0o644)
    store.path(SHA256).write_bytes(BYTES[:-1] + b"x")
    assert not store.verify(SHA256)


@pytest.mark.parametrize("size", [1000, SMALL + 1], ids=["small", "large"])
def test_rot_that_keeps_size_and_times_is_served_for_a_minute_at_most_and_of_a_small_file_never(
    size: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [1000.0]
    monkeypatch.setattr("core.store.time.monotonic", lambda: passed[0])
    sha256 = store.put(bytes(size))
    store.open(sha256).close()
    path = store.path(sha256)
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    passed[0] += 60.0 if size > SMALL else 0.0
    with pytest.raises(RottenFile):
        store.open(sha256)


def test_a_stump_is_replaced_by_the_next_put(store: Store) -> None:
    store.put(BYTES)
    store.path(SHA256).chmod(0o644)
    store.path(SHA256).write_bytes(b"")
    store.put(BYTES)
    assert store.verify(SHA256)


def test_what_was_never_put_is_missing(store: Store) -> None:
    assert not store.exists(SHA256)
    for ask in (store.path, store.open, store.size, store.verify):
        with pytest.raises(NotInStore):
            ask(SHA256)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        SHA256.upper(),
        SHA256[:-1],
        SHA256 + "0",
        SHA256 + "\n",
        "/" + SHA256[1:],
        "../" + SHA256[3:],
        SHA256[:62] + "/.",
        SHA256[:63] + "\0",
        SHA256[:63] + "٣",
    ],
)
def test_only_a_hash_is_a_name(name: str, store: Store) -> None:
    for ask in (store.path, store.open, store.exists, store.size, store.verify):
        with pytest.raises(ValueError, match="is not the SHA-256"):
            ask(name)


@given(st.text())
def test_no_text_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(ValueError, match="is not the SHA-256"):
        Store("/nowhere").exists(name)


def test_many_writers_leave_one_whole_file(store: Store) -> None:
    contents = [os.urandom(50_000) for _ in range(4)]
    start = threading.Barrier(16)

    def put(content: bytes) -> None:
        start.wait()
        for _ in range(5):
            store.put(content)

    threads = [threading.Thread(target=put, args=(contents[n % 4],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {path.name for path in store.root.rglob("*") if path.is_file()}
    assert names == {hashlib.sha256(content).hexdigest() for content in contents}
    assert all(store.verify(name) for name in names)


def test_a_put_that_fails_leaves_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(BYTES)
    assert not [path for path in store.root.rglob("*") if path.is_file()]
