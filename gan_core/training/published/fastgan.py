"""The checkpoints of FastGAN-pytorch (arXiv:2101.04775): state dicts of g and d by torch.save, under torch's old spectral norm."""

import re
from typing import Any

from gan_core.models.fast_generator import WIDTHS
from gan_core.training.published.layout import Layout, Weights

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
SPECTRAL = {"weight_orig": "parametrizations.weight.original", "weight_u": "parametrizations.weight.0.u"}
SINGLE = {1: "convs.0", 2: "norms.0"}  # an UpBlock's place in its sequence -> our stage's layer
DOUBLE = {1: "convs.0", 2: "noises.0", 3: "norms.0", 5: "convs.1", 6: "noises.1", 7: "norms.1"}
GATE = {"1": "look", "3": "gate"}
LARGEST = 256  # px
D_LAYERS = {
    "down_from_big.0": "near.first.0",
    "rf_big.0": "near_head.mix.0",
    "rf_big.1": "near_head.mix.1",
    "rf_big.3": "near_head.head.plain",
    "down_from_small.0": "far.first.0",
    "rf_small": "far_head.plain",
    "rf_from_128": "far_head.plain",
}
DECODERS = {"big": "near", "small": "far", "part": "part"}


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
    """down_from_big, down_<n>, se_<n>_<m> and rf_big, the same of the small image, decoders -> near, far, their heads, draw."""
    layer, _, kind = name.rpartition(".")
    if layer in D_LAYERS:
        return leaf(D_LAYERS[layer], kind)
    if found := re.fullmatch(r"down_(\d+)\.(main|direct)\.(\d)", layer):
        part = {"main": "main", "direct": "short"}[found[2]]
        return leaf(f"near.downs.{int(found[1]).bit_length() - 3}.{part}.{found[3]}", kind)
    if found := re.fullmatch(r"se_\d_(\d+)\.main\.([13])", layer):
        return leaf(f"near.gates.{LARGEST * 2 // int(found[1])}.{GATE[found[2]]}", kind)
    if found := re.fullmatch(r"down_from_small\.([234])\.main\.([01])", layer):
        return leaf(f"far.downs.{int(found[1]) - 2}.{found[2]}", kind)
    if found := re.fullmatch(r"decoder_(\w+)\.main\.(\d)(?:\.([12]))?", layer):
        ours = f"draw_{DECODERS[found[1]]}" if found[1] in DECODERS else ""
        return leaf(
            f"{ours}.stages.{int(found[2]) - 1}.{SINGLE[int(found[3])]}" if found[3] else f"{ours}.to_image", kind
        )
    return None


def settings(G: Weights) -> dict[str, Any]:
    z_dim, twice = G["init.init.0.weight_orig"].shape[:2]
    return {"z_dim": z_dim, "width": int(twice / 2 / WIDTHS[4]), "published_layers": True}


def size(G: Weights) -> tuple[int, int]:
    side = max(int(found[1]) for name in G if (found := re.match(r"feat_(\d+)\.", name)))
    last = next(tensor for name, tensor in G.items() if re.fullmatch(r"to_big\.(0\.)?weight_orig", name))
    return side, last.shape[0]


LAYOUT = Layout(
    "FastGAN",
    "fastgan",
    "init.init.0.weight_orig",
    settings,
    size,
    names_G,
    names_D,
    {"net.stem.parametrizations.weight.original": (0, 1.0)},
    zeros=("near_head.head.plain.bias", "far_head.plain.bias"),
)
