"""The indicators of mode collapse, each with its level and a plain sentence; verdict.py has the verdict over all of them.

The thresholds and their reasons stand in names_and_thresholds.py. An indicator counts as amber or red when it is past its
threshold AND further off than chance puts a healthy sample of this size (CHANCE, divided by the number of classes where a single
class is tested): with few images it misses a fault, but raises no false alarm. The indicators of the discriminator are in
discriminator.py, those of the labels in label_use.py.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation.collapse import variety
from gan_core.evaluation.collapse.reference import (
    MOST_IMAGES,
    Reference,
    checked,
    distances,
    duplicate_limit,
    near_duplicates,
)
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.names_and_thresholds import INDICATORS, severity

CHANCE = 1e-3  # of a healthy sample so far off, by tests that are themselves cautious; measured rates: test_verdict.py
LEAST_FAKES = 16


class IndicatorValue(NamedTuple):
    """An indicator as it is written to JSON, without its name and class: see results.IndicatorResult.

    threshold: (amber, red) as they hold for this value. alarmed: numbers of classes, the worst first. overall: the value over all
    classes, where `value` is that of the worst one.
    """

    key: str
    value: float
    level: str
    sentence: str
    threshold: Sequence[float]
    alarmed: Sequence[int] = ()
    overall: float | None = None


class Indicators:
    """Collects the indicators of one set of generated images."""

    def __init__(self, reference: Reference, fake: Features, asked: np.ndarray | None, classes: list[str]):
        self.reference, self.classes = reference, classes
        rows = np.random.default_rng(0).permutation(len(fake.features))[:MOST_IMAGES]
        self.fake = checked(fake.features[rows])
        if len(self.fake) < LEAST_FAKES:
            what = f"Variety needs at least {LEAST_FAKES} generated images, and there are {len(self.fake)}."
            raise UserError("too_few_images", what, "Sample more images.")
        self.predicted = fake.logits[rows].argmax(axis=1) if reference.labels_known else None
        self.asked = None if asked is None or reference.num_classes == 1 else np.asarray(asked)[rows]
        if reference.num_classes == 1:
            self.labels: np.ndarray | None = np.zeros(len(rows), np.int64)
        else:
            self.labels = self.asked if self.asked is not None else self.predicted
        self.apart = distances(self.fake, self.fake)
        self.indicators: list[dict[str, Any]] = []
        self.absent: dict[str, str] = {}
        self.values: dict[str, float] = {}
        self.per_class: list[dict[str, Any]] = [
            {
                "variance_ratio": None,
                "coverage_ratio": None,
                "agreement": None,
                "real_agreement": reference.recall[c],
                "n_fake": 0 if self.labels is None else int((self.labels == c).sum()),
            }
            for c in range(reference.num_classes)
        ]

    def add(self, line: IndicatorValue) -> None:
        classes = [self.classes[c] for c in line.alarmed]
        self.values[line.key] = float(line.value if line.overall is None else line.overall)
        self.indicators.append(
            {
                "key": line.key,
                "name": INDICATORS[line.key].name,
                "value": float(line.value),
                "level": line.level,
                "amber": float(line.threshold[0]),
                "red": float(line.threshold[1]),
                "class": classes[0] if classes else None,
                "classes": classes,
                "sentence": line.sentence,
            }
        )

    def who(self, alarmed: list[int], one: str, many: str) -> str:
        """'Class 'a' shows', 'Classes 'a' and 'b' show', '7 of 10 classes show'."""
        names = [f"'{self.classes[c]}'" for c in alarmed]
        if len(names) == 1:
            return f"Class {names[0]} {one}"
        if len(names) <= 3:
            return f"Classes {', '.join(names[:-1])} and {names[-1]} {many}"
        return f"{len(names)} of {len(self.classes)} classes ({', '.join(names[:3])}, …) {many}"

    def variance(self) -> None:
        key, threshold = "variance_ratio", INDICATORS["variance_ratio"].threshold
        if self.labels is None:
            self.absent[key] = "The classes of these images are unknown."
            return
        reference = self.reference
        by = reference.predicted if self.asked is None else reference.labels
        ratio, chance = variety.variance_ratio(reference, by, self.fake, self.labels)
        pooled = variety.pooled_variance_ratio(reference, by, self.fake, self.labels)
        known = [int(c) for c in np.flatnonzero(np.isfinite(ratio))]
        # Ten times the caution: the chance rests on an approximation that heavy tails bend.
        levels = {c: below(ratio[c], threshold, 10 * chance[c] * len(ratio)) for c in known}
        for c in known:
            self.per_class[c]["variance_ratio"] = float(ratio[c])
        alarmed = worst_first(levels, ratio)
        if alarmed:
            low = ratio[alarmed[0]] if len(alarmed) == 1 else ratio[alarmed].max()
            text = f"only {low:.2f}" if len(alarmed) == 1 else f"at most {low:.2f}"
            real = "its real images" if len(alarmed) == 1 else "their real images"
            sentence = self.who(alarmed, f"shows {text}", f"show {text}") + f" of the variety of {real}."
            self.add(IndicatorValue(key, ratio[alarmed[0]], levels[alarmed[0]], sentence, threshold, alarmed))
        elif levels:
            low = min(levels, key=lambda c: ratio[c])
            sentence = f"The least varied class, '{self.classes[low]}', shows {ratio[low]:.2f} of its real variety"
            beyond = ratio[low] < threshold[0]
            self.add(
                IndicatorValue(
                    key, ratio[low], "ok", sentence + (", no less than chance." if beyond else "."), threshold
                )
            )
        elif pooled is not None:
            level = below(pooled, threshold, 0.0)
            sentence = f"Within a class, images show {pooled:.2f} of the variety of real ones, over all classes."
            self.add(IndicatorValue(key, pooled, level, sentence, threshold))
        else:
            self.absent[key] = f"No class has {variety.CLASS_IMAGES} generated and as many real images."

    def pairwise(self) -> None:
        key, threshold = "pairwise_ratio", INDICATORS["pairwise_ratio"].threshold
        value = variety.pairwise_ratio(self.reference, self.apart, self.asked)
        if value is None:
            self.absent[key] = "The real images of these classes are all alike."
            return
        sentence = f"Two generated images differ {value:.2f} times as much as two real ones."
        self.add(IndicatorValue(key, value, below(value, threshold, 0.0), sentence, threshold))

    def repeats(self) -> None:
        """Near duplicates among the fakes, and the number of different images that this suggests."""
        reference = self.reference
        n = min(len(self.fake), len(reference.features))
        limit = duplicate_limit(reference.distances, n)
        apart = self.apart[:n, :n]
        rate, pairs = near_duplicates(apart, limit)
        real_rate = near_duplicates(reference.distances[:n, :n], limit)[0]
        usual = max(0.01, real_rate, reference.held_duplicates * n)
        # Near duplicates come in pairs, so half as many images are independent.
        chance = stats.binom.sf(round(rate * n / 2) - 1, n // 2, min(usual, 1.0)) if rate else 1.0
        estimate = n * (n - 1) / 2 / max(pairs, 1)
        support = min(1.0, estimate / reference.n_train)
        level = below(support, INDICATORS["support"].threshold, chance)
        about = f"about {estimate:,.0f}" if pairs else "more than can be counted"
        sentence = f"The number of near duplicates suggests {about} different images; the training set has {reference.n_train:,}."
        self.add(IndicatorValue("support", support, level, sentence, INDICATORS["support"].threshold))
        amber, red = INDICATORS["near_duplicates"].threshold
        level = "ok" if level == "ok" or rate <= amber else "amber" if level == "amber" or rate <= red else "red"
        sentence = (
            f"{rate:.0%} of the generated images have a near duplicate among {n:,}; of real images {real_rate:.0%} do."
        )
        self.add(IndicatorValue("near_duplicates", rate, level, sentence, (amber, red)))

    def coverage(self) -> None:
        key, threshold, reference = "coverage_ratio", INDICATORS["coverage_ratio"].threshold, self.reference
        covered, expected, n = variety.coverage(reference, self.fake, self.asked)
        usual = expected.mean()
        if usual < 0.1:
            self.absent[key] = "Held-out images themselves reach too few training images."
            return
        overall = float(covered.mean() / usual)
        # One fake covers several reals, so half as many are independent.
        level = below(
            overall, threshold, fewer(covered.sum() / 2, len(covered) / 2, expected.sum() / 2, len(covered) / 2)
        )
        ratios, levels = np.full(reference.num_classes, np.nan), {}
        for c in range(reference.num_classes if reference.num_classes > 1 else 0):
            mine = reference.labels == c
            if mine.sum() < variety.CLASS_IMAGES or expected[mine].mean() < 0.1:
                continue
            ratios[c] = covered[mine].mean() / expected[mine].mean()
            self.per_class[c]["coverage_ratio"] = float(ratios[c])
            half = mine.sum() / 2
            chance = fewer(covered[mine].sum() / 2, half, expected[mine].sum() / 2, half) * reference.num_classes
            levels[c] = below(ratios[c], threshold, chance)
        alarmed = worst_first(levels, ratios)
        if alarmed and severity(levels[alarmed[0]]) > severity(level):
            c = alarmed[0]
            most = "at most" if len(alarmed) > 1 else "only"
            best = max(ratios[one] for one in alarmed)
            sentence = (
                self.who(alarmed, "is", "are") + f" reached {most} {best:.2f} times as well as by held-out images."
            )
            self.add(IndicatorValue(key, ratios[c], levels[c], sentence, threshold, alarmed, overall))
            return
        sentence = f"Generated images reach {overall:.2f} times as many real images as {n:,} held-out ones do."
        self.add(IndicatorValue(key, overall, level, sentence, threshold, alarmed))

    def noise(self, share: float | None, real_share: float | None) -> None:
        key, threshold = "z_sensitivity", INDICATORS["z_sensitivity"].threshold
        if share is None:
            self.absent[key] = "Not available: this indicator needs images of at least two requested classes."
            return
        value = share / real_share if real_share else share
        sentence = f"The latent code causes {value:.2f} times the expected share of the differences; the label causes the rest."
        self.add(IndicatorValue(key, value, below(value, threshold, 0.0), sentence, threshold))


def below(value: float, threshold: Sequence[float], chance: float) -> str:
    """The level of a value that is bad when low. chance: that of a healthy sample so low; too likely, and it is no alarm."""
    if chance >= CHANCE or value >= threshold[0]:
        return "ok"
    return "amber" if value >= threshold[1] else "red"


def fewer(count: float, n: float, reference_count: float, reference_n: float) -> float:
    """The chance of `count` or fewer of n where another sample had reference_count of reference_n (Fisher's exact test)."""
    count, n, reference_count, reference_n = (round(number) for number in (count, n, reference_count, reference_n))
    return float(stats.hypergeom.cdf(count, n + reference_n, count + reference_count, n))


def worst_first(levels: dict[int, str], values: np.ndarray) -> list[int]:
    """The classes that are not ok: red before amber, then by value."""
    alarmed = [int(c) for c, level in levels.items() if level != "ok"]
    return sorted(alarmed, key=lambda c: (-severity(levels[c]), values[c], c))
