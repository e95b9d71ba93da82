"""Regularizers of D: the gradient penalties R1, R2 and WGAN-GP, and LeCam."""

import torch
from torch import nn

from gan_core.training import global_batch


def r1_penalty(images: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """R1 on reals and R2 on fakes (Mescheder et al., arXiv:1801.04406): ||d logit_n / d image_n||^2, summed over pixels, [N].

    images [N, C, H, W] that require grad, logits [N] or [N, K] computed from them. Differentiable once more. Needs a D whose
    logit n depends on image n alone (no batch norm).
    """
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.float().square().sum([1, 2, 3])


def gradient_penalty(D: nn.Module, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """WGAN-GP (Gulrajani et al., arXiv:1704.00028): (||d logit / d image|| - 1)^2 at random points between real and fake, [N]."""
    share = global_batch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(fake, real, share).requires_grad_()
    return (r1_penalty(between, D(between, labels)).add(1e-12).sqrt() - 1).square()


ANCHOR_KEEP = 0.99


def lecam(real: torch.Tensor, fake: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    """LeCam (Tseng et al., arXiv:2104.03310): pulls reals to the running mean of fakes, and fakes to that of reals.

    anchors [2]: running means of D on reals and on fakes, updated here in place.
    """
    with torch.no_grad():
        now = global_batch.all_reduce_mean(torch.stack([real.mean(), fake.mean()]).float())
        anchors.lerp_(now, 1 - ANCHOR_KEEP)
    return (real - anchors[1]).square().mean() + (fake - anchors[0]).square().mean()
