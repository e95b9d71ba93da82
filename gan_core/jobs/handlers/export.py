"""The job `export`: a balanced dataset as a zip."""

import contextlib
import dataclasses
import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import DatasetInfo, ImageSet
from gan_core.errors import UserError
from gan_core.evaluation.names_and_thresholds import NEAR_COPIES
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.found import Found
from gan_core.export import plan
from gan_core.export.contents import Contents, Provenance
from gan_core.export.kept_images import KeptImages, keep_images
from gan_core.export.safe_names import plain_folder
from gan_core.export.unpad import Unpad
from gan_core.export.zip_file import file_facts
from gan_core.export.zip_writer import Encoding, FileOptions, write_zip
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import (
    check_disk,
    dataset_classifier_of,
    feature_cache,
    real_images,
    splits,
    teacher_of,
)
from gan_core.jobs.shared.export_evidence import evidence_of
from gan_core.jobs.shared.fill_classes import Makers, makers
from gan_core.requests import ExportRequest
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

LEAST_CHECKED = 40  # images that are looked at for copies
MOST_CHECKED, MOST_CHECKED_BYTES = 10_000, 256 << 20
NOT_CHECKED = {"verdict": "not checked", "sentence": "not checked"}


class Dataset(NamedTuple):
    """What an export starts from."""

    folder: Path
    info: DatasetInfo
    train: ImageSet
    validation: ImageSet
    test: ImageSet


