"""The images of each way of the search `improve`: made once, within the seconds given to each, and kept in a folder.

A search that goes on after a kill must have the same images, and how many there are depends on the time; so they are read again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped, UserError
from gan_core.evaluation.inputs import Progress
from gan_core.evaluation.utility.arms import Pool
from gan_core.evaluation.utility.words import way_in_words
from gan_core.export.fill.classical import Classical
from gan_core.export.fill.composite import Composite
from gan_core.export.plan import LEAST_FOR_GAN
from gan_core.export.quality_filter import FilterOptions
from gan_core.jobs.shared.deadline import Deadline
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests.export import CHECKS, Policy
from gan_core.storage.workspace import atomic_write, read_json, write_json
from gan_core.text import and_more

CHUNK = 25  # images that are made between two looks at the clock
LEAST_POOL = 8  # images of a class: a way with fewer is not tried
PATIENCE = 512  # images drawn for a class of which hardly any passes the quality filter

Make = Callable[[int, int, int], np.ndarray]  # class, count, start -> uint8 [at most count, S, S, C]


class Plan(NamedTuple):
    """wanted: images of each class, 0 for none. seconds: for each way. folder: where they are kept."""

    wanted: Sequence[int]
    seconds: float
    folder: Path
    seed: int


class Pools(NamedTuple):
    """pools: images by way; notes: sentences on ways that are left out or have few images."""

    pools: dict[str, Pool]
    notes: list[str]


class Maker:
    """The makers of each way, for one dataset and one generator."""

    def __init__(self, train: ImageSet, dataset: Path, sampler: RunSampler | None, seed: int):
        self.train, self.dataset, self.sampler, self.seed = train, dataset, sampler, seed

    def ways(self) -> list[str]:
        """Those that can be tried, the most promising first."""
        return ["gan", "pasted", "copies"] if self.sampler else ["pasted", "copies"]

    def of(self, way: str, progress: Progress) -> Make:
        """Raises UserError where the way makes no images, Stopped."""
        classical = Classical(self.train, self.seed, Policy(), progress.should_stop)
        if way == "copies":
            return classical
        if way == "pasted":
            composite = Composite(self.train, self.seed, Policy(), progress.should_stop)
            known = [label for label, rows in enumerate(self.train.rows_of_class) if len(rows) and composite.can(label)]
            if not known:
                raise UserError("nothing_kept", "No object can be cut out of these images.", "Take another way.")
            return lambda label, count, start: (composite if label in known else classical)(label, count, start)
        assert self.sampler is not None
        options = FilterOptions(patience=PATIENCE)
        drawn = self.sampler.quality_filter(
            self.dataset, self.seed, CHECKS, progress.report, progress.should_stop, options
        )
        few = [len(rows) < LEAST_FOR_GAN for rows in self.train.rows_of_class]
        return lambda label, count, start: drawn(label, 0 if few[label] else count, start)


def make_pools(maker: Maker, plan: Plan, progress: Progress) -> Pools:
    """Raises Stopped."""
    pools: dict[str, Pool] = {}
    notes: list[str] = []
    ways = maker.ways()
    for number, way in enumerate(ways):
        said = f"Making {way_in_words(way)}"
        pool, note = kept_or_made(maker, way, plan, progress.part(number / len(ways), (number + 1) / len(ways), said))
        notes += [note] if note else []
        if pool is not None:
            pools[way] = pool
    return Pools(pools, notes)


def kept_or_made(maker: Maker, way: str, plan: Plan, progress: Progress) -> tuple[Pool | None, str]:
    """(the images of a way, or None, and why there are none or only few)."""
    about, path = plan.folder / f"pool_{way}.json", plan.folder / f"pool_{way}.npz"
    facts = read_json(about)
    if facts is None:
        images, labels, note = made(maker, way, plan, progress)
        if images is not None:
            atomic_write(path, lambda file: np.savez(file, images=images, labels=labels))
        facts = {"note": note, "images": 0 if images is None else len(labels)}
        write_json(about, facts)
    if not facts["images"]:
        return None, str(facts["note"])
    with np.load(path, allow_pickle=False) as stored:
        return Pool(stored["images"], stored["labels"]), str(facts["note"])


def made(maker: Maker, way: str, plan: Plan, progress: Progress) -> tuple[Any, Any, str]:
    """(uint8 [M, S, S, C], int64 [M], what is to be said), or (None, None, why there are none)."""
    deadline = Deadline(plan.seconds, progress)
    name, classes = way_in_words(way), [label for label, count in enumerate(plan.wanted) if count]
    parts: list[tuple[int, np.ndarray]] = []
    obstacle = "they took longer than their share of the minutes"
    try:
        make = maker.of(way, deadline.progress)
        for number, label in enumerate(classes):
            deadline.until((number + 1) / len(classes))
            parts.append((label, of_class(make, label, plan.wanted[label], deadline)))
    except UserError as error:
        obstacle = error.what
    except Stopped:
        progress.check()
    there = [(label, images) for label, images in parts if len(images) >= LEAST_POOL]
    small = [label for label in classes if label not in {label for label, _ in there}]
    # Synthetic images of some classes only would be a sign by which a classifier knows those classes.
    if len(there) < 2 or len(small) > len(classes) / 2:
        if way == "gan" and parts and obstacle.startswith("they"):
            obstacle = "hardly any drawn image passed the quality filter"
        return None, None, f"Not tried: {name}, because {obstacle[0].lower()}{obstacle[1:].rstrip('.')}."
    names = and_more([maker.train.classes[label] for label in small], 5)
    note = f"Without {name}, because too few could be made: {names}." if small else ""
    labels = np.concatenate([np.full(len(images), label, np.int64) for label, images in there])
    return np.concatenate([images for _, images in there]), labels, note


def of_class(make: Make, label: int, wanted: int, deadline: Deadline) -> np.ndarray:
    """uint8 [at most wanted, S, S, C]: at least LEAST_POOL where there are so many, further ones while there is time."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < wanted:
        have = sum(map(len, parts))
        if have >= LEAST_POOL and deadline.over:
            break
        count = min(LEAST_POOL if not parts else CHUNK, wanted - have)
        parts.append(make(label, count, have))
        if len(parts[-1]) < count:  # no more of this class passes
            break
    return np.concatenate(parts)


def mixture(one: Pool, other: Pool) -> Pool:
    """The images of both."""
    soft = None if one.soft is None or other.soft is None else np.concatenate([one.soft, other.soft])
    return Pool(np.concatenate([one.images, other.images]), np.concatenate([one.labels, other.labels]), soft)
