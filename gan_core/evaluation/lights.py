"""The lights: the one verdict on generated images, which Live, Evaluate, Export, the card and the command line read.

Five lights, each with a sentence and a next step; `lights` decides them from Facts, and nothing else does:

realism      how often a detector distinguishes them, and how many images lie among the real ones (precision). Precision counts only
             where images do not crowd where real ones are densest: there density is high and recall near 0 (arXiv:2002.09797)
variety      the verdict of the collapse monitor; recall and coverage beside those of real images against real images
right_class  label agreement beside the dataset classifier's accuracy on real images
copies       the verdict on near copies of training images
usefulness   the verdict of `utility`

Grey is what was not measured. The thresholds stand in names_and_thresholds.py.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from gan_core.evaluation.names_and_thresholds import (
    DENSITY_RATIO,
    DETECTED,
    INDICATORS,
    KNOWS_CLASSES,
    LEVELS,
    PRECISION_RATIO,
    RECALL_RATIO,
    UNKNOWN,
    Level,
    Threshold,
)
from gan_core.evaluation.result_parts import Verdict
from gan_core.evaluation.results import EvaluationResult, UtilityResult

Color = Literal["green", "yellow", "red", "grey"]
Subject = Literal["realism", "variety", "right_class", "copies", "usefulness"]
SUBJECTS: dict[Subject, str] = {
    "realism": "Realism",
    "variety": "Variety",
    "right_class": "Right class",
    "copies": "Copies",
    "usefulness": "Usefulness",
}
COLORS: dict[str, Color] = {"ok": "green", "amber": "yellow", "red": "red"}  # of a level, see LEVELS
LOOKS: dict[Color, Level] = {  # a light as a sign, an icon and a word
    "green": LEVELS["ok"],
    "yellow": LEVELS["amber"],
    "red": LEVELS["red"],
    "grey": UNKNOWN,
}
USEFUL: dict[Color, str] = {"green": "Helps", "yellow": "No measurable gain", "red": "Does harm"}
WORST_FIRST: tuple[Color, ...] = ("red", "yellow", "grey", "green")
EVALUATE = "Evaluate the run."
TRAIN_LONGER = (
    "Train for longer, or compare another recipe; an export refuses the images that are most unlike the real ones."
)
MORE_VARIETY = "Look at the table per class, and clone the run with stronger augmentation or a higher gamma."
LABELS = (
    "Let the run go on for a while; if this stays, check the images and labels of the classes in the confusion table."
)
FIND_OUT = "Ask on the Evaluate page, or with the verb utility, before you train on them."
LEAVE_OUT = "Export without them, or let the search on the Export page find another use."


class Light(NamedTuple):
    """color, a sentence on why, and what to do next ('' where nothing is to be done)."""

    color: Color
    sentence: str
    next_step: str = ""


class Facts(NamedTuple):
    """What was measured of generated images; None where it was not.

    detector: accuracy on held-out images, detector_low: the lower end of its 95 % interval. precision, density, recall, coverage
    are over those of real against real images, their floor: 1 is as good as real. agreement: the share of images in which the
    dataset classifier sees the requested class; classifier_accuracy: on held-out real images; agreement_level: of the indicator,
    a key of LEVELS, which allows for chance.
    useful: whether the images help a classifier, None where that was not asked; useful_high: the upper end of the gain's interval.
    missing: why a light has nothing to show, by subject.
    """

    detector: float | None = None
    detector_low: float | None = None
    precision: float | None = None
    density: float | None = None
    recall: float | None = None
    coverage: float | None = None
    collapse: Verdict | None = None
    agreement: float | None = None
    classifier_accuracy: float | None = None
    classes: int = 0
    agreement_level: str = ""
    copies: Verdict | None = None
    useful: bool | None = None
    useful_high: float | None = None
    useful_sentence: str = ""
    missing: Mapping[str, str] = {}


def lights(facts: Facts) -> dict[Subject, Light]:
    """The five lights, in the order of SUBJECTS."""
    return {
        "realism": realism(facts),
        "variety": variety(facts),
        "right_class": right_class(facts),
        "copies": of_verdict(facts.copies, facts.missing.get("copies", "Copies were not looked for.")),
        "usefulness": usefulness(facts),
    }


def crowded(facts: Facts) -> bool:
    """Whether the images lie where real ones are densest, and nearly nowhere else."""
    if facts.density is None or facts.recall is None:
        return False
    return facts.density > DENSITY_RATIO and facts.recall < RECALL_RATIO.amber


def realism(facts: Facts) -> Light:
    """Red where few images lie among the real ones, or where a detector knows nearly all and precision does not contradict it."""
    told: Color | None = None
    parts = []
    if facts.detector is not None:
        low = facts.detector if facts.detector_low is None else facts.detector_low
        told = COLORS[level_of(low, DETECTED)]
        parts.append(
            f"A detector distinguishes generated from real images in {facts.detector:.0%} of cases; 50 % is guessing."
        )
    among: Color | None = None
    if facts.precision is not None:
        among = COLORS[level_of(facts.precision, PRECISION_RATIO)]
        if among != "red" and crowded(facts):
            among = "yellow"
            parts.append(
                f"The images lie where real ones are densest ({facts.density:.1f} times the density of real images), where "
                "precision says nothing."
            )
        else:
            parts.append(f"{facts.precision:.0%} as many of them as of real images lie among the real ones.")
    if told is None and among is None:
        return Light("grey", facts.missing.get("realism", "Realism was not measured."), EVALUATE)
    sure = told == "red" and among != "green"
    color: Color = "red" if among == "red" or sure else "yellow" if {told, among} & {"yellow", "red"} else "green"
    return Light(color, " ".join(parts), "" if color == "green" else TRAIN_LONGER)


def variety(facts: Facts) -> Light:
    """The collapse monitor's verdict, or worse where generated images reach too few of the real ones."""
    found = of_verdict(facts.collapse, facts.missing.get("variety", "Variety was not measured."))
    reached: list[tuple[Color, str]] = []
    if facts.recall is not None and facts.recall < RECALL_RATIO.amber:
        where = "The images crowd where real ones are densest: they" if crowded(facts) else "They"
        reached.append(
            ("yellow", f"{where} reach {facts.recall:.0%} as many real images as other real images do (recall).")
        )
    if facts.coverage is not None:
        color = COLORS[level_of(facts.coverage, INDICATORS["coverage_ratio"].threshold)]
        if color != "green":
            reached.append((color, f"Coverage is {facts.coverage:.0%} of that of real images."))
    if not reached:
        if found.color == "grey" and facts.coverage is not None:
            return Light("green", f"Coverage is {facts.coverage:.0%} of that of real images.")
        return found
    color = worst([found.color, *(color for color, _ in reached)], grey=False)
    said = found.sentence if found.color in ("yellow", "red") else ""
    return Light(color, " ".join([said, *(text for _, text in reached)]).strip(), found.next_step or MORE_VARIETY)


