"""An archive is hostile until it is read: whatever is wrong with it is refused, in bounded memory and disk."""

import io
import json
import os
import resource
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from audits.pods.base import PodFault
from audits.pods.results import FAILED, ArchiveLimits, BadResults, unpack

STEMS = ("apple", "chair")
SMALL = ArchiveLimits(file_bytes=1 << 20, total_bytes=1 << 21, free_bytes=1 << 16)


def zipped(entries, *, deflate=False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def taken(data: bytes, tmp_path: Path, *, stems=STEMS, limits=SMALL):
    archive = tmp_path / "results.zip"
    archive.write_bytes(data)
    return unpack(archive, stems=stems, extension="glb", into=tmp_path / "files", limits=limits)


def refused(data: bytes, tmp_path: Path, **given) -> str:
    with pytest.raises(BadResults) as bad:
        taken(data, tmp_path, **given)
    assert bad.value.sentence.endswith(".") and bad.value.sentence.isprintable()
    inside = {path.name for path in (tmp_path / "files").iterdir()}
    assert inside <= {"000.glb", "001.glb"} and {p.name for p in tmp_path.iterdir()} == {"results.zip", "files"}
    return bad.value.code


def patched(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(signature) + offset
    return data[:at] + value + data[at + len(value) :]


GOOD = zipped([("apple.glb", b"an apple"), ("chair.glb", b"a chair")])


def test_an_honest_archive_is_taken(tmp_path):
    got = taken(GOOD, tmp_path)
    assert {stem: file.path.read_bytes() for stem, file in got.files.items()} == {
        "apple": b"an apple",
        "chair": b"a chair",
    }
    assert not got.failed


def test_a_streamed_archive_is_taken(tmp_path):
    class Pipe(io.BytesIO):  # a writer that cannot go back puts sizes behind the data
        def seekable(self):
            return False

        def seek(self, *args):
            raise io.UnsupportedOperation

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("apple.glb", b"an apple")
        with archive.open("chair.glb", "w", force_zip64=True) as file:
            file.write(b"a chair" * 1000)
    assert taken(out.getvalue(), tmp_path).files.keys() == set(STEMS)


def test_a_64_bit_end_is_read_like_any_other(tmp_path):
    directory = struct.unpack_from("<LL", GOOD, GOOD.index(b"PK\x05\x06") + 12)
    end = GOOD.index(b"PK\x05\x06")
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, *directory)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    old = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert taken(GOOD[:end] + end64 + locator + old, tmp_path).files.keys() == set(STEMS)
    huge = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 1 << 62, 1 << 62, 0)
    assert refused(GOOD[:end] + huge + locator + old, tmp_path) == "too_many_entries"


@pytest.mark.parametrize(
    ("entries", "failed", "delivered"),
    [
        ([("apple.glb", b"x"), (FAILED, '{"chair": "too hard"}')], {"chair": "too hard"}, {"apple"}),
        ([("apple.glb", b"x"), ("chair.glb", b"y"), (FAILED, '{"chair": "?"}')], {"chair": "?"}, {"apple"}),
        ([("apple.glb", b"x")], {"chair": "missing from the archive"}, {"apple"}),
        ([("apple.glb", b"x"), ("chair.glb", b"")], {"chair": "the file is empty"}, {"apple"}),
        ([("apple.glb", b"x"), ("chair.glb", b"y"), (FAILED, '{"other": "?"}')], {}, {"apple", "chair"}),
        ([(FAILED, '{"apple": 5, "chair": "a\\u0000b\\u001bc"}')], {"apple": "no reason given", "chair": "abc"}, set()),
        ([], dict.fromkeys(STEMS, "missing from the archive"), set()),
    ],
)
def test_each_stem_is_either_delivered_or_failed(tmp_path, entries, failed, delivered):
    got = taken(zipped(entries), tmp_path)
    assert got.failed == failed and got.files.keys() == delivered


@pytest.mark.parametrize(
    "name",
    [
        "../apple.glb",
        "/apple.glb",
        "a/apple.glb",
        "..\\apple.glb",
        "C:\\apple.glb",
        "apple.glb/",
        "apple.GLB",
        "apple.gltf",
        "apple",
        ".glb",
        "pear.glb",
        "apple.glb ",
        " apple.glb",
        "\u0430pple.glb",
        "apple.glb.exe",
        "_FAILED.json",
        "./apple.glb",
        "apple\u202e.glb",
        "x" * 60000,
    ],
)
def test_only_the_names_asked_for_are_taken(tmp_path, name):
    assert refused(zipped([(name, b"x")]), tmp_path) == "unexpected_name"


def test_a_name_cut_at_a_zero_byte_is_not_another_name(tmp_path):
    data = zipped([("apple.glbXevil", b"x")]).replace(b"apple.glbXevil", b"apple.glb\0evil")
    assert refused(data, tmp_path) == "unexpected_name"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_only_files_are_taken(tmp_path, kind):
    info = zipfile.ZipInfo("apple.glb")
    info.external_attr = (kind | 0o777) << 16
    assert refused(zipped([(info, b"/etc/passwd")]), tmp_path) == "not_a_file"


def test_a_name_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("apple.glb", b"x"), ("apple.glb", b"y")])
    assert refused(data, tmp_path) == "duplicate_entry"


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    assert refused(zipped([("apple.glb", bytes(1 << 20))], deflate=True), tmp_path) == "bomb"
    assert not list((tmp_path / "files").iterdir())


