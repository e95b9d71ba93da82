"""How large pictures are, by their first bytes: the same as Pillow says, in zips and folders, and nothing for other bytes."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from gan_core.data.image_sizes import shorter_side
from gan_core.data.import_preview import preview
from gan_core.data.zip_reader import read_start
from gan_core.requests import Choices


def picture(side, kind, **options):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side + 9, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "kind, options",
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(60_000)}),
        ("JPEG", {"optimize": True}),
    ],
)
def test_png_and_jpeg_say_their_shorter_side(kind, options):
    assert shorter_side(picture(57, kind, **options)) == 57


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff", b"GIF89a" + bytes(30), b"\xff\xd8\xff\xe0\0\0"]
)
def test_other_and_broken_bytes_say_nothing(data):
    assert shorter_side(data) is None


def test_every_cut_jpeg_ends(tmp_path):
    whole = picture(40, "JPEG")
    assert {shorter_side(whole[:cut]) for cut in range(len(whole))} == {None, 40}


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, None])
def test_a_source_says_the_median_of_its_pictures(tmp_path, packed):
    files = {f"cat/{side}.png": picture(side, "PNG") for side in (20, 150, 160)} | {"cat/odd.gif": b"GIF89a"}
    if packed is None:
        path = tmp_path / "folder"
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    else:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", packed) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    assert preview(path, Choices()).side == 150


def test_pictures_are_looked_at_from_all_classes(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(47):
            name = f"small/{number:02}.png" if number < 20 else f"tall/{number:02}.png"
            archive.writestr(name, picture(20 if number < 20 else 120, "PNG"))
    assert preview(tmp_path / "a.zip", Choices()).side == 120


def test_a_member_that_says_it_is_empty_is_not_unpacked(tmp_path):
    packed = zlib.compressobj(9, wbits=-15)
    data = packed.compress(bytes(1 << 22)) + packed.flush()
    file = tmp_path / "member"
    file.write_bytes(struct.pack("<4s22xHH", b"PK\3\4", 0, 0) + data)
    with open(file, "rb") as opened:
        assert read_start(opened.fileno(), 0, len(data), 0, 8, 100) == b""
        assert read_start(opened.fileno(), 0, len(data), 1 << 22, 8, 100) == bytes(100)
