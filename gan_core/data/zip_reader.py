"""Reads a zip from strangers: it is checked before any byte is inflated, then read one bounded member at a time.

The end record, the central directory and every local header are read here and not by `zipfile`: it opens a million
entries before it can be asked how many there are, and expands overlapping members without complaint (CVE-2024-0450).
Overlap and quoted-overlap bombs: D. Fifield, "A better zip bomb", WOOT 2019. Entry names are text to show, never paths.
"""

import collections
import os
import re
import stat
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from gan_core.errors import UserError

MAX_FILES = 200_000
MAX_FILE_BYTES = 64 << 20
MAX_TOTAL_BYTES = 20 << 30
DIRECTORY_BYTES_PER_FILE = 128  # 46 fixed bytes and a name; the product with max_files bounds what is read
BOMB_RATIO, BOMB_BYTES = 300, 200 << 20  # only both together: flat BMPs shrink a lot and are honest

END, END64, LOCATOR64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:|(^|/)\.\.(/|$)")
CENTRAL = struct.Struct("<4s4xHH4xLLLHHHHxxLL")  # a directory entry, without its name
LOCAL = struct.Struct("<6xHH8xLLHH")  # what stands before a member's own name
REZIP = "Make the zip again and upload the new one."


class Member(NamedTuple):
    """One file of the archive. offset: of its local header. special: a link or device, never to be read.

    guessed: the name is neither ASCII nor UTF-8, and was read in the code page of DOS.
    """

    name: str
    offset: int
    packed_bytes: int
    bytes: int
    method: int
    crc: int
    special: bool
    guessed: bool = False


class _Entry(NamedTuple):
    """One entry as the directory gives it, a folder too. raw: the name's bytes."""

    offset: int
    raw: bytes
    flags: int
    member: Member


class Archive(NamedTuple):
    """members in the order of the directory; folders: names of folder entries, without the last slash."""

    members: list[Member]
    folders: list[str]


class Damaged(ValueError):
    """One member cannot be unpacked; the text is a short reason for the list of skipped files."""


