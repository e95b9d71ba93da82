"""The checkpoints of FastGAN-pytorch (arXiv:2101.04775): state dicts of g and d by torch.save, under torch's old spectral norm."""

import re
from typing import Any

import torch
from torch import nn

from gan_core.models.fast_generator import WIDTHS
from gan_core.training.published.layout import Layout, Weights

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
SPECTRAL = {"weight_orig": "parametrizations.weight.original", "weight_u": "parametrizations.weight.0.u"}
SINGLE = {1: "convs.0", 2: "norms.0"}  # an UpBlock's place in its sequence -> our stage's layer
DOUBLE = {1: "convs.0", 2: "noises.0", 3: "norms.0", 5: "convs.1", 6: "noises.1", 7: "norms.1"}
GATE = {"1": "look", "3": "gate"}


def names_G(name: str, levels: int) -> str | None:
    """init, feat_<px>, se_<px> and to_big -> stem, stages, gates and to_image of net."""
    if found := re.fullmatch(r"init\.init\.([01])\.(\w+)", name):
        return leaf("net.stem" if found[1] == "0" else "net.stem_norm", found[2])
    if found := re.fullmatch(r"se_(\d+)\.main\.([13])\.(\w+)", name):
        return leaf(f"net.gates.{found[1]}.{GATE[found[2]]}", found[3])
    if found := re.fullmatch(r"to_big\.(?:0\.)?(\w+)", name):
        return leaf("net.to_image", found[1])
    found = re.fullmatch(r"feat_(\d+)\.(\d)\.(\w+)", name)
    if found is None:
        return None
    stage = int(found[1]).bit_length() - 4
    layer = (DOUBLE if stage % 2 == 0 else SINGLE).get(int(found[2]))
    if layer is None:
        return None
    if layer.startswith("noises"):
        return f"net.stages.{stage}.{layer}.amount"
    return leaf(f"net.stages.{stage}.{layer}", found[3])


def leaf(layer: str, kind: str) -> str | None:
    """kind: weight_orig and weight_u of a layer under spectral norm, or a value of a batch norm."""
    return f"{layer}.{SPECTRAL[kind]}" if kind in SPECTRAL else f"{layer}.{kind}" if kind in NORM else None


def names_D(name: str, levels: int) -> str | None:
    """None: our D has other widths and no excitation."""
    return None


def settings(G: Weights) -> dict[str, Any]:
    z_dim, twice = G["init.init.0.weight_orig"].shape[:2]
    return {"z_dim": z_dim, "width": int(twice / 2 / WIDTHS[4])}


def size(G: Weights) -> tuple[int, int]:
    side = max(int(found[1]) for name in G if (found := re.match(r"feat_(\d+)\.", name)))
    last = next(tensor for name, tensor in G.items() if re.fullmatch(r"to_big\.(0\.)?weight_orig", name))
    return side, last.shape[0]


@torch.no_grad()
def rescale_statistics(G: nn.Module, weights: Weights) -> None:
    """Let the statistics of the norm behind the first layer follow its scale.

    The published spectral norm of that transposed convolution takes the singular value of another matrix than ours.
    """
    net: Any = G.get_submodule("net")
    weight, u, v = (weights[f"init.init.0.weight_{kind}"] for kind in ("orig", "u", "v"))
    theirs = weight / (u @ weight.transpose(0, 1).flatten(1) @ v)
    factor = net.stem.weight.norm() / theirs.norm()
    net.stem_norm.running_mean *= factor
    net.stem_norm.running_var *= factor**2


LAYOUT = Layout(
    "FastGAN",
    "fastgan",
    "init.init.0.weight_orig",
    settings,
    size,
    names_G,
    names_D,
    {"net.stem.parametrizations.weight.original": (0, 1.0)},
    zeros=("net.to_image.bias",),
    finish_G=rescale_statistics,
)
