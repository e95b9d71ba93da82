"""Optimizers, gradient clipping and the schedules of learning rates, penalty and label weight."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch


class RMSprop(torch.optim.Optimizer):
    """RMSprop as in Keras: decay 0.9, no momentum. torch's own asks a learning rate on the CPU for its value."""

    ALPHA, EPSILON = 0.9, 1e-7

    def __init__(self, parameters: Any, lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "capturable": True})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            gradients: list[torch.Tensor] = [p.grad for p in parameters]
            if group["weight_decay"]:
                gradients = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
            for p in parameters:
                if "square_avg" not in self.state[p]:
                    self.state[p]["square_avg"] = torch.zeros_like(p)
            squares = [self.state[p]["square_avg"] for p in parameters]
            torch._foreach_mul_(squares, self.ALPHA)
            torch._foreach_addcmul_(squares, gradients, gradients, value=1 - self.ALPHA)
            length = torch._foreach_sqrt(squares)
            torch._foreach_add_(length, self.EPSILON)
            way = torch._foreach_div(gradients, length)
            torch._foreach_mul_(way, group["lr"])
            torch._foreach_sub_(parameters, way)


def make(net: nn.Module, lr: float, config: TrainConfig) -> torch.optim.Optimizer:
    """An optimizer of the trainable parameters of net."""
    parameters = [
        {"params": [p for p in net.parameters() if p.requires_grad]}
    ]  # torch accepts an empty group, but no empty list
    if config.optimizer == "rmsprop":
        return RMSprop(parameters, lr, config.weight_decay)
    optimizer = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    betas = (config.beta1, config.beta2)
    return optimizer(parameters, lr=lr, betas=betas, weight_decay=config.weight_decay, fused=True)


def read_rate_from(optimizer: torch.optim.Optimizer, lr: torch.Tensor) -> None:
    """From now on the learning rate is what the 0-d tensor lr holds, so that a CUDA graph can change it.

    In a state dict it is a number as before, and loading one leaves it to the tensor.
    """
    lr.fill_(optimizer.param_groups[0]["lr"])

    def use_tensor(optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            group["lr"] = lr
            if "capturable" in group:
                group["capturable"] = lr.is_cuda

    def as_number(optimizer: torch.optim.Optimizer, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "param_groups": [{**group, "lr": float(group["lr"])} for group in values["param_groups"]]}

    use_tensor(optimizer)
    optimizer.register_load_state_dict_post_hook(use_tensor)
    optimizer.register_state_dict_post_hook(as_number)


def schedule_factor(config: TrainConfig, progress: float, end: float) -> float:
    """The factor on a setting at `progress` in [0, 1] of the run: from 1 to `end` by config.schedule."""
    if config.schedule == "constant":
        return 1.0
    done = progress if config.schedule == "linear" else (1 - math.cos(math.pi * min(progress, 1.0))) / 2
    return 1 + (end - 1) * min(done, 1.0)


def label_weight(config: TrainConfig, progress: float) -> float:
    """Label warm-up: 0 before label_start, 1 from label_full, linear between."""
    if progress >= config.label_full:
        return 1.0
    return max(0.0, (progress - config.label_start) / (config.label_full - config.label_start))


def update(optimizer: torch.optim.Optimizer, loss: torch.Tensor, clip_value: float = 0.0) -> None:
    """One step of gradient descent, by the mean gradient of all processes.

    Only the gradients of these weights are computed: images that a penalty differentiates need none of the whole loss.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=[p for group in optimizer.param_groups for p in group["params"] if p.requires_grad])
    step(optimizer, clip_value)


def step(optimizer: torch.optim.Optimizer, clip_value: float = 0.0) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if global_batch.world()[1] > 1:
        average_gradients(parameters)
    if clip_value:
        nn.utils.clip_grad_value_(parameters, clip_value)
    optimizer.step()


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """One all-reduce of all gradients in one tensor."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = global_batch.all_reduce_mean(torch.cat([g.reshape(-1) for g in gradients]))
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
