"""The collapse indicators of the discriminator D: overfitting, certainty, remaining loss and use of the label.

Its outputs are logits. Only some losses give them a level (0 or 1/2 between real and fake); a D that compares, relativistic or
Wasserstein, has none, and what needs one is absent there. How sure D is of training images is the r_t of arXiv:2006.06676,
the gap to held-out images its r_v; D sees the images without augmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from gan_core.evaluation.collapse.indicators import LEAST_FAKES, Indicators, IndicatorValue, below
from gan_core.evaluation.names_and_thresholds import INDICATORS

TICKS = 60  # rows of metrics.jsonl that the trend is seen in, about a minute; the newer half gives the value
LEAST_TICKS = 8
USUAL_CERTAINTY = 0.6  # r_t that ADA (arXiv:2006.06676) steers to: what is no further off by chance is no alarm
RISING_AGAIN = 0.02  # smaller changes of D(x) - D(G(z)) within the ticks are none


@dataclass(frozen=True)
class Answers:
    """Outputs of D: logits [n] of training, held-out and generated images; None where there are none.

    other_label [n]: of the same training images, each with the class after its own. level: the logit of a D that cannot tell,
    None where only differences of logits count. blank_loss: the loss of such a D, above 0, None where it is not known. ticks:
    the newest rows of metrics.jsonl with loss_d, d_real and d_fake, the oldest first.
    """

    real: np.ndarray | None = None
    held_out: np.ndarray | None = None
    fake: np.ndarray | None = None
    other_label: np.ndarray | None = None
    level: float | None = None
    blank_loss: float | None = None
    ticks: Sequence[dict[str, Any]] = ()


def add_indicators(found: Indicators, d: Answers | None) -> None:
    """Add the four indicators, or why they are not available. d: None without a discriminator."""
    if d is None:
        keys = ("d_overfit", "d_certainty", "d_loss_left", "d_label_use")
        found.absent |= dict.fromkeys(keys, "The discriminator's outputs are recorded only while a run trains.")
        return
    found.absent |= unavailable(d)
    if "d_overfit" not in found.absent:
        overfit(found, d)
    if "d_certainty" not in found.absent:
        certainty(found, d)
    loss_left(found, d)
    label_use(found, d)


def unavailable(d: Answers) -> dict[str, str]:
    """Indicators without a value, as D has no outputs or does not tell training images from generated ones: {key: reason}."""
    both = ("d_overfit", "d_certainty")
    if d.real is None or d.fake is None or min(len(d.real), len(d.fake)) < LEAST_FAKES:
        return dict.fromkeys(both, "Not available: this indicator needs the discriminator's outputs.")
    if not (np.isfinite(d.real).all() and np.isfinite(d.fake).all()):
        return dict.fromkeys(both, "The discriminator's outputs are not finite numbers.")
    if d.real.mean() <= d.fake.mean() or stats.ttest_ind(d.real, d.fake, equal_var=False).pvalue > 1e-3:
        return dict.fromkeys(both, "The discriminator does not tell these generated images from training images.")
    absent = {}
    if d.held_out is None or len(d.held_out) < LEAST_FAKES or not np.isfinite(d.held_out).all():
        absent["d_overfit"] = "Not available: this indicator needs the discriminator's outputs on held-out images."
    if d.level is None:
        absent["d_certainty"] = "This loss only compares images: no single output of its discriminator means real."
    return absent


def overfit(found: Indicators, d: Answers) -> None:
    """r_v = (mean D(train) - mean D(held-out)) / (mean D(train) - mean D(fake)): differences, so any loss's D has it."""
    assert d.real is not None and d.held_out is not None and d.fake is not None
    threshold, chance = INDICATORS["d_overfit"].threshold, 0.0
    if np.ptp(d.real) or np.ptp(d.held_out):
        chance = stats.ttest_ind(d.real, d.held_out, equal_var=False, alternative="greater").pvalue
    value = float((d.real.mean() - d.held_out.mean()) / (d.real.mean() - d.fake.mean()))
    sentence = f"{max(value, 0):.0%} of the discriminator's preference for training images comes from memorizing them."
    found.add(IndicatorValue("d_overfit", value, above(value, threshold, float(chance)), sentence, threshold))


