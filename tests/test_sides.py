"""How large pictures are, by their first bytes: the same as Pillow says, in zips and folders, and nothing for other bytes."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan_core.data.choices import Choices
from gan_core.data.sides import shorter_side
from gan_core.data.survey import preview


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