def preflight(path: Path, max_files: int = MAX_FILES, max_total_bytes: int = MAX_TOTAL_BYTES) -> Archive:
    """List a zip after checking that it is whole, modest, and safe to read; inflates nothing.

    Raises UserError: not_a_zip, empty_zip, corrupt_archive, too_many_files, unsafe_name, duplicate_name, encrypted,
    unsupported_compression, bomb. Memory: at most 128 bytes of directory per allowed file, and the list.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        start, length, count = _end_record(file)
        if count > max_files or length > max_files * DIRECTORY_BYTES_PER_FILE:
            raise UserError(
                "too_many_files",
                f"The zip lists {count:,} files; at most {max_files:,} are allowed.",
                "Split it into smaller zips.",
            )
        entries = _directory(os.pread(file, length, start), count)
        members = [entry.member for entry in entries if not entry.raw.endswith(b"/")]
        if not members:
            raise UserError("empty_zip", "The zip holds no files.", "Zip the folder that holds the class folders.")
        _check_sizes(entries, max_total_bytes)
        _check_layout(file, entries, start)
    finally:
        os.close(file)
    if len({member.name for member in members}) < len(members):
        names = collections.Counter(member.name for member in members)
        twice = names.most_common(1)[0][0]
        raise UserError("duplicate_name", f"The zip holds two files called {twice[:100]!r}.", REZIP)
    return Archive(members, [entry.member.name for entry in entries if entry.raw.endswith(b"/")])


def read_member(file: int, offset: int, packed_bytes: int, size: int, method: int, crc: int) -> bytes:
    """The bytes of one member of the open zip `file` (a descriptor), never more than `size`. Raises Damaged."""
    data = _unpacked(file, offset, packed_bytes, method, size + 1)
    if len(data) != size:
        raise Damaged("damaged inside the zip: it has another length than the zip says")
    if zlib.crc32(data) != crc:
        raise Damaged("damaged inside the zip: its checksum is wrong")
    return data


def read_start(file: int, offset: int, packed_bytes: int, size: int, method: int, most: int) -> bytes:
    """The first bytes of one member, `most` at the most; whether it is whole is not checked. Raises Damaged."""
    if size == 0:
        return b""  # 0 is no limit to zlib
    return _unpacked(file, offset, min(packed_bytes, most), method, min(size, most))


def _unpacked(file: int, offset: int, packed_bytes: int, method: int, most: int) -> bytes:
    """At most `most` bytes out of the first packed_bytes of a member."""
    header = os.pread(file, 30, offset)
    if len(header) < 30:
        raise Damaged("the zip ends before this file")
    name_bytes, extra_bytes = struct.unpack_from("<HH", header, 26)
    packed = os.pread(file, packed_bytes, offset + 30 + name_bytes + extra_bytes)
    try:
        return packed if method == 0 else zlib.decompressobj(-15).decompress(packed, most)
    except zlib.error:
        raise Damaged("damaged inside the zip: it cannot be unpacked") from None


def _corrupt(detail: str) -> UserError:
    return UserError("corrupt_archive", f"The zip is damaged or unusual: {detail}.", REZIP)


def _end_record(file: int) -> tuple[int, int, int]:
    """(start of the central directory, its bytes, number of entries), zip64 included."""
    total = os.fstat(file).st_size
    tail_start = max(0, total - 65_557)  # the longest comment, and the record
    tail = os.pread(file, 65_557, tail_start)
    found = tail.rfind(END)
    if found < 0 or found + 22 > len(tail):
        if os.pread(file, 4, 0) == b"PK\3\4":
            raise _corrupt("its end is missing, as after a broken upload or copy")
        raise UserError("not_a_zip", "This file is not a zip.", "Zip the folder that holds the class folders.")
    disk, first_disk, here, count, length, start, comment = struct.unpack_from("<4HLLH", tail, found + 4)
    end = tail_start + found
    if end + 22 + comment != total:
        raise _corrupt("other bytes follow its end")
    locator = os.pread(file, 20, end - 20) if end >= 76 else b""
    if locator[:4] == LOCATOR64:
        record_start, record = end - 76, os.pread(file, 56, end - 76)
        if struct.unpack("<4xLQL", locator) != (0, record_start, 1) or record[:4] != END64:
            raise _corrupt("its zip64 end record is not where it should be")
        short = (disk, first_disk, here, count, length, start)
        record_bytes, *wide = struct.unpack("<4xQ4xLLQQQQ", record)
        limits = (0xFFFF,) * 4 + (0xFFFFFFFF,) * 2
        if record_bytes != 44 or any(a not in (b, limit) for a, b, limit in zip(short, wide, limits, strict=True)):
            raise _corrupt("its two end records disagree")
        (disk, first_disk, here, count, length, start), end = wide, record_start
    if disk or first_disk or here != count or start + length != end:
        raise _corrupt("its end record does not fit its directory")
    return start, length, count


def _directory(data: bytes, count: int) -> list[_Entry]:
    """The entries of a central directory; refuses unsafe names, passwords and methods that are not read."""
    entries, at = [], 0
    for _ in range(count):
        if at + CENTRAL.size > len(data):
            raise _corrupt("its directory does not list as many files as it says")
        (magic, flags, method, crc, packed, size, name_bytes, extra_bytes, comment_bytes, disk, outside, offset) = (
            CENTRAL.unpack_from(data, at)
        )
        if magic != b"PK\1\2":
            raise _corrupt("its directory does not list as many files as it says")
        name_end = at + CENTRAL.size + name_bytes
        raw = data[at + CENTRAL.size : name_end]
        if 0xFFFFFFFF in (packed, size, offset):
            size, packed, offset = _wide_fields(data[name_end : name_end + extra_bytes], size, packed, offset)
        at = name_end + extra_bytes + comment_bytes
        name, guessed = _text(raw, flags)
        plain = _plain(name)
        if disk not in (0, 0xFFFF):
            raise _corrupt("it is one part of several")
        if flags & 0x2041:
            raise UserError("encrypted", "The zip is protected with a password.", "Make a zip without a password.")
        if method not in (0, 8):
            raise UserError(
                "unsupported_compression",
                f"The zip uses compression method {method}, which is not read.",
                "Make the zip again with the ordinary method, deflate.",
            )
        special = stat.S_IFMT(outside >> 16) not in (0, stat.S_IFREG)
        entries.append(_Entry(offset, raw, flags, Member(plain, offset, packed, size, method, crc, special, guessed)))
    if at != len(data):
        raise _corrupt("its directory does not list as many files as it says")
    return entries


def _plain(name: str) -> str:
    """The name without empty parts and dots. Raises UserError unsafe_name."""
    odd = "//" in name or "/." in name or name[:1] in ("", ".", "/") or name[-1] == "/"
    plain = "/".join(part for part in name.split("/") if part not in ("", ".")) if odd else name
    if UNSAFE.search(name) or (not plain.strip("./") and name != "./"):
        raise UserError(
            "unsafe_name",
            f"The zip holds a file with an unsafe name: {name[:100]!r}.",
            "Zip plain folders with an ordinary zip program.",
        )
    return plain


def _wide_fields(extra: bytes, *fields: int) -> list[int]:
    """fields with each 0xFFFFFFFF replaced from the zip64 extra field, in the order the format fixes."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            wide = [next(values, -1) if field == 0xFFFFFFFF else field for field in fields]
            if -1 in wide:
                break
            return wide
        at += 4 + length
    raise _corrupt("a zip64 field is missing")