def right_class(facts: Facts) -> Light:
    """Label agreement below the classifier's accuracy on real images."""
    agreement, accuracy = facts.agreement, facts.classifier_accuracy
    if agreement is None or accuracy is None:
        return Light("grey", facts.missing.get("right_class", "Whether images show their class was not measured."))
    if facts.classes > 1 and accuracy < 1 / facts.classes + KNOWS_CLASSES:
        what = f"The dataset classifier is right on only {accuracy:.0%} of real images, so it cannot say."
        return Light("grey", what, "Import more images of each class.")
    level = (
        facts.agreement_level
        if facts.agreement_level in COLORS
        else level_of(accuracy - agreement, INDICATORS["agreement"].threshold)
    )
    sentence = (
        f"{agreement:.0%} of the images look like the requested class; of held-out real images {accuracy:.0%} do."
    )
    return Light(COLORS[level], sentence, "" if level == "ok" else LABELS)


def usefulness(facts: Facts) -> Light:
    if facts.useful is None:
        what = facts.missing.get("usefulness", "Whether these images help a classifier was not measured.")
        return Light("grey", what, FIND_OUT)
    harm = not facts.useful and facts.useful_high is not None and facts.useful_high < 0
    color: Color = "green" if facts.useful else "red" if harm else "yellow"
    return Light(color, facts.useful_sentence, "" if facts.useful else LEAVE_OUT)


def of_verdict(found: Verdict | None, otherwise: str) -> Light:
    """The light of a part that has a verdict of LEVELS. otherwise: the sentence where there is none."""
    color = COLORS.get(found.verdict) if found else None
    if found is None or color is None:
        said = (found.sentence if found else "") or otherwise
        return Light("grey", said)
    return Light(color, found.sentence, "" if color == "green" else found.todo)


