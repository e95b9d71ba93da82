"""Find the folder levels that name no classes: outer folders, several roots with the same classes, a given split.

Only names are read. A path is the list of its parts, the file last.
"""

import collections
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gan_core.data.file_names import is_picture
from gan_core.data.split_names import SPLITS, Split, split_in, split_of

CLEARLY_LARGER = 1.5  # times: of folders that no word tells apart the training part is so much larger than the next

Path = Sequence[str]


class Level(NamedTuple):
    """One level of folders that names no class.

    wrap: one folder that contains everything. roots: several that hold the same classes. split: train beside test or validation.
    inner: such a split inside each class folder. names: as they are written. splits: of each name of split and inner.
    guessed: no word says which of these folders with the same classes is which split; by their sizes.
    """

    kind: Literal["wrap", "roots", "split", "inner"]
    names: frozenset[str]
    splits: Mapping[str, Split] = {}  # never changed
    guessed: bool = False


class Place(NamedTuple):
    """Where a file lies once the levels are taken off. parts: class folder first. split: its folder as written, '' where none.

    inside: it lay in a folder of every level.
    """

    parts: Path
    split: str
    inside: bool


def find_levels(paths: Sequence[Path], images: Sequence[int] | None = None, roots: bool = True) -> list[Level]:
    """The levels above the classes, outermost first, and perhaps an inner split.

    roots False: folders with the same classes stay classes, unless their whole names are words of a split.

    images: how many of its kind each path stands for, 1 where not given. Images decide, by their names; where there are none,
    all files do, and then loose ones do not count.
    """
    counted = list(zip(paths, images or [1] * len(paths), strict=True))
    pictures = [one for one in counted if is_picture(one[0][-1])]
    sure, counted, levels = bool(pictures), pictures or counted, list[Level]()
    while True:
        paths = [parts for parts, _ in counted]
        level = _wrapper(paths, sure)
        if level is None and not any(level.kind == "split" for level in levels):
            level = _split(paths) or (_split_by_classes(counted, sure) if roots else None)
        if level is None and roots:
            level = _roots(paths, sure)
        if level is None:
            break
        levels.append(level)
        counted = [(parts[1:], n) for parts, n in counted if len(parts) > 1 and parts[0] in level.names]
    if not any(level.kind == "split" for level in levels) and (inner := _inner_split(paths, sure)):
        levels.append(inner)
    return levels


def place(parts: Path, levels: list[Level]) -> Place:
    """parts without the folders of the levels."""
    at, split = 0, ""
    for level in levels:
        if level.kind == "inner":
            if len(parts) > at + 2 and parts[at + 1] in level.names:
                return Place([parts[at], *parts[at + 2 :]], parts[at + 1], True)
        elif len(parts) > at + 1 and parts[at] in level.names:
            if level.kind == "split":
                split = parts[at]
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
    with_folders = {split_of(parts[0]) for parts in paths if len(parts) > 2}
    if not _are_splits(tops) or (with_folders and "train" not in with_folders):
        return None
    return Level("split", frozenset(tops), _splits(tops))


def _are_splits(names: set[str]) -> bool:
    found = {split_of(name) for name in names}
    return "train" in found and len(found) > 1 and None not in found


def _splits(names: set[str]) -> dict[str, Split]:
    return {name: split for name in sorted(names) if (split := split_of(name))}


def _split_by_classes(counted: Sequence[tuple[Path, int]], sure: bool) -> Level | None:
    """Folders that repeat the class folders of the largest among them. A word in a name says which split it is, else the size.

    Without a word the largest must be clearly larger, else they are several roots; then comes test, then validation.
    """
    inside = _classes_inside([parts for parts, _ in counted], sure)
    if len(inside) < 2:
        return None
    sizes = collections.Counter[str]()
    for parts, images in counted:
        sizes[parts[0]] += images if len(parts) > 2 else 0
    known = {name: split for name in inside if (split := split_in(name))}
    unknown = sorted(inside.keys() - known, key=lambda name: (-sizes[name], name))
    free = [split for split in ("train", "test", "validation") if split not in known.values()]
    if len(unknown) > len(free) or (not known and not _clearly_larger([sizes[name] for name in unknown])):
        return None
    found: dict[str, Split] = {**known, **dict(zip(unknown, free, strict=False))}  # type: ignore[arg-type]
    training = [name for name, split in found.items() if split == "train"]
    if not training or len(training) == len(found):
        return None
    classes = set[str]().union(*(inside[name] for name in training))
    if len(classes) < 2 or all(map(split_of, classes)):
        return None
    if any(not own <= classes or (len(own) < 2 and name in unknown) for name, own in inside.items()):
        return None
    return Level("split", frozenset(inside), found, guessed=bool(unknown))


def _clearly_larger(sizes: Sequence[int]) -> bool:
    """sizes: from the largest on."""
    return len(sizes) <= len(SPLITS) and sizes[0] >= CLEARLY_LARGER * sizes[1]


def _classes_inside(paths: Sequence[Path], sure: bool) -> dict[str, set[str]]:
    """Of each folder its class folders; none where images lie in no class folder, or where the folders inside are a split."""
    if sure and any(len(parts) == 2 for parts in paths):
        return {}
    inside: dict[str, set[str]] = collections.defaultdict(set)
    for top, name in {(parts[0], parts[1]) for parts in paths if len(parts) > 2}:
        inside[top].add(_alike(name))
    names = set[str]().union(*inside.values())
    if all(map(split_of, names)) and any(len(parts) == 3 for parts in paths):
        return {}  # cat/train/1.png and dog/train/1.png: classes with a split inside
    return inside


def _roots(paths: Sequence[Path], sure: bool) -> Level | None:
    """Two or more folders that hold the same two or more class folders, and no images of their own."""
    inside = _classes_inside(paths, sure)
    if len(inside) < 2 or any(map(split_of, inside)):
        return None
    classes, *others = inside.values()
    if len(classes) < 2 or any(other != classes for other in others):
        return None
    return Level("roots", frozenset(inside))


def _inner_split(paths: Sequence[Path], sure: bool) -> Level | None:
    """cat/train/, cat/test/, dog/train/, …: every image of a class lies in a split folder."""
    if sure and any(len(parts) == 2 for parts in paths):
        return None
    names = {parts[1] for parts in paths if len(parts) > 2}
    return Level("inner", frozenset(names), _splits(names)) if _are_splits(names) else None
