"""EfficientNet-Lite0 as a feature network: batch norm folded in, and padding left to the convolutions where it can be."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE_PIXELS = 96
PAIRS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


class Lite0(nn.Module):
    """uint8 [N, 3, H, W] -> pooled [N, 1280], logits [N, 1000].

    Raises RuntimeError where state is not that of the network. Folding moves the features by 3e-6 relative, about what
    rounding to single precision does to this network anyway (2e-6 from double precision, folded or not).
    """

    def __init__(self, state: dict[str, torch.Tensor]):
        from efficientnet_lite_pytorch import EfficientNet

        super().__init__()
        self.net = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE_PIXELS)
        self.net.load_state_dict(state)
        self.net.eval()
        fold(self.net, "_conv_stem", "_bn0")
        fold(self.net, "_conv_head", "_bn1")
        for block in self.net._blocks:
            for conv, norm in PAIRS:
                if hasattr(block, conv):
                    fold(block, conv, norm)
        for layer in self.net.modules():
            if isinstance(layer, nn.ReLU6):
                layer.inplace = True

    def forward(self, pixels):
        side = (SIDE_PIXELS, SIDE_PIXELS)
        x = F.interpolate(pixels.float(), size=side, mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1
        x = self.net.extract_features(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))  # [N, 1280]
        return x, self.net._fc(x)


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
