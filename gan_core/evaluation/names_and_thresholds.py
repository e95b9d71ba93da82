"""The names, meanings, thresholds and levels of an evaluation, in one place without torch.

Pages, reports, the command line and the code that computes the numbers all read them from here. Keys are those of result.json and
collapse.jsonl; results.py has the results themselves.
"""

from typing import NamedTuple

from gan_core.text import number

# -- levels ------------------------------------------------------------------------------------------------------------


class Level(NamedTuple):
    """A level as a sign and a word, so that it is never shown by color alone."""

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
SEVERITY = ("ok", "amber", "red")  # of an indicator or a verdict, the least severe first


def level(key: object) -> Level:
    """The level of that key of LEVELS, or UNKNOWN."""
    return LEVELS.get(str(key), UNKNOWN)


def severity(key: str) -> int:
    """0 for ok, 1 for amber, 2 for red."""
    return SEVERITY.index(key)


class Threshold(NamedTuple):
    """From where on a value is amber, and red. Where amber is above red, low values are the bad ones."""

    amber: float
    red: float


# -- collapse: the indicators and their thresholds ---------------------------------------------------------------------


class Indicator(NamedTuple):
    name: str
    threshold: Threshold


INDICATORS = {
    # Within-class variance of generated over real images; by chance a healthy class of 25 images falls to 0.5.
    "variance_ratio": Indicator("Variety within a class", Threshold(0.6, 0.3)),
    # How far the share of images that the classifier assigns to the requested class lies below its accuracy on real images.
    "agreement": Indicator("Label agreement", Threshold(0.10, 0.25)),
    # Total variation between the requested and the predicted class shares, beyond chance.
    "class_shares": Indicator("Class shares", Threshold(0.10, 0.25)),
    # Real images that generated ones reach, over those that held-out images reach; over all classes and for each.
    "coverage_ratio": Indicator("Coverage", Threshold(0.6, 0.3)),
    # The birthday estimate of the number of different images, over the size of the training set.
    "support": Indicator("Different images", Threshold(0.15, 0.10)),
    # Among as many real images 1 % by construction; but 256 of 1,500 images drawn with repeats reach 15 %, so this
    # indicator only counts together with `support`.
    "near_duplicates": Indicator("Near duplicates", Threshold(0.02, 0.10)),
    # Mean distance of two generated over that of two real images; its square is about the variance ratio.
    "pairwise_ratio": Indicator("Distance of two images", Threshold(0.75, 0.5)),
    # The share of the pixels' variance that the noise makes, over the same share in real images.
    "z_sensitivity": Indicator("Use of the noise", Threshold(0.3, 0.1)),
    # The part of D's preference for training images that held-out images do not share.
    "d_overfit": Indicator("Discriminator overfitting", Threshold(0.5, 0.9)),
    # The mean sign of D's output on training images; ADA (arXiv:2006.06676) steers it to 0.6.
    "d_certainty": Indicator("Certainty of the discriminator", Threshold(0.8, 0.9)),
    # D's loss over that of a D that cannot tell real from generated: near 0 the gradient of G fades.
    "d_loss_left": Indicator("Remaining loss of the discriminator", Threshold(0.1, 0.02)),
    # D's preference for an image's own label over another, in standard deviations of D's output.
    "d_label_use": Indicator("Use of the label by the discriminator", Threshold(0.1, 0.0)),
}
# A single class has thresholds of its own, as its few images vary more:
CLASS_AGREEMENT = Threshold(0.25, 0.50)  # below the classifier's recall of that class on real images
CLASS_SHARE = Threshold(0.5, 0.2)  # of the images that the class should have


def indicator_name(key: str) -> str:
    return INDICATORS[key].name if key in INDICATORS else key


# -- memorization: near copies of training images ----------------------------------------------------------------------

NEAR_COPIES = Threshold(0.02, 0.10)  # share of near copies beyond that of held-out images; 1 % by construction
MEDIAN_RATIO = Threshold(0.85, 0.7)  # nearest distance, generated over held-out; means of 2 to 4 real images reach 0.73
AUTHENTICITY = Threshold(0.10, 0.25)  # below the authenticity of held-out images (arXiv:2102.08921)
CT_Z = -3.0  # a shift of all distances counts only with a Mann-Whitney z below this (arXiv:2004.05675)
SPACES = {"pixels": "pixels", "referee": "features of the dataset classifier"}

# -- realism and variety from scores; each score is over that of real images against real images -------------------------

DETECTED = Threshold(
    0.70, 0.95
)  # lower end of the interval of the detector's accuracy; held-out real images reach 0.50
PRECISION_RATIO = Threshold(0.8, 0.5)  # Fashion-MNIST: 0.99 after five minutes, training images blurred by 1 px 0.66
RECALL_RATIO = Threshold(0.25, 0.0)  # Fashion-MNIST: 0.40 after five minutes, training images blurred by 1 px 0.07
DENSITY_RATIO = 1.5  # above it with so little recall, images crowd where real ones are densest
KNOWS_CLASSES = 0.05  # accuracy beyond guessing that a classifier needs before it may judge

