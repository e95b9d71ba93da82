"""Layout: how the names of one paper's checkpoints are ours."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

Weights = dict[str, torch.Tensor]


class Layout(NamedTuple):
    """mark: a name that only the generators of this layout have.

    settings: a generator's weights -> values of TrainConfig with which our networks are the published ones. size: its weights ->
    (px of its images, channels). names_G, names_D: (a published name, sizes of our network from 4 px on) -> our name, or None
    where we have nothing of that kind. class_input: our name of the weight that receives z and, behind it, the class ->
    (the axis along which they lie, the factor on z's part where the published one has no classes). any_smaller: networks for
    smaller images can start from them too, as each size has an image of its own. zeros: our names of what the published
    networks do not have, and do without where it is 0.
    """

    title: str
    family: str
    mark: str
    settings: Callable[[Weights], dict[str, Any]]
    size: Callable[[Weights], tuple[int, int]]
    names_G: Callable[[str, int], str | None]
    names_D: Callable[[str, int], str | None]
    class_input: dict[str, tuple[int, float]]
    any_smaller: bool = False
    zeros: tuple[str, ...] = ()
