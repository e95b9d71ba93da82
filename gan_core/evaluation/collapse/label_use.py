"""The indicators of label use: do images show the requested class, and does every class appear? As a classifier predicts.

A classifier errs: everything here is compared with its predictions for held-out real images.
"""

import numpy as np

from gan_core.evaluation.collapse import variety
from gan_core.evaluation.collapse.indicators import Indicators, IndicatorValue, below, fewer, worst_first
from gan_core.evaluation.names_and_thresholds import CLASS_AGREEMENT, CLASS_SHARE, INDICATORS, severity

HALF_THE_LABEL = 0.5  # of the classifier's accuracy beyond guessing; where less is left, one red indicator is enough


def agreement(found: Indicators) -> bool:
    """Is the requested class the predicted one? Over all and per class. True where the label has next to no effect."""
    key, reference = "agreement", found.reference
    if reference.num_classes == 1:
        found.absent[key] = "There is only one class."
    elif found.asked is None:
        found.absent[key] = "These images were generated without labels."
    elif found.predicted is None:
        found.absent[key] = "There is no classifier of these classes."
    elif reference.accuracy is None or not len(reference.held_out):
        found.absent[key] = "Without held-out images the reliability of the classifier is unknown."
    if key in found.absent:
        return False
    assert found.asked is not None and reference.accuracy is not None
    right, held = found.asked == found.predicted, np.bincount(reference.held_labels, minlength=reference.num_classes)
    overall, accuracy, n_held = float(right.mean()), reference.accuracy, len(reference.held_out)
    threshold = tuple(accuracy - drop for drop in INDICATORS[key].threshold)
    level = below(overall, threshold, fewer(right.sum(), len(right), accuracy * n_held, n_held))
    guess = 1 / reference.num_classes
    unused = level == "red" and overall - guess < HALF_THE_LABEL * (accuracy - guess)
    shares, levels = np.full(reference.num_classes, np.nan), {}
    for c in range(reference.num_classes):
        mine, recall = found.asked == c, reference.recall[c]
        if mine.sum() < variety.CLASS_IMAGES:
            continue
        shares[c] = found.per_class[c]["agreement"] = float(right[mine].mean())
        if recall is not None and held[c]:
            chance = fewer(right[mine].sum(), mine.sum(), recall * held[c], held[c]) * reference.num_classes
            levels[c] = below(shares[c], [recall - drop for drop in CLASS_AGREEMENT], chance)
    alarmed = worst_first(levels, shares)
    many = len(alarmed) > reference.num_classes / 2
    if alarmed and not many and severity(levels[alarmed[0]]) >= severity(level):
        c = alarmed[0]
        others = f" {len(alarmed) - 1} more classes are affected." if len(alarmed) > 1 else ""
        sentence = f"Of the images requested as class '{found.classes[c]}' only {shares[c]:.0%} look like it"
        sentence += f" (real ones: {reference.recall[c]:.0%})."
        threshold = tuple((reference.recall[c] or 0) - drop for drop in CLASS_AGREEMENT)
        found.add(IndicatorValue(key, shares[c], levels[c], sentence + others, threshold, alarmed, overall))
        return unused
    sentence = f"{overall:.0%} of the images look like the requested class; of held-out real images {accuracy:.0%} do."
    found.add(IndicatorValue(key, overall, level, sentence, threshold, alarmed))
    return unused


def class_shares(found: Indicators) -> None:
    """Does every class appear as often as requested, or as among real images, given the classifier's own confusions?"""
    key, threshold, reference = "class_shares", INDICATORS["class_shares"].threshold, found.reference
    if found.predicted is None:
        found.absent[key] = "There is no classifier of these classes."
        return
    if not len(reference.held_out):
        found.absent[key] = "Without held-out images the reliability of the classifier is unknown."
        return
    wanted = reference.labels if found.asked is None else found.asked
    expected = np.bincount(wanted, minlength=reference.num_classes) / len(wanted) @ reference.confusion
    counts = np.bincount(found.predicted, minlength=reference.num_classes)
    n, n_held = len(found.predicted), len(reference.held_out)
    off = float(np.abs(counts / n - expected).sum() / 2)
    usual, most = variety.share_noise(expected, n, n_held)
    overall = max(0.0, off - usual)
    level = "ok" if off <= most or overall <= threshold[0] else "red" if overall > threshold[1] else "amber"
    ratios = counts / n / np.maximum(expected, 1e-9)
    levels = {
        c: below(ratios[c], CLASS_SHARE, fewer(counts[c], n, expected[c] * n_held, n_held) * reference.num_classes)
        for c in range(reference.num_classes)
    }
    alarmed = worst_first(levels, ratios)
    if alarmed and severity(levels[alarmed[0]]) >= severity(level):
        c = alarmed[0]
        sentence = found.who(alarmed, "is", "are") + " hardly seen: "
        sentence += f"'{found.classes[c]}' makes {counts[c] / n:.1%} of the images instead of {expected[c]:.1%}."
        found.add(IndicatorValue(key, ratios[c], levels[c], sentence, CLASS_SHARE, alarmed, overall))
        return
    sentence = f"The shares of the classes are off by {overall:.0%} of the images, beyond chance."
    found.add(IndicatorValue(key, overall, level, sentence, threshold, alarmed))
