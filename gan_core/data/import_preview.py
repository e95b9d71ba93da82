"""First step of an import: list the files of a source, its classes, and the choices of the user. Nothing is decoded."""

import collections
import os
from pathlib import Path
from typing import NamedTuple

from gan_core.data import metadata
from gan_core.data.class_layout import FolderStructure, Item, Layout, Metadata, lay_out
from gan_core.data.file_names import SHOWN_LETTERS, is_picture, shown
from gan_core.data.image_sizes import usual_shorter_side
from gan_core.data.sources import Listing, list_folder, list_zip, read_text
from gan_core.data.split_names import Split
from gan_core.errors import UserError
from gan_core.requests import Choices
from gan_core.text import count


class Survey(NamedTuple):
    """A source that was listed and laid out. zip_path: None where it is a folder. notices: of names and layout."""

    zip_path: Path | None
    listing: Listing
    layout: Layout
    notices: list[str]


class Preview(NamedTuple):
    """What an import would read, as plain values.

    classes: (name, files to learn from, of validation, of test), in the order of the labels; files that turn out to be no
    images still count. given: the splits beside train that came so; the others are cut from train. left_out: (reason, how
    many). levels: the folders above the classes, outermost first. flat: no folder names a class. offers: by field of Choices
    its options, where there is more than one that makes a difference. side: the usual shorter side in px, see image_sizes.py.
    """

    classes: list[tuple[str, int, int, int]]
    given: frozenset[Split]
    left_out: list[tuple[str, int]]
    ignored: int
    levels: list[list[str]]
    flat: bool
    offers: dict[str, list[str]]
    notices: list[str]
    side: int | None


def survey(path: Path, choices: Choices) -> Survey:
    """List and lay out a zip or a folder. Raises UserError: no_source, and what list_zip, list_folder and lay_out refuse."""
    if not os.path.exists(path):
        raise UserError("no_source", f"There is no file or folder {shown(str(path), 200)}.", "Check the path.")
    if not os.path.isdir(path) and not os.path.isfile(path):
        raise UserError("no_source", f"{shown(str(path), 200)} is neither a file nor a folder.", "Check the path.")
    zip_path = None if os.path.isdir(path) else path
    listing = list_zip(path) if zip_path else list_folder(path)
    known = metadata.labels_and_splits(listing.names, lambda index: read_text(listing, index, zip_path))
    layout = lay_out(listing.names, listing.folders, Metadata(*known), choices)
    return Survey(zip_path, listing, layout, [*layout.notices, *_name_notices(listing, layout.structure.noise)])


def preview(path: Path, choices: Choices) -> Preview:
    """What an import of `path` would read; nothing is decoded. Raises UserError as survey does."""
    found = survey(path, choices)
    layout, notices = found.layout, list(found.notices)
    readable, reasons = to_read(found)
    counts = collections.Counter((item.label, item.split) for item in readable)
    odd = sum(not is_picture(item.name) for item in readable)
    if odd:
        notices.append(
            f"{count(odd, 'file has', 'files have')} no file ending of an image format; the import reads "
            f"{'it and leaves it out if it is no image' if odd == 1 else 'them and leaves out those that are no images'}."
        )
    why = collections.Counter(reason for _, reason in reasons)
    return Preview(
        classes=[
            (name, counts[label, "train"], counts[label, "validation"], counts[label, "test"])
            for label, name in enumerate(layout.classes)
        ],
        given=layout.given,
        left_out=why.most_common(),
        ignored=layout.ignored,
        levels=layout.structure.levels,
        flat=layout.structure.flat,
        offers=_offers(layout.structure),
        notices=notices,
        side=usual_shorter_side(
            found.listing, [item.source for item in readable if is_picture(item.name)], found.zip_path
        ),
    )


def to_read(found: Survey) -> tuple[list[Item], list[tuple[str, str]]]:
    """(the items that are to be decoded, everything left out so far as (name, reason))."""
    jobs, items, rejected = found.listing.jobs, [], list(found.layout.rejected)
    for item in found.layout.items:
        job = jobs[item.source]
        if isinstance(job, str):
            rejected.append((item.name, job))
        else:
            items.append(item)
    return items, rejected


def _offers(structure: FolderStructure) -> dict[str, list[str]]:
    """The options of each choice that give something else here; only where there are two."""
    held_out = structure.listed or any(split != "train" for split in structure.splits.values())
    offers = {
        "split": ["given", *["pool"] * held_out],
        "level": ["auto", *["top"] * bool(structure.roots), *["last"] * structure.deeper],
        "loose": ["skip", *["class"] * bool(structure.loose)],
    }
    return {field: options for field, options in offers.items() if len(options) > 1}


def _name_notices(listing: Listing, noise: int) -> list[str]:
    """Sentences about odd names and about what was passed over."""
    notices = []
    if listing.guessed:
        notices.append(
            f"The zip does not say how the names of {count(listing.guessed, 'file')} are encoded; they were read in the "
            "code page of DOS and may look wrong."
        )
    long = sum(
        any(len(part) > SHOWN_LETTERS for part in name.split("/"))
        for name in listing.names
        if len(name) > SHOWN_LETTERS
    )
    if long:
        notices.append(
            f"The names of {count(long, 'file')} are longer than {SHOWN_LETTERS} letters and may be shown cut."
        )
    if noise:
        notices.append(
            f"{count(noise, 'file')} that an operating system left there, such as .DS_Store, "
            f"{'was' if noise == 1 else 'were'} passed over."
        )
    return notices
