"""The job `utility`: does synthetic data help a classifier?"""

from typing import Any

import numpy as np

from gan_core.errors import Stopped
from gan_core.evaluation.results import UtilityResult
from gan_core.export import plan
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import AT_ONCE, real_images
from gan_core.jobs.shared.fill_classes import METHOD_NAMES, Makers, makers, methods_in_order
from gan_core.requests import UtilityRequest
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

MANY = 1_000_000  # images that the shares of the methods are computed of


def utility(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Five arms of classifiers, with and without the run's images, on the held-out split; into utility/<job>.json."""
    from gan_core.evaluation.inputs import Progress
    from gan_core.evaluation.utility.comparison import Settings
    from gan_core.evaluation.utility.comparison import utility as compare

    request, run = UtilityRequest.from_payload(job.payload), store.run(job.subject)
    folder, progress = workspace.dataset(run.dataset_id), Reporter(store, job)
    real = real_images(folder)
    counts = {name: int((real.train.labels == label).sum()) for label, name in enumerate(real.classes)}
    methods = request.methods or {"gan": 1.0}
    rows = {name: plan.Row(count, MANY, count + MANY) for name, count in counts.items()}
    shares, small = plan.shares(rows, counts, methods)
    made = makers(run, workspace, folder, shares, small, request, progress, watch)
    images = Synthetic(made, [shares[name] for name in real.classes], real.train.images.shape[1:], watch)
    settings = Settings(
        seeds=request.seeds,
        updates=request.updates,
        shots=request.shots,
        shares=request.shares,
        seed=request.seed,
        device=made.generator.device.type if made.generator else "cpu",
    )
    result = with_sources(compare(real, images, settings, Progress(progress, watch)), made, shares, methods)
    about: dict[str, Any] = {"run": run.id, "methods": methods, "checkpoint": None, "images_seen": None, "epoch": None}
    if made.generator:
        seen = made.generator.images_seen
        about |= {"checkpoint": made.generator.sha256[:12], "images_seen": seen}
        about["epoch"] = seen / max(1, sum(counts.values()))
    stored = result.model_copy(update=about).to_json()
    (workspace.run(run.id) / "utility").mkdir(exist_ok=True)
    write_json(workspace.run(run.id) / "utility" / f"{job.id}.json", stored)
    return stored


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


def with_sources(
    result: UtilityResult, made: Makers, shares: dict[str, dict[str, int]], methods: dict[str, float]
) -> UtilityResult:
    """The result with what is to be known of where its synthetic images come from."""
    checked = made.quality_filter
    summary = checked.summary() if checked else "nothing was drawn."
    used = {method for share in shares.values() for method in share}
    sentence, caveats = result.sentence, result.caveats
    if used != {"gan"}:
        words = ", ".join(f"{METHOD_NAMES[method]} ({weight:g})" for method, weight in methods.items())
        sentence = f"Of {words}: {sentence}"
    if not made.generator:
        caveats = [text for text in caveats if "generator" not in text]
    caveats = caveats + made.notes
    if made.generator:
        caveats.append(f"The synthetic images: {summary}")
    if result.shots and used - {"gan"}:
        caveats.append(
            "Changed copies and pasted objects are made from all training images, not only from those shown to the classifier."
        )
    if result.shots and checked and checked.label_check.classifier:
        caveats.append(
            "The dataset classifier of the quality filter was trained on all training images, not only on those shown here."
        )
    return result.model_copy(update={"quality_filter": summary, "sentence": sentence, "caveats": caveats})
