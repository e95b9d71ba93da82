"""What the search `improve` is worth on datasets of a given size, over draws of the training images and generators.

    python benchmarks/usefulness.py --workspace DIR --out FOLDER DATASET... [--shots 50] [--draws 1] [--generators 1]
                                    [--classifiers small] [--train-minutes 5] [--minutes 15] [--budget 55]

The defaults are a first look; a table is made with --draws 3 --generators 2. For each draw, a dataset of --shots training images
of each class is made (one number, or one for each class: 1000,1000,50), with half as many validation images (at least 8, at most
200 of a class) and all test images of DATASET. For each generator of a draw, a run is trained for --train-minutes, and then
`improve` searches for --minutes: generator, filter, teacher and search see the images of the draw alone.

Each finished step is a JSON line in FOLDER/parts.jsonl and is skipped by the next call; no new one is started after --budget
minutes. The table is of all that is there: plain baseline, what was chosen, the gain with its interval over draws and generators
(with one of each: of the search itself, over classifier seeds and test images), how much of it is the better training on real
images, how much the synthetic images' own (over the best baseline, or over real images shown again, whichever was better on
validation), and how much ImageNet's weights are worth (plain baseline of lite0 over that of the best classifier from scratch).
"""

import argparse
import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import DatasetInfo
from gan_core.data.dataset_files import read_items, write_items
from gan_core.data.split_names import SPLITS
from gan_core.evaluation.utility.gain import interval
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, new_id

ROOT = Path(__file__).parent.parent
LEAST_VALIDATION, MOST_VALIDATION = 8, 200  # images of a class
WANTED_POINTS = 0.02  # of the plain baseline, that a choice should be above it
SCRATCH = ("small", "resnet")


class Parts:
    """What is done already: a line for each finished step, by its key."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "parts.jsonl"
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        self.done: dict[str, dict[str, Any]] = {}
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # the last line of a call that was killed
                row = json.loads(line)
                self.done[row["key"]] = row

    def add(self, key: str, **found: Any) -> dict[str, Any]:
        self.done[key] = {"key": key, **found}
        with open(self.file, "a") as file:
            file.write("\n" * (file.tell() > 0) + json.dumps(self.done[key]))
        return self.done[key]


class Cell(NamedTuple):
    """One generator of one draw."""

    dataset: str
    shots: str
    draw: int
    generator: int

    @property
    def draw_key(self) -> str:
        return f"draw {self.dataset} {self.shots} {self.draw}"

    @property
    def run_key(self) -> str:
        return f"run {self.dataset} {self.shots} {self.draw} {self.generator}"

    def search_key(self, classifier: str) -> str:
        return f"search {self.dataset} {self.shots} {self.draw} {self.generator} {classifier}"


def rows_of(labels: np.ndarray, counts: list[int], seed: int) -> np.ndarray:
    """Rows of at most so many images of each class, ascending."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.sort(np.concatenate([order[labels[order] == label][:count] for label, count in enumerate(counts)]))


