"""png_reader.py: the same pixels as Pillow, and nothing that Pillow would refuse."""

import io
import random
import zlib

import numpy as np
import pytest
from PIL import Image

from gan_core.data import png_reader
from gan_core.data.decode import MAX_PIXELS, _decode_any, decode
from gan_core.data.file_types import NotReadable
from tests.builders.odd_pictures import COLOURS, SIDE, damaged, encoded, every_kind, png_chunks, png_of

RGB, GREY = Image.fromarray(COLOURS), Image.fromarray(COLOURS[..., 0])


def pillow(data: bytes) -> np.ndarray | None:
    """The pixels as Pillow reads the whole file, None where it refuses."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            image.load()
            return np.asarray(image)
    except Exception:
        return None


def agrees(data: bytes) -> bool:
    """Was it read the plain way? Fails where that differs from Pillow."""
    image = png_reader.read(data, MAX_PIXELS)
    if image is None:
        return False
    theirs = pillow(data)
    assert theirs is not None and np.array_equal(np.asarray(image), theirs)
    for other in png_reader.read_together([png_reader.find(data, MAX_PIXELS)] * 3):  # above, between and below
        assert other is None or np.array_equal(np.asarray(other), theirs)
    return True


@pytest.mark.parametrize("image", [GREY, RGB], ids=["grey", "rgb"])
@pytest.mark.parametrize("options", [{}, {"compress_level": 0}, {"optimize": True}, {"dpi": (72, 72)}], ids=str)
def test_plain_pictures_are_read_and_give_the_same_pixels(image, options):
    assert agrees(encoded(image, **options))


def test_every_filter_gives_the_same_pixels():
    for channels, colour in ((1, 0), (3, 2)):
        stride = SIDE * channels
        rows = np.random.default_rng(1).integers(0, 256, (SIDE, stride), dtype=np.uint8)
        for kind in range(5):
            packed = zlib.compress(b"".join(bytes([kind]) + row.tobytes() for row in rows))
            header = SIDE.to_bytes(4) * 2 + bytes([8, colour, 0, 0, 0])
            assert agrees(png_of([(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]))
        mid = len(packed) // 2
        assert agrees(
            png_of(
                [(b"IHDR", header), (b"IDAT", packed[:mid]), (b"IDAT", b""), (b"IDAT", packed[mid:]), (b"IEND", b"")]
            )
        )


def test_what_is_not_plain_is_left_to_pillow():
    plain = {name for name, data in every_kind().items() if agrees(data)}
    assert plain == {"png_grey", "png_rgb"}


@pytest.mark.parametrize("kind", [b"tRNS", b"iCCP", b"eXIf", b"acTL", b"tEXt", b"PLTE", b"abcd"])
def test_a_chunk_that_may_matter_is_left_to_pillow(kind):
    chunks = png_chunks(encoded(GREY))
    assert not agrees(png_of([chunks[0], (kind, bytes(6)), *chunks[1:]]))
    assert not agrees(png_of([*chunks[:-1], (kind, bytes(6)), chunks[-1]]))


def test_pixels_that_another_chunk_parts_are_left_to_pillow():
    header, (_, packed), end = png_chunks(encoded(GREY))
    halves = [(b"IDAT", packed[:500]), (b"IDAT", packed[500:])]
    assert agrees(png_of([header, *halves, end]))
    parted = png_of([header, halves[0], (b"pHYs", bytes(9)), halves[1], end])
    assert pillow(parted) is None and not agrees(parted)


@pytest.mark.parametrize("image", [GREY.crop((0, 0, 9, 7)), RGB.crop((0, 0, 9, 7))], ids=["grey", "rgb"])
def test_cut_anywhere_or_flipped_anywhere_it_agrees_with_pillow(image):
    data = encoded(image)
    for length in range(len(data)):
        assert not agrees(data[:length])
    for at in range(len(data)):
        for bit in range(8):
            mutant = bytearray(data)
            mutant[at] ^= 1 << bit
            assert not agrees(bytes(mutant))  # every chunk has a checksum, and the name of the file stands before them


@pytest.mark.parametrize("image", [GREY, RGB], ids=["grey", "rgb"])
def test_damage_under_a_right_checksum_agrees_with_pillow(image):
    chunks, read = png_chunks(encoded(image)), 0
    for seed in range(600):
        dice = random.Random(seed)
        at = dice.randrange(len(chunks))
        broken = [(kind, damaged(data, dice) if number == at else data) for number, (kind, data) in enumerate(chunks)]
        read += agrees(png_of(broken))
    assert read > 20  # some damage to the pixels is still a picture, to both


def test_pictures_of_several_shapes_are_read_together():
    images = [GREY, RGB, GREY.crop((0, 0, 9, 7)), RGB.crop((0, 0, 9, 7)), GREY.crop((0, 0, 7, 9)), GREY.rotate(90)] * 5
    found = png_reader.read_together([png_reader.find(encoded(image), MAX_PIXELS) for image in images])
    assert [(image.mode, image.size, image.tobytes()) for image in found] == [
        (image.mode, image.size, image.tobytes()) for image in images
    ]


def test_what_is_not_right_to_the_last_byte_is_not_read_with_others():
    plain = png_reader.find(encoded(GREY), MAX_PIXELS)
    longer = plain._replace(packed=zlib.compress(zlib.decompress(plain.packed) + b"more"))
    short = plain._replace(packed=zlib.compress(zlib.decompress(plain.packed)[:-1]))
    found = png_reader.read_together(
        [plain, longer, plain._replace(packed=b"?"), short, plain._replace(packed=b""), plain]
    )
    assert [image is not None for image in found] == [True, False, False, False, False, True]
    odd = plain._replace(packed=zlib.compress(b"\7" + zlib.decompress(plain.packed)[1:]))  # there is no filter 7
    assert png_reader.read_together([plain, odd]) == [None, None]


def test_too_many_pixels_are_not_even_made():
    assert png_reader.read(encoded(GREY), SIDE * SIDE) is not None
    assert png_reader.read(encoded(GREY), SIDE * SIDE - 1) is None


def outcome(read, *arguments) -> tuple | str:
    try:
        picture = read(*arguments)
        return picture.image.mode, picture.image.size, picture.image.tobytes(), *picture[1:]
    except NotReadable as error:
        return str(error)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [28, 32, 64, 256])
def test_both_ways_through_decode_are_one(fit, size):
    wide = RGB.crop((0, 5, SIDE, 30))
    for image in (wide, wide.convert("L"), wide.convert("L").convert("RGB"), RGB.crop((0, 0, 3, 9))):
        data = encoded(image)
        arguments = (data, size, fit, (10, 20, 30))
        assert outcome(decode, *arguments) == outcome(_decode_any, *arguments)
