"""TrainConfig: the settings of a run, one schema for the form, the command line, the JSON in a run folder and the docs.

Image size, channels and classes belong to the dataset and are no settings.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gan_core.errors import FieldErrors
from gan_core.settings.families import ADA_TRANSFORMS, CONDITIONS, LOSSES, PENALTIES, TRAINING_SIZES, TRAITS
from gan_core.settings.field_errors import refused

SCHEMA_VERSION = 1
CHECKPOINTS_KEPT = 3  # newest ones of a run that stay on disk
DEVICES = ("auto", "cpu", "cuda", *(f"cuda:{number}" for number in range(16)))
WEIGHT_FILES = (".pkl", ".pth", ".pt", ".safetensors")
SMALLEST_CLASS = 5  # images; below this a GAN with labels can only copy


GROUPS = {
    "networks": "Networks",
    "labels": "Labels",
    "loss": "Loss and penalties",
    "optimiser": "Optimiser and schedule",
    "augmentation": "Augmentation",
    "start": "Start from other weights",
    "machine": "Machine",
}


def setting(default: Any, title: str, help: str, *, main: bool = False, group: str = "machine", **bounds: Any) -> Any:
    """main: the form shows it at once; group: a key of GROUPS, under which the form keeps the others."""
    return Field(default, title=title, description=help, json_schema_extra={"main": main, "group": group}, **bounds)


class TrainConfig(BaseModel):
    """All settings of a run, each with its title and help. Frozen; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    recipe: str = setting("quick", "Recipe", "The named starting point of these settings.", group="machine")
    family: Literal[tuple(TRAITS)] = setting(  # type: ignore[valid-type]
        "r3lite", "Networks", "The pair of generator (G) and discriminator (D) that is trained.", group="networks"
    )
    conditional: bool = setting(
        True,
        "Use the class labels",
        "On: one conditional model that draws each class on request. Off: the labels are ignored, which is easier "
        "to learn, but a rare class cannot be filled.",
        main=True,
    )
    epochs: float = setting(
        30.0,
        "Epochs",
        "How often the whole training set is shown. Longer runs are usually better until samples begin to look alike.",
        main=True,
        gt=0,
        le=1_000_000,
    )
    minutes: float | None = setting(
        None,
        "Time limit (minutes)",
        "The run ends after this much training time even if epochs are left. Empty: no limit.",
        main=True,
        gt=0,
        le=60 * 24 * 30,
    )
    patience: int = setting(
        0,
        "Patience (checks)",
        "The run ends early after this many checks of the collapse monitor without a smaller kernel distance; its best "
        "checkpoint is kept anyway. Long runs use 5. 0: never.",
        group="optimiser",
        ge=0,
        le=1000,
    )
    batch: int = setting(
        64,
        "Batch size",
        "Images per step; 32 to 128 is usual. Smaller batches learn more from each image but are noisier and "
        "slower. 1 works only with networks that do not compare the images of a step.",
        main=True,
        ge=1,
        le=1024,
    )
    seed: int = setting(
        0,
        "Seed",
        "The same seed and settings on the same CPU build give the same run. Change it to see how much depends on "
        "chance.",
        main=True,
        ge=0,
        le=2**31 - 1,
    )
    lr_G: float = setting(
        2e-4,
        "Learning rate of G",
        "Step size of the generator. Lower it if the losses oscillate; above 0.0005 is risky.",
        group="optimiser",
        gt=0,
        le=0.1,
    )
    lr_D: float = setting(
        2e-4,
        "Learning rate of D",
        "Step size of the discriminator. Lower it if D wins: D(x) near 1 and D(G(z)) near 0.",
        group="optimiser",
        gt=0,
        le=0.1,
    )
    beta1: float = setting(
        0.0, "Adam beta 1", "Decay of Adam's momentum. GANs use 0 to 0.5.", group="optimiser", ge=0, lt=1
    )
    beta2: float = setting(
        0.99, "Adam beta 2", "Decay of Adam's squared gradients. 0.99 to 0.999 is usual.", group="optimiser", ge=0, lt=1
    )
    loss: Literal[LOSSES] = setting(  # type: ignore[valid-type]
        "relativistic",
        "Loss",
        "Relativistic: D compares a real image with a fake of the same class, which keeps variety. Non-saturating: "
        "the usual GAN loss, faster but more prone to mode collapse. Minimax: the loss of the first GAN paper.",
        group="loss",
    )
    penalty: Literal[PENALTIES] = setting(  # type: ignore[valid-type]
        "r1+r2",
        "Gradient penalty",
        "R1 penalizes the gradient of D at real images, R1 + R2 at real and generated images. GP keeps its length "
        "near 1 between them and belongs to the Wasserstein loss.",
        group="loss",
    )
    gamma: float = setting(
        0.5,
        "Penalty strength (gamma)",
        "Weight of the gradient penalty. Try ten times more if D(x) grows without bound, ten times less if "
        "learning stalls. 0: no penalty.",
        group="loss",
        ge=0,
        le=10_000,
    )
    penalty_every: int = setting(
        1,
        "Penalty interval (steps)",
        "The penalty is computed in every n-th step and then counts n times (lazy regularization). Keep 1 for the "
        "relativistic loss; StyleGAN2 uses 16.",
        group="loss",
        ge=1,
        le=64,
    )
    margin_noise: float = setting(
        0.0,
        "Hinge margin noise",
        "The margin of the hinge loss is drawn for each output of D from 1 minus this value to 1. FastGAN uses 0.2.",
        group="loss",
        ge=0,
        le=1,
    )
    lecam: float = setting(
        0.0,
        "LeCam weight",
        "Weight of LeCam regularization, which keeps the outputs of D near their running averages. 0.01 to 0.3 "
        "helps with few images.",
        group="loss",
        ge=0,
        le=10,
    )
    spectral_norm: bool = setting(
        False,
        "Spectral norm in D",
        "Divides each weight of D by its largest singular value. Usual with the hinge loss.",
        group="networks",
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing",
        "One-sided label smoothing: the target for real images is 1 minus this value. 0.1 is usual.",
        group="loss",
        ge=0,
        le=0.5,
    )
    label_noise: float = setting(
        0.0,
        "Label noise",
        "Random noise of up to this size on the targets for real and generated images.",
        group="loss",
        ge=0,
        le=0.5,
    )
    d_steps: int = setting(
        1,
        "Discriminator steps per generator step",
        "How many updates D gets for each update of G. WGAN-GP uses 5.",
        group="optimiser",
        ge=1,
        le=20,
    )
    optimizer: Literal["adam", "adamw", "rmsprop"] = setting(
        "adam", "Optimiser", "Adam unless the recipe's paper uses another one.", group="optimiser"
    )
    weight_decay: float = setting(
        0.0,
        "Weight decay",
        "How strongly weights are pulled towards 0. Meant for AdamW.",
        group="optimiser",
        ge=0,
        le=1,
    )
    clip_value: float = setting(
        0.0,
        "Gradient clipping (value)",
        "Each gradient value is limited to plus or minus this. 0: no clipping.",
        group="optimiser",
        ge=0,
        le=1000,
    )
    schedule: Literal["constant", "linear", "cosine"] = setting(
        "constant",
        "Schedule",
        "How learning rates and penalty strength change from their start to their end value over the run.",
        group="optimiser",
    )
    lr_end: float = setting(
        1.0,
        "Final learning rates (share)",
        "Learning rates at the end of the run, as a share of their start values.",
        group="optimiser",
        ge=0,
        le=1,
    )
    gamma_end: float = setting(
        1.0,
        "Final penalty strength (share)",
        "Penalty strength at the end of the run, as a share of its start value.",
        group="optimiser",
        ge=0,
        le=100,
    )
    condition: Literal[CONDITIONS] = setting(  # type: ignore[valid-type]
        "projection",
        "Class conditioning of D",
        "How D receives the class. Projection: inner product of class embedding and image features. Concat: an "
        "extra input channel. Auxiliary: D also classifies the image (ACGAN). Mapped: projection on a mapping of the class, "
        "as in StyleGAN2-ADA.",
        group="labels",
    )
    label_start: float = setting(
        0.0,
        "Label warm-up starts at (share of the run)",
        "Until then the run is trained without labels, which helps where classes are small.",
        group="labels",
        ge=0,
        le=1,
    )
    label_full: float = setting(
        0.0,
        "Label warm-up ends at (share of the run)",
        "From then on labels have their full weight.",
        group="labels",
        ge=0,
        le=1,
    )
    minibatch_std: bool = setting(
        False,
        "Minibatch standard deviation",
        "Gives D the standard deviation within a batch as an extra channel, which works against mode collapse.",
        group="networks",
    )
    mapping_layers: int = setting(
        2,
        "Layers of the mapping",
        "Dense layers between z and the style vectors of StyleGAN2. Its authors use 8, and 2 for small datasets.",
        group="networks",
        ge=2,
        le=8,
    )
    normalize_z: bool = setting(
        False,
        "Normalised latent vectors",
        "z and the class embedding are scaled to a mean square of 1 before the mapping of StyleGAN2, as in its paper. "
        "Truncation then has no effect.",
        group="networks",
    )
    mixing: float = setting(
        0.9,
        "Style mixing probability",
        "Share of the generated images of a training step that take their finer layers from a second style vector. "
        "StyleGAN2 uses 0.9, and 0 for CIFAR-10.",
        group="networks",
        ge=0,
        le=1,
    )
    image_border: Literal["repeat", "zero"] = setting(
        "repeat",
        "Border of doubled images",
        "What StyleGAN2's skip connections take to lie beyond the border where they double an image. Its authors' code "
        "has zeros there.",
        group="networks",
    )
    path_length: float = setting(
        0.0,
        "Path length weight",
        "Weight of path length regularization of G, which makes equal steps in the styles change images equally. "
        "StyleGAN2 uses 2, and 0 below 256 px. 0: off.",
        group="loss",
        ge=0,
        le=1000,
    )
    path_length_every: int = setting(
        4,
        "Path length interval (updates of G)",
        "The regularization is computed in every n-th update of G and then counts n times.",
        group="loss",
        ge=1,
        le=64,
    )
    published_layers: bool = setting(
        False,
        "Layers of the authors' code",
        "FastGAN and Projected GAN with the layers that their authors published, which are slow without a GPU; otherwise "
        "with lighter ones, whose images follow their labels earlier in training.",
        group="networks",
    )
    feature_size: Literal[128, 224] = setting(
        128,
        "Size for the features (px)",
        "Projected GAN enlarges smaller images to this size before its frozen network sees them. Its authors use 224, which "
        "takes three times as long.",
        group="networks",
    )
    guide: bool = setting(
        False,
        "Guide D by a classifier",
        "D also uses the frozen features of a small classifier of the training images: classes and variety are "
        "right sooner, but steps are slower. It has no effect without labels.",
        group="labels",
    )
    reuse_fakes: bool = setting(
        False,
        "Reuse fakes of D for G",
        "D and G train on the same generated images in a step, which saves one pass of G.",
        group="optimiser",
    )
    z_dim: int = setting(
        64,
        "Latent dimensions",
        "Length of the random vector z from which each image is drawn. 32 to 128 is usual.",
        group="networks",
        ge=1,
        le=1024,
    )
    width: int = setting(
        64,
        "Network width",
        "Number of channels of the networks. Twice the width costs about three times the time.",
        group="networks",
        ge=4,
        le=1024,
    )
    train_size: Literal[TRAINING_SIZES] = setting(  # type: ignore[valid-type]
        0,
        "Training size (px)",
        "Side of the images that G and D are trained on. Where it is smaller than the dataset's, a step is faster, and a "
        "small network (refiner), trained beside them, enlarges what G draws. 0: the dataset's size.",
        group="networks",
    )
    ema_images: float = setting(
        10_000.0,
        "EMA half-life (images)",
        "Samples come from an exponential moving average (EMA) of G with this half-life. It starts short, so that "
        "short runs have one too. 0: no average.",
        group="optimiser",
        ge=0,
        le=10_000_000,
    )
    augment: Literal["none", "translation", "color+translation", "color+translation+cutout", "ada"] = setting(
        "none",
        "Discriminator augmentation",
        "DiffAugment: random changes to real and generated images before D sees them; helps below a few thousand "
        "images. ADA changes them the more often the more D overfits.",
        group="augmentation",
    )
    ada_target: float = setting(
        0.6,
        "ADA target",
        "ADA augments more often while the mean sign of D's outputs on training images is above this value.",
        group="augmentation",
        gt=0,
        lt=1,
    )
    ada_transforms: Literal[ADA_TRANSFORMS] = setting(  # type: ignore[valid-type]
        "bgc",
        "ADA transformations",
        "blit: flips, turns by 90 degrees and shifts by whole pixels. bg adds geometry, bgc also colour, bgcf also filters of "
        "frequency bands, bgcfn also noise, bgcfnc also cutout. The authors recommend bgc in most cases.",
        group="augmentation",
    )
    ada_resampling: Literal["bilinear", "wavelet"] = setting(
        "bilinear",
        "ADA resampling",
        "Wavelet, as in the paper: images are turned at twice their size between two wavelet filters, and R1 is taken at the "
        "images before ADA. Bilinear is several times faster but blurs, and takes R1 at the images after it.",
        group="augmentation",
    )
    flip: bool = setting(
        False,
        "Horizontal flips",
        "Shows mirrored images too. Leave it off for digits, text and classes that differ in left and right.",
        group="augmentation",
    )
    balance_classes: bool = setting(
        True,
        "Balanced class sampling",
        "Shows every class equally often, so that a rare class is learnt too.",
        group="labels",
    )
    start_from: str = setting(
        "",
        "Start from other weights",
        "A run, or a file of published weights on this computer: StyleGAN2-ADA and R3GAN (.pkl), FastGAN (.pth). Networks that "
        "were trained on many images are a good start where there are few. Empty: from scratch.",
        group="start",
    )
    freeze_d: int = setting(
        0,
        "Frozen layers of D (Freeze-D)",
        "The first layers of D, which detect edges and textures, keep the weights of the other run. 2 to 4 where "
        "images are few.",
        group="start",
        ge=0,
        le=64,
    )
    device: Literal[DEVICES] = setting(  # type: ignore[valid-type]
        "auto",
        "Device",
        "auto and cuda use the next free GPU; without a GPU auto uses the CPU, and cuda is refused. cuda:0 is the first GPU. "
        "The System page lists the devices of this computer.",
        group="machine",
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "Precision",
        "Auto uses bfloat16 where the processor supports it well; the weights stay in float32.",
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


def names_file(start_from: str) -> bool:
    """Whether the setting start_from is the path of a file, and not the id of a run."""
    return start_from.endswith(WEIGHT_FILES) or "/" in start_from or "\\" in start_from


def images_total(config: TrainConfig, train_images: int) -> int:
    """How many images the run shows in all. Schedules, the EMA, snapshots and resume count in images."""
    return max(config.batch, round(config.epochs * train_images))
