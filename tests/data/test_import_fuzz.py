"""Damaged and hostile archives through the real import, damaged pictures through the real picture readers.

Every archive becomes a data set or a UserError, every picture pixels or a reason; nothing outside staging changes. The number of
an archive or picture is its seed. GANVAS_FUZZ=10000 takes so many archives and half as many pictures.
"""

import io
import json
import os
import random
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_core.data.dataset import load, read_info
from gan_core.data.decoder_pool import DecodeSettings, decode_all
from gan_core.data.import_dataset import import_dataset
from gan_core.errors import UserError
from gan_core.requests import ImportRequest
from gan_core.storage.workspace import Workspace, new_id
from tests.builders.odd_pictures import COLOURS, damaged, encoded, every_kind
from tests.builders.zips import zip_bytes

WANTED = int(os.environ.get("GANVAS_FUZZ", 0))
ARCHIVES, PICTURES = WANTED or 300, WANTED // 2 or 300
PARTS = 10
EVIL_NAMES = (
    b"../../x.png",
    b"/etc/x.png",
    b"C:\\x.png",
    b"cat/\x00.png",
    b"__MACOSX/x",
    b"con.png",
    b"..",
    b"a//./b.png",
)
LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def small(number: int) -> bytes:
    return encoded(Image.fromarray(COLOURS[:16, :16, 0] ^ number))


