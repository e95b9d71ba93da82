"""How the training of a run is going: rules of thumb for D(x) and D(G(z)), or for the error that a game without D lowers.

The first rule that fits is the diagnosis; a page shows all of them on a click.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.views.curves import Columns

RECENT = 10  # rows, about as many seconds of training
FLAT = 0.01  # an error that changed by less than this share is flat
G_AHEAD = -0.1
PULLS_AWAY = 0.15  # growth of the gap since the tenth of the run before


class GapThresholds(NamedTuple):
    """Gaps between D(x) and D(G(z)): below `even` the networks are balanced, above `winning` D wins."""

    even: float
    winning: float


USUAL = GapThresholds(0.35, 0.8)
# The hinge loss pushes D's logits no further than 1 and -1, which are outputs of 0.73 and 0.27. Under the Wasserstein loss the
# differences of D's outputs have no scale.
OF_LOSS: dict[str, GapThresholds | None] = {"hinge": GapThresholds(0.5, 0.9), "wasserstein": None}
WITHOUT_D = {"vae": "error of the reconstruction", "kmeans": "distance from the nearest cluster"}


class Diagnosis(NamedTuple):
    """key: of the rule that fits; health: a key of names_and_thresholds.LEVELS."""

    key: str
    health: str
    text: str


class RecentMeans(NamedTuple):
    """Means of the last rows, and of those a tenth of the run earlier."""

    real: float
    fake: float
    gap: float
    gap_before: float  # NaN where the run is too young to have a before
    thresholds: GapThresholds

    def in_words(self) -> str:
        return f"D(x) is {self.real:.2f} and D(G(z)) is {self.fake:.2f}"


class Rule(NamedTuple):
    health: str
    fits: Callable[[RecentMeans], bool]
    when: Callable[[GapThresholds], str]
    text: Callable[[RecentMeans], str]


RULES: dict[str, Rule] = {
    "d_wins": Rule(
        "red",
        lambda now: now.gap > now.thresholds.winning,
        lambda limits: f"D(x) is more than {limits.winning:g} above D(G(z))",
        lambda now: f"D is winning: {now.in_words()}, so G learns little. A lower learning rate of D helps.",
    ),
    "d_pulls_away": Rule(
        "amber",
        lambda now: now.gap > now.thresholds.even and now.gap - now.gap_before > PULLS_AWAY,
        lambda limits: (
            f"more than {limits.even:g} above, and the gap grew by more than {PULLS_AWAY:g} in the last tenth"
        ),
        lambda now: (
            f"D is pulling away: {now.in_words()}, {now.gap - now.gap_before:.2f} further apart than a tenth of the "
            "run ago. Compare the newest samples with earlier ones before D wins."
        ),
    ),
    "d_ahead": Rule(
        "ok",
        lambda now: now.gap > now.thresholds.even,
        lambda limits: f"more than {limits.even:g} above",
        lambda now: f"D is ahead: {now.in_words()}. G still learns; watch whether the two lines drift further apart.",
    ),
    "g_ahead": Rule(
        "amber",
        lambda now: now.gap < G_AHEAD,
        lambda limits: f"D(x) is more than {-G_AHEAD:g} below D(G(z))",
        lambda now: (
            f"G is ahead: {now.in_words()}, so D takes fakes for real. If the samples look poor, D is too weak."
        ),
    ),
    "balanced": Rule(
        "ok",
        lambda now: True,
        lambda limits: "none of these",
        lambda now: f"D and G are balanced: {now.in_words()}, close together, as they should be.",
    ),
}
NO_SCALE = Diagnosis(
    "no_scale",
    "ok",
    "No diagnosis from D(x) and D(G(z)): under the Wasserstein loss D's answers have no scale. "
    "Watch the loss of D instead: it should come closer to 0.",
)


def thresholds_of(loss: str) -> GapThresholds | None:
    """The gaps that count for a loss; None where D's answers have no scale."""
    return OF_LOSS.get(loss, USUAL)


def band(loss: str) -> tuple[float, float] | None:
    """Between these two answers of D both lines count as balanced, [0, 1]; None where there is no such band."""
    limits = thresholds_of(loss)
    return None if limits is None else (0.5 - limits.even / 2, 0.5 + limits.even / 2)


def diagnose(columns: Columns, loss: str, game: str = "adversarial") -> Diagnosis | None:
    """How the training is going by its newest rows; None before there are numbers."""
    if game in WITHOUT_D:
        return diagnose_error(columns.get("loss_g", np.empty(0)), WITHOUT_D[game])
    real, fake = columns.get("d_real"), columns.get("d_fake")
    if real is None or fake is None or not (known := np.isfinite(real) & np.isfinite(fake)).any():
        return None
    limits = thresholds_of(loss)
    if limits is None:
        return NO_SCALE
    real, fake = real[known], fake[known]
    gaps, tenth = real - fake, len(real) // 10
    before = gaps[-2 * tenth : -tenth] if tenth >= RECENT else np.array([np.nan])
    means = (float(real[-RECENT:].mean()), float(fake[-RECENT:].mean()), float(gaps[-RECENT:].mean()))
    now = RecentMeans(*means, float(before.mean()), limits)
    key, rule = next((key, rule) for key, rule in RULES.items() if rule.fits(now))
    return Diagnosis(key, rule.health, rule.text(now))


def diagnose_error(error: np.ndarray, what: str) -> Diagnosis | None:
    """Is an error that should fall still falling? Compares the last tenth of the rows with the tenth before it."""
    error = error[np.isfinite(error)]
    if not len(error):
        return None
    tenth = len(error) // 10
    if tenth < 2:
        return Diagnosis(
            "early", "early", f"The {what} is {error[-1]:.3g}; it is too early to say whether it still falls."
        )
    now, before = float(error[-tenth:].mean()), float(error[-2 * tenth : -tenth].mean())
    fell = (before - now) / abs(before) if before else 0.0
    if fell > FLAT:
        return Diagnosis("falls", "ok", f"Still learning: the {what} fell by {fell:.0%} in the last tenth of the run.")
    if fell < -FLAT:
        return Diagnosis("rises", "amber", f"The {what} rose by {-fell:.0%} in the last tenth of the run.")
    return Diagnosis("flat", "ok", f"The {what} is flat: longer training will change little.")


def rules(loss: str, game: str = "adversarial") -> list[tuple[str, str]]:
    """(key, when it fits) of every rule that can apply to a run, in the order they are tried."""
    if game in WITHOUT_D:
        share = f"{FLAT:.0%}"
        return [
            ("falls", f"the {WITHOUT_D[game]} fell by more than {share} from one tenth of the run to the next"),
            ("rises", f"it rose by more than {share}"),
            ("flat", "neither"),
        ]
    limits = thresholds_of(loss)
    return [] if limits is None else [(key, rule.when(limits)) for key, rule in RULES.items()]
