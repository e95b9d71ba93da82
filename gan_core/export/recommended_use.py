"""How a classifier is best trained on an exported dataset: recommended_use.json and the weights of the images, for its train.py.

It is what the search `improve` found, as far as the zip has the images for it; otherwise the plain baseline on the real images
alone, since nothing has shown that synthetic images help.
"""

from typing import Any, NamedTuple

import numpy as np

from gan_core.evaluation.utility.found import Found
from gan_core.evaluation.utility.protocol import (
    BATCH,
    FIRST_PART,
    UPDATES,
    Arm,
    ClassifierName,
    Policy,
    Use,
)
from gan_core.export.contents import Group

# Kinds of contents.Group that a way of the search is exported as; a class in which no object can be cut out has changed copies.
KINDS: dict[str, frozenset[str]] = {
    "gan": frozenset({"gan"}),
    "copies": frozenset({"classical"}),
    "pasted": frozenset({"composite", "classical"}),
}
SCHEMA = 1  # of recommended_use.json
NOT_SEARCHED = "It was not searched what helps a classifier of this dataset, so train.py shows it the real images alone"


class About(NamedTuple):
    """What of an export the recommendation depends on. side: of the dataset's images in px; background: of its padding; checkpoint:
    first 12 digits of the SHA-256 of the one that drew images, '' where none did."""

    groups: list[Group]
    classes: list[str]
    folders: list[str]
    side: int
    channels: int
    background: str = "white"
    layout: str = "imagefolder"
    checkpoint: str = ""

    def counts(self, split: str, kinds: frozenset[str]) -> np.ndarray:
        """int64 [K]: images of each class."""
        found = np.zeros(len(self.classes), np.int64)
        for group in self.groups:
            if group.split == split and group.kind in kinds:
                found[group.label] += group.images
        return found


REAL = frozenset({"real"})


class Recommendation(NamedTuple):
    """use: recommended_use.json. weights: of the images of a group, how often each is shown where an average real one is shown
    once; 0 is never. soft: the synthetic images have soft labels."""

    use: dict[str, Any]
    weights: dict[Group, float]
    soft: bool


class Followed(NamedTuple):
    """arm: what train.py does. whole: it is what was found; instead: why it is not, else ''."""

    arm: Arm
    whole: bool
    instead: str


def recommend(about: About, found: Found | None) -> Recommendation:
    """found: of the run, or of the dataset; None where nothing was searched."""
    from gan_core.evaluation.classifier import LABEL_SMOOTHING
    from gan_core.evaluation.utility.arms import NORM_BATCHES, PEAK_RATES, WEIGHT_DECAY
    from gan_core.evaluation.utility.networks import LARGEST_SIDE

    followed = follow(about, found)
    arm, use = followed.arm, followed.arm.use
    name: ClassifierName = found.classifier if found else "small"
    updates, batch = (found.updates, found.batch) if found else (None, None)
    updates, batch = updates or UPDATES[name][2], batch or BATCH[name]
    weights, promise = weights_of(about, arm), promised(followed, found)
    real, made = (
        sum(group.images * weights[group] for group in weights if (group.kind == "real") == own)
        for own in (True, False)
    )
    slots = batch * made / real if use and real else 0.0
    value = {
        "schema": SCHEMA,
        "sentence": sentence(followed, found),
        "layout": about.layout,
        "classes": about.classes,
        "folders": about.folders,
        "mode": "L" if about.channels == 1 else "RGB",
        "side": about.side if name == "lite0" else min(about.side, LARGEST_SIDE),
        "background": about.background,
        "classifier": name,
        "updates": updates,
        "batch": batch,
        "natural_updates": round(FIRST_PART * updates) if arm.baseline.sampling == "deferred" else 0,
        "mix": arm.baseline.mix,
        "augmentation": reach(arm.baseline.policy, about.channels),
        "peak_rate": PEAK_RATES[name],
        "weight_decay": WEIGHT_DECAY,
        "smoothing": LABEL_SMOOTHING,
        "norm_batches": NORM_BATCHES[name],
        **synthetic_part(use, updates, batch, slots),
        "promise": promise,
        "promise_in_words": in_words(promise),
        "arm": arm.model_dump(mode="json"),
        "found": found.to_json() if found else None,
    }
    return Recommendation(value, weights, bool(use and use.labels == "soft"))


