"""Which curves the Live page shows: the charts of each training game, and those of the computer."""

from typing import NamedTuple

from pages.shared.charts import BLUE, GREY, ORANGE

SQUARED_ERROR = "mean squared error, pixels in -1 to 1"


class Line(NamedTuple):
    """A curve. key: of a row of metrics.jsonl; dash: tells the lines of a chart apart without color; unit: a divisor."""

    key: str
    name: str
    color: str
    dash: str
    unit: float = 1.0


class Chart(NamedTuple):
    """One plot. shares: values from 0 to 1, so the y axis is fixed and linear; is_banded: discriminator outputs, with the band
    in which neither network leads."""

    title: str
    lines: tuple[Line, ...]
    y: str
    alt: str
    shares: bool = False
    is_banded: bool = False


ADVERSARIAL = {
    "losses": Chart(
        "Losses",
        (Line("loss_d", "Loss of D", BLUE, "solid"), Line("loss_g", "Loss of G", ORANGE, "dash")),
        "loss",
        "Loss of D and loss of G over the run",
    ),
    "balance": Chart(
        "D(x) and D(G(z))",
        (Line("d_real", "D(x), real", BLUE, "solid"), Line("d_fake", "D(G(z)), fake", ORANGE, "dash")),
        "probability of real",
        "Mean discriminator output for real and for generated images over the run; 0.5 means that it can only guess",
        shares=True,
        is_banded=True,
    ),
}
CHARTS: dict[str, dict[str, Chart]] = {  # by training game: gan_core/settings/families.py
    "evolution": {
        **ADVERSARIAL,
        "mutations": Chart(
            "Mutation log",
            (
                Line("mutation_minimax", "Minimax", BLUE, "solid"),
                Line("mutation_nonsaturating", "Non-saturating", ORANGE, "dash"),
                Line("mutation_least_squares", "Least squares", GREY, "dot"),
            ),
            "share of steps won",
            "How often each of three losses made the generator that was kept, over the run",
            shares=True,
        ),
    },
    "cycle": {
        **ADVERSARIAL,
        "cycle": Chart(
            "Cycle consistency",
            (
                Line("loss_cycle", "Cycle loss", ORANGE, "dash"),
                Line("loss_same", "Identity loss", BLUE, "solid"),
            ),
            "mean absolute error",
            "Error of images translated to another class and back, and of images translated to their own class, over the run",
        ),
    },
    "vae": {
        "reconstruction": Chart(
            "Reconstruction",
            (Line("loss_g", "Reconstruction error", ORANGE, "dash"),),
            SQUARED_ERROR,
            "Error of decoded images over the run",
        ),
        "divergence": Chart(
            "KL divergence",
            (Line("loss_d", "KL divergence", BLUE, "solid"),),
            "nats an image",
            "KL divergence of the latent codes from the standard normal distribution over the run",
        ),
    },
    "kmeans": {
        "distance": Chart(
            "Distance",
            (Line("loss_g", "Distance to the nearest cluster", ORANGE, "dash"),),
            SQUARED_ERROR,
            "Distance of images to their nearest cluster center over the run",
        )
    },
}
MACHINE = {
    "speed": Chart(
        "Speed",
        (Line("images_per_second", "Images per second", BLUE, "solid"),),
        "images per second",
        "Training images per second over the run",
    ),
    "memory": Chart(
        "Memory",
        (Line("memory_bytes", "Memory", ORANGE, "dash", 1e9),),
        "GB",
        "Memory of the training process over the run, in GB",
    ),
}


def charts_of(game: str) -> dict[str, Chart]:
    """{key: chart} of a training game, in their order on the page."""
    return CHARTS.get(game, ADVERSARIAL)