def drawn(store: Store, workspace: Workspace, cell: Cell) -> str:
    """Makes the dataset of a draw; returns its id."""
    parent = workspace.dataset(cell.dataset)
    info = dataset_folder.read_info(parent)
    shots = [int(part) for part in cell.shots.split(",")]
    shots = shots * len(info.classes) if len(shots) == 1 else shots
    if len(shots) != len(info.classes):
        raise SystemExit(f"--shots has {len(shots)} numbers, and {info.name} has {len(info.classes)} classes.")
    id = new_id("dataset")
    folder = workspace.dataset(id)
    folder.mkdir(parents=True)
    counts, kept = {}, {}
    for split in SPLITS:
        whole = dataset_folder.load(parent, split)
        labels, rows = np.asarray(whole.labels), np.arange(len(whole.labels))
        if split == "train":
            rows = rows_of(labels, shots, cell.draw)
        elif split == "validation":
            few = [min(MOST_VALIDATION, max(LEAST_VALIDATION, count // 2)) for count in shots]
            rows = rows_of(labels, few, cell.draw)
        np.save(folder / f"{split}_images.npy", np.asarray(whole.images[rows]))
        np.save(folder / f"{split}_labels.npy", labels[rows])
        kept.update({(split, int(row)): number for number, row in enumerate(rows)})
        counts[f"{split}_counts"] = np.bincount(labels[rows], minlength=len(info.classes)).tolist()
    own = (item | {"row": kept[at]} for item in read_items(parent) if (at := (item["split"], item["row"])) in kept)
    write_items(folder, own)
    name = f"{info.name}, {cell.shots} of each class, draw {cell.draw}"
    facts = {field.name: getattr(info, field.name) for field in dataclasses.fields(info)}
    made = DatasetInfo(**facts | counts | {"name": name, "source": {"kind": "draw", "of": cell.dataset}})
    dataset_folder.write_info(folder, made)
    store.add_dataset(id, name)
    return id


def command(workspace: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "gan_core", "--workspace", str(workspace), *words, "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def carry_out(cell: Cell, arguments: argparse.Namespace, parts: Parts, over: Any) -> None:
    """The steps of a cell that are not done yet, until the budget is over."""
    workspace = Workspace(arguments.workspace)
    if cell.draw_key not in parts.done:
        parts.add(cell.draw_key, dataset=drawn(Store(workspace), workspace, cell))
    dataset = parts.done[cell.draw_key]["dataset"]
    if cell.run_key not in parts.done and not over():
        words = ["train", dataset, "--minutes", str(arguments.train_minutes), "--seed", str(cell.generator)]
        words += ["--recipe", arguments.recipe] if arguments.recipe else []
        parts.add(cell.run_key, run=command(arguments.workspace, *words)["run"])
    for classifier in arguments.classifiers.split(","):
        key = cell.search_key(classifier)
        if key in parts.done or cell.run_key not in parts.done or over():
            continue
        words = ["improve", parts.done[cell.run_key]["run"], "--minutes", str(arguments.minutes)]
        seed = str(100 * cell.draw + cell.generator)
        found = command(arguments.workspace, *words, "--classifier", classifier, "--seed", seed)
        parts.add(key, minutes=arguments.minutes, found=found)
        print(f"{key}: {found['sentence']}", flush=True)


def cells(arguments: argparse.Namespace) -> Iterator[Cell]:
    """All draws of the first generator first, so that a first table has them all."""
    for generator in range(arguments.generators):
        for draw in range(arguments.draws):
            for dataset in arguments.datasets:
                yield Cell(dataset, arguments.shots, draw, generator)


class Row(NamedTuple):
    """A line of the table. values, gains: of each draw and generator."""

    dataset: str
    classifier: str
    plain: float
    chosen: float
    gain: float
    gain_ci95: list[float]
    baseline_gain: float
    own_gain: float
    repetitions: int
    choices: str


def row_of(dataset: str, classifier: str, found: dict[tuple[int, int], dict[str, Any]]) -> Row | None:
    """found: by draw and generator. None where no search could compare anything."""
    compared = {place: one for place, one in found.items() if one.get("gain") is not None}
    if not compared:
        return None
    mean = lambda key: float(np.mean([one[key] for one in compared.values()]))
    draws, generators = (sorted({place[axis] for place in compared}) for axis in (0, 1))
    whole = [
        [compared[draw, generator]["gain"] for generator in generators if (draw, generator) in compared]
        for draw in draws
    ]
    if len(compared) == 1:
        gain, bounds = mean("gain"), next(iter(compared.values()))["gain_ci95"]
    else:
        even = min(map(len, whole))
        gain, bounds = interval(np.array([values[:even] for values in whole])[..., None])
    own = mean("own_gain")
    names = Counter(choice_name(one["choice"]) for one in compared.values())
    said = ", ".join(f"{name} ({count})" for name, count in names.most_common(3))
    return Row(
        dataset, classifier, mean("baseline"), mean("chosen"), gain, bounds, gain - own, own, len(compared), said
    )


def choice_name(choice: dict[str, Any]) -> str:
    from gan_core.evaluation.utility.protocol import Arm

    return Arm.model_validate(choice).name


def rows_from(parts: Parts, arguments: argparse.Namespace) -> list[Row]:
    rows = []
    for dataset in arguments.datasets:
        for classifier in arguments.classifiers.split(","):
            found = {}
            for cell in cells(arguments):
                key = cell.search_key(classifier)
                if cell.dataset == dataset and key in parts.done:
                    found[cell.draw, cell.generator] = parts.done[key]["found"]
            row = row_of(dataset, classifier, found)
            rows += [row] if row else []
    return rows


def nothing_compared(parts: Parts) -> list[str]:
    """The searches that found nothing to compare, each with its reason."""
    found = [
        (key, row["found"]) for key, row in parts.done.items() if "found" in row and row["found"].get("gain") is None
    ]
    return [f"Not in the table, {key}: {one['sentence']}" for key, one in found]


def ahead_of_control(parts: Parts) -> list[str]:
    """How often the synthetic images that were chosen did more than real images shown again in their place."""
    found = [row["found"] for row in parts.done.values() if "found" in row and row["found"]["choice"]["use"]]
    own = sum(one.get("own") is True for one in found)
    return [f"Synthetic images were chosen in {len(found)} searches, ahead of their control in {own}."] if found else []


def table(rows: list[Row], names: dict[str, str]) -> str:
    lines = [
        "| dataset | classifier | plain baseline | chosen | gain, points | of it: better training on real images | of it: "
        "synthetic images | draws x generators | what was chosen |",
        "|---|---|---:|---:|---|---:|---:|---:|---|",
    ]
    for row in rows:
        low, high = row.gain_ci95
        gain = f"{100 * row.gain:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        parts = f"{100 * row.baseline_gain:+.1f} | {100 * row.own_gain:+.1f}"
        lines.append(
            f"| {names[row.dataset]} | {row.classifier} | {row.plain:.1%} | {row.chosen:.1%} | {gain} | {parts} | "
            f"{row.repetitions} | {row.choices.replace('|', '+')} |"
        )
    return "\n".join(lines)


def verdicts(rows: list[Row], names: dict[str, str]) -> list[str]:
    """Whether the table says what the product promises, and what ImageNet's weights are worth."""
    below = [row for row in rows if row.gain_ci95[1] < 0]
    above = [row for row in rows if row.gain >= WANTED_POINTS and row.gain_ci95[0] > 0]
    found = [
        f"Not below the plain baseline by more than the interval: {len(rows) - len(below)} of {len(rows)}.",
        f"At least {100 * WANTED_POINTS:g} points above it, with the interval above 0: {len(above)} of {len(rows)}.",
    ]
    for dataset in dict.fromkeys(row.dataset for row in rows):
        plain = {row.classifier: row.plain for row in rows if row.dataset == dataset}
        scratch = [plain[name] for name in SCRATCH if name in plain]
        if "lite0" in plain and scratch:
            worth = 100 * (plain["lite0"] - max(scratch))
            found.append(
                f"{names[dataset]}: ImageNet's weights are worth {worth:+.1f} points without any synthetic image."
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", metavar="DATASET", help="ids of datasets of the workspace")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shots", default="50")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--generators", type=int, default=1)
    parser.add_argument("--classifiers", default="small")
    parser.add_argument("--recipe", default="")
    parser.add_argument("--train-minutes", type=float, default=5.0)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--budget", type=float, default=55.0, help="minutes after which no new step is started")
    arguments = parser.parse_args()
    parts, started = Parts(arguments.out), time.monotonic()
    over = lambda: time.monotonic() - started > 60 * arguments.budget
    for cell in cells(arguments):
        carry_out(cell, arguments, parts, over)
    rows = rows_from(parts, arguments)
    workspace = Workspace(arguments.workspace)
    names = {one: dataset_folder.read_info(workspace.dataset(one)).name for one in arguments.datasets}
    print(table(rows, names), *verdicts(rows, names), *ahead_of_control(parts), *nothing_compared(parts), sep="\n")
    if over():
        print("The budget is over: call again to go on.")


if __name__ == "__main__":
    main()
