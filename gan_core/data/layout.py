"""From file names to classes: which folder level holds the classes, what is noise, what is a given test split.

Pure text in, pure text out; the same rules for a zip and for a folder on disk.
"""

import collections
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from gan_core.errors import UserError

NOISE = re.compile(r"(^|/)(\.|__macosx(/|$)|thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
TRAIN = {"train", "training"}
TEST = {"test", "testing"}
VALIDATION = {"val", "valid", "validation"}
MAX_CLASSES = 2000
ALL = "all"  # the one class of pictures without folders
HOW = "Put each class in its own folder, such as cat/1.png and dog/1.png, and zip the folder that holds them."


class Item(NamedTuple):
    """source: index into the names. held_out: the files came with a test folder and this one lies in it."""

    source: int
    label: int
    held_out: bool
    name: str


class Layout(NamedTuple):
    """items sorted by class, then name. rejected: (name, reason)."""

    classes: list[str]
    items: list[Item]
    test_given: bool
    ignored: int
    rejected: list[tuple[str, str]]
    notices: list[str]


def shown(text: str, limit: int = 100) -> str:
    """text as it may be stored and shown: NFC, no control characters or broken code points, at most `limit` long."""
    if len(text) <= limit and text.isascii() and text.isprintable():  # nearly all, and 60,000 at a time
        return text
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    text = "".join("?" if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key that puts 2 before 10 and ignores case."""
    parts = re.split("([0-9]+)", text.casefold())  # digits stay text: int() refuses very long ones
    return [(0, len(part.lstrip("0")), part.lstrip("0")) if at % 2 else (1, 0, part) for at, part in enumerate(parts)]


def lay_out(names: Sequence[str], folders: Sequence[str] = (), labels: Mapping[str, str] | None = None) -> Layout:
    """Sort file names ('/' between parts) into classes. UserError: no_class_folders, no_images, too_many_classes.

    labels: of files, from a metadata file; they count where the folders do not tell classes apart.
    """
    kept = [(index, name.split("/")) for index, name in enumerate(names) if not NOISE.search(name)]
    ignored = len(names) - len(kept)
    if labels and (layout := _by_labels(names, kept, labels, ignored)) is not None:
        return layout
    root = _class_root([parts for _, parts in kept])
    depth = len(root)
    groups = {parts[depth].lower() for _, parts in kept if parts[:depth] == root and len(parts) > depth + 1}
    split_names = _is_split(groups, [parts[depth:] for _, parts in kept if parts[:depth] == root])
    level = depth + 1 if split_names else depth
    rejected, inside = [], []
    for index, parts in kept:
        if parts[:depth] != root or len(parts) < level + 2:
            rejected.append((names[index], "it lies in no class folder"))
        else:
            inside.append((index, parts))
    if not any(_is_picture(parts[-1]) for _, parts in inside):
        loose = [(index, parts) for index, parts in kept if len(parts) == depth + 1 and _is_picture(parts[-1])]
        if loose:
            rejected += [(names[index], "it lies in no class folder") for index, _ in inside]
            return _one_class(names, loose, rejected, ignored)
    if not inside:
        if rejected:
            raise UserError("no_class_folders", "The pictures are not in class folders.", HOW)
        raise UserError("no_images", "There are no pictures in it.", HOW)
    label_of, classes, notices = _classes([parts[level] for _, parts in inside])
    test_given = split_names and bool(groups & TEST)
    items = [
        Item(index, label_of[parts[level]], test_given and parts[depth].lower() in TEST, names[index])
        for index, parts in inside
    ]
    items.sort(key=lambda item: (item.label, item.held_out, item.name))
    if split_names:
        pooled = " and ".join(sorted(groups - TEST))
        notices.append(
            f"The folders {pooled} were read as one set"
            + ("; the pictures in the folder test are kept apart as the test split." if test_given else ".")
        )
    tree = [folder.split("/") for folder in folders if not NOISE.search(folder)]
    empty = sorted(
        {
            shown(parts[level])
            for parts in tree
            if len(parts) == level + 1 and parts[:depth] == root and parts[level] not in label_of
        },
        key=natural,
    )
    if empty:
        notices.append(f"Left out because they are empty: {', '.join(empty[:5])}{' …' * (len(empty) > 5)}.")
    return Layout(classes, items, test_given, ignored, rejected, notices)


def _one_class(
    names: Sequence[str], loose: list[tuple[int, list[str]]], rejected: list[tuple[str, str]], ignored: int
) -> Layout:
    """Pictures without any folder."""
    items = sorted((Item(index, 0, False, names[index]) for index, _ in loose), key=lambda item: item.name)
    taken = {item.name for item in items}
    told = f"There are no class folders: {len(items):,} pictures were read as one class. For classes, {HOW[0].lower()}{HOW[1:]}"
    return Layout([ALL], items, False, ignored, [one for one in rejected if one[0] not in taken], [told])


def _by_labels(
    names: Sequence[str], kept: list[tuple[int, list[str]]], labels: Mapping[str, str], ignored: int
) -> Layout | None:
    """Classes from a metadata file; None where folders tell classes apart, or where it knows too few of the pictures.

    Without a label a picture of a test folder is left out and not counted against the file.
    """
    pictures = [(index, parts) for index, parts in kept if _is_picture(parts[-1])]
    listed = [(index, parts) for index, parts in pictures if names[index] in labels]
    held_out = lambda parts: any(part.lower() in TEST for part in parts[:-1])
    needed = [parts for _, parts in pictures if not held_out(parts)]
    known = [parts for index, parts in listed if not held_out(parts)]
    folders = {parts[-2].lower() for _, parts in pictures if len(parts) > 1} - TRAIN - TEST - VALIDATION
    kinds = {labels[names[index]] for index, _ in listed}
    if len(folders) > 1 or not known or 2 * len(known) < len(needed) or len(kinds) > MAX_CLASSES:
        return None
    label_of, classes, notices = _classes([labels[names[index]] for index, _ in listed])
    items = [Item(index, label_of[labels[names[index]]], held_out(parts), names[index]) for index, parts in listed]
    items.sort(key=lambda item: (item.label, item.held_out, item.name))
    rejected = [
        (names[index], "the metadata has no label for it") for index, _ in pictures if names[index] not in labels
    ]
    notices.append(f"The classes of {len(items):,} pictures were read from their metadata file.")
    test_given = any(item.held_out for item in items) and not all(item.held_out for item in items)
    if not test_given:
        items = [item._replace(held_out=False) for item in items]
    return Layout(classes, items, test_given, ignored + len(kept) - len(pictures), rejected, notices)


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURES


def _class_root(paths: list[list[str]]) -> list[str]:
    """The wrapping folders above the class folders. A folder wraps when it is alone and holds folders of its own."""
    root: list[str] = []
    while True:
        here = [parts[len(root) :] for parts in paths if parts[: len(root)] == root]
        tops = {parts[0] for parts in here if len(parts) > 1}
        if len(tops) != 1 or any(len(parts) == 1 and _is_picture(parts[0]) for parts in here):
            return root
        inside = [parts[1:] for parts in here if len(parts) > 1]
        below = {parts[0] for parts in inside if len(parts) > 1}
        loose = any(len(parts) == 1 and _is_picture(parts[0]) for parts in inside)
        if not below or (len(below) == 1 and loose):  # cat/1.png with one cat/extra/ is still the class cat
            return root
        root = [*root, *tops]


def _is_split(groups: set[str], paths: list[list[str]]) -> bool:
    """True for train/ beside test/ or validation/, each with class folders inside."""
    if not (groups & TRAIN and groups & (TEST | VALIDATION) and groups <= TRAIN | TEST | VALIDATION):
        return False
    with_folders = {parts[0].lower() for parts in paths if len(parts) > 2}
    return with_folders == groups and not any(len(parts) == 1 and _is_picture(parts[0]) for parts in paths)


def _classes(folder_of_item: list[str]) -> tuple[dict[str, int], list[str], list[str]]:
    """(label of each folder name, class names, notices). Differing only by case or Unicode form makes no class."""
    counts: collections.Counter[str] = collections.Counter()
    written: dict[str, list[str]] = {}  # a name as shown: as written, perhaps in several Unicode forms
    for folder, count in sorted(collections.Counter(folder_of_item).items()):
        counts[shown(folder, 10_000)] += count
        written.setdefault(shown(folder, 10_000), []).append(folder)
    spellings: dict[str, list[str]] = {}
    for name in sorted(counts):
        spellings.setdefault(name.casefold(), []).append(name)
    if len(spellings) > MAX_CLASSES:
        raise UserError("too_many_classes", f"{len(spellings):,} class folders are more than {MAX_CLASSES:,}.", HOW)
    notices, label_of, classes = [], dict[str, int](), []
    for label, folded in enumerate(sorted(spellings, key=lambda key: (natural(key), key))):
        names = spellings[folded]
        name = max(names, key=lambda spelling: counts[spelling])
        if len(names) > 1:
            notices.append(f"Read as one class, {shown(name)}: {', '.join(shown(each) for each in names)}.")
        title, number = shown(name), 2
        while title in classes:  # two long names may be equal once cut
            title, number = f"{shown(name, 90)} ({number})", number + 1
        classes.append(title)
        label_of.update((folder, label) for each in names for folder in written[each])
    return label_of, classes, notices
