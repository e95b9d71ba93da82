"""Labels and splits from a metadata file beside the images, as Hugging Face's `imagefolder` has it: metadata.csv or metadata.jsonl.

The text comes from strangers: its size is bounded, a bad line is left out, and its file names are only looked up, never opened.
"""

import csv
import io
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence

from gan_core.data.split_names import Split, split_of
from gan_core.text import FORMULA_STARTS

FILES = ("metadata.csv", "metadata.jsonl")
COLUMNS = ("label", "class", "category", "class_name", "label_name", "target")  # the first that is there
SPLIT_COLUMNS = ("split", "subset", "partition", "set")
MOST_FILES, MAX_BYTES, MOST_COLUMNS, LONGEST_LINE = 16, 32 << 20, 1000, 64 << 10
LONGEST_WORD = 100


def labels_and_splits(
    names: Sequence[str], read: Callable[[int], bytes | None]
) -> tuple[dict[str, str], dict[str, Split]]:
    """(label, split) by file name, of files among names. read(index) -> bytes of a metadata file, or None where it is too large."""
    labels, splits = dict[str, str](), dict[str, Split]()
    files = [index for index, name in enumerate(names) if name[-14:].lower().endswith(FILES)]
    files = [index for index in files if posixpath.basename(names[index]).lower() in FILES]
    there, left = set(names) if files else set(), MAX_BYTES
    for index in files[:MOST_FILES]:
        folder, file = posixpath.split(names[index])
        data = read(index) or b""
        left -= len(data)
        if left < 0:  # of all files together: this is read while a page waits
            break
        for inner, label, word in rows(data, file.lower()):
            name = posixpath.normpath(posixpath.join(folder, inner))
            if name in there and label:
                labels[name] = label
            if name in there and (split := split_of(word)):
                splits[name] = split
    return labels, splits


def rows(data: bytes, file: str) -> Iterator[tuple[str, str, str]]:
    """(file name, label, word of its split) of every row that has a name; '' for what it lacks."""
    text = data.decode("utf-8-sig", "replace")
    for name, label, split in from_json(text) if file.endswith(".jsonl") else from_csv(text):
        if isinstance(label, float) and label.is_integer():
            label = int(label)
        if isinstance(name, str):
            yield (
                name,
                str(label).strip() if isinstance(label, str | int) else "",
                split[:LONGEST_WORD] if isinstance(split, str) else "",
            )


def from_json(text: str) -> Iterator[tuple[object, object, object]]:
    first = lambda value, columns: next((value[column] for column in columns if column in value), None)
    for line in io.StringIO(text):
        if line.isspace():
            continue
        try:
            value = json.loads(line) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value.get("file_name"), first(value, COLUMNS), first(value, SPLIT_COLUMNS)


def from_csv(text: str) -> Iterator[tuple[object, object, object]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        label_at, split_at = (
            next((header.index(column) for column in columns if column in header), None)
            for columns in (COLUMNS, SPLIT_COLUMNS)
        )
        if "file_name" not in header or len(header) > MOST_COLUMNS or (label_at is None and split_at is None):
            return
        at = header.index("file_name")
        for row in reader:
            if len(row) > max(at, label_at or 0, split_at or 0):
                yield (
                    row[at],
                    None if label_at is None else unguarded(row[label_at]),
                    None if split_at is None else row[split_at],
                )
    except csv.Error:  # what follows cannot be read reliably
        return


def unguarded(label: str) -> str:
    """Without the quote that guards a cell against spreadsheets, as we write it."""
    return label[1:] if label[:1] == "'" and label[1:].startswith(FORMULA_STARTS) else label
