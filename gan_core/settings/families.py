"""TRAITS: what each family of networks can do, one row a family, without torch. The networks themselves are in models/.

The form, the rules and the recipes read it; tests/models/test_contract.py compares every row with its networks.
"""

from typing import NamedTuple

SIZES = (28, 32, 64, 128, 256)  # px sides that a dataset can be imported at
LOSSES = ("nonsaturating", "minimax", "hinge", "least-squares", "wasserstein", "relativistic")
TRAINING_SIZES = (0, 16, 32, 64, 128)  # px; 0: the dataset's size
PENALTIES = ("none", "r1", "r1+r2", "gp")
CONDITIONS = ("projection", "concat", "auxiliary", "mapped")
USUAL_CONDITIONS = CONDITIONS[:3]  # "mapped" belongs to StyleGAN2
ADA_TRANSFORMS = ("blit", "bg", "bgc", "bgcf", "bgcfn", "bgcfnc")
FEW_SHOT = ("hinge", "nonsaturating", "relativistic")  # those that need no gradient penalty and learn fast


class FamilyTraits(NamedTuple):
    title: str
    sizes: tuple[int, ...]  # px of the dataset
    pads: bool = True  # images of 28 px are padded to 32, as the networks halve the size several times
    conditions: tuple[str, ...] = ("projection",)  # how D may receive the class
    losses: tuple[str, ...] = LOSSES  # empty: the family has no discriminator
    per_image: bool = True  # a logit depends on its own image only, so gradient penalties are possible
    batch_norm: bool = False  # in G or D; a step then needs two images
    minibatch_std: bool = False  # whether it can be chosen
    spectral_norm: bool = True  # whether it can be chosen
    styles: bool = False  # G maps z to styles, whose mixing, mapping and path length can be set
    published_layers: bool = False  # whether it also has the layers of its authors' code
    smallest: int = 16  # px that its networks can be trained at; smaller than the smallest dataset, see train_size
    game: str = "adversarial"  # its training step: a key of GAMES in training/step.py


TRAITS: dict[str, FamilyTraits] = {
    "r3lite": FamilyTraits("R3-lite", (28, 32, 64, 128), conditions=USUAL_CONDITIONS, batch_norm=True),
    "dcgan28": FamilyTraits("DCGAN, 28 px", (28,), pads=False, batch_norm=True),
    "sngan-projection": FamilyTraits(
        "SNGAN with projection", (28, 32, 64, 128), batch_norm=True, spectral_norm=False, smallest=32
    ),
    "stylegan2-lite": FamilyTraits(
        "StyleGAN2-lite",
        SIZES,
        conditions=("projection", "mapped"),
        minibatch_std=True,
        spectral_norm=False,
        styles=True,
    ),
    "progressive": FamilyTraits("Progressive growing", SIZES, minibatch_std=True, spectral_norm=False),
    "mlp": FamilyTraits("Dense networks", (28, 32), pads=False, conditions=USUAL_CONDITIONS),
    "dcgan": FamilyTraits(
        "DCGAN",
        SIZES,
        conditions=USUAL_CONDITIONS,
        losses=tuple(loss for loss in LOSSES if loss != "wasserstein"),  # it needs a penalty
        per_image=False,
        batch_norm=True,
    ),
    "dcgan-sn": FamilyTraits(
        "DCGAN without batch norm in D", SIZES, conditions=USUAL_CONDITIONS, batch_norm=True, minibatch_std=True
    ),
    "cgan28": FamilyTraits(
        "Tutorial cGAN, 28 px",
        (28,),
        pads=False,
        conditions=("concat",),
        losses=tuple(loss for loss in LOSSES if loss != "minimax"),  # its gradient vanishes: a class stayed grey
    ),
    "garbage128": FamilyTraits("Garbage GAN, 128 px", (128,), pads=False, losses=("nonsaturating", "minimax")),
    "fashion28": FamilyTraits("Fashion GAN, 28 px", (28,), pads=False),
    "egan": FamilyTraits(
        "E-GAN",
        (28, 32, 64, 128),
        conditions=("projection", "concat"),
        losses=("nonsaturating",),  # that of D; G has three
        per_image=False,
        batch_norm=True,
        game="evolution",
    ),
    "vae": FamilyTraits(
        "VAE", (28, 32, 64, 128), conditions=("concat",), losses=(), per_image=False, batch_norm=True, game="vae"
    ),
    "cyclegan": FamilyTraits("CycleGAN", (28, 32, 64, 128), losses=("least-squares",), game="cycle"),
    "kmeans": FamilyTraits("K-means", SIZES, pads=False, losses=(), per_image=False, game="kmeans"),
    "fastgan": FamilyTraits(
        "FastGAN",
        SIZES,
        losses=FEW_SHOT,
        per_image=False,
        batch_norm=True,
        spectral_norm=False,
        smallest=32,
        published_layers=True,
    ),
    "projected": FamilyTraits(
        "Projected GAN",
        SIZES,
        losses=FEW_SHOT,
        per_image=False,
        batch_norm=True,
        spectral_norm=False,
        published_layers=True,
    ),
    "r3gan": FamilyTraits("R3GAN", SIZES, spectral_norm=False),  # it would divide by the zero weights of the start
}


def can_be_guided(family: str) -> bool:
    """Whether D can also use the features of a classifier (models/guided.py)."""
    return TRAITS[family].per_image and TRAITS[family].game == "adversarial"


def inner_size(family: str, size: int) -> int:
    """The px side that the networks of a family work at, for images of `size` px."""
    return 32 if size == 28 and TRAITS[family].pads else size


def why_no_walk(family: str) -> str:
    """Why a family has no latent walk, in a sentence; '' where it has one."""
    if TRAITS[family].game == "kmeans":
        return "K-means has no images between two others: its latent code selects one of the mean images."
    if TRAITS[family].game == "cycle":
        return "CycleGAN has no images between two others: its latent code selects the real image that is changed."
    return ""