def corpus() -> list[bytes]:
    """Good archives of every layout, and some that are hostile as they are."""
    classes = {f"pets/{name}/{number}.png": small(number) for name in ("cat", "dog") for number in range(4)}
    split = {f"{part}/{name}/1.png": small(9) for part in ("train", "val", "test") for name in ("cat", "dog")}
    labels = "\n".join(json.dumps({"file_name": f"{number}.png", "label": number % 2}) for number in range(4))
    kinds = {f"odd/{name}": data for name, data in every_kind().items() if len(data) < 6000}
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        info = zipfile.ZipInfo("cat/link.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("cat/1.png", small(1))
    streamed = io.BytesIO()
    with zipfile.ZipFile(streamed, "w") as archive, archive.open("cat/1.png", "w", force_zip64=True) as file:
        file.write(small(1))
    return [
        zip_bytes(classes),
        zip_bytes(classes, zipfile.ZIP_STORED),
        zip_bytes(split),
        zip_bytes({f"{number}.png": small(number) for number in range(4)} | {"metadata.jsonl": labels.encode()}),
        zip_bytes({"1.png": small(1), "2.png": small(2), ".DS_Store": b"x", "__MACOSX/._1.png": b"x"}),
        zip_bytes(kinds),
        zip_bytes({"cat/1.png": b"", "cat/2.png": b"<svg>", "dog/1.png": zip_bytes(classes), "cow/": b""}),
        zip_bytes({f"{'x' * 120}/{number}.png": small(number) for number in range(3)}),
        zip_bytes({"cat/1.png": small(1), "../dog/1.png": small(2)}),
        zip_bytes({"cat/flat.bmp": encoded(Image.new("L", (2000, 2000)), "BMP"), "dog/1.png": small(1)}),
        link.getvalue(),
        streamed.getvalue(),
    ]


def headers(data: bytes, kind: bytes) -> list[int]:
    found, at = [], data.find(kind)
    while at >= 0:
        found.append(at)
        at = data.find(kind, at + 1)
    return found


def hostile(data: bytes, dice: random.Random) -> bytes:
    """data with one thing done to it that zip readers have been caught by."""
    mutant = bytearray(data)
    local, central, end = headers(data, LOCAL), headers(data, CENTRAL), headers(data, END)
    if not (local and central and end):
        return damaged(data, dice)
    entry, file = dice.choice(central), dice.choice(local)
    match dice.randrange(9):
        case 0:  # anything anywhere
            return damaged(data, dice)
        case 1:  # a header spliced over another place
            piece = data[file : file + 40] if dice.random() < 0.5 else data[entry : entry + 60]
            at = dice.randrange(len(data))
            mutant[at : at + len(piece)] = piece
        case 2:  # a header put in between
            mutant[file:file] = data[entry : entry + dice.randint(4, 80)]
        case 3:  # an evil name, in one of the two places or in both
            length = struct.unpack_from("<H", data, entry + 28)[0]
            name, evil = data[entry + 46 : entry + 46 + length], dice.choice(EVIL_NAMES)
            if name:
                mutant = bytearray(data.replace(name, evil.ljust(length, b"_")[:length], dice.choice((1, -1))))
        case 4:  # sizes or checksum that lie, in one of the two places
            at = entry + dice.choice((16, 20, 24)) if dice.random() < 0.5 else file + dice.choice((14, 18, 22))
            struct.pack_into("<L", mutant, at, dice.choice((0, 1, 100, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF)))
        case 5:  # two entries of one place
            struct.pack_into("<L", mutant, entry + 42, dice.choice(local) + dice.choice((0, 0, 0, 1, 30)))
        case 6:  # counts and places in the end record that lie
            at, form = dice.choice(((8, "<H"), (10, "<H"), (12, "<L"), (16, "<L"), (20, "<H")))
            struct.pack_into(form, mutant, end[-1] + at, dice.randrange(1 << 16))
        case 7:  # flags and methods
            at, form = dice.choice(((entry + 8, "<H"), (entry + 10, "<H"), (file + 6, "<H"), (file + 8, "<H")))
            struct.pack_into(form, mutant, at, 1 << dice.randrange(16))
        case _:  # cut off
            del mutant[dice.randrange(len(mutant)) :]
    return bytes(mutant)


def tree(root: Path) -> list[tuple[str, int, int]]:
    """Everything below root: path, size, time of change."""
    found = []
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        found.append((str(path), status.st_size if path.is_file() else 0, status.st_mtime_ns))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_archive_becomes_a_set_or_a_refusal(tmp_path, part):
    workspace, seeds = Workspace(tmp_path / "ws"), range(part, ARCHIVES, PARTS)
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "x.png").write_bytes(small(1))
    originals, sets, refused = corpus(), 0, set()
    for seed in seeds:
        dice = random.Random(seed)
        source = tmp_path / "in.zip"
        source.write_bytes(hostile(dice.choice(originals), dice))
        place = workspace.dataset(new_id("dataset"))
        before = tree(tmp_path)
        try:
            with workspace.staging(place) as folder:
                import_dataset(source, folder, ImportRequest(source=str(source), name="fuzz", size=28))
        except UserError as error:
            assert error.what.endswith(".") and error.todo.endswith("."), seed
            refused.add(error.code)
        except Exception as error:
            raise AssertionError(f"archive {seed}") from error
        else:
            sets += 1
            info = read_info(place)
            assert len(load(place, "train").images) == sum(info.train_counts) > 0, seed
            shutil.rmtree(place)
        ignored = (str(workspace.root / "staging"), str(workspace.root / "datasets"))  # their own times
        kept = [[entry for entry in entries if entry[0] not in ignored] for entries in (before, tree(tmp_path))]
        assert kept[0] == kept[1], seed
        assert not list((workspace.root / "staging").iterdir()), seed
    assert sets and len(refused) > 1, (sets, refused)


def test_every_picture_gives_pixels_or_a_reason(tmp_path):
    originals, jobs = list(every_kind().values()), []
    for seed in range(PICTURES):
        dice = random.Random(seed)
        path = tmp_path / f"{seed}.bin"
        path.write_bytes(damaged(dice.choice(originals), dice))
        jobs.append((str(path),))
    size, pixels = 28, tmp_path / "pixels"
    pixels.write_bytes(bytes(len(jobs) * 3 * size * size))
    answers = sorted(decode_all(jobs, pixels, DecodeSettings(size, "crop")))
    assert [answer.position for answer in answers] == list(range(PICTURES))
    read = [answer for answer in answers if answer.channels]
    assert all(answer.channels in (1, 3) and len(answer.sha256) == 64 for answer in read)
    assert all(answer.reason and len(answer.reason) < 120 for answer in answers if not answer.channels)
    assert 0.1 < len(read) / PICTURES < 0.9
    stored = np.fromfile(pixels, np.uint8).reshape(PICTURES, -1)
    assert all(not stored[answer.position].any() for answer in answers if not answer.channels)  # no half pictures
    crashed = [answer.position for answer in answers if "crashed" in answer.reason]
    assert not crashed, f"pictures {crashed} end the reader; they are contained, and worth a report to Pillow"