# -- scores ------------------------------------------------------------------------------------------------------------

DISTANCES = ("fid", "frechet_distance")
MANIFOLD = ("precision", "recall", "density", "coverage")
MEANINGS = {
    "fid": "Distance between the distributions of generated and real images; 0 means equal, lower is better.",
    "frechet_distance": "Distance between the distributions of generated and real images; 0 means equal, lower is better. "
    "Not comparable with published FID.",
    "kid": "Distance between the two distributions that does not depend on the number of images; near 0 means equal (it may be "
    "slightly negative), lower is better.",
    "inception_score": "How clearly each image shows one thing, and how many different things there are; higher is better.",
    "inception_score_formula": "How clearly each image shows one thing, and how many different things there are; "
    "higher is better.",
    "precision": "The share of generated images that resemble some real image; low means implausible images.",
    "recall": "The share of real images that some generated image resembles; low means missing variety.",
    "density": "How closely generated images lie among real ones; about 1 for real images, more where all are typical.",
    "coverage": "The share of real images with a generated image nearby; about 0.97 for real images, low means missing variety.",
}
SPLITS = {"train": "training images", "test": "held-out test images"}

# The dataset classifier is "referee" in files and stored requests, and "dataset-classifier" for people.
DATASET_CLASSIFIER = "referee"
EXTRACTOR_TITLES = {
    "inception-v3": "Inception-v3",
    "efficientnet-lite0": "EfficientNet-Lite0",
    DATASET_CLASSIFIER: "Dataset classifier",
}


def extractor_key(name: str) -> str:
    """The key of an extractor that a person named."""
    return DATASET_CLASSIFIER if name == "dataset-classifier" else name


def published(extractor: str) -> bool:
    """Whether scores from this extractor bear the names of the papers: only Inception-v3 gives FID and Inception Score."""
    return extractor == "inception-v3"


def score_keys(extractor: str) -> tuple[str, str]:
    """(key of the Frechet distance, key of the Inception Score) of a result by this extractor."""
    return ("fid", "inception_score") if published(extractor) else ("frechet_distance", "inception_score_formula")


def score_names(extractor: str, title: str, own_weights: bool) -> dict[str, str]:
    """Display names by key. title: of the extractor; own_weights: they are not the published ones."""
    if published(extractor):
        network = f", {title}" if own_weights else ""
        named = {"fid": f"FID{network}", "kid": f"KID{network}", "inception_score": f"Inception Score{network}"}
    else:
        named = {
            "frechet_distance": f"Frechet distance, {title}",
            "kid": f"Kernel distance, {title}",
            "inception_score_formula": f"Inception Score formula, {title}",
        }
    return named | {key: f"{key.capitalize()}, {title}" for key in MANIFOLD}


PARTS = {  # of a result that may be absent
    "two_sample": "Real or generated",
    "memorisation": "Copies of training images",
    "collapse": "Variety",
    "agreement": "Label agreement",
    "referee": "Dataset classifier",
    "per_class": "The table per class",
    "modes": "Known modes",
    "times_floor": "The ratio to the floor",
}


def part_name(key: str, labels: dict[str, str]) -> str:
    """The display name of a key of a result's "absent". labels: the names of its scores."""
    if key.startswith("floor."):
        inner = key.removeprefix("floor.").removeprefix("held_out.")
        split = "training against held-out" if "held_out." in key else "half against half"
        return f"Real against real, {split}, {labels.get(inner, inner)}"
    return labels.get(key) or PARTS.get(key, key)


# -- sentences ---------------------------------------------------------------------------------------------------------


def about_pair(distance: float, ratio: float | None, flipped: bool) -> str:
    """'distance 0.12, 0.4 of a held-out image's, mirrored'"""
    usual = f", {number(ratio, 2)} of a held-out image's" if ratio is not None else ""
    return f"distance {number(distance, 3)}{usual}{', mirrored' if flipped else ''}"


def how_near(distance: float, usual: float, copy: bool) -> str:
    """The distance of a generated image to its nearest real one in words.

    usual: the median distance of a real image to its nearest other, 0 where it is not known.
    """
    if copy:
        return "A near copy of this training image: closer than real images are to one another."
    if usual <= 0:
        return "How close real images usually are to one another is not known here."
    times = distance / usual
    if times < 0.8:
        return f"Closer than real images usually are to one another: {times:.2f} times their distance."
    if times <= 1.25:
        return f"About as far as real images usually are from one another: {times:.2f} times their distance."
    return f"Further than real images usually are from one another: {times:.2f} times their distance."
