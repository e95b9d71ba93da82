"""Inception Score: exp of the mean KL(p(class | image) || p(class)) (Salimans et al., arXiv:1606.03498)."""

from typing import TypedDict

import numpy as np
from scipy.special import log_softmax, xlogy

from gan_core.errors import UserError


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
    if not np.isfinite(logits).all():
        raise UserError(
            "bad_features", "The class scores of some images are not finite numbers.", "Score an earlier snapshot."
        )
    log_p = log_softmax(logits.astype(np.float64), axis=1)
    p = np.exp(log_p)
    scores = []
    for i in range(splits):
        part, log_part = p[i * n // splits : (i + 1) * n // splits], log_p[i * n // splits : (i + 1) * n // splits]
        marginal = part.mean(axis=0)
        # sum p log q by xlogy: a class of no probability adds 0, not 0 * -inf
        divergence = (part * log_part).sum(axis=1).mean() - xlogy(marginal, marginal).sum()
        scores.append(float(np.exp(divergence)))
    return {"inception_score": float(np.mean(scores)), "std": float(np.std(scores))}