def export(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Plan how many images each class needs, draw and check them, write the zip. The export's folder is whole or absent."""
    request, progress = ExportRequest.from_payload(job.payload), Reporter(store, job)
    run = store.run(request.run) if request.run else None
    folder = workspace.dataset(run.dataset_id if run else request.dataset or "")
    sets = splits(folder)  # first: it may give an older dataset its validation split
    dataset = Dataset(folder, dataset_folder.read_info(folder), *sets)
    counts = dict(zip(dataset.info.classes, dataset.info.train_counts, strict=True))
    rows = plan.deficits(counts, request.balance, request.originals)
    shares, small = plan.shares(rows, counts, request.methods or {"gan": 1.0})
    made = makers(run, workspace, folder, shares, small, request, progress, watch)
    teacher = functools.cache(lambda: teacher_of(workspace, folder, watch))
    contents = Contents(
        dataset.train,
        dataset.test if request.held_out else None,
        shares,
        made.by_method,
        request.originals,
        dataset.validation if request.held_out else None,
        lambda images: teacher().soft_labels(images),
    )
    unpad, copying = unpad_of(request, dataset, contents), NOT_CHECKED
    with workspace.staging(workspace.export(job.subject)) as staging:
        kept_file = staging / "kept.tmp"
        if made.generator and made.quality_filter:
            kept = keep(made, contents, kept_file, progress)
            if request.check_copies:
                progress(0.5, "Looking for copies of training images")
                copying = copying_of(kept, dataset, workspace, made.generator.device.type, watch)
                refuse_copies(copying)
        path = staging / f"{plain_folder(dataset.info.name)}-balanced.zip"
        drawn = 0.5 if made.quality_filter else 0.0  # share of the work that is done
        summary = write_zip(
            path,
            contents,
            dataclasses.replace(
                provenance_of(request, dataset.info, made, copying["sentence"]),
                evidence=evidence_of(store, run.id, made.generator.sha256) if run and made.generator else {},
                found=found_in(request, job, workspace.run(run.id) if run else None, folder),
            ),
            file_options(request, contents, unpad),
            on_progress=lambda done, said: progress(drawn + (1 - drawn) * done, said),
            should_stop=watch,
        )
        kept_file.unlink(missing_ok=True)
        result = {
            **summary,
            "run": run.id if run else None,
            "dataset": folder.name,
            "name": dataset.info.name,
            **file_facts(path),
            "too_small_for_gan": small,
            "without_object": made.without_object,
            "notes": made.notes,
            "copying": copying["verdict"],
            "per_class": {
                row["name"]: {"real": row["real"], "synthetic": row["synthetic"]} for row in summary["classes"]
            },
        }
        write_json(staging / "export.json", result)
    return result


def found_in(request: ExportRequest, job: Job, run: Path | None, dataset: Path) -> Found | None:
    """What was found to help when the export was queued. An older version looked only now. run, dataset: their folders."""
    if "found" not in job.payload:
        return found_file.of(run, dataset)
    return Found.read(request.found) if request.found else None


def unpad_of(request: ExportRequest, dataset: Dataset, contents: Contents) -> Unpad | None:
    """What cuts padding off, where that is wanted. Raises UserError unknown_shapes where it cannot be."""
    if not request.unpad:
        return None
    sets = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return Unpad(dataset.folder, sets, background_of(dataset.info), contents.makers)


def background_of(info: DatasetInfo) -> str:
    """The color of the padding."""
    return str(info.source.get("background", "white"))


def file_options(request: ExportRequest, contents: Contents, unpad: Unpad | None) -> FileOptions:
    """How the files of the zip are written."""
    images = sum(group.images for group in contents.groups())
    layout = plan.layout_of(request.layout, images)
    return FileOptions(Encoding(request.format, request.side), layout, unpad)


def keep(made: Makers, contents: Contents, path: Path, progress: Reporter) -> KeptImages:
    """Draw what the plan asks of the run; contents has afterwards the images that passed, and how many there are of each class."""
    assert made.quality_filter is not None
    wanted = [share.get("gan", 0) for share in contents.shares.values()]
    shape = contents.train.images.shape[1:]
    check_disk(path.parent, sum(wanted) * math.prod(shape))
    kept = keep_images(made.quality_filter, wanted, shape, path, lambda done, said: progress(0.5 * done, said))
    contents.makers["gan"] = kept
    for share, count in zip(contents.shares.values(), kept.counts, strict=True):
        share["gan"] = count
    return kept


def copying_of(
    kept: KeptImages, dataset: Dataset, workspace: Workspace, device: str, watch: queue.Watch
) -> dict[str, Any]:
    """memorization.copying of the kept images; red as well where near copies were a large part of what was drawn."""
    drawn, images = kept.quality_filter, kept.images
    copied, total = drawn.refused_in_all()["copy"], sum(drawn.drawn.values())
    if copied > NEAR_COPIES.red * total:
        said = f"{copied:,} of {total:,} drawn images are near copies of training images."
        return {"verdict": "red", "sentence": said}
    found = drawn.image_checks.found_of(kept.counts) if len(images) else None  # by the checks, while they were drawn
    if 0 < len(images) < LEAST_CHECKED:  # too few to say anything: more of the same are compared
        more = -(-LEAST_CHECKED // len(drawn.drawn))
        images = np.concatenate(
            [images, *(drawn.draw(label, more, 0, drawn.truncation_of(label)) for label in drawn.drawn)]
        )
        found = None
    copying = check_copies(images, found, dataset, workspace, device, watch)
    left_out = f" {copied:,} near copies were left out." if copied else ""
    return copying | {"sentence": f"{copying['sentence']}{left_out}"}


def check_copies(
    images: np.ndarray, found: Any, dataset: Dataset, workspace: Workspace, device: str, watch: queue.Watch
) -> dict[str, Any]:
    """memorization.copying for images uint8 [N, H, W, C]: all, or as many, evenly chosen, as memory allows.

    found: acceptance.Found of these images, so that distances and features are not computed again; None where there is none.
    """
    from gan_core.evaluation import dataset_classifier
    from gan_core.evaluation.diagnostics import copies
    from gan_core.evaluation.features.cache import FeatureReader

    real = real_images(dataset.folder)
    most = min(MOST_CHECKED, MOST_CHECKED_BYTES // math.prod(real.train.images.shape[1:]))
    rows = np.linspace(0, len(images) - 1, min(len(images), most)).astype(int)
    network, read = None, FeatureReader(feature_cache(workspace), device, watch)
    with contextlib.suppress(UserError):  # one class: pixels alone decide
        network = dataset_classifier.as_extractor(dataset_classifier_of(dataset.folder, device, None, watch))
    known = None if found is None else found.of(rows)
    try:
        return copies(np.asarray(images[rows]), real, network, read, seed=0, should_stop=watch, found=known)
    except UserError as error:  # too few images to say anything: no reason to withhold them
        return NOT_CHECKED | {"sentence": f"not checked: {error.what}"}


def refuse_copies(copying: dict[str, Any]) -> None:
    """Raises UserError copies where the verdict is red."""
    if copying["verdict"] == "red":
        raise UserError(
            "copies",
            copying["sentence"],
            "Look at the closest pairs on the Evaluate page; to export anyway, switch the check off (--no-gate).",
        )


def provenance_of(request: ExportRequest, info: DatasetInfo, made: Makers, copying: str) -> Provenance:
    generator, drawn = made.generator, made.quality_filter
    return Provenance(
        dataset=info.name,
        run=request.run or "",
        recipe=generator.config.recipe if generator else "",
        seed=request.seed,
        checkpoint_sha256=generator.sha256 if generator else "",
        notes=tuple(made.notes),
        copying=copying,
        quality_filter=drawn.report() if drawn else None,
        kept=drawn.summary() if drawn else "nothing was drawn.",
        background=background_of(info),
        splits={
            split: info.source[key] for split in ("validation", "test") if (key := f"{split}_split") in info.source
        },
        duplicates=info.health.get("duplicates"),
    )
