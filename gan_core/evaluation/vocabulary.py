"""What the numbers of a measurement mean, in words that pages and the report share, and which results may be compared."""

from collections.abc import Sequence
from typing import Any, NamedTuple

DISTANCES = ("fid", "frechet_distance")
MEANINGS = {
    "fid": "How far the cloud of generated images lies from the cloud of real ones; 0 is the same, lower is better.",
    "frechet_distance": "How far the cloud of generated images lies from the cloud of real ones; 0 is the same, "
    "lower is better. Not comparable with published FID.",
    "kid": "How far apart the two clouds are, without the bias of few images; near 0 is the same "
    "(it may fall just below), lower is better.",
    "inception_score": "How clearly each image shows one thing, and how many things there are; higher is better.",
    "inception_score_formula": "How clearly each image shows one thing, and how many things there are; higher is better.",
    "precision": "The share of generated images that look like some real one; low means implausible images.",
    "recall": "The share of real images that some generated one looks like; low means missing variety.",
    "density": "How closely generated images sit among real ones; about 1 for real images, more where all are typical.",
    "coverage": "The share of real images with a generated one nearby; about 0.97 for real images, "
    "low means missing variety.",
}
AGAINST = {"train": "training images", "test": "held-out test images"}


class Level(NamedTuple):
    """A verdict as a sign and a word, so that it is never told by colour alone."""

    sign: str  # for plain text and HTML
    icon: str  # for Streamlit
    word: str


LEVELS = {
    "ok": Level("✓", ":material/check_circle:", "No alarm"),
    "amber": Level("!", ":material/warning:", "Look closer"),
    "red": Level("✕", ":material/error:", "Alarm"),
    "early": Level("…", ":material/hourglass_empty:", "Too early to say"),
}
UNKNOWN = Level("?", ":material/help:", "Not known")
HELPS = {"helps": Level("✓", ":material/check_circle:", "Helps")}
NO_GAIN = Level("–", ":material/remove_circle:", "No measurable gain")

# Below these a curve is worth a second look (amber) or alarms (red).
LINES = {"variance_ratio": (0.6, 0.3), "coverage_ratio": (0.6, 0.3)}
INDICATORS = {
    "variance_ratio": "Variety within a class",
    "pairwise_ratio": "Distance of two images",
    "near_duplicates": "Near duplicates",
    "support": "Different images",
    "coverage_ratio": "Coverage",
    "agreement": "Label agreement",
    "class_shares": "Class shares",
    "z_sensitivity": "Use of the noise",
    "d_overfit": "Discriminator overfitting",
    "d_certainty": "Certainty of the discriminator",
    "d_loss_left": "What is left of the discriminator's loss",
    "d_label_use": "Use of the label by the discriminator",
}
PARTS = {  # of a result that may be absent
    "two_sample": "Real or generated",
    "memorisation": "Copies of training images",
    "collapse": "Variety",
    "agreement": "Label agreement",
    "referee": "The dataset's own classifier",
    "per_class": "The table per class",
    "modes": "Known kinds",
    "times_floor": "The ratio to the floor",
}


def part_name(key: str, labels: dict[str, str]) -> str:
    """A key of a result's "absent" in words."""
    if key.startswith("floor."):
        inner = key.removeprefix("floor.").removeprefix("held_out.")
        split = "training against held-out" if "held_out." in key else "half against half"
        return f"Real against real, {split}, {labels.get(inner, inner)}"
    return labels.get(key) or PARTS.get(key, key)


SPACES = {"pixels": "pixels", "referee": "referee features"}

# What must be equal before two results are set side by side: key of the result -> how a sentence calls it.
SAME = {
    "dataset": "the dataset",
    "size": "the image size",
    "extractor": "the extractor",
    "weights": "the extractor's weights",
    "resize": "the resize",
    "against": "the split compared with",
    "n_real": "the number of real images",
    "n_fake": "the number of generated images",
}


def level(verdict: object) -> Level:
    return LEVELS.get(str(verdict), UNKNOWN)


def scores_of(result: dict[str, Any]) -> list[str]:
    """Keys of a result's scores over all classes, in the order of its labels."""
    return [key for key in result.get("labels", {}) if key in result]


