"""Every score of a set of fakes as a function of features, with the floor that real images reach among themselves.

A score that cannot be computed is None and "absent" says why; nothing else fails with it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation.caveats import Counts, caveats, parts
from gan_core.evaluation.features.extractors import Extractor, Features
from gan_core.evaluation.scores.fid import frechet_distance
from gan_core.evaluation.scores.inception_score import inception_score
from gan_core.evaluation.scores.kid import kernel_distance
from gan_core.evaluation.scores.prdc import manifold_scores
from gan_core.evaluation.vocabulary import EXTRACTOR_TITLES, MANIFOLD, score_keys, score_names

NEIGHBOURS = 5  # k of precision, recall, density and coverage, as in arXiv:2002.09797
SMALL_CLASS = 50  # images; a distance from fewer says nothing
LARGE_CLASS = 2000  # images from which a class has a Frechet distance of its own
SHARES = ("precision", "recall", "coverage")


def count(real: int, fake: int, held_out: int) -> Counts:
    """What can be compared: n a side, as the bias of the Frechet distance depends on n, and two disjoint parts of the reals."""
    n = min(real, fake)
    return Counts(real, fake, n, min(n, real // 2), min(n, held_out))


class Attempts:
    """Runs what may be refused; the reasons stay in `absent`."""

    def __init__(self) -> None:
        self.absent: dict[str, str] = {}

    def __call__(self, key: str, compute: Callable[[], Any], otherwise: Any = None) -> Any:
        try:
            return compute()
        except UserError as error:
            self.absent[key] = f"{error.what} {error.todo}"
        except np.linalg.LinAlgError:
            self.absent[key] = "The features are too alike for this score. Look at the images themselves."
        return otherwise


def scores(
    extractor: Extractor,
    real: Features,
    draws: list[Features],
    held_out: Features | None,
    counts: Counts,
    seed: int,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """The scores over all classes, as a dict for JSON; nothing is rounded.

    real: features of max(n, 2 floor) reals in random order. draws: independent draws of n fakes each, in random order; a
    score is the mean over them, with the 95 % t-interval of that mean. KID has its own interval, over disjoint blocks of the
    first draw. held_out: features of counts.held_out images. "times_floor" is the ratio at the floor's n. Raises Stopped.
    """
    attempt = Attempts()
    in_manifold = partial(manifold_scores, k=NEIGHBOURS, should_stop=should_stop)
    distance, formula = score_keys(extractor.name)
    held_out = held_out if held_out is not None and counts.held_out >= 2 else None
    steps, done = len(draws) + 1 + (held_out is not None), 0

    def compare(prefix: str, a: Features, b: Features) -> dict[str, Any]:
        nonlocal done
        found = attempt(prefix + "manifold", lambda: in_manifold(a.features, b.features), {})
        value = {
            distance: attempt(prefix + distance, lambda: frechet_distance(a.features, b.features)),
            **attempt(
                prefix + "kid", lambda: kernel_distance(a.features, b.features, seed), {"kid": None, "kid_ci": None}
            ),
            **{key: found.get(key) for key in MANIFOLD},
        }
        done += 1
        on_progress(done / steps)
        return value

    first = first_rows(real, counts.n)
    values: dict[str, list[float | None]] = {}
    kid: dict[str, Any] = {}
    for number, fake in enumerate(draws):
        if number == 0:
            kid = attempt("kid", partial(kernel_distance, first.features, fake.features, seed), {})
        manifold = attempt("manifold", partial(in_manifold, first.features, fake.features), {})
        one = {
            distance: attempt(distance, partial(frechet_distance, first.features, fake.features)),
            formula: attempt(formula, partial(spread_of_classes, fake.logits)),
            **{key: manifold.get(key) for key in MANIFOLD},
        }
        for key, value in one.items():
            values.setdefault(key, []).append(value)
        done += 1
        on_progress(done / steps)
    whole: dict[str, Any] = {"kid": kid.get("kid"), "kid_ci": kid.get("kid_ci")}
    for key, found in values.items():
        whole[key], whole[f"{key}_ci"] = mean_and_interval(found, (0.0, 1.0) if key in SHARES else (0.0, np.inf))

    half = first_rows(real, counts.floor)
    other_half = Features(*(part[counts.floor : 2 * counts.floor] for part in real))
    floor: dict[str, Any] = {"n": counts.floor, **compare("floor.", half, other_half), "held_out": None}
    if held_out is not None:
        beside = compare("floor.held_out.", first_rows(real, counts.held_out), held_out)
        floor["held_out"] = {"n": counts.held_out, **beside}
    times_floor = None
    if floor[distance] and whole[distance] is not None:
        at_n = whole[distance]
        if counts.floor != counts.n:
            smaller = draws[0].features[: counts.floor]
            at_n = attempt("times_floor", partial(frechet_distance, half.features, smaller))
        times_floor = None if at_n is None else at_n / floor[distance]
    else:
        attempt.absent["times_floor"] = "The ratio needs both a score and a floor above 0."
    if "manifold" in attempt.absent:
        reason = attempt.absent.pop("manifold")
        attempt.absent |= {key: reason for key in MANIFOLD}
    return {
        "extractor": extractor.name,
        "extractor_title": extractor.title,
        "weights": extractor.weights_hash,
        "resize": extractor.resize,
        "seed": seed,
        "draws": len(draws),
        "n_real": counts.n,
        "n_fake": counts.n,
        "n_real_available": counts.real,
        "n_fake_available": counts.fake,
        **whole,
        "floor": floor,
        "times_floor": times_floor,
        "labels": score_names(extractor.name, extractor.title, own_weights=bool(extractor.note)),
        "caveats": caveats(extractor, counts, len(draws)),
        "absent": attempt.absent,
    }


def first_rows(features: Features, n: int) -> Features:
    return Features(features.features[:n], features.logits[:n])


def mean_and_interval(
    values: list[float | None], bounds: tuple[float, float]
) -> tuple[float | None, list[float] | None]:
    """The mean of independent draws and its 95 % t-interval, cut at what is possible; no interval from a single one."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return None, None
    mean = float(np.mean(known))
    if len(known) < 2:
        return mean, None
    reach = float(stats.t.ppf(0.975, len(known) - 1) * np.std(known, ddof=1) / np.sqrt(len(known)))
    return mean, [max(bounds[0], mean - reach), min(bounds[1], mean + reach)]


