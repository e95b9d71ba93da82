"""The metadata of an exported zip: counts, cells of the metadata, the manifest."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.export.contents import Contents, Group
from gan_core.requests.export import METHODS
from gan_core.text import csv_cell

NO_TEXT = (
    *("", "na", "n/a", "#n/a", "#na", "#n/a n/a", "<na>", "nan", "-nan", "null", "none"),
    *("true", "false", "yes", "no"),
)


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
                "validation": counts.get(("validation", "real", label), 0),
                "test": counts.get(("test", "real", label), 0),
            }
        )
    total = {key: sum(row[key] for row in table) for key in ("real", "synthetic", "validation", "test")}
    real, synthetic = total["real"], total["synthetic"]
    return {
        "classes": table,
        **total,
        "methods": {method: sum(row["methods"].get(method, 0) for row in table) for method in METHODS},
        "synthetic_share": synthetic / (real + synthetic) if real + synthetic else 0.0,
    }


def csv_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The rows of a metadata.csv under a header; an empty cell would pass for a number."""
    first = True
    for row in rows:
        if first:
            yield csv_line(list(row))
            first = False
        cells = row | {"label": csv_cell(row["label"]), "is_synthetic": str(row["is_synthetic"]).lower()}
        yield csv_line(list(cells.values()))


def csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def looks_like_no_text(label: str) -> bool:
    """Whether a reader of CSV may take it for a number, a truth value or a missing one."""
    try:
        float(label.replace("_", ""))
    except ValueError:
        return label.strip().lower() in NO_TEXT
    return True


def manifest_lines(
    manifest: dict[str, Any], groups: list[Group], contents: Contents, file_name: Callable[[Group, int], str]
) -> Iterator[str]:
    """The manifest as JSON with one line per synthetic file, never whole in memory. file_name(group, number): where an image lies.

    A line names the file of the nearest real training image; it has its row in the dataset where real images stay out.
    """
    yield json.dumps(manifest, indent=1, allow_nan=False)[:-2] + ',\n "synthetic_files": ['
    train = contents.train
    reals = {group.label: group for group in groups if (group.split, group.kind) == ("train", "real")}
    ranks = ranks_in_class(train)
    separator = "\n"
    for group in groups:
        if group.kind == "real":
            continue
        entry_of = getattr(contents.makers.get(group.kind), "entry", lambda label, number: {"index": number})
        drawn = group.kind == "gan"
        for number in range(group.images):
            entry = {
                "file_name": file_name(group, number),
                "class": train.classes[group.label],
                "method": group.kind,
                "run": manifest["run"] if drawn else None,
                "checkpoint": manifest["checkpoint_sha256"][:12] if drawn else None,
                "seed": manifest["seed"],
                **entry_of(group.label, number),
            }
            nearest = entry.get("nearest_row", entry.get("source_row"))
            real = None if nearest is None else reals[int(train.labels[nearest])]
            entry["nearest_real"] = file_name(real, int(ranks[nearest])) if real and real.images else None
            yield f"{separator}  {json.dumps(entry)}"
            separator = ",\n"
    yield "\n ]\n}\n"


def ranks_in_class(train: ImageSet) -> np.ndarray:
    """int64 [N]: the number of each training image within its class, as the files are numbered."""
    ranks = np.empty(len(train.labels), np.int64)
    for rows in train.rows_of_class:
        ranks[rows] = np.arange(len(rows))
    return ranks
