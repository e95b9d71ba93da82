"""The checkpoints of stylegan2-ada-pytorch (arXiv:2006.06676): pickles of G, D and G_ema."""

import math
import re
from typing import Any

from gan_core.training.published.layout import Layout, Weights

LAYER = {
    "weight": "conv.weight",
    "affine.weight": "conv.style.weight",
    "affine.bias": "conv.style.bias",
    "bias": "bias",
    "noise_strength": "strength",
    "noise_const": "still",
}
D_BLOCK = {"conv0": "conv1", "conv1": "conv2", "skip": "shortcut"}
D_END = {"conv": "conv", "fc": "dense", "out": "head"}


def names_G(name: str, levels: int) -> str | None:
    """synthesis.b<px>.conv0, conv1 and torgb, mapping.fc<n> -> ups, convs, to_image, mapping."""
    if found := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
        return f"{mapping_layer(int(found[1]))}.{found[2]}"
    if name == "synthesis.b4.const":
        return "start"
    found = re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.+)", name)
    if found is None or found[3] not in LAYER:
        return None
    level, kind = level_of(int(found[1])), found[2]
    if kind == "torgb":
        return f"to_image.{level}.{LAYER[found[3]]}"
    if level == 0:
        return f"first.{LAYER[found[3]]}"
    return f"{'ups' if kind == 'conv0' else 'convs'}.{level - 1}.{LAYER[found[3]]}"


def names_D(name: str, levels: int) -> str | None:
    """b<px>.fromrgb, conv0, conv1 and skip, b4.conv, fc and out, mapping.fc<n> -> from_image, blocks, conv, dense, head, mapped."""
    if found := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
        return f"mapped.layers.{found[1]}.{found[2]}"
    if found := re.fullmatch(r"b4\.(conv|fc|out)\.(\w+)", name):
        return f"{D_END[found[1]]}.{found[2]}"
    found = re.fullmatch(r"b(\d+)\.(fromrgb|conv0|conv1|skip)\.(weight|bias)", name)
    if found is None:
        return None
    block = levels - 1 - level_of(int(found[1]))  # from fine to coarse
    if found[2] == "fromrgb":
        return f"from_image.{found[3]}" if block == 0 else None
    return f"blocks.{block}.{D_BLOCK[found[2]]}.{found[3]}" if block >= 0 else None


def mapping_layer(number: int) -> str:
    return ("mapping.first", "mapping.second")[number] if number < 2 else f"mapping.more.{number - 2}"


def level_of(side: int) -> int:
    """4 px is 0, 8 px is 1."""
    return side.bit_length() - 3


def settings(G: Weights) -> dict[str, Any]:
    return {
        "z_dim": G["mapping.fc0.weight"].shape[0],
        "width": G["synthesis.b4.const"].shape[0],
        "mapping_layers": sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in G),
        "normalize_z": True,
        "image_border": "zero",
        "minibatch_std": True,
    }


def size(G: Weights) -> tuple[int, int]:
    side = max(int(found[1]) for name in G if (found := re.match(r"synthesis\.b(\d+)\.", name)))
    return side, G[f"synthesis.b{side}.torgb.weight"].shape[0]


LAYOUT = Layout(
    "StyleGAN2-ADA",
    "stylegan2-lite",
    "synthesis.b4.const",
    settings,
    size,
    names_G,
    names_D,
    {
        "mapping.first.weight": (1, math.sqrt(2))
    },  # its gain goes with the square root of its inputs, which are twice as many
    any_smaller=True,
)
