"""Start from another run's weights: G and its average from the other's averaged G, D from its D. Optimizers start from zero."""

from collections.abc import Callable
from typing import Any

import torch

from gan_core.errors import UserError
from gan_core.models.layers import ClassEmbedding
from gan_core.models.spectral_norm import renamed
from gan_core.training.state import State


def load_weights_from(state: State, values: dict[str, Any], log: Callable[[str], None]) -> None:
    """values: a checkpoint of a run with the same networks; the number of classes may differ.

    Then the tensors of that size (class embeddings, the head that predicts the class) stay fresh. Raises UserError other_shape
    where the weights are of other networks.
    """
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
    log(
        f"Started from the weights of another run at {values['images_seen']:,} images"
        + (f"; fresh, as the number of classes differs: {', '.join(sorted(fresh))}." if fresh else ".")
    )


def differs(mine: torch.Tensor, other: torch.Tensor) -> bool:
    return mine.shape != other.shape


def by_rows(mine: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether they differ in the number of rows alone, as class embeddings of another number of classes do."""
    return mine.shape[1:] == other.shape[1:]
