"""A dataset that was written before there was a validation split gets one, cut from its training split by the same rule.

Runs that began before have trained on all of train_images.npy, and their exact resume needs it row by row. So no file of the
older dataset changes; its splits of today grow in a folder of their own and appear by one rename:

splits/    dataset.json, items.jsonl, {train,validation}_images.npy, {train,validation}_labels.npy; where they were there,
           health.json and exclusions.json with the rows of today
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.data.dataset_files import SPLITS_FOLDER, known_items, write_items, write_split
from gan_core.data.near_groups import cells, near_groups
from gan_core.data.split_names import Split
from gan_core.data.splits import VALIDATION, cut, large_enough
from gan_core.errors import UserError
from gan_core.storage.workspace import read_json, write_json

SHARE = 0.15  # what the import takes where nothing else was asked for
CHUNK_BYTES = 8 << 20
Rows = dict[Split, np.ndarray]
Moved = dict[tuple[str, int], tuple[Split, int]]


def is_older(folder: Path) -> bool:
    """Whether the dataset in `folder` was written without a validation split."""
    value = read_json(Path(folder) / "dataset.json")
    return value is not None and "validation_counts" not in value


def saw_validation(folder: Path, run: Path) -> bool:
    """Whether a run, by its folder, has trained on what is the validation split today: it began before there was one."""
    return is_older(folder) and "held_out" not in (read_json(Path(run) / "config.json") or {})


def cut_validation(folder: Path) -> Moved:
    """Give an older dataset its validation split, where it has none yet. Raises UserError disk_full.

    Returns the place of today by the earlier one of each training image that it had, where that was done now, else {}.
    """
    folder = Path(folder)
    if (folder / SPLITS_FOLDER).is_dir() or not is_older(folder):
        return {}
    images = np.load(folder / "train_images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / "train_labels.npy", allow_pickle=False)
    if shutil.disk_usage(folder).free < 2 * images.nbytes:
        raise UserError(
            "disk_full",
            "There is too little free disk space to cut a validation split from this older dataset.",
            f"Free {2 * images.nbytes / 1e9:.1f} GB and try again.",
        )
    value: dict[str, Any] = read_json(folder / "dataset.json")  # type: ignore[assignment]
    rows = rows_of_today(folder, value, images, labels)
    moved = {("train", int(old)): (split, new) for split, chosen in rows.items() for new, old in enumerate(chosen)}
    temporary = folder / f"{SPLITS_FOLDER}.tmp-{secrets.token_hex(4)}"
    temporary.mkdir()
    try:
        for split, chosen in rows.items():
            write_split(temporary, split, chunks(images, chosen), images.shape[1:], labels[chosen].tolist())
        write_facts(folder, temporary, value, moved, rows, labels)
        os.rename(temporary, folder / SPLITS_FOLDER)
    except OSError:
        if not (folder / SPLITS_FOLDER).is_dir():  # else another process was quicker, and cut the same
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return moved


def rows_of_today(folder: Path, value: dict[str, Any], images: np.ndarray, labels: np.ndarray) -> Rows:
    """Of each split its rows of the older training split, ascending. A pure function of the dataset's files."""
    conflicts = in_two_classes(folder)
    may_leave = np.array([("train", row) not in conflicts for row in range(len(labels))], bool)
    totals = np.add(value["train_counts"], value["test_counts"])
    may_leave &= large_enough(labels, totals)
    groups = near_groups(cells(chunks(images, np.arange(len(images)))), labels)
    leave = cut(labels, may_leave, groups, SHARE, value["seed"], VALIDATION)
    return {"train": np.flatnonzero(~leave), "validation": np.flatnonzero(leave)}


def in_two_classes(folder: Path) -> set[tuple[str, int]]:
    """(split, row) of images whose bytes lie in several classes, as far as items.jsonl knows them."""
    seen: dict[str, list[tuple[str, int, int]]] = {}
    for item in known_items(folder):
        if item.get("sha256"):
            seen.setdefault(item["sha256"], []).append((item["split"], item["row"], item["label"]))
    return {(split, row) for same in seen.values() if len({label for *_, label in same}) > 1 for split, row, _ in same}


def chunks(images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, CHUNK_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(rows), step):
        yield images[rows[start : start + step]]


def write_facts(folder: Path, out: Path, value: dict[str, Any], moved: Moved, rows: Rows, labels: np.ndarray) -> None:
    """dataset.json and what names rows: the files of `folder` with the places of today, into `out`."""
    items = [renamed(item, moved) for item in known_items(folder)]
    order = {"train": 0, "validation": 1, "test": 2}
    write_items(out, sorted(items, key=lambda item: (order[item["split"]], item["row"])))
    for name in ("health.json", "exclusions.json"):
        if (known := read_json(folder / name)) is not None:
            write_json(out / name, with_rows_of_today(known, moved))
    counts = {split: np.bincount(labels[chosen], minlength=len(value["classes"])) for split, chosen in rows.items()}
    write_json(
        out / "dataset.json",
        {
            **value,
            "train_counts": counts["train"].tolist(),
            "validation_counts": counts["validation"].tolist(),
            "source": {**value["source"], "validation_split": "cut later", "validation_fraction": SHARE},
        },
    )


def renamed(item: dict[str, Any], moved: Moved) -> dict[str, Any]:
    """An object of JSON that has split and row, with those of today."""
    split, row = moved.get((item["split"], item["row"]), (item["split"], item["row"]))
    return {**item, "split": split, "row": row}


def with_rows_of_today(value: Any, moved: Moved) -> Any:
    """JSON in which rows stand as [split, row] or as {"split", "row"}, with those of today."""
    if isinstance(value, dict):
        value = renamed(value, moved) if "split" in value and "row" in value else value
        return {key: with_rows_of_today(inner, moved) for key, inner in value.items()}
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int):
            return list(moved.get((value[0], value[1]), value))
        return [with_rows_of_today(inner, moved) for inner in value]
    return value
