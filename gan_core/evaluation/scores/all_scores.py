"""Every score of a set of fakes as a function of features, and the floor: the same score between real images.

A score that cannot be computed is None and "absent" says why; nothing else fails with it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation.caveats import Counts, caveats, parts
from gan_core.evaluation.features.extractors import Extractor, Features
from gan_core.evaluation.inputs import Progress
from gan_core.evaluation.names_and_thresholds import EXTRACTOR_TITLES, MANIFOLD, score_keys, score_names
from gan_core.evaluation.scores.fid import frechet_distance
from gan_core.evaluation.scores.inception_score import inception_score
from gan_core.evaluation.scores.kid import kernel_distance
from gan_core.evaluation.scores.prdc import manifold_scores

NEIGHBORS = 5  # k of precision, recall, density and coverage, as in arXiv:2002.09797
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
    progress: Progress = Progress(),  # noqa: B008  it is immutable
) -> dict[str, Any]:
    """The scores over all classes, as a dict for JSON; nothing is rounded.

    real: features of max(n, 2 floor) reals in random order. draws: independent draws of n fakes each, in random order; a
    score is the mean over them, with the 95 % t-interval of that mean. KID has its own interval, over disjoint blocks of the
    first draw. held_out: features of counts.held_out images. "times_floor" is the ratio at the floor's n. Raises Stopped.
    """
    held_out = held_out if held_out is not None and counts.held_out >= 2 else None
    compute = Scoring(extractor.name, seed, progress, steps=len(draws) + 1 + (held_out is not None))
    whole = compute.over_draws(first_rows(real, counts.n), draws)
    floor = compute.floor(real, held_out, counts)
    times_floor = compute.times_floor(whole, floor, real, draws[0])
    if "manifold" in compute.absent:
        reason = compute.absent.pop("manifold")
        compute.absent |= {key: reason for key in MANIFOLD}
    return about(extractor.name, extractor.title, counts, seed, len(draws)) | {
        "weights": extractor.weights_hash,
        "resize": extractor.resize,
        **whole,
        "floor": floor,
        "times_floor": times_floor,
        "labels": score_names(extractor.name, extractor.title, own_weights=bool(extractor.note)),
        "caveats": caveats(extractor, counts, len(draws)),
        "absent": compute.absent,
    }


def no_scores(extractor: str, reason: str, counts: Counts, seed: int) -> dict[str, Any]:
    """What `scores` gives where the requested network is not available: every score absent, with that reason."""
    distance, formula = score_keys(extractor)
    keys, title = (distance, "kid", formula, *MANIFOLD), EXTRACTOR_TITLES[extractor]
    return about(extractor, title, counts, seed, 1) | {
        **dict.fromkeys(keys),
        **dict.fromkeys(f"{key}_ci" for key in keys),
        "floor": {"n": counts.floor, **dict.fromkeys(keys), "held_out": None},
        "times_floor": None,
        "labels": score_names(extractor, title, own_weights=False),
        "caveats": [],
        "absent": dict.fromkeys((*keys, "times_floor"), reason),
    }


def about(extractor: str, title: str, counts: Counts, seed: int, draws: int) -> dict[str, Any]:
    """The conditions of the scores."""
    return {
        "extractor": extractor,
        "extractor_title": title,
        "weights": "",
        "resize": "",
        "seed": seed,
        "draws": draws,
        "n_real": counts.n,
        "n_fake": counts.n,
        "n_real_available": counts.real,
        "n_fake_available": counts.fake,
    }


class Scoring:
    """The steps of `scores`. absent: {key of a score, or with a prefix of the floor: why it is missing}."""

    def __init__(self, extractor: str, seed: int, progress: Progress, steps: int):
        self.attempt, self.seed, self.progress, self.steps, self.done = Attempts(), seed, progress, steps, 0
        self.distance, self.formula = score_keys(extractor)
        self.absent = self.attempt.absent

    def step(self) -> None:
        self.done += 1
        self.progress(self.done / self.steps)

    def pair(self, prefix: str, a: Features, b: Features) -> dict[str, float | None]:
        """The Frechet distance and the manifold scores of two sets. prefix: of the keys in `absent`."""
        in_manifold = partial(manifold_scores, k=NEIGHBORS, should_stop=self.progress.should_stop)
        manifold = self.attempt(f"{prefix}manifold", lambda: in_manifold(a.features, b.features), {})
        distance = self.attempt(f"{prefix}{self.distance}", lambda: frechet_distance(a.features, b.features))
        return {self.distance: distance, **{key: manifold.get(key) for key in MANIFOLD}}

    def kid(self, prefix: str, a: Features, b: Features) -> dict[str, Any]:
        none = {"kid": None, "kid_ci": None}
        return self.attempt(f"{prefix}kid", lambda: kernel_distance(a.features, b.features, self.seed), none)

    def over_draws(self, real: Features, draws: list[Features]) -> dict[str, Any]:
        """The mean of each score over the draws with its interval; KID of the first draw alone."""
        kid = self.kid("", real, draws[0])
        rows = []
        for fake in draws:
            formula = self.attempt(self.formula, partial(formula_of, fake.logits))
            rows.append(self.pair("", real, fake) | {self.formula: formula})
            self.step()
        whole = {"kid": kid["kid"], "kid_ci": kid["kid_ci"]}
        for key in (self.distance, self.formula, *MANIFOLD):
            bounds = (0.0, 1.0) if key in SHARES else (0.0, np.inf)
            whole[key], whole[f"{key}_ci"] = mean_and_interval([row[key] for row in rows], bounds)
        return whole

    def floor(self, real: Features, held_out: Features | None, counts: Counts) -> dict[str, Any]:
        """Real images against real images: half against half, and training against held-out ones."""

        def compare(prefix: str, a: Features, b: Features) -> dict[str, Any]:
            found = self.pair(prefix, a, b) | self.kid(prefix, a, b)
            self.step()
            return found

        other_half = Features(*(part[counts.floor : 2 * counts.floor] for part in real))
        floor = {"n": counts.floor, **compare("floor.", first_rows(real, counts.floor), other_half), "held_out": None}
        if held_out is not None:
            beside = compare("floor.held_out.", first_rows(real, counts.held_out), held_out)
            floor["held_out"] = {"n": counts.held_out, **beside}
        return floor

    def times_floor(self, whole: dict[str, Any], floor: dict[str, Any], real: Features, fake: Features) -> float | None:
        """The Frechet distance over its floor, both of as many images as the floor has on a side."""
        value, n = whole[self.distance], floor["n"]
        if not floor[self.distance] or value is None:
            self.absent["times_floor"] = "The ratio needs both a score and a floor above 0."
            return None
        if n != len(fake.features):
            value = self.attempt("times_floor", lambda: frechet_distance(real.features[:n], fake.features[:n]))
        return None if value is None else value / floor[self.distance]


def first_rows(features: Features, n: int) -> Features:
    return Features(features.features[:n], features.logits[:n])


def mean_and_interval(
    values: Sequence[float | None], bounds: tuple[float, float]
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


class Compared(NamedTuple):
    """Features real [N, D] with their labels, and of each draw the features of fakes [M, D] and the requested labels."""

    real: np.ndarray
    real_labels: np.ndarray
    draws: list[np.ndarray]
    requested: list[np.ndarray]


def class_scores(extractor: str, compared: Compared, classes: list[str], seed: int) -> dict[str, dict[str, Any]]:
    """The table per class, from features that are there already.

    Both sides of a class have as many images: below SMALL_CLASS no distance is given, below LARGE_CLASS no Frechet distance.
    """
    distance, _ = score_keys(extractor)
    return {name: class_row(distance, compared, label, seed) for label, name in enumerate(classes)}


def class_row(distance: str, compared: Compared, label: int, seed: int) -> dict[str, Any]:
    attempt = Attempts()
    real = compared.real[compared.real_labels == label]
    made = [np.flatnonzero(labels == label) for labels in compared.requested]
    n_fake = sum(map(len, made))
    n = min(len(real), n_fake)
    row: dict[str, Any] = {"n_real": len(real), "n_fake": n_fake, "n": n, "k": None}
    row |= dict.fromkeys((distance, "kid", "kid_ci", *MANIFOLD))
    if n < SMALL_CLASS:
        few = (
            f"{len(real)} real and {n_fake} generated images of it were compared, and {SMALL_CLASS} of each "
            "are needed: evaluate with more images."
        )
        return row | {"absent": dict.fromkeys((distance, "kid", *MANIFOLD), few)}
    real, fake = real[:n], first_of_draws(compared.draws, made, n)
    row["k"] = k = min(NEIGHBORS, n // 10)
    row |= attempt("kid", partial(kernel_distance, real, fake, seed), {})
    row |= attempt("coverage", partial(manifold_scores, real, fake, k), {})
    if n >= LARGE_CLASS:
        row[distance] = attempt(distance, partial(frechet_distance, real, fake))
    else:
        attempt.absent[distance] = (
            f"This score of a class needs at least {LARGE_CLASS:,} images on each side, and there are {n:,}."
        )
    return row | {"absent": attempt.absent}


def first_of_draws(draws: list[np.ndarray], rows: list[np.ndarray], n: int) -> np.ndarray:
    """The first n of these rows, draw after draw, [n, D]: no more of the draws comes into memory than that."""
    parts: list[np.ndarray] = []
    for draw, mine in zip(draws, rows, strict=True):
        parts.append(draw[mine[: n - sum(map(len, parts))]])
    return np.concatenate(parts)


def formula_of(logits: np.ndarray) -> float:
    """The Inception Score's formula over logits [N, K]."""
    return inception_score(logits, splits=parts(len(logits)))["inception_score"]