def differences(results: Sequence[dict[str, Any]]) -> list[str]:
    """What keeps results from being compared, in words; [] where nothing does."""
    return [word for key, word in SAME.items() if len({repr(result.get(key)) for result in results}) > 1]


def variety_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of collapse.jsonl with their values beside the epoch, for a curve: {"epoch", "variance_ratio", ...}."""
    flat = []
    for row in rows:
        values = row.get("values")
        if row.get("epoch") is not None and isinstance(values, dict):
            flat.append({"epoch": row["epoch"], "images_seen": row.get("images_seen"), **values})
    return flat


def score_rows(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The scores of one run against the epoch, for a curve: {"epoch", "images_seen", "floor", score: value, ...}, by epoch.

    results: the newest first. Only those measured as the newest was, and of each checkpoint the newest; "floor" is that of
    the distance.
    """
    rows: dict[int, dict[str, Any]] = {}
    for result in results:
        seen, epoch = result.get("images_seen"), result.get("epoch")
        if seen is None or epoch is None or seen in rows or differences([results[0], result]):
            continue
        keys = scores_of(result)
        floors = [(result.get("floor") or {}).get(key) for key in keys if key in DISTANCES]
        values = {key: result[key] for key in keys}
        rows[seen] = {"epoch": epoch, "images_seen": seen, "floor": floors[0] if floors else None, **values}
    return [rows[seen] for seen in sorted(rows)]


def checkpoint(result: dict[str, Any]) -> str:
    """Which checkpoint a result is about, for the end of a sentence."""
    seen, epoch = result.get("images_seen"), result.get("epoch")
    if result.get("methods") and "gan" not in result["methods"]:
        return "images made without the run"
    if seen is None:
        return "an unknown checkpoint"
    return f"the checkpoint at {seen:,} images" + (f" (epoch {epoch:.3g})" if epoch is not None else "")


def class_order(per_class: dict[str, dict[str, Any]]) -> list[str]:
    """The classes, the one with the worst coverage first; those without one last, in their own order."""
    covered = lambda name: per_class[name].get("coverage")
    return sorted(per_class, key=lambda name: (covered(name) is None, covered(name) or 0.0))


def reasons(row: dict[str, Any]) -> str:
    """Why a class has no value where it has none: each reason once."""
    return " ".join(dict.fromkeys((row.get("absent") or {}).values()))


def number(value: object, digits: int = 4) -> str:
    """Four significant digits; '–' where there is none."""
    return "–" if not isinstance(value, int | float) else f"{value:.{digits}g}"


def interval(ends: Sequence[float] | None) -> str:
    """'0.01 to 0.02', or '–'."""
    return f"{number(ends[0])} to {number(ends[1])}" if ends else "–"


def percent(value: object) -> str:
    return "–" if not isinstance(value, int | float) else f"{100 * value:.1f} %"


def points(value: object) -> str:
    """A difference of two shares, in percentage points with its sign."""
    return "–" if not isinstance(value, int | float) else f"{100 * value:+.1f}"


def percent_interval(ends: Sequence[float] | None) -> str:
    return f"{percent(ends[0])} to {percent(ends[1])}" if ends else "–"


def about_pair(distance: float, ratio: float | None, flipped: bool) -> str:
    """'distance 0.12, 0.4 of a held-out image's, mirrored'"""
    usual = f", {number(ratio, 2)} of a held-out image's" if ratio is not None else ""
    return f"distance {number(distance, 3)}{usual}{', mirrored' if flipped else ''}"


def how_near(distance: float, usual: float, copy: bool) -> str:
    """The distance of a generated image to its nearest real one. usual: that of a real image to its nearest other, 0 unknown."""
    if copy:
        return "A near copy of this training image: nearer than real images are to one another."
    if usual <= 0:
        return "How near real images are to one another is not known here."
    times = distance / usual
    if times < 0.8:
        return f"Nearer than real images usually are to one another: {times:.2f} times their distance."
    if times <= 1.25:
        return f"About as far as real images usually are from one another: {times:.2f} times their distance."
    return f"Further than real images usually are from one another: {times:.2f} times their distance."
