"""From file names to classes: which folder level names the classes, which files are ignored, which folders are given splits.

Only names are read, so the rules are the same for a zip and for a folder on disk.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gan_core.data.file_names import NOISE, is_picture, natural, shown
from gan_core.data.folder_levels import SPLIT_NAMES, TEST, VALIDATION, Level, Path, Place, find_levels, place
from gan_core.errors import UserError
from gan_core.requests import Choices
from gan_core.text import and_more

MAX_CLASSES = 2000
ALL = "all"  # the one class of images without folders
UNLABELLED = "unlabelled"  # the class of loose images, where they are wanted
IN_NO_FOLDER = "it lies in no class folder"
HOW = "Put each class in its own folder, such as cat/1.png and dog/1.png, and zip the folder that holds them."


class Item(NamedTuple):
    """source: index into the names. held_out: the files came with a test folder and this one lies in it."""

    source: int
    label: int
    held_out: bool
    name: str


class FolderStructure(NamedTuple):
    """What the folders are like, whatever was chosen. levels: the names of the folders that are no classes, outermost first.

    splits: names of the given split's folders, lower case. roots: of several roots. deeper: an image lies in a folder
    inside its class folder. loose: images in no class folder. noise: files that an operating system left there. flat: no folder
    names a class.
    """

    levels: list[list[str]]
    splits: list[str]
    roots: list[str]
    deeper: bool
    loose: int
    noise: int
    flat: bool = False


class Layout(NamedTuple):
    """items sorted by class, then name. rejected: (name, reason)."""

    classes: list[str]
    items: list[Item]
    test_given: bool
    ignored: int
    rejected: list[tuple[str, str]]
    notices: list[str]
    structure: FolderStructure


def lay_out(
    names: Sequence[str],
    folders: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    choices: Choices = Choices(),  # noqa: B008  it is immutable
) -> Layout:
    """Sort file names ('/' between parts) into classes. UserError: no_class_folders, no_images, too_many_classes.

    labels: of files, from a metadata file; they count where the folders do not tell classes apart and no level is chosen.
    """
    folder_files, noise = _by_folder(names)
    if (
        labels
        and choices.level == "auto"
        and (layout := _by_labels(names, folder_files, labels, noise, choices)) is not None
    ):
        return layout
    paths: list[Path] = [folder.path for folder in folder_files]
    levels = find_levels(paths)
    places = [place(path, levels) for path in paths]
    structure = _structure(levels, places, folder_files, noise)
    if choices.level == "top" and structure.roots:
        levels = find_levels(paths, roots=False)
        places = [place(path, levels) for path in paths]
    sorted_out = list(zip(folder_files, places, strict=True))
    inside = [(folder, at) for folder, at in sorted_out if _in_class(at)]
    outside = [(folder, at) for folder, at in sorted_out if not _in_class(at)]
    if not any(folder.pictures for folder, _ in inside):
        loose = [(folder.files, at.split) for folder, at in outside if at.inside and folder.pictures]
        if loose:
            kept = [index for folder in folder_files for index in folder.files]
            return _one_class(names, loose, kept, structure, _held_out(choices))
    if not inside:
        if folder_files:
            raise UserError("no_class_folders", "The images are not in class folders.", HOW)
        raise UserError("no_images", "There are no images in it.", HOW)
    at_class = -2 if choices.level == "last" else 0
    wanted = [(folder.files, at.split, at.parts[at_class]) for folder, at in inside]
    left, notices = outside, _roots_notice(levels, structure.roots)
    if choices.loose == "class":
        wanted += [(folder.files, "", UNLABELLED) for folder, at in outside if folder.pictures]
        left = [(folder, at) for folder, at in outside if not folder.pictures]
    held = _held_out(choices)
    items, label_of, classes, merged = _sorted_items(names, wanted, held)
    notices += merged
    test_given = any(item.held_out for item in items)
    notices += _splits_notice({split for _, split, _ in wanted}, held if test_given else set())
    if empty := _empty(folders, levels, at_class, label_of):
        notices.append(f"Left out because they are empty: {and_more(empty)}.")
    rejected = [(names[index], IN_NO_FOLDER) for folder, _ in left for index in folder.files]
    return Layout(classes, items, test_given, noise, rejected, notices, structure)


def _sorted_items(
    names: Sequence[str], wanted: list[tuple[list[int], str, str]], held: set[str]
) -> tuple[list[Item], dict[str, int], list[str], list[str]]:
    """(items, label of each folder name, classes, notices). wanted: (files, split, name of the class folder)."""
    counts: collections.Counter[str] = collections.Counter()
    for files, _, name in wanted:
        counts[name] += len(files)
    label_of, classes, notices = _classes(counts)
    items = [
        Item(index, label_of[name], split in held, names[index]) for files, split, name in wanted for index in files
    ]
    items.sort(key=lambda item: (item.label, item.held_out, item.name))
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
        splits=sorted({name.lower() for name in named("split", "inner")}),
        roots=named("roots"),
        deeper=any(_in_class(at) and len(at.parts) > 2 for _, at in pictures),
        loose=sum(len(folder.files) for folder, at in pictures if not _in_class(at)),
        noise=noise,
    )


def _held_out(choices: Choices) -> set[str]:
    """Names of the split folders that are kept from training."""
    return {"given": TEST, "given+validation": TEST | VALIDATION, "pool": set[str]()}[choices.split]


def _roots_notice(levels: list[Level], roots: list[str]) -> list[str]:
    if not any(level.kind == "roots" for level in levels):
        return []
    return [f"The folders {and_more([shown(root) for root in roots])} hold the same classes and were read as one set."]


def _splits_notice(splits: set[str], held: set[str]) -> list[str]:
    """What becomes of the folders of a given split. splits: of the files that are read, '' of those in none."""
    trained, kept = (sorted(split for split in splits if split and (split in held) == out) for out in (False, True))
    if not trained:
        return []
    what = "folders" if len(trained) > 1 else "folder"
    text = (
        f"The {what} {' and '.join(trained)} {'were read as one set' if len(trained) > 1 else 'is the training part'}"
    )
    if not kept:
        return [f"{text}, of which the test split is cut."]
    what = "folders" if len(kept) > 1 else "folder"
    return [f"{text}; the images in the {what} {' and '.join(kept)} are kept apart as the test split."]


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
    held: set[str],
) -> Layout:
    """Images in no folder, except perhaps those of a given split. loose: files by split."""
    items = [Item(index, 0, split in held, names[index]) for files, split in loose for index in files]
    items.sort(key=lambda item: (item.held_out, item.name))
    taken, test_given = {item.source for item in items}, any(item.held_out for item in items)
    splits = _splits_notice({split for _, split in loose}, held if test_given else set())
    notice = f"There are no class folders: {len(items):,} images were read as one class. For classes, {HOW[0].lower()}{HOW[1:]}"
    rejected = [(names[index], IN_NO_FOLDER) for index in kept if index not in taken]
    return Layout(
        [ALL], items, test_given, structure.noise, rejected, [notice, *splits], structure._replace(loose=0, flat=True)
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
    lies_in = lambda parts, which: any(part.lower() in which for part in parts[:-1])
    needed = [parts for _, parts in pictures if not lies_in(parts, TEST)]
    known = [parts for index, parts in listed if not lies_in(parts, TEST)]
    folders = {parts[-2].lower() for _, parts in pictures if len(parts) > 1} - SPLIT_NAMES
    classes_listed = {labels[names[index]] for index, _ in listed}
    if len(folders) > 1 or not known or 2 * len(known) < len(needed) or len(classes_listed) > MAX_CLASSES:
        return None
    label_of, classes, notices = _classes(collections.Counter(labels[names[index]] for index, _ in listed))
    held = _held_out(choices)
    items = [Item(index, label_of[labels[names[index]]], lies_in(parts, held), names[index]) for index, parts in listed]
    items.sort(key=lambda item: (item.label, item.held_out, item.name))
    rejected = [
        (names[index], "the metadata has no label for it") for index, _ in pictures if names[index] not in labels
    ]
    notices.append(f"The classes of {len(items):,} images were read from their metadata file.")
    test_given = any(item.held_out for item in items) and not all(item.held_out for item in items)
    if not test_given:
        items = [item._replace(held_out=False) for item in items]
    splits = sorted({part.lower() for _, parts in listed for part in parts[:-1]} & SPLIT_NAMES)
    structure = FolderStructure([], splits, [], False, 0, noise, flat=True)
    return Layout(classes, items, test_given, noise + others, rejected, notices, structure)


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
