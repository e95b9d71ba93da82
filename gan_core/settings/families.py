"""What each family of networks can do, without torch: pages, checks and recipes read it; the networks are in models/.

One row a family. `tests/test_models.py` holds every row against the networks themselves.
"""

from typing import NamedTuple

SIZES = (28, 32, 64, 128, 256)
LOSSES = ("nonsaturating", "minimax", "hinge", "least-squares", "wasserstein", "relativistic")
PENALTIES = ("none", "r1", "r1+r2", "gp")
CONDITIONS = ("projection", "concat", "auxiliary")
FEW_SHOT = ("hinge", "nonsaturating", "relativistic")  # need no gradient penalty, and learn at once


class FamilyTraits(NamedTuple):
    title: str
    sizes: tuple[int, ...]  # px of the dataset
    pads: bool = True  # 28 px is padded to 32 inside, because the networks halve
    conditions: tuple[str, ...] = ("projection",)  # how D may hear of the label; the first is the default
    losses: tuple[str, ...] = LOSSES  # none: no adversarial loss, because there is no D
    per_image: bool = True  # a logit depends on its own image alone: one batch for reals and fakes, gradient penalties
    batch_norm: bool = False  # in G or D: a step needs two images
    minibatch_std: bool = False  # is it a choice?
    spectral_norm: bool = True  # is it a choice? not where D norms its weights by itself
    game: str = "adversarial"  # which step plays it, see training/step.py


TRAITS: dict[str, FamilyTraits] = {
    "r3lite": FamilyTraits("R3-lite", (28, 32, 64, 128), conditions=CONDITIONS, batch_norm=True),
    "dcgan28": FamilyTraits("DCGAN, 28 px", (28,), pads=False, batch_norm=True),
    "sngan-projection": FamilyTraits("SNGAN with projection", (28, 32, 64, 128), batch_norm=True, spectral_norm=False),
    "stylegan2-lite": FamilyTraits("StyleGAN2-lite", SIZES, minibatch_std=True, spectral_norm=False),
    "progressive": FamilyTraits("Progressive growing", SIZES, minibatch_std=True, spectral_norm=False),
    "mlp": FamilyTraits("Dense networks", (28, 32), pads=False, conditions=CONDITIONS),
    "dcgan": FamilyTraits(
        "DCGAN",
        SIZES,
        conditions=CONDITIONS,
        losses=tuple(loss for loss in LOSSES if loss != "wasserstein"),  # which nothing here would hold D for
        per_image=False,
        batch_norm=True,
    ),
    "dcgan-sn": FamilyTraits(
        "DCGAN without batch norm in D", SIZES, conditions=CONDITIONS, batch_norm=True, minibatch_std=True
    ),
    "cgan28": FamilyTraits(
        "Tutorial cGAN, 28 px",
        (28,),
        pads=False,
        conditions=("concat",),
        losses=tuple(
            loss for loss in LOSSES if loss != "minimax"
        ),  # whose gradient fades: a class stayed grey, 1 seed in 5
    ),
    "garbage128": FamilyTraits("Garbage GAN, 128 px", (128,), pads=False, losses=("nonsaturating", "minimax")),
    "fashion28": FamilyTraits("Fashion GAN, 28 px", (28,), pads=False),
    "egan": FamilyTraits(
        "E-GAN",
        (28, 32, 64, 128),
        conditions=("projection", "concat"),
        losses=("nonsaturating",),  # of D; G has three
        per_image=False,
        batch_norm=True,
        game="evolution",
    ),
    "vae": FamilyTraits(
        "VAE", (28, 32, 64, 128), conditions=("concat",), losses=(), per_image=False, batch_norm=True, game="vae"
    ),
    "cyclegan": FamilyTraits("CycleGAN", (28, 32, 64, 128), losses=("least-squares",), game="cycle"),
    "kmeans": FamilyTraits("K-means", SIZES, pads=False, losses=(), per_image=False, game="kmeans"),
    "fastgan": FamilyTraits("FastGAN", SIZES, losses=FEW_SHOT, per_image=False, batch_norm=True, spectral_norm=False),
    "projected": FamilyTraits(
        "Projected GAN", SIZES, losses=FEW_SHOT, per_image=False, batch_norm=True, spectral_norm=False
    ),
}


def can_be_guided(family: str) -> bool:
    """May D look with a classifier's layers too (models/guided.py)? Where it judges each image by itself, in a game of two."""
    return TRAITS[family].per_image and TRAITS[family].game == "adversarial"


def inner_size(family: str, size: int) -> int:
    """The px side that the networks of a family work at, for images of `size` px."""
    return 32 if size == 28 and TRAITS[family].pads else size


def why_no_walk(family: str) -> str:
    """Why there is no way from one noise to another through the images of a family, as a sentence; '' where there is one."""
    if TRAITS[family].game == "kmeans":
        return "K-means has no images between two others: its noise picks one of the mean images."
    if TRAITS[family].game == "cycle":
        return "CycleGAN has no images between two others: its noise picks the real image that is changed."
    return ""
