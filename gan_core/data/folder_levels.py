"""Find the folder levels that name no classes: outer folders, several roots with the same classes, a given split.

Only names are read. A path is the list of its parts, the file last.
"""

import collections
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gan_core.data.file_names import is_picture

TRAIN = {"train", "training"}
TEST = {"test", "testing"}
VALIDATION = {"val", "valid", "validation"}
SPLIT_NAMES = TRAIN | TEST | VALIDATION

Path = Sequence[str]


class Level(NamedTuple):
    """One level of folders that names no class.

    wrap: one folder that contains everything. roots: several that hold the same classes. split: train beside test or validation.
    inner: such a split inside each class folder. names: as they are written.
    """

    kind: Literal["wrap", "roots", "split", "inner"]
    names: frozenset[str]


class Place(NamedTuple):
    """Where a file lies once the levels are taken off. parts: class folder first. split: lower case, '' where none.

    inside: it lay in a folder of every level.
    """

    parts: Path
    split: str
    inside: bool


def find_levels(paths: Sequence[Path], roots: bool = True) -> list[Level]:
    """The levels above the classes, outermost first, and perhaps an inner split. roots False: several roots stay classes.

    Images decide, by their names; where there are none, all files do, and then loose ones do not count.
    """
    pictures = [parts for parts in paths if is_picture(parts[-1])]
    sure, paths, levels = bool(pictures), pictures or paths, list[Level]()
    while True:
        level = _wrapper(paths, sure)
        if level is None and not any(level.kind == "split" for level in levels):
            level = _split(paths)
        if level is None and roots:
            level = _roots(paths, sure)
        if level is None:
            break
        levels.append(level)
        paths = [parts[1:] for parts in paths if len(parts) > 1 and parts[0] in level.names]
    if not any(level.kind == "split" for level in levels) and (inner := _inner_split(paths, sure)):
        levels.append(inner)
    return levels


def place(parts: Path, levels: list[Level]) -> Place:
    """parts without the folders of the levels."""
    at, split = 0, ""
    for level in levels:
        if level.kind == "inner":
            if len(parts) > at + 2 and parts[at + 1] in level.names:
                return Place([parts[at], *parts[at + 2 :]], parts[at + 1].lower(), True)
        elif len(parts) > at + 1 and parts[at] in level.names:
            if level.kind == "split":
                split = parts[at].lower()
            at += 1
        else:
            return Place(parts[at:], split, False)
    return Place(parts[at:] if at else parts, split, True)


def _wrapper(paths: Sequence[Path], sure: bool) -> Level | None:
    """A folder that is alone and holds folders of its own."""
    tops = {parts[0] for parts in paths if len(parts) > 1}
    if len({_alike(name) for name in tops}) != 1 or (sure and any(len(parts) == 1 for parts in paths)):
        return None
    below = {parts[1] for parts in paths if len(parts) > 2}
    if _are_splits(below) and not any(len(parts) > 3 for parts in paths):
        return None  # one class with a split inside
    loose = sure and any(len(parts) == 2 for parts in paths)
    if not below or (len(below) == 1 and loose):  # cat/1.png with one cat/extra/ is still the class cat
        return None
    return Level("wrap", frozenset(tops))


def _alike(name: str) -> str:
    """The same for names that differ only by case or Unicode form; _classes in class_layout.py merges those too."""
    return unicodedata.normalize("NFC", name).casefold()


def _split(paths: Sequence[Path]) -> Level | None:
    """train/ beside test/ or validation/, and class folders at least in train/, or in none of them."""
    tops = {parts[0] for parts in paths if len(parts) > 1}
    with_folders = {parts[0].lower() for parts in paths if len(parts) > 2}
    return Level("split", frozenset(tops)) if _are_splits(tops) and (with_folders & TRAIN or not with_folders) else None


def _are_splits(names: set[str]) -> bool:
    lower = {name.lower() for name in names}
    return bool(lower & TRAIN and lower & (TEST | VALIDATION) and lower <= SPLIT_NAMES)


def _roots(paths: Sequence[Path], sure: bool) -> Level | None:
    """Two or more folders that hold the same two or more class folders, and no images of their own."""
    if sure and any(len(parts) == 2 for parts in paths):
        return None
    inside: dict[str, set[str]] = collections.defaultdict(set)
    for top, name in {(parts[0], parts[1]) for parts in paths if len(parts) > 2}:
        inside[top].add(_alike(name))
    if len(inside) < 2 or {name.lower() for name in inside} & SPLIT_NAMES:
        return None
    classes, *others = inside.values()
    if len(classes) < 2 or any(other != classes for other in others):
        return None
    if classes <= SPLIT_NAMES and any(len(parts) == 3 for parts in paths):
        return None  # cat/train/1.png and dog/train/1.png: classes with a split inside
    return Level("roots", frozenset(inside))


def _inner_split(paths: Sequence[Path], sure: bool) -> Level | None:
    """cat/train/, cat/test/, dog/train/, …: every image of a class lies in a split folder."""
    if sure and any(len(parts) == 2 for parts in paths):
        return None
    names = {parts[1] for parts in paths if len(parts) > 2}
    return Level("inner", frozenset(names)) if _are_splits(names) else None
