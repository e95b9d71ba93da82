"""Start from other weights: G and its average from the other's averaged G, D from its D. Optimizers start from zero.

The others are another run's, or a published checkpoint's (published/), of which every tensor is taken that fits by name and shape.
"""

from collections.abc import Callable
from typing import Any

import torch

from gan_core.errors import UserError
from gan_core.models.guided import GuidedDiscriminator
from gan_core.models.layers import ClassEmbedding
from gan_core.models.spectral_norm import renamed
from gan_core.training.published import Published
from gan_core.training.published.fit import put
from gan_core.training.state import State

LEAST_SHARE = 0.9  # of G's numbers, below which published weights are of other networks


def load_weights_from(state: State, values: dict[str, Any] | Published, log: Callable[[str], None]) -> dict[str, Any]:
    """values: a checkpoint of a run with the same networks, or published weights; the number of classes may differ.

    Then the tensors of that size (class embeddings, the head that predicts the class) stay fresh. Returns what was taken, as plain
    values with a "sentence". Raises UserError other_shape where the weights are of other networks.
    """
    report = load_published(state, values) if isinstance(values, Published) else load_run(state, values)
    log(report["sentence"])
    return report


def load_run(state: State, values: dict[str, Any]) -> dict[str, Any]:
    fresh = set()
    for net, weights in ((state.G, values["G_ema"]), (state.G_ema, values["G_ema"]), (state.D, values["D"])):
        own, weights = net.state_dict(), renamed(weights)
        of_labels = {name for name, tensor in own.items() if name in weights and differs(tensor, weights[name])}
        if own.keys() != weights.keys() or not all(by_rows(own[name], weights[name]) for name in of_labels):
            raise UserError(
                "other_shape",
                "The weights to start from are of other networks.",
                "Start from a run with the same networks, width and image size.",
            )
        net.load_state_dict({**weights, **{name: own[name] for name in of_labels}})
        for module in net.modules():
            if isinstance(module, ClassEmbedding):
                module.share.fill_(1.0)  # the other run may have ended within its label warm-up
        fresh |= of_labels
    sentence = f"Started from the weights of another run at {values['images_seen']:,} images" + (
        f"; fresh, as the number of classes differs: {', '.join(sorted(fresh))}." if fresh else "."
    )
    return {"sentence": sentence, "images_seen": values["images_seen"], "fresh": sorted(fresh)}


def load_published(state: State, published: Published) -> dict[str, Any]:
    """Into the small networks where a refiner enlarges their images, and into the D that a classifier guides."""
    layout = published.layout
    for G in (state.G_ema, state.G):
        net = getattr(G, "small", G)
        taken = put(net, published.G, layout.names_G, layout)
        if taken.share < LEAST_SHARE:
            raise UserError(
                "other_shape",
                f"Only {taken.share:.0%} of G fits the {layout.title} weights in {published.file}: their channels differ.",
                "Start from weights that were trained with the settings of the paper, or from scratch.",
            )
    sentences = [f"Started from the {layout.title} weights in {published.file}.", taken.sentence("G")]
    report = {"file": published.file, "layout": layout.title, "G": taken.facts()}
    if published.D:
        D = state.D.D if isinstance(state.D, GuidedDiscriminator) else state.D
        taken = put(D, published.D, layout.names_D, layout)
        sentences.append(taken.sentence("D"))
        report["D"] = taken.facts()
    else:
        sentences.append("D: the file has none, so it starts fresh.")
    return {"sentence": " ".join(sentences), **report}


def differs(mine: torch.Tensor, other: torch.Tensor) -> bool:
    return mine.shape != other.shape


def by_rows(mine: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether they differ in the number of rows alone, as class embeddings of another number of classes do."""
    return mine.shape[1:] == other.shape[1:]
