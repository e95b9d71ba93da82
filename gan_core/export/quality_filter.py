"""The quality filter of an export: images are drawn, and kept or refused one by one, until a class has enough of them.

Images are drawn with a truncation above 1, which gives rarer images and more wrong ones (GaFi, Lampis et al., arXiv:2305.10118);
the filter removes the wrong ones.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from gan_core.errors import Stopped
from gan_core.text import and_more

CHECKS = {  # what an image may be refused for, in the order of the checks
    "label": "of another class",
    "realism": "unlike the real images",
    "copy": "near copies of training images",
    "teacher": "of another class for the teacher",
    "twin": "near duplicates of other kept images",
}
ADVICE = {  # where hardly anything passes
    "label": "train longer",
    "realism": "train longer",
    "copy": "train for a shorter time or with more augmentation",
    "teacher": "train longer",
    "twin": "check the run for mode collapse, since its images hardly vary",
}
REMOVED = "removed"  # by hand
VERSION = 3  # counts up where the same drawn images are kept or refused otherwise
EXPORT_TRUNCATION = 1.2  # multiplier of z; 1 in training
BATCH_IMAGES = 64
PATIENCE_IMAGES = 2048  # drawn for a class before it may be given up
LEAST_SHARE = 0.02  # kept of those
LEAST_DIVERSITY = 0.6  # of the variance of real images within a class: below that the summary says so
MOST_REFUSED, LEAST_DRAWN = 0.5, 20  # of what is drawn of a class: above that share, of so many, the summary says so
SHOWN_NAMES = 10
NEAREST = "nearest_row"  # among the numbers of an image: a row of the training set, and no score


class ImageChecks(Protocol):
    """Checks drawn images in the order they are drawn. begin(label) forgets the kept images of a class.

    A call gives for each image of uint8 [n, H, W, C] '' or the key of CHECKS that it is refused for, and numbers [n] by name.
    skip [n]: images that a person left out, which are not kept in any case. found_of(counts): the findings on the first kept
    images of each class, for a check of all of them together; None where they were not to be kept.
    """

    checks: tuple[str, ...]
    unknown: frozenset[int]  # classes whose labels it cannot check
    realism_known: set[int]  # classes whose realism it can check
    diversity: dict[int, float]  # class -> variance of the images kept so far over that of the real ones

    def begin(self, label: int) -> None: ...

    def __call__(self, label: int, images: np.ndarray, skip: np.ndarray) -> tuple[list[str], dict[str, np.ndarray]]: ...

    def found_of(self, counts: list[int]) -> Any: ...


class RefusedImage(NamedTuple):
    """An image that was not kept, for people to see."""

    label: int
    reason: str
    image: np.ndarray


class FilterOptions(NamedTuple):
    """truncation: times the noise of training, for classes whose label is checked; the others are drawn with 1.

    removed: numbers of drawn images that a person took out, by class name. shown: how many refused images of each class and reason
    are kept for people to see. patience: drawn images of which hardly any passes before a class is given up. keep_found: what
    the checks find of kept images stays in memory, for a check of all of them together.
    """

    truncation: float = EXPORT_TRUNCATION
    removed: dict[str, list[int]] = {}  # noqa: RUF012  never written to
    shown: int = 0
    patience: int = PATIENCE_IMAGES
    keep_found: bool = False


class LabelCheck(NamedTuple):
    """classifier: facts of the one that checks labels, for the report. unchecked: why none does, else ''."""

    classifier: dict[str, Any] = {}  # noqa: RUF012  never written to
    unchecked: str = ""


class QualityFilter:
    """A maker of contents.Contents: an endless sequence of drawn images, of which the good ones count.

    draw(class index, count, start, truncation) -> uint8 [count, H, W, C]: images start, start + 1, ... of the sequence, the same at
    every call. A class of which next to nothing passes is given up: fewer images come back then than were asked for.
    """

    def __init__(
        self,
        draw: Callable[[int, int, int, float], np.ndarray],
        image_checks: ImageChecks,
        classes: list[str],
        options: FilterOptions = FilterOptions(),  # noqa: B008  it is immutable
        label_check: LabelCheck = LabelCheck(),  # noqa: B008
        should_stop: Callable[[], bool] = lambda: False,
    ):
        self.draw, self.image_checks, self.classes, self.options = draw, image_checks, classes, options
        self.label_check, self.should_stop = label_check, should_stop
        self.removed = {classes.index(name): set(rows) for name, rows in options.removed.items() if name in classes}
        self.kept: dict[int, array[int]] = {}
        self.scores: dict[int, dict[str, array[float]]] = {}
        self.refused: dict[int, Counter[str]] = {}
        self.drawn: dict[int, int] = {}
        self.short: dict[int, int] = {}  # class -> images that were asked for and could not be had
        self.examples: list[RefusedImage] = []
        self.sequence: Iterator[np.ndarray] = iter(())
        self.next: tuple[int, int] | None = None  # class and number of the image that the sequence gives next

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        """Images start, start + 1, ... of those that are good, uint8 [at most count, H, W, C]. Raises Stopped."""
        if self.next != (label, start):
            self.sequence = self.images(label)
            for _ in range(start):
                next(self.sequence, None)
        found = [image for _, image in zip(range(count), self.sequence, strict=False)]
        self.next = label, start + len(found)
        if len(found) < count:
            self.short[label] = self.short.get(label, 0) + count - len(found)
        return np.stack(found) if found else self.draw(label, 1, 0, 1.0)[:0]

    def images(self, label: int) -> Iterator[np.ndarray]:
        self.kept[label], self.scores[label], self.refused[label] = array("q"), {}, Counter()
        self.drawn[label], self.short[label] = 0, 0
        self.image_checks.begin(label)
        removed, marks = self.removed.get(label, set()), [0]  # images kept at the start of each batch
        for first in range(0, 2**62, BATCH_IMAGES):
            if self.should_stop():
                raise Stopped
            window = self.options.patience // BATCH_IMAGES
            if len(marks) > window and marks[-1] - marks[-1 - window] < LEAST_SHARE * self.options.patience:
                return
            images = self.draw(label, BATCH_IMAGES, first, self.truncation_of(label))
            skip = np.array([first + offset in removed for offset in range(BATCH_IMAGES)])
            refused, scores = self.image_checks(label, images, skip)
            for offset, image in enumerate(images):
                self.drawn[label] = first + offset + 1
                reason = REMOVED if skip[offset] else refused[offset]
                if reason:
                    self.refused[label][reason] += 1
                    if self.refused[label][reason] <= self.options.shown:
                        self.examples.append(RefusedImage(label, reason, image.copy()))
                    continue
                self.kept[label].append(first + offset)
                for name, values in scores.items():
                    self.scores[label].setdefault(name, array("d")).append(float(values[offset]))
                yield image
            marks.append(len(self.kept[label]))

    def label_checked(self, label: int) -> bool:
        return "label" in self.image_checks.checks and label not in self.image_checks.unknown

    def truncation_of(self, label: int) -> float:
        return self.options.truncation if self.label_checked(label) else 1.0

    def entry(self, label: int, number: int) -> dict[str, Any]:
        """Of kept image `number` of a class, counted from 0: its number among the drawn images, scores, nearest training row."""
        scores = {name: values[number] for name, values in self.scores[label].items()}
        nearest = int(scores.pop(NEAREST, -1))
        return {
            "index": self.kept[label][number],
            "noise": self.truncation_of(label),
            "checked": self.label_checked(label),
            "scores": {name: round(value, 4) for name, value in scores.items() if np.isfinite(value)},
            "nearest_row": nearest if nearest >= 0 else None,
        }

    def report(self) -> dict[str, Any]:
        """By class name: images drawn, kept, refused by reason, and how many are missing; up to the last one handed out."""
        rows, checks = {}, self.image_checks
        for label, kept in sorted(self.kept.items()):
            rows[self.classes[label]] = {
                "drawn": self.drawn[label],
                "kept": len(kept),
                "refused": {reason: n for reason in (*CHECKS, REMOVED) if (n := self.refused[label][reason])},
                "missing": self.short.get(label, 0),
                "label_checked": self.label_checked(label),
                "realism_checked": "realism" in checks.checks and label in checks.realism_known,
                "diversity": round(checks.diversity[label], 3) if label in checks.diversity else None,
            }
        about = {
            "version": VERSION,
            "checks": list(checks.checks),
            "noise": self.options.truncation,
            "judge": self.label_check.classifier,
        }
        return {**about, "classes": rows}

    def summary(self) -> str:
        """In sentences: how many images were drawn, kept, and refused for what; which classes were not checked or have too few."""
        drawn, kept = sum(self.drawn.values()), sum(map(len, self.kept.values()))
        if not drawn:
            return "nothing was drawn."
        refused = self.refused_in_all()
        reasons = [f"{refused[reason]:,} {said}" for reason, said in CHECKS.items() if refused[reason]]
        reasons += [f"{refused[REMOVED]:,} removed by hand"] if refused[REMOVED] else []
        parts = [f"{kept:,} of {drawn:,} images kept" + (f"; left out: {', '.join(reasons)}." if reasons else ".")]
        checks, labels = self.image_checks, sorted(self.kept)
        if self.label_check.unchecked:
            parts.append(f"Labels {self.label_check.unchecked}")
        elif unknown := [label for label in labels if label in checks.unknown]:
            parts.append(
                f"Labels not checked, because the classifier does not recognize these classes: {self.names(unknown)}."
            )
        blind = [label for label in labels if label not in checks.realism_known]
        if blind and "realism" in checks.checks:
            why = "because there are too few validation images or the classifier does not recognize the class"
            parts.append(f"Realism not checked, {why}: {self.names(blind)}.")
        if short := [label for label in sorted(self.short) if self.short[label]]:
            parts.append(
                f"Too few images passed the checks: {self.names(short)}, "
                f"{sum(self.short.values()):,} images missing; {ADVICE[self.worst(short)]}, or fill them in another way as well."
            )
        if dull := [label for label in labels if checks.diversity.get(label, 1.0) < LEAST_DIVERSITY]:
            parts.append(f"Less varied than the real images: {self.names(dull)}.")
        if bad := [label for label in self.unfit() if label not in short]:
            whose = "this run" if len(bad) > len(labels) / 2 else self.names(bad)
            parts.append(
                f"Most images drawn of {whose} are refused, mainly as {CHECKS[self.worst(bad)]}: "
                f"check the kept ones carefully, and {ADVICE[self.worst(bad)]}."
            )
        return " ".join(parts)

    def unfit(self) -> list[int]:
        """Classes of which most images were refused. Those that passed are seldom good, since no check finds every fault."""
        return [
            label
            for label, drawn in sorted(self.drawn.items())
            if drawn >= LEAST_DRAWN and sum(self.refused[label][check] for check in CHECKS) > MOST_REFUSED * drawn
        ]

    def refused_in_all(self) -> Counter[str]:
        """Images by the reason they were refused for, over all classes."""
        return sum(self.refused.values(), Counter[str]())

    def worst(self, labels: list[int]) -> str:
        """What most images of some classes were refused for."""
        refused = sum((self.refused.get(label, Counter()) for label in labels), Counter[str]())
        return max(CHECKS, key=lambda check: refused[check])

    def names(self, labels: list[int]) -> str:
        return and_more([self.classes[label] for label in labels], SHOWN_NAMES)
