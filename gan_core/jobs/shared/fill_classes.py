"""Make the images that a class lacks, by the generator of a run, changed copies or pasted objects; for `export` and `utility`."""

from pathlib import Path
from typing import Any, NamedTuple

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.export import plan
from gan_core.export.fill.classical import Classical
from gan_core.export.fill.composite import Composite
from gan_core.export.quality_filter import FilterOptions, QualityFilter
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import seen_validation_caveat
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import ExportRequest, UtilityRequest
from gan_core.requests.export import CHECKS
from gan_core.storage.store import Run
from gan_core.storage.workspace import Workspace

METHOD_NAMES = {"gan": "the run", "classical": "changed copies", "composite": "objects on other backgrounds"}


class Makers(NamedTuple):
    """by_method: makers of contents.Contents. generator, quality_filter: None where nothing is drawn.

    without_object: classes of which no object could be cut out. notes: sentences on classes that are filled in another way than
    the request says.
    """

    by_method: dict[str, Any]
    generator: RunSampler | None
    quality_filter: QualityFilter | None
    without_object: list[str]
    notes: list[str]


def methods_in_order(count: int, share: dict[str, int]) -> list[str]:
    """The method of each of so many images, mixed evenly: every first part of them has the same shares."""
    total, given, order = sum(share.values()), dict.fromkeys(share, 0), []
    for number in range(1, count + 1):
        method = max(share, key=lambda one: number * share[one] / total - given[one])
        given[method] += 1
        order.append(method)
    return order


def makers(
    run: Run | None,
    workspace: Workspace,
    folder: Path,
    shares: plan.Shares,
    small: list[str],
    request: ExportRequest | UtilityRequest,
    progress: Reporter,
    watch: queue.Watch,
) -> Makers:
    """shares, small: of plan.shares. Where no object can be cut out of a class, its share of them moves to changed copies.

    Raises UserError no_run, Stopped.
    """
    train, seed = dataset_folder.load(folder, "train"), request.seed
    composite = Composite(train, seed, request.policy, watch)
    by_method: dict[str, Any] = {"classical": Classical(train, seed, request.policy, watch), "composite": composite}
    progress(0.0, "Looking at the images")
    without_object = []
    for label, (name, share) in enumerate(shares.items()):
        if "composite" in share:
            progress(0.0, f"Cutting objects out: class {label + 1:,} of {len(shares):,}")
        if "composite" in share and not composite.can(label):
            share["classical"] = share.get("classical", 0) + share.pop("composite")
            without_object.append(name)
    notes = [plan.too_small(small)] if small else []
    notes += [plan.without_object(without_object)] if without_object else []
    generator, quality_filter = None, None
    if any(share.get("gan") for share in shares.values()):
        if run is None:
            raise UserError("no_run", "Without a run no image can be drawn.", "Choose a run, or --method classical.")
        generator = RunSampler(run, workspace, request.at)
        notes += seen_validation_caveat(workspace, run)
        checks: tuple[str, ...] = CHECKS
        options = FilterOptions()
        if isinstance(request, ExportRequest):
            checks, options = request.checks, FilterOptions(removed=request.removed, keep_found=request.check_copies)
        quality_filter = generator.quality_filter(folder, seed, checks, progress, watch, options)
        by_method["gan"] = quality_filter
    return Makers(by_method, generator, quality_filter, without_object, notes)
