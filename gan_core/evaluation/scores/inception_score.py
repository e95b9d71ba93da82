"""Inception Score: exp of the mean KL(p(class | image) || p(class)) (Salimans et al., arXiv:1606.03498)."""

from typing import TypedDict

import numpy as np
from scipy.special import log_softmax, xlogy

from gan_core.errors import UserError
from gan_core.evaluation.feature_checks import all_finite


class InceptionScore(TypedDict):
    inception_score: float
    std: float


def inception_score(logits: np.ndarray, splits: int = 10) -> InceptionScore:
    """logits [N, K] -> mean and standard deviation over `splits` consecutive parts; 1 is worst, K best.

    The order of the images matters (a part of one class scores 1): shuffle before. Raises UserError where there are
    fewer images than parts or a logit is not finite.
    """
    n = len(logits)
    if n < splits:
        raise UserError(
            "too_few_images",
            f"The Inception Score needs at least {splits} images, and there are {n}.",
            "Sample more images.",
        )
    if not all_finite(logits):
        raise UserError(
            "bad_features", "The class scores of some images are not finite numbers.", "Score an earlier snapshot."
        )
    scores = []
    for i in range(splits):
        log_p = log_softmax(logits[i * n // splits : (i + 1) * n // splits].astype(np.float64), axis=1)  # [part, K]
        p = np.exp(log_p)
        marginal = p.mean(axis=0)
        # sum p log q by xlogy: a class of no probability adds 0, not 0 * -inf
        divergence = np.einsum("nk,nk->", p, log_p) / len(p) - xlogy(marginal, marginal).sum()
        scores.append(float(np.exp(divergence)))
    return {"inception_score": float(np.mean(scores)), "std": float(np.std(scores))}
