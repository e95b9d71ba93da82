"""Gradient penalties on D."""

import torch


def squared_gradients(images: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """R1 on reals and R2 on fakes (Mescheder et al., arXiv:1801.04406): ||d logit_n / d image_n||^2, summed over pixels, [N].

    images [N, C, H, W] that require grad, logits [N] computed from them. Differentiable once more. Needs a D whose logit n
    depends on image n alone (no batch norm).
    """
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.square().sum([1, 2, 3])
