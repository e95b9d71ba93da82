"""Frechet distance between two sets of feature vectors (Heusel et al., arXiv:1706.08500); FID on Inception-v3."""

import numpy as np

from gan_core.evaluation.feature_checks import check_features

BLOCK_ROWS = 8192  # rows of a long set that are read together


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """real [N, D], fake [M, D] -> |mean_r - mean_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)), in float64, never negative.

    Departs from the usual code: no matrix square root. With A'A = S_r and B'B = S_f, S_r S_f = A'A B'B has the nonzero
    eigenvalues of (AB')(AB')', so the trace of the root is the nuclear norm of AB'. That is a symmetric problem of side
    min(N, M, D): it stays real where the covariances are singular (N <= D), and is fast for small sets. Memory is that of
    a few D x D matrices, whatever N is.
    Raises UserError where a side has fewer than 2 images or a feature is not finite.
    """
    check_features(real, fake, at_least=2)
    (mean_real, A), (mean_fake, B) = mean_and_half(real), mean_and_half(fake)
    cross = A @ B.T if len(A) <= len(B) else B @ A.T  # the smaller side first
    eigenvalues = np.linalg.eigvalsh(cross @ cross.T)
    trace_of_root = np.sqrt(eigenvalues.clip(min=0)).sum()
    distance = np.square(mean_real - mean_fake).sum() + np.square(A).sum() + np.square(B).sum() - 2 * trace_of_root
    return max(0.0, float(distance))


def mean_and_half(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """features [N, D] -> the mean [D] and A [min(N, D), D] with A'A the covariance (over N - 1)."""
    n, d = features.shape
    blocks = [slice(start, start + BLOCK_ROWS) for start in range(0, n, BLOCK_ROWS)]
    mean = sum(features[rows].sum(axis=0, dtype=np.float64) for rows in blocks) / n
    if n <= d:
        return mean, (features.astype(np.float64) - mean) / np.sqrt(n - 1)
    scatter = np.zeros((d, d))
    for rows in blocks:
        centered = features[rows] - mean  # in float64, as the mean is
        scatter += centered.T @ centered
    eigenvalues, vectors = np.linalg.eigh(scatter / (n - 1))
    return mean, np.sqrt(eigenvalues.clip(min=0))[:, None] * vectors.T
