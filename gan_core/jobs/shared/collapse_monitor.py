"""Build the collapse monitor of a training run, with the dataset classifier where there is one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan_core.errors import UserError
from gan_core.jobs.shared.evaluation_inputs import dataset_classifier_of, feature_cache, known_modes_of, real_images
from gan_core.settings.schema import TrainConfig
from gan_core.storage.workspace import Workspace

if TYPE_CHECKING:
    from gan_core.evaluation.collapse.monitor import CollapseMonitor

REFERENCE_IMAGES = 1024  # real images of each split that variety is compared with
FAKES = {"cpu": 256, "cuda": 1024}  # images of a check: four times as many halve the error of its kernel distance


def make_monitor(
    workspace: Workspace,
    folder: Path,
    run_folder: Path,
    config: TrainConfig,
    device: str,
    should_stop: Callable[[], bool],
) -> "CollapseMonitor":
    """May train the dataset classifier first, which takes some seconds once per dataset. Raises UserError, Stopped.

    The monitor compares with the validation split, which the training loop never sees.
    """
    from gan_core.evaluation import dataset_classifier
    from gan_core.evaluation.collapse.monitor import CollapseMonitor, Options, balanced_rows
    from gan_core.evaluation.collapse.reference import Reference
    from gan_core.evaluation.features.cache import FeatureReader
    from gan_core.evaluation.features.extractors import load_efficientnet_lite0
    from gan_core.training import losses

    real, classifier = real_images(folder), None
    try:
        classifier = dataset_classifier_of(folder, device, None, should_stop)
        network = dataset_classifier.as_extractor(classifier)
    except UserError:  # one class: any features will do
        network = load_efficientnet_lite0()
    read, rng = FeatureReader(feature_cache(workspace), device, should_stop), np.random.default_rng(config.seed)
    # A run without labels draws classes as often as the data has them, so it is compared with such a sample.
    pick = balanced_rows if config.conditional else lambda some, n, rng: rng.permutation(len(some))[:n]
    rows, held = (pick(split.labels, REFERENCE_IMAGES, rng) for split in (real.train, real.validation))
    reference = Reference.build(
        read(network, real.train.images, rows),
        real.train.labels[rows],
        read(network, real.validation.images, held),
        real.validation.labels[held],
        len(real.classes),
        classifier.accuracy if classifier else None,
        classifier.per_class if classifier else None,
        n_train=len(real.train.images),
    )
    options = Options(
        config.z_dim,
        config.seed,
        FAKES.get(device, FAKES["cpu"]),
        conditional=config.conditional,
        d_level=losses.level(config.loss),
        d_blank_loss=losses.blank_loss(config.loss),
    )
    classify = lambda images: network.extract(images, device)
    return CollapseMonitor(reference, classify, run_folder, real, options, known_modes_of(folder, real))