def class_scores(
    extractor: Extractor,
    real: np.ndarray,
    real_labels: np.ndarray,
    draws: list[np.ndarray],
    asked: list[np.ndarray],
    classes: list[str],
    seed: int,
) -> dict[str, dict[str, Any]]:
    """The table per class from features real [N, D], draws of fakes [M, D] and their labels; no new pass over pictures.

    Both sides of a class have as many images: below SMALL_CLASS no distance is given, below LARGE_CLASS no Frechet distance.
    """
    distance, _ = score_keys(extractor.name)
    table = {}
    for label, name in enumerate(classes):
        attempt = Attempts()
        a = real[real_labels == label]
        made = [np.flatnonzero(labels == label) for labels in asked]
        n = min(len(a), sum(map(len, made)))
        row: dict[str, Any] = {"n_real": len(a), "n_fake": sum(map(len, made)), "n": n, "k": None}
        row |= dict.fromkeys((distance, "kid", "kid_ci", *MANIFOLD))
        if n < SMALL_CLASS:
            few = (
                f"{len(a)} real and {row['n_fake']} generated images of it were compared, and {SMALL_CLASS} of each "
                "are needed: measure with more images."
            )
            attempt.absent |= dict.fromkeys((distance, "kid", *MANIFOLD), few)
        else:
            a, b = a[:n], gathered(draws, made, n)
            row["k"] = k = min(NEIGHBOURS, n // 10)
            row |= attempt("kid", partial(kernel_distance, a, b, seed), {})
            row |= attempt("coverage", partial(manifold_scores, a, b, k), {})
            if n >= LARGE_CLASS:
                row[distance] = attempt(distance, partial(frechet_distance, a, b))
            else:
                attempt.absent[distance] = f"A class has one from {LARGE_CLASS:,} images a side on; here are {n:,}."
        table[name] = row | {"absent": attempt.absent}
    return table


def gathered(draws: list[np.ndarray], rows: list[np.ndarray], n: int) -> np.ndarray:
    """The first n of these rows, draw after draw, [n, D]: no more of the draws comes into memory than that."""
    parts: list[np.ndarray] = []
    for draw, mine in zip(draws, rows, strict=True):
        parts.append(draw[mine[: n - sum(map(len, parts))]])
    return np.concatenate(parts)


def no_scores(extractor: str, reason: str, counts: Counts, seed: int) -> dict[str, Any]:
    """What scores() gives where the network asked for cannot be had: every score absent, with that reason."""
    distance, formula = score_keys(extractor)
    keys = (distance, "kid", formula, *MANIFOLD)
    return {
        "extractor": extractor,
        "extractor_title": EXTRACTOR_TITLES[extractor],
        "weights": "",
        "resize": "",
        "seed": seed,
        "draws": 1,
        "n_real": counts.n,
        "n_fake": counts.n,
        "n_real_available": counts.real,
        "n_fake_available": counts.fake,
        **dict.fromkeys(keys),
        **dict.fromkeys(f"{key}_ci" for key in keys),
        "floor": {"n": counts.floor, **dict.fromkeys(keys), "held_out": None},
        "times_floor": None,
        "labels": score_names(extractor, EXTRACTOR_TITLES[extractor], own_weights=False),
        "caveats": [],
        "absent": dict.fromkeys((*keys, "times_floor"), reason),
    }


def spread_of_classes(logits: np.ndarray) -> float:
    """The Inception Score's formula over logits [N, K]."""
    return inception_score(logits, splits=parts(len(logits)))["inception_score"]
