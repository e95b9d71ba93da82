"""Frechet distance between two sets of feature vectors (Heusel et al., arXiv:1706.08500); FID on Inception-v3."""

import numpy as np

from gan_core.errors import UserError


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """real [N, D], fake [M, D] -> |mean_r - mean_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)), in float64, never negative.

    Departs from the usual code: no matrix square root. With A, B the centred features over sqrt(n - 1), S_r S_f =
    A'A B'B has the nonzero eigenvalues of (AB')(AB')', so the trace of the root is the nuclear norm of AB'. That is a
    symmetric problem of side min(N, M, D): it stays real where the covariances are singular (N <= D), and is fast for
    small sets.
    Raises UserError where a side has fewer than 2 images or a feature is not finite.
    """
    check_features(real, fake, at_least=2)
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    mean_real, mean_fake = real.mean(axis=0), fake.mean(axis=0)
    A = half(real - mean_real)  # [min(N, D), D]
    B = half(fake - mean_fake)  # [min(M, D), D]
    cross = A @ B.T if len(A) <= len(B) else B @ A.T  # the smaller side first
    eigenvalues = np.linalg.eigvalsh(cross @ cross.T)
    trace_of_root = np.sqrt(eigenvalues.clip(min=0)).sum()
    distance = np.square(mean_real - mean_fake).sum() + np.square(A).sum() + np.square(B).sum() - 2 * trace_of_root
    return max(0.0, float(distance))


def half(centred: np.ndarray) -> np.ndarray:
    """centred [N, D] -> A [min(N, D), D] with A'A the covariance."""
    scaled = centred / np.sqrt(len(centred) - 1)
    return scaled if len(scaled) <= scaled.shape[1] else np.asarray(np.linalg.qr(scaled, mode="r"))


def check_features(real: np.ndarray, fake: np.ndarray, at_least: int) -> None:
    """Refuse what no score can be computed from. Shared by the Frechet distance and KID."""
    if min(len(real), len(fake)) < at_least:
        raise UserError(
            "too_few_images",
            f"This score needs at least {at_least} images on each side, and there are {len(real)} and {len(fake)}.",
            "Sample or import more images.",
        )
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise UserError(
            "bad_features",
            "The features of some images are not finite numbers.",
            "Score an earlier snapshot: the images themselves may be broken.",
        )
