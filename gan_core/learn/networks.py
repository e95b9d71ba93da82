"""A network with two hidden layers, its forward and backward pass, and Adam, in numpy and float32."""

from typing import NamedTuple

import numpy as np

SLOPE = 0.2  # of the leaky ReLU below zero
ACTIVE = np.array([SLOPE, 1], np.float32)
BETAS, EPSILON = (0.5, 0.99), 1e-8

Weights = list[np.ndarray]  # W1 [in, H], b1, W2 [H, H], b2, W3 [H, out], b3


class Seen(NamedTuple):
    """The values of a forward pass that backward needs. s1, s2 [N, H]: slopes of the two activations."""

    x: np.ndarray
    s1: np.ndarray
    a1: np.ndarray
    s2: np.ndarray
    a2: np.ndarray


def new(inputs: int, width: int, outputs: int, rng: np.random.Generator) -> Weights:
    """Random weights that keep the scale of the inputs of each layer."""
    layers = []
    for rows, columns in ((inputs, width), (width, width), (width, outputs)):
        layers.append((rng.standard_normal((rows, columns)) * np.sqrt(2 / rows)).astype(np.float32))
        layers.append((rng.uniform(-1, 1, columns) / np.sqrt(rows)).astype(np.float32))
    layers[4] *= 0.5
    return layers


def forward(net: Weights, x: np.ndarray) -> tuple[np.ndarray, Seen]:
    """x [N, in] -> outputs [N, out], and the values that backward needs."""
    z1 = x @ net[0] + net[1]
    s1 = ACTIVE[(z1 > 0).view(np.uint8)]
    a1 = z1 * s1
    z2 = a1 @ net[2] + net[3]
    s2 = ACTIVE[(z2 > 0).view(np.uint8)]
    a2 = z2 * s2
    return a2 @ net[4] + net[5], Seen(x, s1, a1, s2, a2)


def backward(net: Weights, seen: Seen, slope: np.ndarray) -> tuple[Weights, np.ndarray]:
    """Gradient of a loss by the outputs [N, out] -> its gradients by each weight, and by the inputs [N, in]."""
    slope = slope.astype(np.float32)
    back2 = (slope @ net[4].T) * seen.s2
    back1 = (back2 @ net[2].T) * seen.s1
    by_weights = [
        seen.x.T @ back1,
        back1.sum(axis=0),
        seen.a1.T @ back2,
        back2.sum(axis=0),
        seen.a2.T @ slope,
        slope.sum(axis=0),
    ]
    return by_weights, back1 @ net[0].T


def gradient_penalty(net: Weights, seen: Seen, strength: float) -> tuple[float, Weights]:
    """R1 and R2: strength * sum over n of |gradient of output n by the first two inputs|^2, and its gradients by each weight.

    For a network with one output. The activations are piecewise linear, so their slopes do not depend on the weights.
    """
    up2 = seen.s2 * net[4][:, 0]  # [N, H]
    up1 = seen.s1 * (up2 @ net[2].T)
    slope = up1 @ net[0][:2].T  # [N, 2]
    by_slope = 2 * strength * slope
    back1 = (by_slope @ net[0][:2]) * seen.s1
    back2 = (back1 @ net[2]) * seen.s2
    by_weights = [np.zeros_like(w) for w in net]
    by_weights[0][:2] = by_slope.T @ up1
    by_weights[2] = back1.T @ up2
    by_weights[4] = back2.sum(axis=0)[:, None]
    return float(strength * np.square(slope).sum()), by_weights


class Adam:
    """Adam (arXiv:1412.6980). Its state is plain arrays that can be saved."""

    def __init__(self, net: Weights):
        self.mean, self.square, self.count = [np.zeros_like(w) for w in net], [np.zeros_like(w) for w in net], 0

    def step(self, net: Weights, slopes: Weights, rate: float) -> None:
        """Update the weights in place."""
        self.count += 1
        for w, slope, mean, square in zip(net, slopes, self.mean, self.square, strict=True):
            mean *= BETAS[0]
            mean += (1 - BETAS[0]) * slope
            square *= BETAS[1]
            square += (1 - BETAS[1]) * slope * slope
            unbiased = np.sqrt(square / (1 - BETAS[1] ** self.count)) + EPSILON
            w -= (rate / (1 - BETAS[0] ** self.count)) * mean / unbiased
