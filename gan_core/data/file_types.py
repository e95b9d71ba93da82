"""Recognize a file that is no readable image by its first bytes, for the reason in the report."""

OTHER = (  # first bytes -> what the file is
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\3\4", "a zip"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a rar archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
)
PICTURES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8", "JPEG"),
    (b"RIFF", "WebP"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)


class NotReadable(ValueError):
    """A file that gives no image. The text is a short reason for the list of files left out."""


def what_it_is(data: bytes) -> str:
    """A short reason why a file cannot be read. data: its bytes."""
    head = data[:512].lstrip().lower()
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif"):
        return "a HEIC or AVIF photo, which is not read: save it as JPEG or PNG"
    if b"<svg" in head:
        return "not an image made of pixels: an SVG drawing, save it as PNG"
    if head.startswith((b"<!doctype", b"<html")):
        return "not an image: it looks like a web page"
    if other := next((name for magic, name in OTHER if data.startswith(magic)), None):
        return f"not an image: it looks like {other}"
    if damaged := next((name for magic, name in PICTURES if data.startswith(magic)), None):
        return f"a damaged or unusual {damaged} file"
    try:
        data[:512].decode("ascii")
        return "not an image: it looks like text"
    except UnicodeDecodeError:
        return "not an image: PNG, JPEG, WebP, BMP, GIF and TIFF are read"
