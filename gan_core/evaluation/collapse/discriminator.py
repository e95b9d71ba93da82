"""The indicators of the discriminator: does it know its images by heart, is it too sure, has it won, does it use the label?

Its answers are logits. Only some losses give them a level (0 or 1/2 between real and fake); a D that compares, relativistic or
Wasserstein, has none, and what needs one is absent there. How sure D is of training images is the r_t of arXiv:2006.06676,
the gap to held-out images its r_v; D is asked about images as they are, not as augmentation changes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from gan_core.evaluation.collapse.indicators import LEAST_FAKES, Examiner, below
from gan_core.evaluation.vocabulary import INDICATORS

TICKS = 60  # rows of metrics.jsonl that the trend is seen in, about a minute; the newer half gives the value
LEAST_TICKS = 8
USUAL_CERTAINTY = 0.6  # r_t that ADA (arXiv:2006.06676) steers to: what is no further off by chance is no alarm
ON_ITS_WAY_BACK = 0.02  # smaller changes of D(x) - D(G(z)) within the ticks are none


@dataclass(frozen=True)
class Answers:
    """What D says. Logits [n] of training, held-out and generated images; None where it was not asked.

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


def look_at(found: Examiner, d: Answers | None) -> None:
    """Adds the four indicators, or why they cannot be had. d None: no D is at hand."""
    if d is None:
        keys = ("d_overfit", "d_certainty", "d_loss_left", "d_label_use")
        found.absent |= dict.fromkeys(keys, "The discriminator is asked only while a run trains.")
        return
    found.absent |= tells_apart(d)
    if "d_overfit" not in found.absent:
        overfit(found, d)
    if "d_certainty" not in found.absent:
        certainty(found, d)
    winning(found, d)
    label_use(found, d)


def tells_apart(d: Answers) -> dict[str, str]:
    """What cannot be said because D was not asked, or does not know training images from generated ones: {key: reason}."""
    both = ("d_overfit", "d_certainty")
    if d.real is None or d.fake is None or min(len(d.real), len(d.fake)) < LEAST_FAKES:
        return dict.fromkeys(both, "It takes the discriminator's word on training and generated images.")
    if not (np.isfinite(d.real).all() and np.isfinite(d.fake).all()):
        return dict.fromkeys(both, "The discriminator's answers are not finite numbers.")
    if d.real.mean() <= d.fake.mean() or stats.ttest_ind(d.real, d.fake, equal_var=False).pvalue > 1e-3:
        return dict.fromkeys(both, "The discriminator does not tell these generated images from training images.")
    absent = {}
    if d.held_out is None or len(d.held_out) < LEAST_FAKES or not np.isfinite(d.held_out).all():
        absent["d_overfit"] = "It takes the discriminator's word on held-out images."
    if d.level is None:
        absent["d_certainty"] = "This loss only compares: its discriminator has no level that means real."
    return absent


def overfit(found: Examiner, d: Answers) -> None:
    """r_v = (mean D(train) - mean D(held-out)) / (mean D(train) - mean D(fake)): differences, so any loss's D has it."""
    assert d.real is not None and d.held_out is not None and d.fake is not None
    lines, chance = INDICATORS["d_overfit"].threshold, 0.0
    if np.ptp(d.real) or np.ptp(d.held_out):
        chance = stats.ttest_ind(d.real, d.held_out, equal_var=False, alternative="greater").pvalue
    value = float((d.real.mean() - d.held_out.mean()) / (d.real.mean() - d.fake.mean()))
    sentence = f"The discriminator owes {max(value, 0):.0%} of its edge on training images to knowing them by heart."
    found.add("d_overfit", value, above(value, lines, float(chance)), lines, sentence)


def certainty(found: Examiner, d: Answers) -> None:
    """r_t = mean sign(D(train)), the sign taken from the level of a D that cannot tell."""
    assert d.real is not None and d.level is not None
    lines, real, n = INDICATORS["d_certainty"].threshold, int((d.real > d.level).sum()), len(d.real)
    value = float(np.sign(d.real - d.level).mean())
    chance = float(stats.binom.sf(real - 1, n, (1 + USUAL_CERTAINTY) / 2))
    sentence = f"The discriminator takes {real / n:.0%} of the training images for real."
    found.add("d_certainty", value, above(value, lines, chance), lines, sentence)


def winning(found: Examiner, d: Answers) -> None:
    """What D's loss has left of that of a D that cannot tell, while D(x) - D(G(z)) does not shrink."""
    key, lines = "d_loss_left", INDICATORS["d_loss_left"].threshold
    if d.blank_loss is None or not d.blank_loss > 0:
        found.absent[key] = "It takes an adversarial loss with a level of its own."
        return
    known = [row for row in d.ticks if all(row.get(name) is not None for name in ("loss_d", "d_real", "d_fake"))]
    if len(known) < LEAST_TICKS:
        found.absent[key] = f"It takes {LEAST_TICKS} lines of the losses, and there are {len(known)}."
        return
    older, newer = np.array_split([row["d_real"] - row["d_fake"] for row in known[-TICKS:]], 2)
    left = np.array([row["loss_d"] for row in known[-len(newer) :]]) / d.blank_loss
    value = float(left.mean())
    level = below(value, lines, chance_below(left, lines[0]))
    sentence = (
        f"The discriminator's loss is at {max(value, 0):.0%} of what it is when it cannot tell real from generated"
    )
    if level != "ok" and newer.mean() < older.mean() - ON_ITS_WAY_BACK:
        level, sentence = "ok", f"{sentence}, and rises again"
    elif level != "ok":
        sentence += ": the generator has little left to learn from"
    found.add(key, value, level, lines, sentence + ".")


def label_use(found: Examiner, d: Answers) -> None:
    """Mean over reals of D(x, y) - D(x, y + 1), in standard deviations of D(x, y): above 0 where D minds the label."""
    key, lines = "d_label_use", INDICATORS["d_label_use"].threshold
    if found.reference.num_classes == 1:
        found.absent[key] = "There is only one class."
    elif d.real is None or d.other_label is None or len(d.real) < LEAST_FAKES:
        found.absent[key] = "It takes the discriminator's word on training images with other labels."
    elif not (np.isfinite(d.real).all() and np.isfinite(d.other_label).all()):
        found.absent[key] = "The discriminator's answers are not finite numbers."
    elif np.array_equal(d.real, d.other_label):
        found.absent[key] = "This discriminator's answer does not depend on the label."
    if key in found.absent:
        return
    assert d.real is not None and d.other_label is not None
    preference = (d.real - d.other_label) / max(float(d.real.std()), 1e-12)
    value = float(preference.mean())
    chance = (
        float(stats.ttest_1samp(preference, 2 * lines[0], alternative="less").pvalue) if np.ptp(preference) else 0.0
    )
    right = float((preference > 0).mean())
    sentence = f"The discriminator prefers {right:.0%} of the training images with their own label to another."
    found.add(key, value, below(value, lines, chance), lines, sentence)


def chance_below(sample: np.ndarray, line: float) -> float:
    """The chance of a mean so low where the true one is `line` (t-test); for values that are all the same 0 or 1."""
    if np.ptp(sample) < 1e-9:
        return float(sample.mean() >= line)
    return float(stats.ttest_1samp(sample, line, alternative="less").pvalue)


def above(value: float, lines: Sequence[float], chance: float) -> str:
    """The level of a value that is bad when high."""
    return below(-value, [-line for line in lines], chance)
