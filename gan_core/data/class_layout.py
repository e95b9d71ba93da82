"""From file names to classes: which folder level names the classes, which files are ignored, which folders are given splits.

Only names are read, so the rules are the same for a zip and for a folder on disk.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gan_core.data.file_names import NOISE, is_picture, natural, shown
from gan_core.data.folder_levels import Level, Path, Place, find_levels, place
from gan_core.data.layout_notices import guess_notice, roots_notice, splits_notice
from gan_core.data.split_names import SPLITS, Split, split_of
from gan_core.errors import UserError
from gan_core.requests import Choices
from gan_core.text import and_more

MAX_CLASSES = 2000
ALL = "all"  # the one class of images without folders
UNLABELLED = "unlabelled"  # the class of loose images, where they are wanted
IN_NO_FOLDER = "it lies in no class folder"
HOW = "Put each class in its own folder, such as cat/1.png and dog/1.png, and zip the folder that holds them."


class Item(NamedTuple):
    """source: index into the names. split: the one that its folder or a metadata file names, else train."""

    source: int
    label: int
    split: Split
    name: str


class Metadata(NamedTuple):
    """What metadata files say of files, by name: their label, and their split."""

    labels: Mapping[str, str] = {}  # never changed
    splits: Mapping[str, Split] = {}


class FolderStructure(NamedTuple):
    """What the folders are like, whatever was chosen. levels: the names of the folders that are no classes, outermost first.

    splits: folders of a given split, as written, and which split each is. roots: folders that hold the same classes and are
    not clearly named otherwise. deeper: an image lies in a folder inside its class folder. loose: images in no class folder.
    noise: files that an operating system left there. flat: no folder names a class. listed: a metadata
    file names splits.
    """

    levels: list[list[str]]
    splits: dict[str, Split]
    roots: list[str]
    deeper: bool
    loose: int
    noise: int
    flat: bool = False
    listed: bool = False


class Layout(NamedTuple):
    """items sorted by class, split, then name. given: the splits beside train that came so. rejected: (name, reason)."""

    classes: list[str]
    items: list[Item]
    given: frozenset[Split]
    ignored: int
    rejected: list[tuple[str, str]]
    notices: list[str]
    structure: FolderStructure


def lay_out(
    names: Sequence[str],
    folders: Sequence[str] = (),
    metadata: Metadata = Metadata(),  # noqa: B008  it is immutable
    choices: Choices = Choices(),  # noqa: B008  it is immutable
) -> Layout:
    """Sort file names ('/' between parts) into classes and splits. UserError: no_class_folders, no_images, too_many_classes.

    Labels of a metadata file count where the folders do not tell classes apart and no level is chosen; its splits always.
    """
    layout = _laid_out(names, folders, metadata, choices)
    splits = [metadata.splits.get(item.name, item.split) for item in layout.items]
    if not any(item.name in metadata.splits for item in layout.items) or "train" not in splits:
        return layout
    layout = layout._replace(structure=layout.structure._replace(listed=True))
    if choices.split == "pool":
        return layout
    items = [item._replace(split=split) for item, split in zip(layout.items, splits, strict=True)]
    said = [*layout.notices, f"The splits of images were read from a metadata file: {_shares(items)}."]
    return layout._replace(items=sorted(items, key=_order), given=_given(items), notices=said)


def _shares(items: Sequence[Item]) -> str:
    counts = collections.Counter(item.split for item in items)
    return ", ".join(f"{counts[split]:,} {split}" for split in SPLITS if counts[split])


def _laid_out(names: Sequence[str], folders: Sequence[str], metadata: Metadata, choices: Choices) -> Layout:
    folder_files, noise = _by_folder(names)
    if (
        metadata.labels
        and choices.level == "auto"
        and (layout := _by_labels(names, folder_files, metadata.labels, noise, choices)) is not None
    ):
        return layout
    paths: list[Path] = [folder.path for folder in folder_files]
    images = [len(folder.files) for folder in folder_files]
    levels = find_levels(paths, images)
    places = [place(path, levels) for path in paths]
    structure = _structure(levels, places, folder_files, noise)
    if choices.level == "top" and structure.roots:
        levels = find_levels(paths, images, roots=False)
        places = [place(path, levels) for path in paths]
    sorted_out = list(zip(folder_files, places, strict=True))
    inside = [(folder, at) for folder, at in sorted_out if _in_class(at)]
    outside = [(folder, at) for folder, at in sorted_out if not _in_class(at)]
    if not any(folder.pictures for folder, _ in inside):
        loose = [(folder.files, at.split) for folder, at in outside if at.inside and folder.pictures]
        if loose:
            kept = [index for folder in folder_files for index in folder.files]
            return _one_class(names, loose, kept, structure, _chosen(structure, choices))
    if not inside:
        if folder_files:
            raise UserError("no_class_folders", "The images are not in class folders.", HOW)
        raise UserError("no_images", "There are no images in it.", HOW)
    at_class = -2 if choices.level == "last" else 0
    wanted = [(folder.files, at.split, at.parts[at_class]) for folder, at in inside]
    left, notices = outside, roots_notice(levels)
    if choices.loose == "class":
        wanted += [(folder.files, "", UNLABELLED) for folder, at in outside if folder.pictures]
        left = [(folder, at) for folder, at in outside if not folder.pictures]
    splits = _chosen(structure, choices)
    items, label_of, classes, merged = _sorted_items(names, wanted, splits)
    notices += [*guess_notice(levels, choices), *merged, *splits_notice({split for _, split, _ in wanted}, splits)]
    if empty := _empty(folders, levels, at_class, label_of):
        notices.append(f"Left out because they are empty: {and_more(empty)}.")
    rejected = [(names[index], IN_NO_FOLDER) for folder, _ in left for index in folder.files]
    return Layout(classes, items, _given(items), noise, rejected, notices, structure)


def _order(item: Item) -> tuple[int, int, str]:
    return item.label, SPLITS.index(item.split), item.name


def _given(items: Sequence[Item]) -> frozenset[Split]:
    return frozenset(item.split for item in items) - {"train"}


def _chosen(structure: FolderStructure, choices: Choices) -> Mapping[str, Split]:
    """The split of each folder of one; of none where all images are mixed."""
    return {} if choices.split == "pool" else structure.splits


def _sorted_items(
    names: Sequence[str], wanted: list[tuple[list[int], str, str]], splits: Mapping[str, Split]
) -> tuple[list[Item], dict[str, int], list[str], list[str]]:
    """(items, label of each folder name, classes, notices). wanted: (files, folder of a split, name of the class folder)."""
    counts: collections.Counter[str] = collections.Counter()
    for files, _, name in wanted:
        counts[name] += len(files)
    label_of, classes, notices = _classes(counts)
    items = [
        Item(index, label_of[name], splits.get(split, "train"), names[index])
        for files, split, name in wanted
        for index in files
    ]
    items.sort(key=_order)
    return items, label_of, classes, notices


class _FolderFiles(NamedTuple):
    """The files of one folder that are images by their names, or those that are not. path: of the first. files: indices."""

    path: Path
    pictures: bool
    files: list[int]


def _by_folder(names: Sequence[str]) -> tuple[list[_FolderFiles], int]:
    """(the files by folder, how many are noise). The folder and the ending of a file alone decide where it belongs."""
    folder_files: dict[tuple[str, bool], list[int]] = {}
    noisy: dict[str, bool] = {}
    noise = 0
    for index, name in enumerate(names):
        folder, _, file = name.rpartition("/")
        if folder not in noisy:
            noisy[folder] = bool(folder and NOISE.search(folder + "/"))
        if noisy[folder] or NOISE.match(file):
            noise += 1
        else:
            folder_files.setdefault((folder, is_picture(file)), []).append(index)
    return [
        _FolderFiles(names[files[0]].split("/"), pictures, files) for (_, pictures), files in folder_files.items()
    ], noise


def _in_class(at: Place) -> bool:
    return at.inside and len(at.parts) > 1


def _structure(
    levels: list[Level], places: list[Place], folder_files: list[_FolderFiles], noise: int
) -> FolderStructure:
    """What the levels and places say; the same for every choice."""
    pictures = [(folder, at) for folder, at in zip(folder_files, places, strict=True) if folder.pictures]
    named = lambda *which: sorted(name for level in levels if level.kind in which for name in level.names)
    return FolderStructure(
        levels=[sorted(level.names) for level in levels if level.kind != "inner"],
        splits={name: level.splits[name] for level in levels for name in sorted(level.splits)},
        roots=named("roots") or sorted(name for level in levels if level.guessed for name in level.names),
        deeper=any(_in_class(at) and len(at.parts) > 2 for _, at in pictures),
        loose=sum(len(folder.files) for folder, at in pictures if not _in_class(at)),
        noise=noise,
    )


def _empty(folders: Sequence[str], levels: list[Level], at_class: int, label_of: Mapping[str, int]) -> list[str]:
    """Class folders that hold no file at all; only where the class is the first folder."""
    if at_class:
        return []
    trees = [place([*folder.split("/"), ""], levels) for folder in folders if not NOISE.search(folder)]
    names = {at.parts[0] for at in trees if at.inside and len(at.parts) == 2 and at.parts[0]}
    return sorted({shown(name) for name in names if name not in label_of}, key=natural)


def _one_class(
    names: Sequence[str],
    loose: list[tuple[list[int], str]],
    kept: list[int],
    structure: FolderStructure,
    splits: Mapping[str, Split],
) -> Layout:
    """Images in no folder, except perhaps those of a given split. loose: files by folder of a split."""
    items = [Item(index, 0, splits.get(split, "train"), names[index]) for files, split in loose for index in files]
    items.sort(key=_order)
    taken = {item.source for item in items}
    said = splits_notice({split for _, split in loose}, splits)
    notice = f"There are no class folders: {len(items):,} images were read as one class. For classes, {HOW[0].lower()}{HOW[1:]}"
    rejected = [(names[index], IN_NO_FOLDER) for index in kept if index not in taken]
    return Layout(
        [ALL],
        items,
        _given(items),
        structure.noise,
        rejected,
        [notice, *said],
        structure._replace(loose=0, flat=True),
    )


def _by_labels(
    names: Sequence[str], folder_files: list[_FolderFiles], labels: Mapping[str, str], noise: int, choices: Choices
) -> Layout | None:
    """Classes from a metadata file; None where folders tell classes apart, or where it knows too few of the images.

    Without a label an image of a test folder is left out and not counted against the file.
    """
    pictures = [(index, folder.path) for folder in folder_files if folder.pictures for index in folder.files]
    others = sum(len(folder.files) for folder in folder_files if not folder.pictures)
    listed = [(index, parts) for index, parts in pictures if names[index] in labels]

    def lies_in(parts: Path) -> Split:
        return next((split for part in parts[:-1] if (split := split_of(part))), "train")

    needed = [parts for _, parts in pictures if lies_in(parts) != "test"]
    known = [parts for index, parts in listed if lies_in(parts) != "test"]
    folders = {parts[-2].lower() for _, parts in pictures if len(parts) > 1 and not split_of(parts[-2])}
    classes_listed = {labels[names[index]] for index, _ in listed}
    if len(folders) > 1 or not known or 2 * len(known) < len(needed) or len(classes_listed) > MAX_CLASSES:
        return None
    label_of, classes, notices = _classes(collections.Counter(labels[names[index]] for index, _ in listed))
    mixed = choices.split == "pool"
    items = [
        Item(index, label_of[labels[names[index]]], "train" if mixed else lies_in(parts), names[index])
        for index, parts in listed
    ]
    if not any(item.split == "train" for item in items):
        items = [item._replace(split="train") for item in items]
    items.sort(key=_order)
    rejected = [
        (names[index], "the metadata has no label for it") for index, _ in pictures if names[index] not in labels
    ]
    notices.append(f"The classes of {len(items):,} images were read from their metadata file.")
    inside = sorted({part for _, parts in listed for part in parts[:-1]})
    structure = FolderStructure(
        [], {part: split for part in inside if (split := split_of(part))}, [], False, 0, noise, flat=True
    )
    return Layout(classes, items, _given(items), noise + others, rejected, notices, structure)


def _classes(files_of_folder: Mapping[str, int]) -> tuple[dict[str, int], list[str], list[str]]:
    """(label of each folder name, class names, notices). Differing only by case or Unicode form makes no class."""
    counts: collections.Counter[str] = collections.Counter()
    written: dict[str, list[str]] = {}  # a name as shown: as written, perhaps in several Unicode forms
    for folder, count in sorted(files_of_folder.items()):
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
