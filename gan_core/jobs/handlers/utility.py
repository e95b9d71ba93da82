"""The job `utility`: does synthetic data help a classifier?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped, UserError
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.results import UtilityResult
from gan_core.export import plan
from gan_core.export.fill.classical import Classical
from gan_core.export.fill.composite import Composite
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import AT_ONCE, feature_cache, real_images
from gan_core.jobs.shared.fill_classes import METHOD_NAMES, Makers, makers, methods_in_order
from gan_core.requests import UtilityRequest
from gan_core.storage.store import Job, Run, Store
from gan_core.storage.workspace import Workspace, write_json

if TYPE_CHECKING:
    from gan_core.evaluation.teacher import Teacher
    from gan_core.evaluation.utility.draws import Draw

MANY = 1_000_000  # images that the shares of the methods are computed of


class Asked(NamedTuple):
    """What the job is to do with every run."""

    request: UtilityRequest
    workspace: Workspace
    progress: Reporter
    watch: queue.Watch


class Source(NamedTuple):
    """The makers of a run's synthetic images, and of each class the images by method."""

    made: Makers
    shares: dict[str, dict[str, int]]


def utility(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Arms of classifiers, with and without the images of one or more runs, on the test images; into utility/<job>.json.

    Runs of one dataset are generators of one draw of its images; runs of other datasets, with the same test images, are of
    other draws.
    """
    from gan_core.evaluation.inputs import Progress
    from gan_core.evaluation.utility.comparison import utility as compare
    from gan_core.evaluation.utility.draws import Draw, Settings

    request = UtilityRequest.from_payload(job.payload)
    runs = [store.run(run) for run in dict.fromkeys((job.subject, *request.runs))]
    asked = Asked(request, workspace, Reporter(store, job), watch)
    by_dataset: dict[str, list[Run]] = {}
    for run in runs:
        by_dataset.setdefault(run.dataset_id, []).append(run)
    draws: list[Draw] = []
    sources: list[Source] = []
    for dataset, members in by_dataset.items():
        folder = workspace.dataset(dataset)
        real = few(real_images(folder), request.shots, request.seed)
        found = [source_of(run, folder, real, asked) for run in members]
        sources += found
        draws.append(Draw(real, [images_of(one, real, watch) for one in found]))
    folders = [workspace.dataset(dataset) for dataset in by_dataset]
    teachers, untaught = teachers_of(list(zip(folders, (draw.real for draw in draws), strict=True)), asked)
    if teachers and all(one.knows for one in teachers):
        draws = [draw._replace(soft=one.soft_labels) for draw, one in zip(draws, teachers, strict=True)]
    methods = request.methods or {"gan": 1.0}
    generator = sources[0].made.generator
    settings = Settings(
        classifier=request.classifier,
        seeds=request.seeds,
        updates=request.updates,
        way="+".join(methods),
        flips=request.policy.flips,
        seed=request.seed,
        device=generator.device.type if generator else "cpu",
    )
    result = with_sources(compare(draws, settings, Progress(asked.progress, watch)), sources, methods)
    result = with_teacher(result, teachers, draws, untaught, request.seed)
    about: dict[str, Any] = {"run": runs[0].id, "runs": [run.id for run in runs], "methods": methods}
    about |= {"shots": request.shots, "checkpoint": None, "images_seen": None, "epoch": None}
    if generator:
        seen = generator.images_seen
        about |= {"checkpoint": generator.sha256[:12], "images_seen": seen}
        about["epoch"] = seen / max(1, len(draws[0].real.train.labels))
    stored = result.model_copy(update=about).to_json()
    (workspace.run(runs[0].id) / "utility").mkdir(exist_ok=True)
    write_json(workspace.run(runs[0].id) / "utility" / f"{job.id}.json", stored)
    return stored


def teachers_of(draws: list[tuple[Path, RealImages]], asked: Asked) -> tuple[list["Teacher"], str]:
    """(a teacher of each draw, or none, and then why). draws: the folder of the dataset and what was used of it."""
    from gan_core.evaluation import teacher
    from gan_core.evaluation.inputs import Progress

    progress, cache = Progress(should_stop=asked.watch), feature_cache(asked.workspace)
    try:
        if asked.request.shots:
            return [teacher.fit(real, progress=progress, cache=cache) for _, real in draws], ""
        return [teacher.ready(folder, real, progress=progress, cache=cache) for folder, real in draws], ""
    except UserError as error:
        return [], f"No teacher, and so no soft labels and no row of its own: {error.what}"


def with_teacher(
    result: UtilityResult, teachers: list["Teacher"], draws: list["Draw"], untaught: str, seed: int
) -> UtilityResult:
    """The result with the teacher's own row, or why it has none."""
    from gan_core.evaluation.utility.teacher_alone import KEY, teacher_alone

    if not teachers:
        return result.model_copy(update={"caveats": [*result.caveats, untaught]})
    taught = [(teacher, draw.real) for teacher, draw in zip(teachers, draws, strict=True)]
    return result.model_copy(update={"arms": {**result.arms, KEY: teacher_alone(taught, seed)}})


def few(real: RealImages, shots: int | None, seed: int) -> RealImages:
    """At most so many training images of each class, the others as they are."""
    labels = np.asarray(real.train.labels)
    if shots is None or np.bincount(labels).max() <= shots:
        return real
    order = np.random.default_rng(seed).permutation(len(labels))
    rows = np.sort(np.concatenate([order[labels[order] == label][:shots] for label in np.unique(labels)]))
    return real._replace(train=Labeled(np.asarray(real.train.images[rows]), labels[rows]))


def source_of(run: Run, folder: Path, real: RealImages, asked: Asked) -> Source:
    """The makers of a run. Where the training images were cut to a few, changed copies and pasted objects are made of those."""
    request = asked.request
    counts = {name: int((real.train.labels == label).sum()) for label, name in enumerate(real.classes)}
    rows = {name: plan.Row(count, MANY, count + MANY) for name, count in counts.items()}
    shares, small = plan.shares(rows, counts, request.methods or {"gan": 1.0})
    made = makers(run, asked.workspace, folder, shares, small, request, asked.progress, asked.watch)
    if len(real.train.labels) < sum(dataset_folder.read_info(folder).train_counts):
        cut = ImageSet(real.train.images, np.asarray(real.train.labels), real.classes)
        classical = Classical(cut, request.seed, request.policy, asked.watch)
        composite = Composite(cut, request.seed, request.policy, asked.watch)

        def pasted(label: int, count: int, start: int) -> np.ndarray:
            return (composite if composite.can(label) else classical)(label, count, start)

        made.by_method.update({"classical": classical, "composite": pasted})
    return Source(made, shares)


def images_of(source: Source, real: RealImages, watch: queue.Watch) -> "Synthetic":
    return Synthetic(source.made, [source.shares[name] for name in real.classes], real.train.images.shape[1:], watch)


class Synthetic:
    """synthetic(label, count) -> images as an export would have them, with its share of each method in every first part of them.

    shares: images by method, for each class; shape: of an image. Raises Stopped.
    """

    def __init__(self, made: Makers, shares: list[dict[str, int]], shape: tuple[int, ...], watch: queue.Watch):
        self.made, self.shares, self.shape, self.watch = made, shares, shape, watch

    def __call__(self, label: int, count: int) -> np.ndarray:
        """uint8 [at most count, H, W, C]."""
        order = np.array(methods_in_order(count, self.shares[label]))
        images, there = np.empty((count, *self.shape), np.uint8), np.zeros(count, bool)
        for method in np.unique(order).tolist():
            rows = np.flatnonzero(order == method)
            for start in range(0, len(rows), AT_ONCE):
                some = rows[start : start + AT_ONCE]
                got = self.made.by_method[method](label, len(some), start)
                images[some[: len(got)]], there[some[: len(got)]] = got, True
                if self.watch():
                    raise Stopped
                if len(got) < len(some) and self.made.quality_filter:  # a class of which no more passes
                    self.made.quality_filter.short[label] = len(rows) - start - len(got)
                    break
        return images[there]


def with_sources(result: UtilityResult, sources: list[Source], methods: dict[str, float]) -> UtilityResult:
    """The result with what is to be known of where its synthetic images come from."""
    made = sources[0].made
    summary = made.quality_filter.summary() if made.quality_filter else "nothing was drawn."
    used = {method for share in sources[0].shares.values() for method in share}
    sentence, caveats = result.sentence, result.caveats
    if used != {"gan"}:
        words = ", ".join(f"{METHOD_NAMES[method]} ({weight:g})" for method, weight in methods.items())
        sentence = f"Of {words}: {sentence}"
    if not made.generator:
        caveats = [text for text in caveats if "generator" not in text]
    caveats = caveats + made.notes
    if made.generator:
        caveats.append(f"The synthetic images: {summary}")
    return result.model_copy(update={"quality_filter": summary, "sentence": sentence, "caveats": caveats})
