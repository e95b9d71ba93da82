"""Typed, frozen training settings: one schema for the form, the command line, the JSON in a run folder and the docs.

Sizes, channels and classes are facts of the dataset, not settings, so they are not here.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gan_core.errors import FieldErrors
from gan_core.settings.families import TRAITS
from gan_core.settings.field_errors import refused

SCHEMA_VERSION = 1
CHECKPOINTS_KEPT = 3  # newest ones of a run that stay on disk
SMALLEST_CLASS = 5  # images; below this a GAN with labels can only copy (recipes.md A18)


GROUPS = {
    "networks": "Networks",
    "labels": "Labels",
    "loss": "Loss and penalties",
    "optimiser": "Optimiser and schedule",
    "augmentation": "Augmentation",
    "start": "Start from another run",
    "machine": "Machine",
}


def setting(default: Any, title: str, help: str, *, main: bool = False, group: str = "machine", **bounds: Any) -> Any:
    """main: shown at once; group: a key of GROUPS, under which the form keeps the others."""
    return Field(default, title=title, description=help, json_schema_extra={"main": main, "group": group}, **bounds)


class TrainConfig(BaseModel):
    """Everything a run can be told. Frozen; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    recipe: str = setting("quick", "Recipe", "The named starting point these settings came from.", group="machine")
    family: Literal[tuple(TRAITS)] = setting(  # type: ignore[valid-type]
        "r3lite", "Networks", "The pair of networks that is trained.", group="networks"
    )
    conditional: bool = setting(
        True,
        "Use the class labels",
        "On: one model that draws each class on request. Off: labels are ignored and all "
        "images are one class, which is easier to learn but cannot fill a rare class.",
        main=True,
    )
    epochs: float = setting(
        30.0,
        "Epochs",
        "How often the whole training set is shown. Longer is usually better until samples repeat.",
        main=True,
        gt=0,
        le=1_000_000,
    )
    minutes: float | None = setting(
        None,
        "Stop after minutes",
        "Ends the run after this much training time even if epochs are left. Empty: no limit.",
        main=True,
        gt=0,
        le=60 * 24 * 30,
    )
    batch: int = setting(
        64,
        "Batch size",
        "Images per step. Smaller learns more per image but is noisier and slower; 32 to 128 is usual, "
        "1 only for networks that do not compare the images of a step.",
        main=True,
        ge=1,
        le=1024,
    )
    seed: int = setting(
        0,
        "Seed",
        "Same seed and settings on the same CPU build: the same run. Change it to see what is luck.",
        main=True,
        ge=0,
        le=2**31 - 1,
    )
    lr_G: float = setting(
        2e-4,
        "Learning rate of G",
        "Step size of the generator. Lower it if losses swing; above 0.0005 is risky.",
        group="optimiser",
        gt=0,
        le=0.1,
    )
    lr_D: float = setting(
        2e-4,
        "Learning rate of D",
        "Step size of the discriminator. Lower it if D wins: D(x) near 1, D(G(z)) near 0.",
        group="optimiser",
        gt=0,
        le=0.1,
    )
    beta1: float = setting(0.0, "Adam beta 1", "Momentum of Adam. GANs use 0 to 0.5.", group="optimiser", ge=0, lt=1)
    beta2: float = setting(
        0.99, "Adam beta 2", "Memory of Adam's step scaling. 0.99 to 0.999.", group="optimiser", ge=0, lt=1
    )
    loss: Literal["nonsaturating", "minimax", "hinge", "least-squares", "wasserstein", "relativistic"] = setting(
        "relativistic",
        "Loss",
        "Relativistic: D compares a real with a fake of the same class, which keeps variety. "
        "Non-saturating: the classic GAN loss, faster but more prone to collapse. Minimax is the loss of the first paper.",
        group="loss",
    )
    penalty: Literal["none", "r1", "r1+r2", "gp"] = setting(
        "r1+r2",
        "Gradient penalty",
        "What holds D's slope down: on reals (r1), on reals and fakes (r1+r2), or towards one in between (gp, for Wasserstein).",
        group="loss",
    )
    gamma: float = setting(
        0.5,
        "Strength of the penalty",
        "How strongly D's slope is held down. Ten times more if D(x) runs away, ten "
        "times less if learning stalls. 0 switches it off.",
        group="loss",
        ge=0,
        le=10_000,
    )
    penalty_every: int = setting(
        1,
        "Penalty every so many steps",
        "1 for the relativistic loss, which needs it always; StyleGAN2 takes 16, and it then counts 16 times.",
        group="loss",
        ge=1,
        le=64,
    )
    lecam: float = setting(
        0.0,
        "LeCam weight",
        "Holds D near its own running averages: helps with few images. 0.01 to 0.3.",
        group="loss",
        ge=0,
        le=10,
    )
    spectral_norm: bool = setting(
        False,
        "Spectral norm in D",
        "Bounds D's slope by its weights. The usual partner of the hinge loss.",
        group="networks",
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing",
        "Tells D that reals are real by 1 minus this only. 0.1 is usual.",
        group="loss",
        ge=0,
        le=0.5,
    )
    label_noise: float = setting(
        0.0,
        "Label noise",
        "Adds up to this much at random to what D is told of real and fake.",
        group="loss",
        ge=0,
        le=0.5,
    )
    d_steps: int = setting(
        1, "D steps for a G step", "How often D learns before G does. WGAN-GP takes 5.", group="optimiser", ge=1, le=20
    )
    optimizer: Literal["adam", "adamw", "rmsprop"] = setting(
        "adam", "Optimiser", "Adam unless a recipe says otherwise.", group="optimiser"
    )
    weight_decay: float = setting(
        0.0, "Weight decay", "Pulls weights to zero; for AdamW.", group="optimiser", ge=0, le=1
    )
    clip_value: float = setting(
        0.0,
        "Clip gradients at",
        "Every gradient is cut to plus or minus this. 0 switches it off.",
        group="optimiser",
        ge=0,
        le=1000,
    )
    schedule: Literal["constant", "linear", "cosine"] = setting(
        "constant",
        "Schedule",
        "How rates and penalty go from their start to their end over the run.",
        group="optimiser",
    )
    lr_end: float = setting(
        1.0, "Learning rates at the end", "As a share of their start.", group="optimiser", ge=0, le=1
    )
    gamma_end: float = setting(1.0, "Penalty at the end", "As a share of its start.", group="optimiser", ge=0, le=100)
    condition: Literal["projection", "concat", "auxiliary"] = setting(
        "projection",
        "How D hears of the label",
        "Projection: compared with what D sees. Concat: as a plane beside the image. "
        "Auxiliary: D names the class itself (ACGAN).",
        group="labels",
    )
    label_start: float = setting(
        0.0,
        "Labels come in from",
        "Share of the run that is trained without labels; helps where classes are small.",
        group="labels",
        ge=0,
        le=1,
    )
    label_full: float = setting(
        0.0, "Labels count fully from", "Share of the run after which labels count in full.", group="labels", ge=0, le=1
    )
    minibatch_std: bool = setting(
        False, "Minibatch standard deviation", "Tells D how varied a batch is, against collapse.", group="networks"
    )
    guide: bool = setting(
        False,
        "Guide D by a classifier",
        "D also looks with the layers of a small classifier of the training images: right classes and variety sooner, "
        "for slower steps. Without labels it has no effect.",
        group="labels",
    )
    reuse_fakes: bool = setting(
        False,
        "One set of fakes for D and G",
        "Saves a pass of G; both nets then see the same fakes in a step.",
        group="optimiser",
    )
    z_dim: int = setting(
        64,
        "Noise dimensions",
        "Length of the noise vector behind each image. 32 to 128.",
        group="networks",
        ge=1,
        le=1024,
    )
    width: int = setting(
        64,
        "Network width",
        "Channels of the networks. Twice the width costs about three times the time.",
        group="networks",
        ge=4,
        le=512,
    )
    ema_images: float = setting(
        10_000,
        "Averaging half-life (images)",
        "Samples come from a running average of G over about this many images; "
        "it ramps up, so short runs have one too. 0 switches it off.",
        group="optimiser",
        ge=0,
        le=10_000_000,
    )
    augment: Literal["none", "translation", "color+translation", "color+translation+cutout", "ada"] = setting(
        "none",
        "Augmentation for D",
        "Random changes shown to D on real and fake alike (DiffAugment). Helps below a few thousand images. "
        "ada: as often as D overfits.",
        group="augmentation",
    )
    ada_target: float = setting(
        0.6,
        "ADA target",
        "How sure of the training images D may be before ADA changes them more often.",
        group="augmentation",
        gt=0,
        lt=1,
    )
    flip: bool = setting(
        False,
        "Mirror images",
        "Shows left-right mirrored images too. Off for digits, text and left/right classes.",
        group="augmentation",
    )
    balance_classes: bool = setting(
        True, "Balanced classes", "Shows every class equally often, so that a rare class is learnt too.", group="labels"
    )
    start_from: str = setting(
        "",
        "Start from another run's weights",
        "Networks that learnt from many pictures are a good start where there are few. Empty: from scratch.",
        group="start",
    )
    freeze_d: int = setting(
        0,
        "Freeze so many of D's first layers",
        "Keeps what the other run's D knows of edges and textures (Freeze-D). 2 to 4 where images are few.",
        group="start",
        ge=0,
        le=64,
    )
    device: Literal["auto", "cpu", "cuda"] = setting(
        "auto", "Device", "Auto takes the GPU where there is one.", group="machine"
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "Precision",
        "Auto takes bfloat16 where the processor is made for it (weights stay in full precision).",
        group="machine",
    )

    @property
    def has_penalty(self) -> bool:
        return self.penalty != "none" and self.gamma > 0


def build(values: dict[str, Any]) -> TrainConfig:
    """TrainConfig from plain values. Raises FieldErrors with one sentence for each refused field."""
    try:
        return TrainConfig(**values)
    except ValidationError as error:
        raise FieldErrors(
            {str(e["loc"][0]): refused(TrainConfig, str(e["loc"][0]), dict(e)) for e in error.errors()}
        ) from None


def images_total(config: TrainConfig, train_images: int) -> int:
    """How many images the run shows in all: the one clock of schedules, averaging, snapshots and resume."""
    return max(config.batch, round(config.epochs * train_images))
