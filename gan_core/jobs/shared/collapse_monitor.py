"""What a training run is watched with: the panel for mode collapse, on the dataset's own referee where it has one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.data.ready_sets import known_modes
from gan_core.errors import UserError
from gan_core.jobs.shared.evaluation_inputs import feature_cache, referee_of, splits
from gan_core.settings.schema import TrainConfig
from gan_core.storage.workspace import Workspace

REFERENCE_IMAGES = 1024  # reals of each split that variety is compared with


def make_monitor(
    workspace: Workspace,
    folder: Path,
    run_folder: Path,
    config: TrainConfig,
    device: str,
    should_stop: Callable[[], bool],
):
    """A metrics.panel.Panel. May train the referee first: some seconds, once per dataset. Raises UserError, Stopped.

    The loop never sees the held-out split; the panel does, to know what healthy looks like, and training learns nothing from it.
    """
    from gan_core.evaluation import dataset_classifier
    from gan_core.evaluation.collapse.monitor import Panel, balanced_rows
    from gan_core.evaluation.collapse.reference import Reference
    from gan_core.evaluation.examine import NO_FEATURES
    from gan_core.evaluation.features.extractors import load_efficientnet_lite0
    from gan_core.evaluation.mode_counting import KnownModes
    from gan_core.training import losses

    train, test = splits(folder)
    judge = None
    try:
        judge = referee_of(folder, device, None, should_stop)
        network = dataset_classifier.as_extractor(judge)
    except UserError:  # one class: any features will do
        network = load_efficientnet_lite0()
    kinds = known_modes(folder, dataset_folder.read_info(folder))
    cache, rng = feature_cache(workspace), np.random.default_rng(config.seed)
    labels, held_labels = np.asarray(train.labels), np.asarray(test.labels)
    # Without labels a run draws classes as often as they are in the data, and is compared with them so.
    pick = balanced_rows if config.conditional else lambda some, n, rng: rng.permutation(len(some))[:n]
    rows, held = (pick(some, REFERENCE_IMAGES, rng) for some in (labels, held_labels))
    look = lambda images, some: cache.get(network, images, some, device, None, should_stop)
    reference = Reference.build(
        look(train.images, rows),
        labels[rows],
        look(test.images, held) if len(held) else NO_FEATURES,
        held_labels[held],
        len(train.classes),
        judge.accuracy if judge else None,
        judge.per_class if judge else None,
        n_train=len(train.images),
    )
    return Panel(
        reference,
        lambda images: network.extract(images, device),
        run_folder,
        train.classes,
        config.z_dim,
        config.seed,
        conditional=config.conditional,
        held_out_images=test.images,
        held_out_labels=held_labels,
        train_images=train.images,
        train_labels=labels,
        d_level=losses.level(config.loss),
        d_blank_loss=losses.blank_loss(config.loss),
        known=None if kinds is None else KnownModes(kinds.kind, train.images, kinds.train, kinds.names),
    )