def level_of(value: float, threshold: Threshold) -> str:
    """'ok', 'amber' or 'red'; see Threshold on which values are the bad ones."""
    sign = 1 if threshold.red >= threshold.amber else -1
    return "red" if sign * value > sign * threshold.red else "amber" if sign * value > sign * threshold.amber else "ok"


def worst(colors: list[Color], grey: bool = True) -> Color:
    """grey: whether what was not measured is worse than green."""
    found = [color for color in WORST_FIRST if color in colors and (grey or color != "grey")]
    return found[0] if found else "grey"


# -- where facts come from -----------------------------------------------------------------------------------------------


def facts_of(result: EvaluationResult | None, utility: UtilityResult | None = None) -> Facts:
    """Of the newest evaluation and the newest comparison of classifiers; None where there is none."""
    facts = Facts()
    if result is not None:
        facts = with_evaluation(facts, result)
    if utility is not None and utility.verdict:
        high = utility.gain_ci95[1] if utility.gain_ci95 else None
        facts = facts._replace(useful=utility.helps, useful_high=high, useful_sentence=utility.sentence)
    return facts


def with_evaluation(facts: Facts, result: EvaluationResult) -> Facts:
    def over_floor(key: str) -> float | None:
        value, floor = result.score(key), result.floor.score(key)
        return None if value is None or not floor else value / floor

    detector, agreement = result.detector, result.agreement
    indicators = {one.key: one for one in result.collapse.indicators} if result.collapse else {}
    of_labels = indicators.get("agreement")
    absent = result.absent
    return facts._replace(
        detector=detector.accuracy if detector else None,
        detector_low=detector.ci95[0] if detector and detector.ci95 else None,
        precision=over_floor("precision"),
        density=over_floor("density"),
        recall=over_floor("recall"),
        coverage=over_floor("coverage"),
        collapse=result.collapse,
        agreement=agreement.overall if agreement else None,
        classifier_accuracy=agreement.real if agreement else None,
        classes=len(result.classes),
        agreement_level=of_labels.level if of_labels else "",
        copies=result.memorization,
        missing={
            subject: absent[key]
            for subject, key in (
                ("realism", "two_sample"),
                ("variety", "collapse"),
                ("right_class", "agreement"),
                ("copies", "memorisation"),
            )
            if absent.get(key)
        },
    )


def of_evaluation(result: EvaluationResult | None, utility: UtilityResult | None = None) -> dict[Subject, Light]:
    return lights(facts_of(result, utility))


def of_check(row: Mapping[str, Any]) -> dict[Subject, Light]:
    """Of a row of collapse.jsonl: variety and, where the labels are checked, the right class. The rest waits for an evaluation."""
    levels, values = row.get("levels") or {}, row.get("values") or {}
    said = str(row.get("sentence") or "")
    if row.get("verdict") == "early" and not said:
        said = "The run is too short for a verdict yet. An alarm is possible later."
    found = Verdict(verdict=str(row.get("verdict") or ""), sentence=said, todo=str(row.get("todo") or ""))
    shown = lights(Facts(collapse=found))
    agreement, level = values.get("agreement"), levels.get("agreement")
    if agreement is not None and level in COLORS and row.get("verdict") != "early":
        sentence = f"{agreement:.0%} of the images look like the requested class."
        shown["right_class"] = Light(COLORS[level], sentence, "" if level == "ok" else LABELS)
    return shown


# -- for people and files ------------------------------------------------------------------------------------------------


def look(subject: Subject, light: Light) -> Level:
    """Sign, icon and word of a light."""
    found = LOOKS[light.color]
    return found._replace(word=USEFUL.get(light.color, found.word)) if subject == "usefulness" else found


def to_json(shown: Mapping[Subject, Light]) -> dict[str, dict[str, str]]:
    """{"realism": {"color", "sentence", "next_step"}, ...}"""
    return {subject: light._asdict() for subject, light in shown.items()}


def from_json(stored: Mapping[str, Mapping[str, str]]) -> dict[Subject, Light]:
    """What to_json gave."""
    return {subject: Light(**stored[subject]) for subject in SUBJECTS if subject in stored}  # type: ignore[arg-type]


def in_words(shown: Mapping[Subject, Light]) -> str:
    """A line for each light, for the command line."""
    return "\n".join(
        f"{look(subject, light).sign} {SUBJECTS[subject]}: {look(subject, light).word.lower()}. "
        f"{light.sentence} {light.next_step}".rstrip()
        for subject, light in shown.items()
    )
