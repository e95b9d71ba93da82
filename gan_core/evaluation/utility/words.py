"""An arm in plain words, for sentences, tables and charts."""

from gan_core.evaluation.utility.protocol import FIRST_PART, Arm, Baseline, Use

WAYS = {
    "none": "no synthetic images",
    "gan": "images of the GAN",
    "pasted": "pasted objects",
    "copies": "changed copies",
    "again": "real images again",
    "variants": "variants of real images",  # of older searches
}
SAMPLINGS = {
    "natural": "every image shown equally often",
    "balanced": "every class shown equally often",
    "deferred": f"classes balanced after {FIRST_PART:.0%} of the training",
}
POLICIES = {
    "none": "no augmentation",
    "light": "light augmentation",
    "classical": "classical augmentation",
    "strong": "strong augmentation",
}
MIXES = {"mixup": "MixUp", "cutmix": "CutMix", "cmo": "objects of rare classes on other images (CMO)"}
PHASES = {
    "throughout": "",
    "first": f"in the first {FIRST_PART:.0%} of the training",
    "pretrain": "before the real ones",
}


def way_in_words(way: str) -> str:
    return " and ".join(WAYS.get(part, part) for part in way.split("+"))


def baseline_in_words(baseline: Baseline) -> str:
    words = [SAMPLINGS[baseline.sampling], POLICIES[baseline.policy]]
    return ", ".join(words + ([MIXES[baseline.mix]] if baseline.mix != "none" else []))


def use_in_words(use: Use) -> str:
    """How many synthetic images are shown, of which classes, when, and with whose labels."""
    words = ["each class filled up to the largest one" if use.fill else f"{use.share:.0%} of each batch"]
    words += ["only of rare classes"] if use.classes == "rare" else []
    words += [PHASES[use.phase]] if PHASES[use.phase] else []
    words += ["with a teacher's labels"] if use.labels == "soft" else []
    return ", ".join(words)


def arm_in_words(arm: Arm) -> str:
    """'images of the GAN (25% of each batch)', or the baseline where there are no synthetic images."""
    if arm.use is None:
        return f"no synthetic images ({baseline_in_words(arm.baseline)})"
    said = f"{way_in_words(arm.way)} ({use_in_words(arm.use)})"
    return (
        said
        if arm.baseline in (Baseline(), Baseline(sampling="natural"))
        else f"{said}, {baseline_in_words(arm.baseline)}"
    )
