"""What one set of fakes shows besides its distances: label agreement, variety, copies, known modes, real or generated.

Everything here is a function of pictures, labels and features; a part that cannot be had leaves its reason in `absent`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from gan_core.errors import UserError
from gan_core.evaluation import detector, memorization, mode_counting
from gan_core.evaluation.collapse import verdict
from gan_core.evaluation.collapse.reference import MOST_IMAGES, Reference, z_sensitivity
from gan_core.evaluation.dataset_classifier import Referee, as_extractor
from gan_core.evaluation.features.extractors import Extractor, Features

COPY_IMAGES = 10_000  # fakes whose nearest training image is looked for
HELD_OUT_IMAGES = 2000  # held-out images that copying is compared with
PIXEL_IMAGES = 1000  # of each side whose pixels say how much the noise matters
REFERENCE_IMAGES = 1000  # reals that variety is compared with, at least; as many as fakes where those are more

NO_FEATURES = Features(np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32))

Look = Callable[..., Features]  # look(extractor, images, rows or None) -> Features, from the cache where it knows them


class Examined(NamedTuple):
    """parts: keys of result.json. per_class: rows to merge into its table. samples: arrays, one entry per fake."""

    parts: dict[str, Any]
    per_class: dict[str, dict[str, Any]]
    absent: dict[str, str]
    samples: dict[str, np.ndarray]
    detector: detector.Detector | None


def examine(
    *,
    extractor: Extractor,
    judge: Referee | None,
    no_judge: str,
    look: Look,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    classes: list[str],
    fakes: np.ndarray,
    asked: np.ndarray,
    real_features: np.ndarray,
    fake_features: np.ndarray,
    conditional: bool,
    known: mode_counting.KnownModes | None,
    seed: int,
    on_progress: Callable[..., None],
    should_stop: Callable[[], bool],
) -> Examined:
    """fakes uint8 [N, H, W, C] that were asked for as asked int64 [N]; real_features and fake_features [N, D] by extractor.

    judge: the dataset's referee, or None and no_judge says why. Raises Stopped.
    """
    absent: dict[str, str] = {}
    parts: dict[str, Any] = dict.fromkeys(("referee", "agreement", "collapse", "memorisation", "modes", "two_sample"))
    per_class: dict[str, dict[str, Any]] = {name: {} for name in classes}
    network = extractor if judge is None else as_extractor(judge)
    rng = np.random.default_rng(seed)

    def attempt(key: str, compute: Callable[[], Any]) -> Any:
        try:
            return compute()
        except UserError as error:
            absent[key] = f"{error.what} {error.todo}"
            return None

    seen = look(network, fakes, None)
    samples: dict[str, np.ndarray] = {
        "asked": asked,
        "predicted": np.full(len(fakes), -1),
        "confidence": np.ones(len(fakes)),
    }
    if judge is None:
        absent |= dict.fromkeys(("referee", "agreement"), no_judge)
    else:
        parts["referee"] = about(judge)
        probabilities = softmax(seen.logits.astype(np.float64), axis=1)
        samples["predicted"] = probabilities.argmax(axis=1)
        samples["confidence"] = probabilities[np.arange(len(asked)), asked]
        if conditional:
            parts["agreement"] = agreement(judge, asked, samples["predicted"])
        else:
            absent["agreement"] = "These images were drawn without labels, so there is nothing to agree with."
    on_progress(0.2)

    most = min(max(len(fakes), REFERENCE_IMAGES), MOST_IMAGES)
    rows, held = (rng.permutation(len(some))[:most] for some in (train_images, test_images))
    pixel_rows = np.sort(rows[:PIXEL_IMAGES])

    def variety() -> verdict.Examination:
        reference = Reference.build(
            look(network, train_images, rows),
            train_labels[rows],
            look(network, test_images, held) if len(held) else NO_FEATURES,
            test_labels[held],
            len(classes),
            judge.accuracy if judge else None,
            judge.per_class if judge else None,
            n_train=len(train_images),
        )
        return verdict.examine(
            reference,
            seen,
            asked if conditional else None,
            z_sensitivity=z_sensitivity(fakes[:PIXEL_IMAGES], asked[:PIXEL_IMAGES]) if conditional else None,
            z_sensitivity_real=z_sensitivity(train_images[pixel_rows], train_labels[pixel_rows])
            if conditional
            else None,
            classes=classes,
        )

    found = attempt("collapse", variety)
    if found is not None:
        parts["collapse"] = {
            "verdict": found.verdict,
            "sentence": found.sentence,
            "todo": found.todo,
            "indicators": found.indicators,
            "absent": found.absent,
        }
        for name, row in zip(classes, found.per_class, strict=True):
            per_class[name] = {key: value for key, value in row.items() if key != "n_fake"}  # that of all draws stands
    on_progress(0.4)

    first = fakes[:COPY_IMAGES]
    copied = attempt(
        "memorisation",
        lambda: copies(
            first,
            train_images,
            test_images,
            None if judge is None else network,
            lambda network, images: look(network, images, None),
            seed=seed,
            should_stop=should_stop,
        ),
    )
    if copied is not None:
        samples |= {key: pad(copied.pop(key), len(fakes)) for key in ("nearest", "distance", "flipped")}
        parts["memorisation"] = copied
    on_progress(0.8)

    facts = {"extractor": extractor.name, "weights_hash": extractor.weights_hash, "size": fakes.shape[1]}
    mode = "L" if fakes.shape[3] == 1 else "RGB"
    trained = attempt(
        "two_sample", lambda: detector.Detector.train(real_features, fake_features, seed, mode=mode, **facts)
    )
    parts["two_sample"] = trained.test if trained is not None else None
    parts["modes"] = None if known is None else attempt("modes", lambda: known.count(fakes))
    on_progress(1.0)
    return Examined(parts, per_class, absent, samples, trained)


def about(judge: Referee) -> dict[str, Any]:
    """What is known of the referee itself: nobody should trust its word further than this."""
    return {
        "accuracy": judge.accuracy,
        "accuracy_ci": judge.accuracy_ci,
        "n_test": judge.n_test,
        "per_class": dict(zip(judge.classes, judge.per_class, strict=True)),
    }


def agreement(judge: Referee, asked: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """How often the referee sees the class that was asked for, beside how often it is right on held-out real images."""
    confusion = np.zeros((len(judge.classes), len(judge.classes)), int)
    np.add.at(confusion, (asked, predicted), 1)
    return {"overall": float((asked == predicted).mean()), "real": judge.accuracy, "confusion": confusion.tolist()}


def copies(
    fakes: np.ndarray,
    train_images: np.ndarray,
    held_out_images: np.ndarray,
    network: Extractor | None,
    look: Callable[[Extractor, np.ndarray], Features],
    *,
    seed: int,
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    """memorisation.copying in pixels and, where there is a network, in its features too. Images uint8 [*, H, W, C]."""
    held_out = held_out_images[np.sort(np.random.default_rng(seed).permutation(len(held_out_images))[:HELD_OUT_IMAGES])]
    spaces = {}
    if network is not None:
        features = lambda images: look(network, images).features if len(images) else NO_FEATURES.features
        spaces[network.name] = (features(fakes), features(train_images), features(held_out))
    return memorization.copying(fakes, train_images, held_out, spaces=spaces, seed=seed, should_stop=should_stop)


def pad(values: np.ndarray, length: int) -> np.ndarray:
    """values [n] -> [length]; what was not looked at is -1."""
    padded = np.full(length, False if values.dtype == bool else -1, values.dtype)
    padded[: len(values)] = values
    return padded
