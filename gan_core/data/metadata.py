"""Labels from a metadata file beside the images, as Hugging Face's `imagefolder` has it: metadata.csv or metadata.jsonl.

The text comes from strangers: its size is bounded, a bad line is left out, and its file names are only looked up, never opened.
"""

import csv
import io
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence

from gan_core.text import FORMULA_STARTS

FILES = ("metadata.csv", "metadata.jsonl")
COLUMNS = ("label", "class", "category", "class_name", "label_name", "target")  # the first that is there
MOST_FILES, MAX_BYTES, MOST_COLUMNS, LONGEST_LINE = 16, 32 << 20, 1000, 64 << 10


def labels(names: Sequence[str], read: Callable[[int], bytes | None]) -> dict[str, str]:
    """Label by file name, of files among names. read(index) -> bytes of a metadata file, or None where it is too large."""
    found = dict[str, str]()
    files = [index for index, name in enumerate(names) if name[-14:].lower().endswith(FILES)]
    files = [index for index in files if posixpath.basename(names[index]).lower() in FILES]
    there, left = set(names) if files else set(), MAX_BYTES
    for index in files[:MOST_FILES]:
        folder, file = posixpath.split(names[index])
        data = read(index) or b""
        left -= len(data)
        if left < 0:  # of all files together: this is read while a page waits
            break
        for inner, label in rows(data, file.lower()):
            name = posixpath.normpath(posixpath.join(folder, inner))
            if name in there:
                found[name] = label
    return found


def rows(data: bytes, file: str) -> Iterator[tuple[str, str]]:
    """(file name, label) of every row that has both."""
    text = data.decode("utf-8-sig", "replace")
    for name, label in from_json(text) if file.endswith(".jsonl") else from_csv(text):
        if isinstance(label, float) and label.is_integer():
            label = int(label)
        if isinstance(name, str) and isinstance(label, str | int) and str(label).strip():
            yield name, str(label).strip()


def from_json(text: str) -> Iterator[tuple[object, object]]:
    for line in io.StringIO(text):
        if line.isspace():
            continue
        try:
            value = json.loads(line) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value.get("file_name"), next((value[column] for column in COLUMNS if column in value), None)


def from_csv(text: str) -> Iterator[tuple[object, object]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        column = next((header.index(column) for column in COLUMNS if column in header), None)
        if "file_name" not in header or column is None or len(header) > MOST_COLUMNS:
            return
        at = header.index("file_name")
        for row in reader:
            if len(row) > max(at, column):
                label = row[column]
                guarded = label[:1] == "'" and label[1:].startswith(
                    FORMULA_STARTS
                )  # against spreadsheets, as we write it
                yield row[at], label[1:] if guarded else label
    except csv.Error:  # what follows cannot be read reliably
        return
