"""What each family of networks can do, without torch: pages, checks and recipes read it; the networks are in models/.

One row a family. `tests/test_models.py` holds every row against the networks themselves.
"""

from typing import NamedTuple

SIZES = (28, 32, 64, 128, 256)
LOSSES = ("nonsaturating", "minimax", "hinge", "least-squares", "wasserstein", "relativistic")
PENALTIES = ("none", "r1", "r1+r2", "gp")
CONDITIONS = ("projection", "concat", "auxiliary")


class Facts(NamedTuple):
    title: str
    sizes: tuple[int, ...]  # px of the dataset
    pads: bool = True  # 28 px is padded to 32 inside, because the networks halve
    conditions: tuple[str, ...] = ("projection",)  # how D may hear of the label; the first is the default
    losses: tuple[str, ...] = LOSSES
    per_image: bool = True  # a logit depends on its own image alone: one batch for reals and fakes, gradient penalties
    minibatch_std: bool = False  # is it a choice?
    game: str = "adversarial"  # which step plays it, see training/step.py


FACTS: dict[str, Facts] = {
    "r3lite": Facts("R3-lite", (28, 32, 64, 128), conditions=CONDITIONS),
    "dcgan28": Facts("DCGAN, 28 px", (28,), pads=False),
}


def inner_size(family: str, size: int) -> int:
    """The px side that the networks of a family work at, for images of `size` px."""
    return 32 if size == 28 and FACTS[family].pads else size
