"""What the measuring jobs look with: a dataset's splits, the features' cache, its referee, the extractor that was asked for."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.errors import UserError
from gan_core.storage.workspace import Workspace

SPARE_BYTES = 1 << 30  # that no job may take from the disk


def feature_cache(workspace: Workspace):
    from gan_core.evaluation.features.cache import FeatureCache

    return FeatureCache(workspace.root / "cache" / "features")


def splits(folder: Path) -> tuple[ImageSet, ImageSet]:
    return dataset_folder.load(folder, "train"), dataset_folder.load(folder, "test")


def referee_of(folder: Path, device: str, on_progress=None, should_stop=None):
    """The dataset's own classifier, trained at the first call and kept in its folder. Raises UserError where it cannot be."""
    from gan_core.evaluation import dataset_classifier

    train, test = splits(folder)
    return dataset_classifier.ready(
        folder,
        train.images,
        train.labels,
        test.images,
        test.labels,
        train.classes,
        device=device,
        on_progress=on_progress,
        should_stop=should_stop,
    )


class Networks(NamedTuple):
    """extractor: makes the features. refused: why the one asked for cannot be had and another stands in, else ''.

    judge: the dataset's referee, or None and no_judge says why.
    """

    extractor: Any
    refused: str
    judge: Any
    no_judge: str


def choose_networks(
    workspace: Workspace, folder: Path, wanted: dict[str, Any], device: str, on_progress, should_stop
) -> Networks:
    """What to look with. A network that cannot be had costs the scores that bear its name, and nothing else."""
    from gan_core.evaluation import dataset_classifier
    from gan_core.evaluation.features import extractors

    judge, no_judge, refused = None, "", ""
    try:
        judge = referee_of(folder, device, on_progress, should_stop)
    except UserError as error:
        no_judge = f"{error.what} {error.todo}"
    if wanted["extractor"] != "referee":
        try:
            weights = wanted["weights"] or None
            extractor = extractors.choose(wanted["extractor"], workspace.root / "weights", weights)
            if judge is not None and wanted["extractor"] == "auto" and extractor.name == wanted.get("avoid"):
                extractor = dataset_classifier.as_extractor(judge)
            return Networks(extractor, "", judge, no_judge)
        except UserError as error:
            refused = f"{error.what} {error.todo}"
    if judge is None:
        return Networks(extractors.load_efficientnet_lite0(), refused or no_judge, None, no_judge)
    return Networks(dataset_classifier.as_extractor(judge), refused, judge, "")


def check_disk(folder: Path, image_bytes: int) -> None:
    """Refuse what would fill the disk: two draws lie there at a time, and a full disk under a memory map kills the process."""
    free = shutil.disk_usage(folder).free
    if free < 2 * image_bytes + SPARE_BYTES:
        raise UserError(
            "disk_full",
            f"{2 * image_bytes / 1e9:.1f} GB are needed for the drawn images, and {free / 1e9:.1f} GB of disk are free.",
            "Free some space, or ask for fewer images.",
        )
