"""What `utility` found on the test images, with the sentences that belong beside it."""

from collections.abc import Mapping, Sequence

import numpy as np

from gan_core.evaluation.results import Arm as ArmResult
from gan_core.evaluation.results import Gain, UtilityResult
from gan_core.evaluation.utility import protocol
from gan_core.evaluation.utility.arms import Pool
from gan_core.evaluation.utility.decisions import Decisions
from gan_core.evaluation.utility.draws import Draw, Settings, class_counts
from gan_core.evaluation.utility.gain import compare, gain_over, recalls
from gan_core.evaluation.utility.protocol import BATCH
from gan_core.text import and_more

TITLES = {
    "real": "Real images as they are",
    "classical": "Every class as often, classical augmentation",
    "baseline": "The best training on real images alone",
    "synthetic": "The same with synthetic images added",
    "control": "Real images again in the place of the synthetic ones",
    "synthetic_only": "Synthetic images only",
}
FEW_TEST_IMAGES = 20  # of a class: fewer say little about its recall


def verdict(
    draws: Sequence[Draw],
    pools: list[list[Pool]],
    decisions: Decisions,
    right: Mapping[str, np.ndarray],
    settings: Settings,
) -> UtilityResult:
    real, classes = draws[0].real, draws[0].real.classes
    labels = np.asarray(real.test.labels, np.int64)
    base = right["baseline"]
    arm = right.get("synthetic", base)

    def over(before: np.ndarray, after: np.ndarray) -> Gain:
        value, bounds = gain_over(before, after, labels, len(classes))
        return Gain(gain=value, ci95=bounds)

    result = UtilityResult(
        protocol=protocol.VERSION,
        classifier=settings.classifier,
        draws=len(draws),
        gan_seeds=len(draws[0].generators),
        seeds=settings.seeds,
        updates=decisions.updates,
        batch=settings.batch or BATCH[settings.classifier],
        way=settings.way,
        baseline=decisions.baseline.name,
        use=decisions.use.name if decisions.use else None,
        chosen=decisions.helps,
        n_train=len(real.train.labels),
        n_validation=len(real.validation.labels),
        n_test=len(labels),
        n_synthetic=len(pools[0][0].labels),
        arms={
            key: ArmResult(**recalls(right[key], labels, classes), title=title, updates=decisions.updates)
            for key, title in TITLES.items()
            if key in right
        },
        baseline_gain=over(right["classical"], base),
        total_gain=over(right["classical"], arm),
        baselines=decisions.baselines,
        uses=decisions.uses,
        **compare(base, arm, labels, classes, settings.seed, right.get("control")),
    )
    known = class_counts(real) > 0
    empty = [name for label, name in enumerate(classes) if known[label] and not (pools[0][0].labels == label).any()]
    return result.model_copy(update={"caveats": caveats(result, labels, classes, empty)})


def caveats(result: UtilityResult, test_labels: np.ndarray, classes: list[str], empty: list[str]) -> list[str]:
    """Plain sentences that belong beside the verdict. empty: classes of which there is no synthetic image."""
    found = []
    if result.draws * result.gan_seeds == 1:
        found.append(
            "One trained generator was tested, so the interval is over the seeds of the classifier alone: another training run may "
            "help more, or less."
        )
    elif result.draws == 1:
        found.append("One draw of the training images was tested: with other images the gain may be another.")
    if not result.n_validation:
        found.append(
            "There are no validation images, so nothing was chosen: the baseline and the use are the usual ones."
        )
    if result.use is None:
        found.append("There were no synthetic images to test.")
    low, high = result.test_bootstrap_ci95 or (0.0, 0.0)
    if low <= 0 <= high and (result.gain_ci95 or [0.0])[0] > 0:
        found.append("With other test images the gain could vanish: there are too few to be sure.")
    tested = np.bincount(test_labels, minlength=len(classes))
    none = [repr(name) for name, count in zip(classes, tested, strict=True) if not count]
    scarce = [repr(name) for name, count in zip(classes, tested, strict=True) if 0 < count < FEW_TEST_IMAGES]
    if none:
        found.append(f"Class {and_more(none, 3)}: no test images, so the recall is not known.")
    if scarce:
        found.append(f"Class {and_more(scarce, 3)}: fewer than {FEW_TEST_IMAGES} test images.")
    if empty:
        found.append(f"Without any synthetic image: {and_more([repr(name) for name in empty], 5)}.")
    return found
