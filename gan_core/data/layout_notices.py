"""Sentences about a class layout: which folders were read as one set, and what becomes of those of a given split."""

from collections.abc import Mapping, Sequence

from gan_core.data.file_names import shown
from gan_core.data.folder_levels import Level
from gan_core.data.split_names import SPLITS, Split
from gan_core.requests import Choices
from gan_core.text import and_more


def roots_notice(levels: list[Level]) -> list[str]:
    return [
        f"The folders {and_more([shown(root) for root in sorted(level.names)])} hold the same classes and were read as one set."
        for level in levels
        if level.kind == "roots"
    ]


def guess_notice(levels: list[Level], choices: Choices) -> list[str]:
    """That sizes and not words decided which folder is which split."""
    if choices.split == "pool":
        return []
    return [
        f"The folders {and_more([shown(name) for name in sorted(level.names)])} hold the same classes, so they were read as "
        "splits and not as classes. Not every name says which split it is, so their sizes decided. If that is wrong, mix them "
        "and cut new splits."
        for level in levels
        if level.guessed
    ]


def splits_notice(folders: set[str], splits: Mapping[str, Split]) -> list[str]:
    """What becomes of the folders of a given split. folders: of the files that are read, '' of those in none."""
    read = sorted(folders - {""})
    of = {split: [shown(name) for name in read if splits.get(name, "train") == split] for split in SPLITS}
    if not of["train"]:
        return []
    many = len(of["train"]) > 1
    text = f"{_folders(of['train'])} {'were read as one set' if many else 'is the training part'}"
    held = [
        f"{_folders(of[split], 'the')} {'are' if len(of[split]) > 1 else 'is'} the {split} split"
        for split in ("validation", "test")
        if of[split]
    ]
    cut = [f"the {split} split" for split in ("validation", "test") if not of[split]]
    later = [f"{' and '.join(cut)} will be cut from the training images"] if cut else []
    return [f"{'; '.join([text, *held, *later])}."]


def _folders(names: Sequence[str], article: str = "The") -> str:
    return f"{article} {'folders' if len(names) > 1 else 'folder'} {' and '.join(names)}"
