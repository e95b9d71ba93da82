"""Optimizers, gradient clipping and the schedules of learning rates, penalty and label weight."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch


def make(net: nn.Module, lr: float, config: TrainConfig) -> torch.optim.Optimizer:
    """An optimizer of the trainable parameters of net. RMSprop as in Keras: decay 0.9, no momentum."""
    parameters = [
        {"params": [p for p in net.parameters() if p.requires_grad]}
    ]  # torch accepts an empty group, but no empty list
    betas = (config.beta1, config.beta2)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr, alpha=0.9, eps=1e-7, weight_decay=config.weight_decay)
    optimizer = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return optimizer(parameters, lr=lr, betas=betas, weight_decay=config.weight_decay, fused=True)


def schedule_factor(config: TrainConfig, progress: float, end: float) -> float:
    """The factor on a setting at `progress` in [0, 1] of the run: from 1 to `end` by config.schedule."""
    if config.schedule == "constant":
        return 1.0
    done = progress if config.schedule == "linear" else (1 - math.cos(math.pi * min(progress, 1.0))) / 2
    return 1 + (end - 1) * min(done, 1.0)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


def label_weight(config: TrainConfig, progress: float) -> float:
    """Label warm-up: 0 before label_start, 1 from label_full, linear between."""
    if progress >= config.label_full:
        return 1.0
    return max(0.0, (progress - config.label_start) / (config.label_full - config.label_start))


def update(optimizer: torch.optim.Optimizer, loss: torch.Tensor, clip_value: float = 0.0) -> None:
    """One step of gradient descent, by the mean gradient of all processes."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
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