def follow(about: About, found: Found | None) -> Followed:
    """What train.py can do of what was found."""
    arm = found.usable if found else Arm()
    if not about.counts("train", REAL).any():
        return Followed(Arm(baseline=arm.baseline), False, "The zip has no real images to train on.")
    if arm.use is None:
        return Followed(arm, True, "")
    kinds = kinds_of(arm.way)
    if kinds is None or arm.use.share == 1 or not about.counts("train", kinds)[slots_of(about, arm.use) > 0].any():
        return Followed(
            Arm(baseline=arm.baseline), False, "The zip has no synthetic images of the kind that was found to be best."
        )
    if found and "gan" in arm.way.split("+") and about.checkpoint != (found.checkpoint or ""):
        return Followed(
            arm,
            False,
            "The images of the run in this zip are of another checkpoint than those that were compared, so their accuracy may be "
            "another one.",
        )
    return Followed(arm, True, "")


def kinds_of(way: str) -> frozenset[str] | None:
    """Of the groups that hold the images of a way or a mixture; None where there is one that no export makes."""
    ways = way.split("+")
    return frozenset[str]().union(*(KINDS[one] for one in ways)) if set(ways) <= set(KINDS) else None


def slots_of(about: About, use: Use) -> np.ndarray:
    """float [K]: synthetic images of each class that are shown for one real image."""
    from gan_core.evaluation.utility.batches import slots_by_class

    return slots_by_class(about.counts("train", REAL), use, 1)


def weights_of(about: About, arm: Arm) -> dict[Group, float]:
    """Of the groups of the training images. A zip without real images shows all its classes equally often."""
    kinds = (kinds_of(arm.way) or frozenset()) if arm.use else frozenset[str]()
    real = about.counts("train", REAL)
    base = real if real.any() else about.counts("train", frozenset({"gan", "classical", "composite"}))
    balanced = arm.baseline.sampling != "natural" or not real.any()
    each = base.sum() / (np.count_nonzero(base) * np.maximum(base, 1)) if balanced else np.ones(len(base))
    beside = np.zeros(len(base))
    if arm.use:
        beside = base.sum() * slots_of(about, arm.use) / np.maximum(about.counts("train", kinds), 1)
    weights = {}
    for group in about.groups:
        if group.split == "train":
            shown = group.kind == "real" or not real.any()
            weights[group] = float(each[group.label] if shown else beside[group.label] if group.kind in kinds else 0.0)
    return weights


def synthetic_part(use: Use | None, updates: int, batch: int, slots: float) -> dict[str, int]:
    """When how many synthetic images are shown. slots: beside a batch of real ones."""
    if use is None:
        return {"synthetic_updates": 0, "synthetic_slots": 0, "pretrain_updates": 0}
    if use.phase == "pretrain":
        before = max(1, round(updates * slots / batch))
        return {"synthetic_updates": 0, "synthetic_slots": 0, "pretrain_updates": before}
    shown = updates if use.phase == "throughout" else max(1, round(FIRST_PART * updates))
    return {"synthetic_updates": shown, "synthetic_slots": max(1, round(slots)), "pretrain_updates": 0}


def reach(policy: Policy, channels: int) -> dict[str, float]:
    """How far an augmentation goes, of each of its changes."""
    from gan_core.evaluation.classifier_augment import REACH, Reach

    if policy == "none":
        return dict.fromkeys((*Reach._fields, "flip_chance"), 0.0)
    found = REACH[policy]._asdict()
    return {**found, "color": found["color"] if channels == 3 else 0.0, "flip_chance": 0.0}


def promised(followed: Followed, found: Found | None) -> dict[str, Any] | None:
    """What the app measured of the training that train.py does: {"balanced_accuracy", "ci95"}; None where it did not."""
    if not found or not followed.whole:
        return None
    value = found.chosen if followed.arm == found.arm else found.baseline
    if value is None:
        return None
    ci95 = found.chosen_ci95 if followed.arm == found.arm else found.baseline_ci95
    return {"balanced_accuracy": value, "ci95": ci95}


def in_words(promise: dict[str, Any] | None) -> str:
    """For train.py, behind its own accuracy."""
    if promise is None:
        return "Ganvas has not measured it."
    between = "" if promise["ci95"] is None else " ({:.1%} to {:.1%})".format(*promise["ci95"])
    return f"Ganvas measured {promise['balanced_accuracy']:.1%}{between}."


def sentence(followed: Followed, found: Found | None) -> str:
    """What train.py does, and why."""
    if found is None:
        return f"{NOT_SEARCHED}."
    parts = [found.sentence, followed.instead]
    if followed.instead and followed.arm.use is None:
        parts.append("train.py shows the real images alone.")
    return " ".join(part for part in parts if part)
