"""The Inception-v3 of FID, rearranged for speed: the same function as torch-fidelity's network, to 1e-6 relative.

Four changes, none of which needs a compiler. Batch norm is folded into the convolutions. The 1x1 convolutions that open a
block's branches read the same input, so they are one convolution. The average pool before a 1x1 convolution moves behind
it, where it has a quarter of the channels: both are linear, and the pool's weights sum to 1, so the bias passes through.
The resize works on one axis after the other, and on one channel where the image is grey.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE_PIXELS = 299
POOL = "branch_pool"
BLOCKS = {
    # Block of torch-fidelity -> the 1x1 convolutions that open its branches.
    "InceptionA": ("branch1x1", "branch5x5_1", "branch3x3dbl_1", POOL),
    "InceptionB": (),
    "InceptionC": ("branch1x1", "branch7x7_1", "branch7x7dbl_1", POOL),
    "InceptionD": ("branch3x3_1", "branch7x7x3_1"),
    "InceptionE_1": ("branch1x1", "branch3x3_1", "branch3x3dbl_1", POOL),
    "InceptionE_2": ("branch1x1", "branch3x3_1", "branch3x3dbl_1"),  # a max pool stays before its convolution
}


Branches = dict[str, torch.Tensor]


class Inception(nn.Module):
    """uint8 [N, 3, H, W] -> pooled features [N, 2048], logits without bias [N, 1008].

    network: torch-fidelity's FeatureExtractorInceptionV3 in evaluation mode; its tensors are copied.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        layers: list[nn.Module] = []
        for name, layer in network.named_children():
            if name.startswith("Conv2d"):
                layers.append(Conv(layer))
            elif name.startswith("MaxPool"):
                layers.append(nn.MaxPool2d(3, stride=2))
            elif name.startswith("Mixed"):
                layers.append(Block(layer))
        self.layers = nn.Sequential(*layers)
        self.classes = nn.Parameter(network.state_dict()["fc.weight"].clone())  # [1008, 2048]

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        grey = pixels.stride(1) == 0  # one channel, expanded to three
        x = tf1_resize((pixels[:, :1] if grey else pixels).float(), SIDE_PIXELS)
        x = x.sub_(128).div_(128).expand(-1, 3, -1, -1)  # [N, 3, 299, 299]
        x = self.layers(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))  # [N, 2048]
        return x, x @ self.classes.T


class Conv(nn.Module):
    """Convolution, folded batch norm, ReLU."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.conv = folded(layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu_(self.conv(x))


class Block(nn.Module):
    """One Mixed_* block."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.kind = type(block).__name__
        self.openings = BLOCKS[self.kind]
        for name, layer in block.named_children():
            if name not in self.openings:
                self.add_module(name, Conv(layer))
        if self.openings:
            parts = [folded(block.get_submodule(name)) for name in self.openings]
            self.sizes = [part.out_channels for part in parts]
            self.opening = nn.Conv2d(parts[0].in_channels, sum(self.sizes), 1)
            self.opening.load_state_dict(
                {key: torch.cat([part.state_dict()[key] for part in parts]) for key in ("weight", "bias")}
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches: Branches = {}
        if self.openings:
            parts = dict(zip(self.openings, self.opening(x).split(self.sizes, dim=1), strict=True))
            if POOL in parts:  # no padded zeros in the mean
                parts[POOL] = F.avg_pool2d(parts[POOL], 3, stride=1, padding=1, count_include_pad=False)
            branches = {name: F.relu(part) for name, part in parts.items()}
        return torch.cat(getattr(self, self.kind)(x, branches), dim=1)

    def through(self, x: torch.Tensor, *names: str) -> torch.Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x

    def InceptionA(self, x: torch.Tensor, branches: Branches) -> list[torch.Tensor]:
        wide = self.through(branches["branch5x5_1"], "branch5x5_2")
        double = self.through(branches["branch3x3dbl_1"], "branch3x3dbl_2", "branch3x3dbl_3")
        return [branches["branch1x1"], wide, double, branches[POOL]]

    def InceptionB(self, x: torch.Tensor, branches: Branches) -> list[torch.Tensor]:
        double = self.through(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
        return [self.through(x, "branch3x3"), double, F.max_pool2d(x, 3, stride=2)]

    def InceptionC(self, x: torch.Tensor, branches: Branches) -> list[torch.Tensor]:
        single = self.through(branches["branch7x7_1"], "branch7x7_2", "branch7x7_3")
        double = self.through(branches["branch7x7dbl_1"], *(f"branch7x7dbl_{i}" for i in (2, 3, 4, 5)))
        return [branches["branch1x1"], single, double, branches[POOL]]

    def InceptionD(self, x: torch.Tensor, branches: Branches) -> list[torch.Tensor]:
        single = self.through(branches["branch3x3_1"], "branch3x3_2")
        double = self.through(branches["branch7x7x3_1"], "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4")
        return [single, double, F.max_pool2d(x, 3, stride=2)]

    def InceptionE_1(self, x: torch.Tensor, branches: Branches) -> list[torch.Tensor]:
        single, double = branches["branch3x3_1"], self.through(branches["branch3x3dbl_1"], "branch3x3dbl_2")
        return [
            branches["branch1x1"],
            self.through(single, "branch3x3_2a"),
            self.through(single, "branch3x3_2b"),
            self.through(double, "branch3x3dbl_3a"),
            self.through(double, "branch3x3dbl_3b"),
            branches[POOL],
        ]

    def InceptionE_2(self, x: torch.Tensor, branches: Branches) -> list[torch.Tensor]:
        pooled = self.through(F.max_pool2d(x, 3, stride=1, padding=1), POOL)
        return self.InceptionE_1(x, {**branches, POOL: pooled})


def folded(layer: nn.Module) -> nn.Conv2d:
    """A layer's convolution with its batch norm folded in."""
    conv, norm = layer.get_submodule("conv"), layer.get_submodule("bn")
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(conv, norm)


def tf1_resize(x: torch.Tensor, side: int) -> torch.Tensor:
    """float32 [N, C, H, W] -> [N, C, side, side], bilinear as in TensorFlow 1: pixel i of the output lies at i * H / side.

    The arithmetic of torch-fidelity's resize to the last bit. Across first, on the few rows that there are, then down.
    """
    for axis in (3, 2):
        length = x.shape[axis]
        # A tensor of float32, as there: multiplied by a Python float, some positions would differ in the last bit.
        place = torch.arange(side, dtype=torch.float32, device=x.device) * torch.tensor(
            length / side, dtype=torch.float32
        )
        low = place.long()
        share = (place - low).view(-1, 1) if axis == 2 else place - low
        start = x.index_select(axis, low)
        x = x.index_select(axis, (low + 1).clamp_max(length - 1)).sub_(start).mul_(share).add_(start)
    return x
