"""Picture files of every format and mode, colour profiles made by hand, and seeded damage to any bytes."""

import io
import itertools
import random
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

SIDE = 40
COLOURS = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
RAMP = np.arange(SIDE * SIDE, dtype=np.uint32).reshape(SIDE, SIDE)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def swapped_profile() -> bytes:
    """sRGB with the red and the green primary exchanged: a valid profile that turns red into green."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert data.count(b"rXYZ") == data.count(b"gXYZ") == 1
    return data.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")


def nearly_srgb() -> bytes:
    """sRGB with a red primary that is off by two thousandths, as the profiles of different makers are."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = struct.unpack_from(">L", data, data.index(b"rXYZ") + 4)[0] + 8
    struct.pack_into(">l", data, at, struct.unpack_from(">l", data, at)[0] + 130)
    return bytes(data)


CYAN_LAB = (153, 148, 98)  # L 60, a 20, b -30, as 8-bit Lab


def ink_profile() -> bytes:
    """A press on which black ink is black, cyan ink prints as CYAN_LAB, and the others leave the paper white."""
    paper, black = (255, 128, 128), (0, 128, 128)
    inks = itertools.product((False, True), repeat=4)  # cyan varies least
    table = b"".join(bytes(black if key else CYAN_LAB if cyan else paper) for cyan, _, _, key in inks)
    straight = bytes(range(256))
    one = struct.pack(">l", 1 << 16)
    matrix = b"".join(one if row == column else bytes(4) for row in range(3) for column in range(3))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + straight * 4 + table + straight * 3
    lut += bytes(-len(lut) % 4)
    tags = struct.pack(">L4sLL", 1, b"A2B0", 128 + 16, len(lut))
    header = struct.pack(
        ">L4sL4s4s4s6H4s4sL4s4s8sL3L",
        128 + len(tags) + len(lut),
        b"\0\0\0\0",
        0x02400000,
        b"prtr",
        b"CMYK",
        b"Lab ",
        *(2020, 1, 1, 0, 0, 0),
        b"acsp",
        b"\0\0\0\0",
        0,
        b"\0\0\0\0",
        b"\0\0\0\0",
        bytes(8),
        0,
        *(0xF6D6, 0x10000, 0xD32D),
    )
    return header.ljust(128, b"\0") + tags + lut


def ycck(value: tuple[int, int, int, int]) -> bytes:
    """A JPEG whose four planes hold `value` everywhere and which says that they are Y, Cb, Cr and K, as Photoshop has it."""
    data = encoded(Image.new("CMYK", (SIDE, SIDE), tuple(255 - each for each in value)), "JPEG", quality=100)
    at = data.index(b"Adobe") + 11
    assert data[at] == 0  # plain CMYK so far
    return data[:at] + b"\2" + data[at + 1 :]


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, content) of each chunk."""
    at, chunks = 8, []
    while at < len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        chunks.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks, their checksums right."""
    pieces = [
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def every_kind() -> dict[str, bytes]:
    """Whole picture files by name: every format that is read, in the modes it has, plain and with extras."""
    rgb, grey = Image.fromarray(COLOURS), Image.fromarray(COLOURS[..., 0])
    alpha = Image.merge("RGBA", [*rgb.split(), grey])
    palette = rgb.quantize(16)
    deep = Image.fromarray((RAMP * 40).astype(np.uint16))
    floats = Image.fromarray((RAMP / 1600).astype(np.float32))
    lab = Image.new("LAB", (SIDE, SIDE), (150, 140, 120))
    cmyk = rgb.convert("CMYK")
    frames = [Image.new("RGB", (SIDE, SIDE), colour) for colour in ("red", "blue", "green")]
    several = {"save_all": True, "append_images": frames[1:]}
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "png_grey": encoded(grey),
        "png_rgb": encoded(rgb),
        "png_rgba": encoded(alpha),
        "png_la": encoded(Image.merge("LA", [grey, grey])),
        "png_palette": encoded(palette),
        "png_palette_clear": encoded(palette, transparency=3),
        "png_1": encoded(grey.convert("1")),
        "png_16": encoded(deep),
        "png_clear_colour": encoded(rgb, transparency=(1, 2, 3)),
        "png_profile": encoded(rgb, icc_profile=swapped_profile()),
        "png_exif": encoded(rgb, exif=turned),
        "png_animated": encoded(frames[0], "PNG", **several),
        "jpeg_rgb": encoded(rgb, "JPEG"),
        "jpeg_grey": encoded(grey, "JPEG"),
        "jpeg_progressive": encoded(rgb, "JPEG", progressive=True),
        "jpeg_exif": encoded(rgb, "JPEG", exif=turned),
        "jpeg_profile": encoded(rgb, "JPEG", icc_profile=swapped_profile()),
        "jpeg_cmyk": encoded(cmyk, "JPEG"),
        "jpeg_cmyk_profile": encoded(cmyk, "JPEG", icc_profile=ink_profile()),
        "jpeg_ycck": ycck((120, 100, 160, 200)),
        "webp_lossy": encoded(rgb, "WEBP"),
        "webp_lossless": encoded(alpha, "WEBP", lossless=True),
        "webp_animated": encoded(frames[0], "WEBP", **several),
        "gif": encoded(palette, "GIF"),
        "gif_animated": encoded(frames[0], "GIF", **several),
        "bmp_rgb": encoded(rgb, "BMP"),
        "bmp_grey": encoded(grey, "BMP"),
        "bmp_1": encoded(grey.convert("1"), "BMP"),
        "tiff_rgb": encoded(rgb, "TIFF"),
        "tiff_alpha": encoded(alpha, "TIFF"),
        "tiff_16": encoded(deep, "TIFF"),
        "tiff_float": encoded(floats, "TIFF"),
        "tiff_cmyk": encoded(cmyk, "TIFF", icc_profile=ink_profile()),
        "tiff_lab": encoded(lab, "TIFF"),
        "tiff_pages": encoded(frames[0], "TIFF", **several),
    }
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        files[f"tiff_{compression}"] = encoded(rgb, "TIFF", compression=compression)
    return files


def damaged(data: bytes, dice: random.Random) -> bytes:
    """data with one to four of: bytes flipped, cut off, a stretch moved, doubled or zeroed, a length field that lies."""
    mutant = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if len(mutant) < 8:
            break
        at, length = dice.randrange(len(mutant)), dice.randint(1, 40)
        match dice.randrange(6):
            case 0:
                mutant[at] ^= 1 << dice.randrange(8)
            case 1:
                mutant[at] = dice.randrange(256)
            case 2:
                del mutant[dice.randrange(len(mutant) // 2, len(mutant)) :]
            case 3:
                other = dice.randrange(len(mutant))
                mutant[at:at] = mutant[other : other + length]
            case 4:
                mutant[at : at + length] = bytes(len(mutant[at : at + length]))
            case _:
                field = struct.pack(dice.choice(("<L", ">L")), dice.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)))
                mutant[at : at + 4] = field
    return bytes(mutant)