@pytest.mark.parametrize("claim", [0, 8, 100, (1 << 20) - 1])
def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_goes_off(tmp_path, claim):
    data = zipped([("apple.glb", bytes(1 << 20))], deflate=True)
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        data = patched(data, signature, offset, struct.pack("<L", claim))
    assert refused(data, tmp_path, limits=ArchiveLimits(ratio=10**6)) == "not_a_zip"
    assert sum(path.stat().st_size for path in (tmp_path / "files").iterdir()) <= claim


def test_a_file_shorter_than_it_says_is_refused(tmp_path):
    data = patched(GOOD, b"PK\x01\x02", 24, struct.pack("<L", 500))
    assert refused(data, tmp_path) in ("not_a_zip", "overlap")


def test_a_wrong_checksum_is_refused(tmp_path):
    assert refused(GOOD.replace(b"an apple", b"an Apple"), tmp_path) == "not_a_zip"


def test_an_entry_that_cannot_be_opened_leaves_no_file_of_ours_open(tmp_path):
    with pytest.raises(BadResults) as bad:  # it holds the traceback, and so whatever was left open
        taken(patched(GOOD, b"PK\x03\x04", 3, b"\x05"), tmp_path)
    left_open = {os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")}
    assert not {path for path in left_open if path.startswith(str(tmp_path))}
    assert bad.value.code == "not_a_zip"


def test_too_large_a_file_or_too_much_in_all_is_refused(tmp_path):
    noise = zlib.compress(bytes(1), 0).ljust(1, b"x")
    assert refused(zipped([("apple.glb", b"x" * ((1 << 20) + 1))]), tmp_path) == "too_large"
    both = zipped([("apple.glb", noise * 50_000), ("chair.glb", noise * 50_000)])
    assert refused(both, tmp_path, limits=ArchiveLimits(total_bytes=100_000)) == "too_large"
    assert refused(GOOD, tmp_path, limits=ArchiveLimits(archive_bytes=100)) == "too_large"


def test_a_hundred_thousand_entries_are_not_even_listed(tmp_path):
    count = 100_000
    entry = zipped([("a", b"")])
    central = entry[entry.index(b"PK\x01\x02") : entry.index(b"PK\x05\x06")]
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, count & 0xFFFF, count & 0xFFFF, len(central) * count, 0, 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = central * count + end
    assert refused(data, tmp_path) == "too_many_entries"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_count_that_lies_is_counted_again(tmp_path):
    data = zipped([(f"{number}.glb", b"x") for number in range(150)])
    data = patched(data, b"PK\x05\x06", 8, struct.pack("<HH", 2, 2))
    assert refused(data, tmp_path) == "too_many_entries"


def test_encrypted_and_strangely_compressed_entries_are_refused(tmp_path):
    locked = patched(patched(GOOD, b"PK\x01\x02", 8, b"\x01\x00"), b"PK\x03\x04", 6, b"\x01\x00")
    assert refused(locked, tmp_path) == "encrypted"
    strange = patched(patched(GOOD, b"PK\x01\x02", 10, b"\x0c\x00"), b"PK\x03\x04", 8, b"\x0c\x00")
    assert refused(strange, tmp_path) == "unknown_compression"


def test_entries_that_share_bytes_are_refused(tmp_path):
    first = GOOD.index(b"PK\x01\x02")
    second = GOOD.index(b"PK\x01\x02", first + 4)
    data = GOOD[: second + 42] + struct.pack("<L", 0) + GOOD[second + 46 :]
    assert refused(data, tmp_path) in ("overlap", "not_a_zip")


@pytest.mark.parametrize(
    "text", ["[]", "null", "{", '"x"', "5", "\xff", "[" * 50_000, '{"a":' * 10_000, "", "{}" + " " * (1 << 16)]
)
def test_a_failure_list_of_another_shape_is_refused(tmp_path, text):
    assert refused(zipped([(FAILED, text.encode("latin-1"))]), tmp_path) == "bad_failed"


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06", b"not a zip" * 100, b"\0" * 1000, b"PK\x05\x06" * 50])
def test_what_is_no_archive_is_refused(tmp_path, data):
    assert refused(data, tmp_path) in ("not_a_zip", "too_many_entries")


def test_an_archive_cut_anywhere_is_refused(tmp_path):
    for length in range(len(GOOD)):
        assert refused(GOOD[:length], tmp_path) == "not_a_zip"


def test_no_change_of_one_byte_gets_past_the_reader(tmp_path):
    """Refused, or read as something the rules allow: never another exception, never a file elsewhere."""
    for at in range(len(GOOD)):
        for change in (0x01, 0x80, 0xFF):
            data = GOOD[:at] + bytes([GOOD[at] ^ change]) + GOOD[at + 1 :]
            try:
                got = taken(data, tmp_path)
            except BadResults:
                continue
            assert got.files.keys() | got.failed.keys() == set(STEMS)
    assert {path.name for path in tmp_path.iterdir()} == {"results.zip", "files"}


def test_a_full_disk_of_ours_is_not_the_miners_fault(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "000.glb").mkdir()
    with pytest.raises(PodFault) as fault:
        taken(GOOD, tmp_path)
    assert fault.value.failure_class == "infrastructure"


def test_the_failure_list_is_small(tmp_path):
    said = json.dumps({"apple": "x" * 10_000})
    assert len(taken(zipped([(FAILED, said)]), tmp_path).failed["apple"]) == 500
