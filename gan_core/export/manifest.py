"""What an exported zip says of its pictures: counts, metadata of each split, the manifest. All from one list of groups."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.export.plan import METHODS
from gan_core.text import csv_cell

NO_TEXT = (
    "",
    "na",
    "n/a",
    "#n/a",
    "#na",
    "#n/a n/a",
    "<na>",
    "nan",
    "-nan",
    "null",
    "none",
    "true",
    "false",
    "yes",
    "no",
)


class Group(NamedTuple):
    """The pictures of one kind in one class: the one list that files, metadata and manifest are all written from."""

    split: str  # train or test
    label: int
    kind: str  # real, or one of plan.METHODS
    images: int

    def file_names(self, folders: list[str], ending: str) -> Iterator[str]:
        return (self.file_name(number, folders, ending) for number in range(self.images))

    def file_name(self, number: int, folders: list[str], ending: str) -> str:
        """Of picture `number`, counted from 0."""
        return f"{self.split}/{folders[self.label]}/{self.kind}_{number + 1:06d}.{ending}"


def tally(groups: list[Group], classes: list[str], folders: list[str]) -> dict[str, Any]:
    """Counts per class and in all."""
    counts = {(group.split, group.kind, group.label): group.images for group in groups}
    table: list[dict[str, Any]] = []
    for label, name in enumerate(classes):
        methods = {method: n for method in METHODS if (n := counts.get(("train", method, label), 0))}
        table.append(
            {
                "name": name,
                "folder": folders[label],
                "real": counts.get(("train", "real", label), 0),
                "synthetic": sum(methods.values()),
                "methods": methods,
                "test": counts.get(("test", "real", label), 0),
            }
        )
    real, synthetic, test = (sum(row[key] for row in table) for key in ("real", "synthetic", "test"))
    return {
        "classes": table,
        "real": real,
        "synthetic": synthetic,
        "methods": {method: sum(row["methods"].get(method, 0) for row in table) for method in METHODS},
        "test": test,
        "synthetic_share": synthetic / (real + synthetic) if real + synthetic else 0.0,
    }


def metadata_rows(
    groups: list[Group], classes: list[str], folders: list[str], run_id: str, seed: int, ending: str
) -> Iterator[dict[str, Any]]:
    """Of one split, names from its folder on, as Hugging Face's `imagefolder` reads it; an empty cell would pass for a number."""
    for group in groups:
        facts = facts_of(group, classes, run_id, seed)
        for name in group.file_names(folders, ending):
            yield {"file_name": name.removeprefix(f"{group.split}/"), **facts}


def facts_of(group: Group, classes: list[str], run_id: str, seed: int) -> dict[str, Any]:
    """What is true of every picture of a group."""
    return {
        "label": classes[group.label],
        "is_synthetic": group.kind != "real",
        "method": group.kind,
        "run": run_id if group.kind == "gan" else "-",
        "seed": -1 if group.kind == "real" else seed,
    }


def csv_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    first = True
    for row in rows:
        if first:
            yield csv_line(list(row))
            first = False
        cells = row | {"label": csv_cell(row["label"]), "is_synthetic": str(row["is_synthetic"]).lower()}
        yield csv_line(list(cells.values()))


def looks_like_no_text(label: str) -> bool:
    """Whether a reader of CSV may take it for a number, a truth value or a missing one."""
    try:
        float(label.replace("_", ""))
    except ValueError:
        return label.strip().lower() in NO_TEXT
    return True


def csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def manifest_lines(
    manifest: dict[str, Any],
    groups: list[Group],
    train: ImageSet,
    makers: dict[str, Any],
    name_of: Callable[[Group, int], str],
) -> Iterator[str]:
    """The manifest with one line per synthetic file, never whole in memory. name_of(group, number): where a picture lies.

    A line has the file of the nearest real training image, or its row in the dataset where real images stay out.
    """
    yield json.dumps(manifest, indent=1, allow_nan=False)[:-2] + ',\n "synthetic_files": ['
    reals = {group.label: group for group in groups if (group.split, group.kind) == ("train", "real")}
    rank = ranks(train)
    separator = "\n"
    for group in groups:
        if group.kind != "real":
            told = getattr(makers.get(group.kind), "entry", lambda label, number: {"index": number})
            drawn = group.kind == "gan"
            for index in range(group.images):
                entry = {
                    "file_name": name_of(group, index),
                    "class": train.classes[group.label],
                    "method": group.kind,
                    "run": manifest["run"] if drawn else None,
                    "checkpoint": manifest["checkpoint_sha256"][:12] if drawn else None,
                    "seed": manifest["seed"],
                    **told(group.label, index),
                }
                nearest = entry.get("nearest_row", entry.get("source_row"))
                real = None if nearest is None else reals[int(train.labels[nearest])]
                entry["nearest_real"] = name_of(real, int(rank[nearest])) if real and real.images else None
                yield f"{separator}  {json.dumps(entry)}"
                separator = ",\n"
    yield "\n ]\n}\n"


def ranks(train: ImageSet) -> np.ndarray:
    """int64 [N]: the number of each training image within its class, as the files are numbered."""
    rank = np.empty(len(train.labels), np.int64)
    for label in range(len(train.classes)):
        rows = np.flatnonzero(np.asarray(train.labels) == label)
        rank[rows] = np.arange(len(rows))
    return rank
