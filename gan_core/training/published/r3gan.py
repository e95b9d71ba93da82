"""The checkpoints of R3GAN (arXiv:2501.05441): pickles of G, D and G_ema."""

import re
from typing import Any

from gan_core.training.published.layout import Layout, Weights

RESIDUAL = {
    "LinearLayer1.Layer.weight": "widen.weight",
    "NonLinearity1.Bias": "widen.bias",
    "LinearLayer2.Layer.weight": "look.weight",
    "NonLinearity2.Bias": "look.bias",
    "LinearLayer3.Layer.weight": "narrow.weight",
}
CHANGE = {
    "LinearLayer.Layer.weight": "mix.weight",
    "LinearLayer.weight": "mix.weight",
    "Basis": "basis",
    "Basis.weight": "basis.weight",
}
ENDS = {
    "Model.AggregationLayer.Layer.weight": "to_image.weight",
    "Model.ExtractionLayer.Layer.weight": "from_image.weight",
}


def names(name: str, levels: int) -> str | None:
    """Model.MainLayers.<stage>.Layers.<layer> -> stages.<stage>.<layer>."""
    if name in ENDS:
        return ENDS[name]
    found = re.fullmatch(r"Model\.MainLayers\.(\d+)\.Layers\.(\d+)\.(.+)", name)
    part = (RESIDUAL | CHANGE).get(found[3]) if found else None
    return f"stages.{found[1]}.{found[2]}.{part}" if found and part else None


def settings(G: Weights) -> dict[str, Any]:
    basis = "Model.MainLayers.0.Layers.0."
    inputs = G[basis + "LinearLayer.weight"].shape[1]
    embedded = G["Model.EmbeddingLayer.weight"].shape[0] if "Model.EmbeddingLayer.weight" in G else 0
    return {"z_dim": inputs - embedded, "width": G[basis + "Basis"].shape[0]}


def size(G: Weights) -> tuple[int, int]:
    stages = {int(found[1]) for name in G if (found := re.match(r"Model\.MainLayers\.(\d+)\.", name))}
    return 4 << max(stages), G["Model.AggregationLayer.Layer.weight"].shape[0]


LAYOUT = Layout(
    "R3GAN",
    "r3gan",
    "Model.MainLayers.0.Layers.0.Basis",
    settings,
    size,
    names,
    names,
    {"stages.0.0.mix.weight": (1, 1.0)},
)