def certainty(found: Indicators, d: Answers) -> None:
    """r_t = mean sign(D(train)), the sign taken from the level of a D that cannot tell."""
    assert d.real is not None and d.level is not None
    threshold, real, n = INDICATORS["d_certainty"].threshold, int((d.real > d.level).sum()), len(d.real)
    value = float(np.sign(d.real - d.level).mean())
    chance = float(stats.binom.sf(real - 1, n, (1 + USUAL_CERTAINTY) / 2))
    sentence = f"The discriminator takes {real / n:.0%} of the training images for real."
    found.add(IndicatorValue("d_certainty", value, above(value, threshold, chance), sentence, threshold))


def loss_left(found: Indicators, d: Answers) -> None:
    """What D's loss has left of that of a D that cannot tell, while D(x) - D(G(z)) does not shrink."""
    key, threshold = "d_loss_left", INDICATORS["d_loss_left"].threshold
    if d.blank_loss is None or not d.blank_loss > 0:
        found.absent[key] = (
            "Not available: this indicator needs a loss whose value for an undecided discriminator is known."
        )
        return
    known = [row for row in d.ticks if all(row.get(name) is not None for name in ("loss_d", "d_real", "d_fake"))]
    if len(known) < LEAST_TICKS:
        found.absent[key] = (
            f"Not available: this indicator needs {LEAST_TICKS} records of the losses, and there are {len(known)}."
        )
        return
    older, newer = np.array_split([row["d_real"] - row["d_fake"] for row in known[-TICKS:]], 2)
    left = np.array([row["loss_d"] for row in known[-len(newer) :]]) / d.blank_loss
    value = float(left.mean())
    level = below(value, threshold, chance_below(left, threshold[0]))
    sentence = (
        f"The discriminator's loss is at {max(value, 0):.0%} of what it is when it cannot tell real from generated"
    )
    if level != "ok" and newer.mean() < older.mean() - RISING_AGAIN:
        level, sentence = "ok", f"{sentence}, and rises again"
    elif level != "ok":
        sentence += ": the generator has little left to learn from"
    found.add(IndicatorValue(key, value, level, sentence + ".", threshold))


def label_use(found: Indicators, d: Answers) -> None:
    """Mean over reals of D(x, y) - D(x, y + 1), in standard deviations of D(x, y): above 0 where D uses the label."""
    key, threshold = "d_label_use", INDICATORS["d_label_use"].threshold
    if found.reference.num_classes == 1:
        found.absent[key] = "There is only one class."
    elif d.real is None or d.other_label is None or len(d.real) < LEAST_FAKES:
        found.absent[key] = "Not available: this indicator needs the discriminator's outputs for other labels."
    elif not (np.isfinite(d.real).all() and np.isfinite(d.other_label).all()):
        found.absent[key] = "The discriminator's outputs are not finite numbers."
    elif np.array_equal(d.real, d.other_label):
        found.absent[key] = "The output of this discriminator does not depend on the label."
    if key in found.absent:
        return
    assert d.real is not None and d.other_label is not None
    preference = (d.real - d.other_label) / max(float(d.real.std()), 1e-12)
    value = float(preference.mean())
    chance = (
        float(stats.ttest_1samp(preference, 2 * threshold[0], alternative="less").pvalue) if np.ptp(preference) else 0.0
    )
    right = float((preference > 0).mean())
    sentence = f"The discriminator prefers {right:.0%} of the training images with their own label to another."
    found.add(IndicatorValue(key, value, below(value, threshold, chance), sentence, threshold))


def chance_below(sample: np.ndarray, line: float) -> float:
    """The chance of a mean so low where the true one is `line` (t-test); for values that are all the same 0 or 1."""
    if np.ptp(sample) < 1e-9:
        return float(sample.mean() >= line)
    return float(stats.ttest_1samp(sample, line, alternative="less").pvalue)


def above(value: float, threshold: Sequence[float], chance: float) -> str:
    """The level of a value that is bad when high."""
    return below(-value, [-line for line in threshold], chance)
