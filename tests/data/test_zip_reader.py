"""zip_reader.py: what a hostile or broken zip gets, and that an honest one is read exactly as zipfile reads it."""

import io
import os
import stat
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_core.data.zip_reader import Damaged, preflight, read_member
from gan_core.errors import UserError
from tests.builders.zips import zip_bytes


def check(tmp_path, data: bytes, **limits):
    path = tmp_path / "upload.zip"
    path.write_bytes(data)
    return preflight(path, **limits)


def refusal(tmp_path, data: bytes, **limits) -> str:
    with pytest.raises(UserError) as caught:
        check(tmp_path, data, **limits)
    assert caught.value.what.endswith(".") and caught.value.todo.endswith(".")
    return caught.value.code


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new) and data.count(old) == 2
    return data.replace(old, new)


def overlap_bomb(quoted: bool) -> bytes:
    """Entries that share one kernel: all at one offset, or each quoting the local headers behind it (Fifield 2019)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = bytes(100_000)
    kernel = packer.compress(raw) + packer.flush()
    crc = zlib.crc32(raw)
    names = [f"a/{number}.png".encode() for number in range(5)]
    body, headers = b"", []
    local = [
        struct.pack("<4s5HLLLHH", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(kernel), len(raw), len(name), 0) + name
        for name in names
    ]
    if quoted:
        tail = local[-1] + kernel
        pieces = [(tail, len(kernel), len(raw), crc)]
        for name in reversed(names[:-1]):
            quote = pieces[0][0][: 30 + len(name)]  # a stored block that quotes the next local header
            packed = struct.pack("<BHH", 0, len(quote), len(quote) ^ 0xFFFF) + pieces[0][0]
            size = len(quote) + pieces[0][2]
            crc = zlib.crc32(quote + zlib.decompress(pieces[0][0][30 + len(name) :], -15))
            head = struct.pack("<4s5HLLLHH", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), size, len(name), 0) + name
            pieces.insert(0, (head + packed, len(packed), size, crc))
        body = pieces[0][0]
        for name, (whole, packed_bytes, size, crc) in zip(names, pieces, strict=True):
            headers.append((name, len(body) - len(whole), packed_bytes, size, crc))
    else:
        body = local[0] + kernel
        headers = [(name, 0, len(kernel), len(raw), crc) for name in names]
    directory = b"".join(
        struct.pack(
            "<4s6HLLL5HLL", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, packed_bytes, size, len(name), 0, 0, 0, 0, 0, at
        )
        + name
        for name, at, packed_bytes, size, crc in headers
    )
    end = struct.pack("<4s4HLLH", b"PK\5\6", 0, 0, len(names), len(names), len(directory), len(body), 0)
    return body + directory + end


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    files=st.dictionaries(
        st.from_regex(r"[a-zé]{1,8}/[a-z0-9 ]{0,8}x\.png", fullmatch=True),
        st.binary(max_size=300),
        min_size=1,
        max_size=8,
    ),
    stored=st.booleans(),
    streamed=st.booleans(),
)
def test_honest_zips_are_listed_and_read_like_zipfile(tmp_path_factory, files, stored, streamed):
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with open(path, "wb") as raw:
        target = io.BufferedWriter(_Unseekable(raw)) if streamed else raw  # streamed: sizes follow the data
        with zipfile.ZipFile(target, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        target.flush()
    members = preflight(path).members
    file = os.open(path, os.O_RDONLY)
    try:
        assert {member.name: read_member(file, *member[1:6]) for member in members} == files
    finally:
        os.close(file)


class _Unseekable(io.RawIOBase):
    def __init__(self, raw):
        self.raw = raw

    def writable(self):
        return True

    def write(self, data):
        return self.raw.write(data)


def test_zip64_records_are_read(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("cat/1.png", "w", force_zip64=True) as f:
        f.write(b"hello")
    assert check(tmp_path, buffer.getvalue()).members[0].bytes == 5
    data = zip_bytes({"cat/1.png": b"hello"})
    end = data.index(b"PK\5\6")
    count, length, start = struct.unpack_from("<HLL", data, end + 10)
    record = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    wide_end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert len(check(tmp_path, data[:end] + record + locator + wide_end).members) == 1
    assert (
        refusal(tmp_path, data[:end] + record + struct.pack("<4sLQL", b"PK\6\7", 0, 3, 1) + wide_end)
        == "corrupt_archive"
    )
    lying = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 7, 7, length, start, 0)  # CVE-2025-8291: two truths
    assert refusal(tmp_path, data[:end] + record + locator + lying) == "corrupt_archive"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../b.png",
        "C:/x.png",
        "c:x.png",
        "a\\b.png",
        "\\\\host\\x.png",
        "a/b\n.png",
        "a/\x7f.png",
        "..",
        ".",
        "./.",
        "...",
    ],
)
def test_unsafe_names(tmp_path, name):
    assert refusal(tmp_path, zip_bytes({"cat/1.png": b"x", name: b"x"})) == "unsafe_name"


def test_a_nul_in_a_name_is_seen(tmp_path):
    data = renamed(zip_bytes({"cat/1.pngQexe": b"x"}), b"cat/1.pngQexe", b"cat/1.png\0exe")
    assert refusal(tmp_path, data) == "unsafe_name"


@pytest.mark.parametrize("quoted", [False, True])
def test_overlap_bombs(tmp_path, quoted):
    data = overlap_bomb(quoted)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == 5  # a real bomb: a plain reader lists all of it
    if quoted:  # and every member of it inflates
        start, packed = 30 + 7, struct.unpack_from("<L", data, 18)[0]
        assert len(zlib.decompress(data[start : start + packed], -15)) > 100_000
    assert refusal(tmp_path, data) == "bomb"


@pytest.mark.slow
def test_ratio_and_budget(tmp_path):
    zeros = bytes(30 << 20)
    data = zip_bytes({f"a/{number}.png": zeros for number in range(8)})
    assert len(data) < 1 << 20
    assert refusal(tmp_path, data) == "bomb"
    modest = zip_bytes({"a/1.png": bytes(1 << 20)})  # a flat BMP packs as well, and is let through
    assert len(check(tmp_path, modest).members) == 1
    assert refusal(tmp_path, modest, max_total_bytes=1000) == "bomb"


def test_too_many_files_is_decided_before_the_directory_is_read(tmp_path):
    data = zip_bytes({f"a/{number}.png": b"" for number in range(11)})
    assert refusal(tmp_path, data, max_files=10) == "too_many_files"
    assert len(check(tmp_path, data, max_files=11).members) == 11
    long = zip_bytes({"a/" + "x" * 5000: b""})  # few entries, but a directory out of proportion
    assert refusal(tmp_path, long, max_files=10) == "too_many_files"


def test_broken_and_foreign_files(tmp_path):
    good = zip_bytes({"cat/1.png": b"hello" * 50, "cat/2.png": b"x"})
    assert refusal(tmp_path, b"") == "not_a_zip"
    assert refusal(tmp_path, b"just text" * 100) == "not_a_zip"
    assert refusal(tmp_path, good[:-30]) == "corrupt_archive"
    assert refusal(tmp_path, good + b"tail") == "corrupt_archive"
    assert refusal(tmp_path, b"head" + good) == "corrupt_archive"
    assert refusal(tmp_path, good.replace(b"PK\3\4", b"PK\3\5", 1)) == "corrupt_archive"
    assert refusal(tmp_path, good.replace(b"cat/1.png", b"dog/1.png", 1)) == "corrupt_archive"
    assert refusal(tmp_path, zip_bytes({})) == "empty_zip"
    assert refusal(tmp_path, zip_bytes({"cat/": b""})) == "empty_zip"


def test_password_method_and_duplicates(tmp_path):
    data = bytearray(zip_bytes({"cat/1.png": b"hello"}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert refusal(tmp_path, bytes(data)) == "encrypted"
    assert refusal(tmp_path, zip_bytes({"a/1.png": b"hello" * 9}, zipfile.ZIP_BZIP2)) == "unsupported_compression"
    twice = renamed(zip_bytes({"cat/1.png": b"a", "cat/2.png": b"b"}), b"cat/2.png", b"cat/1.png")
    assert refusal(tmp_path, twice) == "duplicate_name"


def test_links_are_marked(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, mode in (("a/link.png", stat.S_IFLNK), ("a/pipe.png", stat.S_IFIFO), ("a/file.png", stat.S_IFREG)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            archive.writestr(info, b"/etc/passwd")
    assert [member.special for member in check(tmp_path, buffer.getvalue()).members] == [True, True, False]


def test_a_lying_member_gives_no_more_than_it_declares(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes({"a/1.png": bytes(10_000_000)}))
    member = preflight(path).members[0]
    file = os.open(path, os.O_RDONLY)
    try:
        for wrong in (
            member._replace(bytes=10),
            member._replace(crc=1),
            member._replace(packed_bytes=5),
            member._replace(bytes=10_000_001),
            member._replace(offset=10**9),
        ):
            with pytest.raises(Damaged):
                read_member(file, *wrong[1:6])
        tracemalloc.start()
        with pytest.raises(Damaged):
            read_member(file, *member._replace(bytes=10)[1:6])
        assert tracemalloc.get_traced_memory()[1] < 1 << 20  # the other 10 MB were never made
    finally:
        tracemalloc.stop()
        os.close(file)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_zip_is_listed_or_refused(tmp_path_factory, data):
    original = bytearray(zip_bytes({"cat/1.png": b"hello" * 20, "dog/2.png": b"x", "dog/": b""}))
    for _ in range(data.draw(st.integers(1, 4))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "a.zip"
    path.write_bytes(original)
    try:
        members = preflight(path).members
    except UserError:
        return
    file = os.open(path, os.O_RDONLY)
    try:
        for member in members:
            try:
                assert len(read_member(file, *member[1:6])) == member.bytes
            except Damaged:
                pass
    finally:
        os.close(file)


def test_a_local_name_that_goes_on_is_another_name(tmp_path):
    name, longer = b"cat/1.png", b"cat/1.png.exe"
    good = zip_bytes({name.decode(): b"x" * 50}, zipfile.ZIP_STORED)
    at = good.index(name)
    bad = bytearray(good[:at] + longer + good[at + len(name) :])
    bad[26:28] = len(longer).to_bytes(2, "little")
    end = bad.rindex(b"PK\5\6")
    bad[end + 16 : end + 20] = (int.from_bytes(bad[end + 16 : end + 20], "little") + 4).to_bytes(4, "little")
    assert refusal(tmp_path, bytes(bad)) == "corrupt_archive"
