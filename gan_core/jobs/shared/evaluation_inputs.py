"""Inputs of evaluations that several jobs need: images of a dataset, cached features, networks, free disk space."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.data.older_dataset import saw_validation
from gan_core.data.ready_sets import known_modes
from gan_core.data.split_names import SPLITS
from gan_core.errors import UserError
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.names_and_thresholds import DATASET_CLASSIFIER, extractor_key
from gan_core.jobs.rebuild_index import object_in
from gan_core.requests import EvaluateRequest
from gan_core.storage.store import Run
from gan_core.storage.workspace import ID, Workspace

if TYPE_CHECKING:
    from gan_core.evaluation.dataset_classifier import DatasetClassifier
    from gan_core.evaluation.features.cache import FeatureCache
    from gan_core.evaluation.mode_counting import KnownModes
    from gan_core.evaluation.networks import Networks
    from gan_core.evaluation.teacher import Teacher

AT_ONCE = 250  # images that are drawn together
SPARE_BYTES = 1 << 30  # that no job may take from the disk


def feature_cache(workspace: Workspace) -> "FeatureCache":
    from gan_core.evaluation.features.cache import FeatureCache

    return FeatureCache(workspace.root / "cache" / "features")


def splits(folder: Path) -> tuple[ImageSet, ImageSet, ImageSet]:
    """(train, validation, test) of a dataset."""
    return tuple(dataset_folder.load(folder, split) for split in SPLITS)  # type: ignore[return-value]


def real_images(folder: Path) -> RealImages:
    """The splits of a dataset, for the functions of gan_core.evaluation."""
    train, validation, test = (Labeled(split.images, np.asarray(split.labels)) for split in splits(folder))
    return RealImages(train, validation, test, dataset_folder.read_info(folder).classes)


def learned_from(workspace: Workspace, run: Run) -> ImageSet:
    """The images that a run trains on: train, or all that train once was where it began before there was a validation split."""
    folder = workspace.dataset(run.dataset_id)
    return dataset_folder.load(folder, "train", whole=saw_validation(folder, workspace.run(run.id)))


def knows_validation(workspace: Workspace, run: Run) -> bool:
    """Whether a generator saw what is the validation split today: in its own run, or in one whose weights it started from."""
    dataset, id, looked_at = workspace.dataset(run.dataset_id), run.id, set[str]()
    while id not in looked_at and ID.match(id):
        facts = object_in(workspace.run(id) / "config.json")
        if facts is None or facts.get("dataset") != run.dataset_id:
            return False
        if saw_validation(dataset, workspace.run(id)):
            return True
        looked_at.add(id)
        id = str((facts.get("config") or {}).get("start_from", ""))
    return False


def seen_validation_caveat(workspace: Workspace, run: Run | None) -> list[str]:
    """What limits every verdict on a run whose generator saw the validation images."""
    if run is None or not knows_validation(workspace, run):
        return []
    return [
        "This run, or the one whose weights it started from, began before its dataset had a validation split, so its generator "
        "saw the validation images: what is measured on them is too kind to it, and copies of them are not found. A new run that "
        "starts fresh has no such fault."
    ]


def known_modes_of(folder: Path, real: RealImages) -> "KnownModes | None":
    """The modes of a dataset where they are known, else None."""
    from gan_core.evaluation.mode_counting import KnownModes

    found = known_modes(folder, dataset_folder.read_info(folder))
    return None if found is None else KnownModes(found.kind, real.train.images, found.train, found.names)


def dataset_classifier_of(
    folder: Path,
    device: str,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> "DatasetClassifier":
    """Trained at the first call and kept in the dataset's folder. Raises UserError where it cannot be, Stopped."""
    from gan_core.evaluation import dataset_classifier

    progress = Progress(on_progress or (lambda share, message: None), should_stop or (lambda: False))
    return dataset_classifier.ready(folder, real_images(folder), device=device, progress=progress)


def teacher_of(workspace: Workspace, folder: Path, should_stop: Callable[[], bool]) -> "Teacher":
    """The teacher of the dataset in folder, on the CPU, so that the same request has the same labels and images everywhere.

    Raises UserError where it cannot be, or knows nothing; Stopped.
    """
    from gan_core.evaluation import teacher

    progress = Progress(should_stop=should_stop)
    return teacher.known(teacher.ready(folder, real_images(folder), "cpu", progress, feature_cache(workspace)))


def choose_networks(
    workspace: Workspace, folder: Path, request: EvaluateRequest, device: str, avoid: str, progress: Progress
) -> "Networks":
    """A network that is not available costs the scores that bear its name, and nothing else.

    avoid: an extractor that auto does not take, '' for none. Raises Stopped.
    """
    from gan_core.evaluation.dataset_classifier import as_extractor
    from gan_core.evaluation.features import extractors
    from gan_core.evaluation.networks import Networks

    classifier, no_classifier, refused = None, "", ""
    try:
        classifier = dataset_classifier_of(folder, device, progress.report, progress.should_stop)
    except UserError as error:
        no_classifier = f"{error.what} {error.todo}"
    name = extractor_key(request.extractor)
    if name != DATASET_CLASSIFIER:
        try:
            extractor = extractors.choose(
                name, workspace.root / "weights", Path(request.weights) if request.weights else None
            )
            if classifier is not None and name == "auto" and extractor.name == avoid:
                extractor = as_extractor(classifier)
            return Networks(extractor, "", classifier, no_classifier)
        except UserError as error:
            refused = f"{error.what} {error.todo}"
    if classifier is None:
        return Networks(extractors.load_efficientnet_lite0(), refused or no_classifier, None, no_classifier)
    return Networks(as_extractor(classifier), refused, classifier, "")


def check_disk(folder: Path, image_bytes: int) -> None:
    """Refuse what would fill the disk: two draws lie there at a time, and a full disk under a memory map kills the process."""
    free = shutil.disk_usage(folder).free
    if free < 2 * image_bytes + SPARE_BYTES:
        raise UserError(
            "disk_full",
            f"{2 * image_bytes / 1e9:.1f} GB are needed for the drawn images, and {free / 1e9:.1f} GB of disk are free.",
            "Free some space, or ask for fewer images.",
        )
