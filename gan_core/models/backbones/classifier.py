"""The convolutions of the dataset classifier, which also guide a discriminator (models/guided.py)."""

from torch import nn

LARGEST_SIDE = 64  # px; larger images are shrunk to it


def convolutions(side: int, channels: int) -> tuple[list[nn.Module], int]:
    """(layers [N, channels, side, side] -> [N, 128, s, s], with s about side / 8 or side / 16; number of features 128 s^2)."""
    layers: list[nn.Module] = []
    width = channels
    for number, after in enumerate((32, 64, 128) if side <= 40 else (16, 32, 64, 128)):
        kernel = 3 if number else 5
        layers += [nn.Conv2d(width, after, kernel, 2, kernel // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        side, width = (side + 1) // 2, after
    return layers, width * side * side
