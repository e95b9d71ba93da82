"""The verdict on mode collapse from one set of generated images: a level, a sentence, and what to try next.

The verdict is red if two independent families of indicators are red, or if the label has next to no effect; amber if one
indicator is red, or two families are amber. Over time monitor.py requires two checks in a row.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_core.evaluation.collapse import discriminator, label_use
from gan_core.evaluation.collapse.indicators import Indicators
from gan_core.evaluation.collapse.reference import Reference
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.names_and_thresholds import INDICATORS, severity

FAMILIES = {
    "variance_ratio": "spread",
    "pairwise_ratio": "spread",
    "z_sensitivity": "spread",
    "agreement": "labels",
    "class_shares": "labels",
    "coverage_ratio": "coverage",
    "support": "repeats",
    "near_duplicates": "repeats",
    "d_label_use": "labels",
    "d_overfit": "discriminator",
    "d_certainty": "discriminator",
    "d_loss_left": "discriminator",
}
TRY_VARIETY = "Try recipe settings: loss relativistic, gamma × 3, lower learning rates (clone the run)"
TRY = {
    "spread": f"{TRY_VARIETY}, or more images of that class.",
    "coverage": f"{TRY_VARIETY}, or more images of the missing kind.",
    "repeats": f"{TRY_VARIETY}.",
    "labels": "Let the run go on for a while. If this stays, check the images and labels of the class, "
    "add images to it, or clone the run with lower learning rates.",
    "discriminator": "Clone the run with stronger augmentation, a higher gamma or a lower learning rate of D, "
    "or import more images.",
}


@dataclass(frozen=True)
class Examination:
    """indicators: dicts of key, name, value, level, amber, red, class (the worst alarmed one or None), classes (all of them),
    sentence. values: {key: float} for curves, always over all classes but for variance_ratio (its lowest class).

    per_class: an entry a class, values None where too few images: variance_ratio, coverage_ratio, agreement, real_agreement,
    n_fake. key: the indicator that `sentence` is about, None if all is well.
    """

    indicators: list[dict[str, Any]]
    absent: dict[str, str]
    values: dict[str, float]
    verdict: str
    sentence: str
    todo: str
    per_class: list[dict[str, Any]]
    key: str | None


def examine(
    reference: Reference,
    fake: Features,
    asked: np.ndarray | None,
    *,
    z_sensitivity: tuple[float | None, float | None] = (None, None),
    d: discriminator.Answers | None = None,
    classes: list[str] | None = None,
) -> Examination:
    """fake: features of N >= 16 fakes by the network of `reference`; asked int64 [N]: their labels, None if drawn without.

    z_sensitivity: variety.z_sensitivity of the fakes, and of real images, which healthy fakes come near. d: outputs of the
    discriminator, None where there is none. At most 2,048 fakes are examined, chosen by a fixed seed.
    Raises UserError too_few_images, bad_features.
    """
    names = classes or [str(c) for c in range(reference.num_classes)]
    found = Indicators(reference, fake, asked, names)
    found.variance()
    label_is_unused = label_use.agreement(found)
    label_use.class_shares(found)
    found.coverage()
    found.repeats()
    found.pairwise()
    found.noise(*z_sensitivity)
    discriminator.add_indicators(found, d)
    # Without labels the classes are predicted: what never appears says more than the variety of a few odd images.
    order = list(INDICATORS) if asked is not None else ["class_shares", *INDICATORS]
    indicators = sorted(found.indicators, key=lambda one: order.index(one["key"]))
    verdict = verdict_of({one["key"]: one["level"] for one in indicators}, label_is_unused)
    if verdict == "ok":
        sentence, todo, key = f"No sign of mode collapse in {len(found.fake):,} images.", "", None
    else:
        worst = max(indicators, key=lambda one: severity(one["level"]))  # the first of the worst, in the table's order
        sentence, todo, key = worst["sentence"], TRY[FAMILIES[worst["key"]]], worst["key"]
    return Examination(indicators, found.absent, found.values, verdict, sentence, todo, found.per_class, key)


def verdict_of(levels: dict[str, str], label_is_unused: bool = False) -> str:
    """levels by indicator -> the verdict of one examination."""
    red = {FAMILIES[key] for key, level in levels.items() if level == "red"}
    amber = {FAMILIES[key] for key, level in levels.items() if level != "ok"}
    if len(red) >= 2 or label_is_unused:
        return "red"
    return "amber" if red or len(amber) >= 2 else "ok"
