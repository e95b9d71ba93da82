"""Which weights of D are trained: layers that stay fixed for the whole run, and all of D while G is updated."""

import torch
from torch import nn

from gan_core.errors import UserError
from gan_core.models import Spec


def set_requires_grad(optimizer: torch.optim.Optimizer, on: bool) -> None:
    """Set requires_grad of the optimizer's parameters. Others (frozen layers, a fixed trunk) do not change."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.requires_grad_(on)


def freeze(D: nn.Module, spec: Spec, layers: int) -> None:
    """Freeze the first `layers` convolutions of D, in the order of a forward pass (Freeze-D, arXiv:2002.10964).

    Call it before the optimizer is made. Raises UserError bad_freeze where no layer would be left to train.
    """
    if layers == 0:
        return
    order = convolutions(D, spec)
    if layers >= len(order):
        raise UserError(
            "bad_freeze",
            f"D of these networks has {len(order)} layers that can be frozen in part, so {layers} is too many (freeze_d).",
            f"Set it to {max(0, len(order) - 1)} or less.",
        )
    for layer in order[:layers]:
        layer.requires_grad_(False)


@torch.no_grad()
def convolutions(D: nn.Module, spec: Spec) -> list[nn.Module]:
    """D's trainable convolutions in the order of a forward pass, which changes neither D nor the random numbers."""
    order: list[nn.Module] = []
    training = D.training
    D.eval()  # first of all: in training mode spectral norm would take a power iteration at each access
    hooks = [
        module.register_forward_pre_hook(lambda module, _: order.append(module) if module not in order else None)
        for module in D.modules()
        if has_kernel(module)
    ]
    with torch.random.fork_rng(devices=[]):
        D(torch.zeros(2, spec.channels, spec.size, spec.size), torch.zeros(2, dtype=torch.int64))
    D.train(training)
    for hook in hooks:
        hook.remove()
    return order


def has_kernel(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    mine = any(parameter.requires_grad for parameter in module.parameters())
    return isinstance(weight, torch.Tensor) and weight.ndim == 4 and mine
