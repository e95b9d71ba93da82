"""What the curves of a run say, in words: rules from D(x) and D(G(z)), or from the error that a game without D lowers.

Rules of thumb, told as such. The first that fits is the reading; a page shows all of them on a click.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.views.curves import Columns

RECENT = 10  # rows, about as many seconds of training
FLAT = 0.01  # an error that fell by less than this share is flat
G_AHEAD = -0.1
PULLS_AWAY = 0.15  # growth of the gap since the tenth of the run before


class Lines(NamedTuple):
    """Gaps between D(x) and D(G(z)) at which the words change."""

    even: float
    winning: float


USUAL = Lines(0.35, 0.8)
# Hinge loss pushes D's logits to 1 and -1, which are answers of 0.73 and 0.27, and no further.
OF_LOSS: dict[str, Lines | None] = {"hinge": Lines(0.5, 0.9), "wasserstein": None}  # whose differences have no scale
WITHOUT_D = {"vae": "error of the reconstruction", "kmeans": "distance from the nearest cluster"}


class Reading(NamedTuple):
    """key: of the rule that fits; health: a key of meaning.LEVELS."""

    key: str
    health: str
    text: str


class Facts(NamedTuple):
    """Means of the last rows, and how they were before."""

    real: float
    fake: float
    gap: float
    gap_before: float  # NaN where the run is too young to have a before
    lines: Lines

    def said(self) -> str:
        return f"D(x) is {self.real:.2f} and D(G(z)) is {self.fake:.2f}"


class Rule(NamedTuple):
    health: str
    fits: Callable[[Facts], bool]
    when: Callable[[Lines], str]
    text: Callable[[Facts], str]


RULES: dict[str, Rule] = {
    "d_wins": Rule(
        "red",
        lambda now: now.gap > now.lines.winning,
        lambda lines: f"D(x) is more than {lines.winning:g} above D(G(z))",
        lambda now: f"D is winning: {now.said()}, so G learns little. A lower learning rate of D helps.",
    ),
    "d_pulls_away": Rule(
        "amber",
        lambda now: now.gap > now.lines.even and now.gap - now.gap_before > PULLS_AWAY,
        lambda lines: f"more than {lines.even:g} above, and the gap grew by more than {PULLS_AWAY:g} in the last tenth",
        lambda now: (
            f"D is pulling away: {now.said()}, {now.gap - now.gap_before:.2f} further apart than a tenth of the "
            "run ago. Compare the newest samples with earlier ones before D wins."
        ),
    ),
    "d_ahead": Rule(
        "ok",
        lambda now: now.gap > now.lines.even,
        lambda lines: f"more than {lines.even:g} above",
        lambda now: f"D is ahead: {now.said()}. G still learns; watch whether the two lines drift further apart.",
    ),
    "g_ahead": Rule(
        "amber",
        lambda now: now.gap < G_AHEAD,
        lambda lines: f"D(x) is more than {-G_AHEAD:g} below D(G(z))",
        lambda now: f"G is ahead: {now.said()}, so D takes fakes for real. If the samples look poor, D is too weak.",
    ),
    "balanced": Rule(
        "ok",
        lambda now: True,
        lambda lines: "none of these",
        lambda now: f"D and G are balanced: {now.said()}, close together, as they should be.",
    ),
}
NO_SCALE = Reading(
    "no_scale",
    "ok",
    "No reading of D(x) and D(G(z)): under the Wasserstein loss D's answers have no scale. "
    "Watch the loss of D instead: it should come closer to 0.",
)


def lines_of(loss: str) -> Lines | None:
    """The gaps that count for a loss; None where D's answers have no scale."""
    return OF_LOSS.get(loss, USUAL)


def band(loss: str) -> tuple[float, float] | None:
    """Between these two answers of D both lines count as balanced, [0, 1]; None where there is no such band."""
    lines = lines_of(loss)
    return None if lines is None else (0.5 - lines.even / 2, 0.5 + lines.even / 2)


def read(columns: Columns, loss: str, game: str = "adversarial") -> Reading | None:
    """How the run stands by its newest rows; None before there are numbers."""
    if game in WITHOUT_D:
        return read_error(columns.get("loss_g", np.empty(0)), WITHOUT_D[game])
    real, fake = columns.get("d_real"), columns.get("d_fake")
    if real is None or fake is None or not (known := np.isfinite(real) & np.isfinite(fake)).any():
        return None
    lines = lines_of(loss)
    if lines is None:
        return NO_SCALE
    real, fake = real[known], fake[known]
    gaps, tenth = real - fake, len(real) // 10
    before = gaps[-2 * tenth : -tenth] if tenth >= RECENT else np.array([np.nan])
    means = (float(real[-RECENT:].mean()), float(fake[-RECENT:].mean()), float(gaps[-RECENT:].mean()))
    now = Facts(*means, float(before.mean()), lines)
    key, rule = next((key, rule) for key, rule in RULES.items() if rule.fits(now))
    return Reading(key, rule.health, rule.text(now))


def read_error(error: np.ndarray, what: str) -> Reading | None:
    """Is an error that should fall still falling? Compares the last tenth of the rows with the tenth before it."""
    error = error[np.isfinite(error)]
    if not len(error):
        return None
    tenth = len(error) // 10
    if tenth < 2:
        return Reading(
            "early", "early", f"The {what} is {error[-1]:.3g}; it is too early to say whether it still falls."
        )
    now, before = float(error[-tenth:].mean()), float(error[-2 * tenth : -tenth].mean())
    fell = (before - now) / abs(before) if before else 0.0
    if fell > FLAT:
        return Reading("falls", "ok", f"Still learning: the {what} fell by {fell:.0%} in the last tenth of the run.")
    if fell < -FLAT:
        return Reading("rises", "amber", f"The {what} rose by {-fell:.0%} in the last tenth of the run.")
    return Reading("flat", "ok", f"The {what} is flat: longer training will change little.")


def rules(loss: str, game: str = "adversarial") -> list[tuple[str, str]]:
    """(key, when it fits) of every rule that can apply to a run, in the order they are tried."""
    if game in WITHOUT_D:
        share = f"{FLAT:.0%}"
        return [
            ("falls", f"the {WITHOUT_D[game]} fell by more than {share} from one tenth of the run to the next"),
            ("rises", f"it rose by more than {share}"),
            ("flat", "neither"),
        ]
    lines = lines_of(loss)
    return [] if lines is None else [(key, rule.when(lines)) for key, rule in RULES.items()]
