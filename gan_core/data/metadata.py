"""Labels and splits from a file beside the images: Hugging Face's metadata.csv or metadata.jsonl of an `imagefolder`, or a list.

A list is another table (.csv, .tsv, .jsonl) with a column of file names, whatever it is called. It counts only where at least half
of its rows name an image that is there.

The text comes from strangers: its size is bounded, a bad line is left out, and its file names are only looked up, never opened.
"""

import csv
import io
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence

from gan_core.data.file_names import is_picture
from gan_core.data.split_names import Split, split_of
from gan_core.text import FORMULA_STARTS

FILES = ("metadata.csv", "metadata.jsonl")
LISTS = (".csv", ".tsv", ".jsonl")
NAME_COLUMN = ("file_name",)
LIST_COLUMNS = (  # of the file names in a list: the first that is there
    *("file_name", "filename", "file", "filepath", "file_path", "path", "image_path", "image_name", "image_file"),
    *("image", "img", "image_id", "name", "id"),
)
COLUMNS = ("label", "class", "category", "class_name", "label_name", "target")  # the first that is there
SPLIT_COLUMNS = ("split", "subset", "partition", "set")
DELIMITERS = ",;\t"
MOST_FILES, MAX_BYTES, MOST_COLUMNS, LONGEST_LINE = 16, 32 << 20, 1000, 64 << 10
LONGEST_WORD = 100


def labels_and_splits(
    names: Sequence[str], read: Callable[[int], bytes | None]
) -> tuple[dict[str, str], dict[str, Split]]:
    """(label, split) by file name, of files among names. read(index) -> bytes of a metadata file, or None where it is too large.

    A metadata file counts before a list.
    """
    labels, splits = dict[str, str](), dict[str, Split]()
    tables = [index for index, name in enumerate(names) if name[-6:].lower().endswith(LISTS)]
    tables.sort(key=lambda index: not is_metadata(names[index]))
    if not tables:
        return labels, splits
    there, found, left = set(names), Finder(names), MAX_BYTES
    for index in tables[:MOST_FILES]:
        folder, file = posixpath.split(names[index])
        data = read(index) or b""
        left -= len(data)
        if left < 0:  # of all files together: this is read while a page waits
            break
        if is_metadata(file):
            known = [
                (posixpath.normpath(posixpath.join(folder, inner)), label, word)
                for inner, label, word in rows(data, file.lower(), NAME_COLUMN)
            ]
        else:
            listed = list(rows(data, file.lower(), LIST_COLUMNS))
            known = [(found(folder, inner), label, word) for inner, label, word in listed]
            if 2 * sum(bool(name) for name, _, _ in known) < len(listed):
                continue
        for name, label, word in known:
            if name in there and label:
                labels.setdefault(name, label)
            if name in there and (split := split_of(word)):
                splits.setdefault(name, split)
    return labels, splits


def is_metadata(name: str) -> bool:
    return posixpath.basename(name).lower() in FILES


class Finder:
    """The image that a list means: by its path from the list's folder or from the top, else by its name where only one has it.

    A name may lack its ending, as the ids of a table often do.
    """

    def __init__(self, names: Sequence[str]):
        self.names = names
        self.paths: set[str] = set()
        self.by_name: dict[str, str] = {}  # '' where several have it

    def __call__(self, folder: str, text: str) -> str:
        """'' where there is no such image, or more than one."""
        if not self.paths:
            self.paths = {name for name in self.names if is_picture(name)}
            for path in self.paths:
                name = posixpath.basename(path)
                for short in (name, posixpath.splitext(name)[0]):
                    self.by_name[short] = "" if short in self.by_name else path
        text = text.strip().replace("\\", "/")
        for path in (posixpath.normpath(posixpath.join(folder, text)), posixpath.normpath(text)):
            if path in self.paths:
                return path
        return self.by_name.get(posixpath.basename(text), "")


def rows(data: bytes, file: str, named: Sequence[str] = NAME_COLUMN) -> Iterator[tuple[str, str, str]]:
    """(file name, label, word of its split) of every row that has a name; '' for what it lacks. named: columns of file names."""
    text = data.decode("utf-8-sig", "replace")
    for name, label, split in from_json(text, named) if file.endswith(".jsonl") else from_csv(text, named):
        if isinstance(label, float) and label.is_integer():
            label = int(label)
        if isinstance(name, str):
            yield (
                name,
                str(label).strip() if isinstance(label, str | int) else "",
                split[:LONGEST_WORD] if isinstance(split, str) else "",
            )


def from_json(text: str, named: Sequence[str]) -> Iterator[tuple[object, object, object]]:
    first = lambda value, columns: next((value[column] for column in columns if column in value), None)
    for line in io.StringIO(text):
        if line.isspace():
            continue
        try:
            value = json.loads(line) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield first(value, named), first(value, COLUMNS), first(value, SPLIT_COLUMNS)


def from_csv(text: str, named: Sequence[str]) -> Iterator[tuple[object, object, object]]:
    start = text[:LONGEST_LINE].partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=start.count))
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        label_at, split_at = (
            next((header.index(column) for column in columns if column in header), None)
            for columns in (COLUMNS, SPLIT_COLUMNS)
        )
        at = next((header.index(column) for column in named if column in header), None)
        if at is None or len(header) > MOST_COLUMNS or (label_at is None and split_at is None):
            return
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