def _text(raw: bytes, flags: int) -> tuple[str, bool]:
    """(an entry name, whether its encoding was guessed). Many programs write UTF-8 without saying so, hence UTF-8 first and the old
    code page second."""
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return (raw.decode("utf-8", "replace"), False) if flags & 0x800 else (raw.decode("cp437"), True)


def _check_sizes(entries: list[_Entry], max_total_bytes: int) -> None:
    packed = sum(entry.member.packed_bytes for entry in entries)
    total = sum(entry.member.bytes for entry in entries)
    if total > max_total_bytes or (total > BOMB_BYTES and total > BOMB_RATIO * packed):
        raise UserError(
            "bomb",
            f"The zip of {packed / 1e6:,.1f} MB would unpack to {total / 1e9:,.1f} GB.",
            "Zip only the images of the dataset, or split it into smaller zips.",
        )


def _check_layout(file: int, entries: list[_Entry], directory_start: int) -> None:
    """Every member has its own stretch of the file, and its local header says what the directory says."""
    ordered = sorted(entries)
    limits = [entry.offset for entry in ordered[1:]] + [directory_start]
    for (offset, raw, flags, member), limit in zip(ordered, limits, strict=True):
        header = os.pread(file, LOCAL.size + len(raw), offset)
        if len(header) < LOCAL.size + len(raw) or header[:4] != b"PK\3\4":
            raise _corrupt(f"{member.name[:100]!r} is not where the directory says")
        local_flags, method, packed, size, name_bytes, extra_bytes = LOCAL.unpack_from(header)
        if offset + LOCAL.size + name_bytes + extra_bytes + member.packed_bytes > limit:
            raise UserError("bomb", "Files in the zip overlap, as in a zip bomb.", REZIP)
        same_sizes = (
            (packed == member.packed_bytes and size == member.bytes)
            or local_flags & 8
            or (packed in (member.packed_bytes, 0xFFFFFFFF) and size in (member.bytes, 0xFFFFFFFF))
        )
        if (
            name_bytes != len(raw)
            or header[LOCAL.size :] != raw
            or method != member.method
            or not same_sizes
            or (local_flags ^ flags) & 9
        ):
            raise _corrupt(f"{member.name[:100]!r} is described in two different ways")
        if method == 0 and member.packed_bytes != member.bytes:
            raise _corrupt(f"{member.name[:100]!r} has two different sizes")
