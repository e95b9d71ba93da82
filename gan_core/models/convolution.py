"""A convolution whose gradient is differentiated again, as a gradient penalty does, at no more cost than needed.

PyTorch takes the weight's second derivative as a convolution whose filter is as large as a feature map, which is slow on CPUs and
may choose kernels of seconds on GPUs (https://github.com/pytorch/pytorch/pull/54840), and of frozen weights too. Here each
derivative is one of the three convolutions of a backward pass, as in conv2d_gradfix of StyleGAN2-ADA, and only where it is wanted.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.precision import fails_in_bfloat16

Plan = tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]  # stride, padding, dilation, groups


def backward_parts(
    g: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, plan: Plan, wanted: tuple[bool, bool]
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """(gradient at x, gradient at weight) of a convolution whose output has the gradient g; None where not wanted."""
    stride, padding, dilation, groups = plan
    at_x, at_weight, _ = torch.ops.aten.convolution_backward(
        g, x, weight, None, stride, padding, dilation, False, (0, 0), groups, (*wanted, False)
    )
    return at_x, at_weight


class Convolution(torch.autograd.Function):
    """conv2d(x, weight, bias)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, plan: Plan) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.plan = plan
        with torch.autocast(x.device.type, enabled=False):
            return F.conv2d(x, weight, bias, *plan)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        at_x, at_weight, at_bias, _ = ctx.needs_input_grad
        bias = g.sum([0, 2, 3]) if at_bias else None
        if not torch.is_grad_enabled():
            return *backward_parts(g, x, weight, ctx.plan, (at_x, at_weight)), bias, None
        return (
            AtInput.apply(g, x, weight, ctx.plan) if at_x else None,
            AtWeight.apply(g, x, weight, ctx.plan) if at_weight else None,
            bias,
            None,
        )


class AtInput(torch.autograd.Function):
    """The gradient of a convolution at its input: linear in g and in weight; of x only the shape counts."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, plan: Plan) -> torch.Tensor:
        ctx.save_for_backward(g, weight)
        ctx.plan = plan
        found = backward_parts(g, x, weight, plan, (True, False))[0]
        assert found is not None
        return found

    @staticmethod
    def backward(ctx: Any, gg: torch.Tensor) -> tuple[torch.Tensor | None, None, torch.Tensor | None, None]:  # type: ignore[override]
        g, weight = ctx.saved_tensors
        at_g = Convolution.apply(gg, weight, None, ctx.plan) if ctx.needs_input_grad[0] else None
        at_weight = AtWeight.apply(g, gg, weight, ctx.plan) if ctx.needs_input_grad[2] else None
        return at_g, None, at_weight, None


class AtWeight(torch.autograd.Function):
    """The gradient of a convolution at its weight: linear in g and in x; of weight only the shape counts."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, plan: Plan) -> torch.Tensor:
        ctx.save_for_backward(g, x)
        ctx.plan = plan
        found = backward_parts(g, x, weight, plan, (False, True))[1]
        assert found is not None
        return found

    @staticmethod
    def backward(ctx: Any, gg: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None, None]:  # type: ignore[override]
        g, x = ctx.saved_tensors
        at_g = Convolution.apply(x, gg, None, ctx.plan) if ctx.needs_input_grad[0] else None
        at_x = AtInput.apply(g, x, gg, ctx.plan) if ctx.needs_input_grad[1] else None
        return at_g, at_x, None, None


def conv2d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> torch.Tensor:
    """As torch.nn.functional.conv2d: x [N, i, H, W], weight [o, i / groups, k, k], bias [o] -> [N, o, H', W']."""
    kind = x.device.type
    if torch.is_autocast_enabled(kind):
        dtype = weight.dtype if fails_in_bfloat16(weight) else torch.get_autocast_dtype(kind)
        x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    return Convolution.apply(x, weight, bias, (stride, padding, dilation, groups))


def double_and_convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[N, i, S, S], weight [o, i, 3, 3] -> [N, o, 2S, 2S]: nearest and a convolution with padding 1, at less than half the cost.

    Doubling by nearest is a transposed convolution with a block of 2 x 2 ones; with the convolution after it, it is one transposed
    convolution of 4 x 4. Nine products a pixel become four, and the doubled map is never made.
    """
    if torch.compiler.is_exporting():  # the plain form for other runtimes
        return F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)
    turned = weight.flip(2, 3).transpose(0, 1)
    corners = ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))
    kernel = torch.stack([F.pad(turned, corner) for corner in corners]).sum(0)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1)


class TwiceDifferentiableConv2d(nn.Conv2d):
    """nn.Conv2d for a network under a gradient penalty; the same weights and names."""

    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        if not torch.is_grad_enabled() or self.padding_mode != "zeros" or isinstance(self.padding, str):
            return super()._conv_forward(input, weight, bias)
        pair = lambda values: (int(values[0]), int(values[1]))
        return conv2d(input, weight, bias, pair(self.stride), pair(self.padding), pair(self.dilation), self.groups)


def for_penalty(net: nn.Module) -> None:
    """Make every nn.Conv2d of the network one whose gradient can be differentiated at low cost."""
    for module in net.modules():
        if type(module) is nn.Conv2d:
            module.__class__ = TwiceDifferentiableConv2d
