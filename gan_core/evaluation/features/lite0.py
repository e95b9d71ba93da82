"""EfficientNet-Lite0 as a feature network of scores."""

import torch
import torch.nn.functional as F
from torch import nn

from gan_core.models.backbones.lite0 import folded

SIDE_PIXELS = 96


class Lite0(nn.Module):
    """uint8 [N, 3, H, W] -> pooled [N, 1280], logits [N, 1000].

    Raises RuntimeError where state is not that of the network.
    """

    def __init__(self, state: dict[str, torch.Tensor]):
        super().__init__()
        self.net = folded(state, SIDE_PIXELS)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        side = (SIDE_PIXELS, SIDE_PIXELS)
        x = F.interpolate(pixels.float(), size=side, mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1
        x = self.net.extract_features(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))  # [N, 1280]
        return x, self.net._fc(x)
