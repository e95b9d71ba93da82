"""An evaluation as one HTML file: the tables and charts of template.html, made from the result models.

A result may be of any version: a section whose part is missing is left out.
"""

import base64
import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from gan_core.evaluation.lights import SUBJECTS, look, of_evaluation
from gan_core.evaluation.names_and_thresholds import (
    INDICATORS,
    SPACES,
    SPLITS,
    indicator_name,
    level,
    part_name,
)
from gan_core.evaluation.results import EvaluationResult, UtilityResult, variety_rows
from gan_core.text import UNKNOWN, interval, number, percent, percent_interval, points, points_interval
from gan_core.views.report import charts

WRAPPED_LETTERS = 32  # a column with a text of so many letters wraps and stands left; others stand right
CURVES = {"variance_ratio": "variance ratio", "coverage_ratio": "coverage ratio", "agreement": "label agreement"}


class Pictures(NamedTuple):
    """PNG files: a sheet of generated images, one of real images, and (pair, its caption), the closest first."""

    fakes: bytes | None
    reals: bytes | None
    pairs: list[tuple[bytes, str]]


class Table(NamedTuple):
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]

    def style(self, column: int) -> str:
        """The HTML class of a column's cells, '' for an ordinary one."""
        wraps = any(len(str(row[column])) >= WRAPPED_LETTERS for row in self.rows)
        return Markup(' class="words"') if wraps else ""


@functools.cache
def environment() -> jinja2.Environment:
    """Every text is escaped but what charts.py has made."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"number": number, "percent": percent, "percent_interval": percent_interval}
    found.filters["base64"] = lambda data: base64.b64encode(data).decode()
    found.globals |= {"indicator_name": indicator_name, "look": look, "subjects": SUBJECTS}
    return found


def to_html(
    result: EvaluationResult,
    pictures: Pictures,
    utility: UtilityResult | None,
    collapse_rows: Sequence[dict[str, Any]],
    title: str = "",
    evaluated_at: float | None = None,
) -> str:
    """The whole report. collapse_rows: of collapse.jsonl, perhaps none; evaluated_at: unix time."""
    shown = set(result.score_keys)
    content: dict[str, Any] = {
        "title": f"Evaluation of {title or result.run or 'a run'}",
        "result": result,
        "pictures": pictures,
        "utility": utility,
        "lights": of_evaluation(result, utility),
        "conditions": conditions(result, evaluated_at),
        "scores": scores(result),
        "per_class": per_class(result),
        "confusion": confusion(result),
        "indicators": indicators(result),
        "variety_chart": variety_chart(collapse_rows),
        "spaces": spaces(result),
        "distances_chart": distances_chart(result),
        # what is absent and has no row of its own above
        "missing": [
            f"{part_name(key, result.labels)}: {why}" for key, why in result.absent.items() if key not in shown
        ],
        **(utility_tables(utility) if utility else {}),
    }
    return environment().get_template("template.html").render(content).lstrip()


def conditions(result: EvaluationResult, evaluated_at: float | None) -> list[tuple[str, object]]:
    """Everything that must be known to read a score."""
    epoch = f" (epoch {number(result.epoch)})" if result.epoch is not None else ""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(evaluated_at)) if evaluated_at else None
    return [
        ("Model after", f"{result.images_seen or 0:,} images seen{epoch}"),
        ("Checkpoint", result.checkpoint),
        ("Weights averaged (EMA)", "yes" if result.ema else "no"),
        ("Images", f"{result.n_real or 0:,} real against {result.n_fake or 0:,} generated"),
        ("Independent draws", result.draws or 1),
        ("Compared with", SPLITS.get(result.against, result.against)),
        ("Features from", result.extractor_title),
        ("Weights (SHA-256)", result.weights and result.weights[:16]),
        ("Resize", result.resize),
        ("Truncation", result.truncation),
        ("Image size", f"{result.size} px" if result.size else None),
        ("Seed", result.seed),
        ("Evaluated", when),
    ]


def scores(result: EvaluationResult) -> Table:
    rows = []
    for score in result.scores:
        spread = interval(score.ci) if score.spread is None else f"± {number(score.spread)} over splits"
        values = [number(score.value), spread, number(score.floor), number(score.held_out_floor)]
        rows.append([score.name, *values, f"{score.meaning} {score.absent}".strip()])
    head = ["Score", "Value", "95 % interval", "Floor", "Held-out floor", "What it says"]
    return Table("Scores over all classes", head, rows)


def per_class(result: EvaluationResult) -> Table:
    """Without the columns in which no class has a value."""
    rows = []
    for name in result.classes_by_coverage:
        row = result.per_class[name]
        kid = number(row.kid) + (f" ({interval(row.kid_ci)})" if row.kid_ci else "")
        counts = [UNKNOWN if count is None else count for count in (row.n_real, row.n_fake)]
        numbers = [number(value) for value in (row.density, row.coverage, row.variance_ratio)]
        shares = [percent(row.agreement), percent(row.real_agreement)]
        rows.append([name, *counts, number(row.distance), kid, *numbers, *shares, row.reasons])
    head = ["Class", "Real", "Generated", "Distance", "Kernel distance", "Density", "Coverage", "Variety"]
    head += ["Label agreement", "of real images", "Not available"]
    given = [at for at in range(len(head)) if any(row[at] not in (UNKNOWN, "") for row in rows)]
    return Table("Scores per class", [head[at] for at in given], [[row[at] for at in given] for row in rows])


def confusion(result: EvaluationResult) -> Table:
    """Without rows where the images were not classified."""
    counts = result.agreement.confusion if result.agreement else []
    if len(counts) != len(result.classes):
        counts = []
    rows = [[name, *line] for name, line in zip(result.classes, counts, strict=bool(counts))]
    return Table("Images by requested and predicted class", ["requested \\ predicted", *result.classes], rows)


def indicators(result: EvaluationResult) -> Table:
    rows = [
        [
            (one.name or one.key) + (f": {one.class_name}" if one.class_name else ""),
            *(number(one.value), level(one.level).word, number(one.amber), number(one.red), one.sentence),
        ]
        for one in (result.collapse.indicators if result.collapse else [])
    ]
    return Table("Indicators of collapse", ["Indicator", "Value", "Level", "Amber at", "Red at", "What it says"], rows)


def variety_chart(collapse_rows: Sequence[dict[str, Any]]) -> Markup:
    """The indicators over the epochs; empty without rows."""
    rows = variety_rows(collapse_rows)
    series = {
        name: [(row["epoch"], row[key]) for row in rows if row.get(key) is not None] for key, name in CURVES.items()
    }
    amber, red = INDICATORS["variance_ratio"].threshold
    return Markup(charts.lines(series, {"amber": amber, "red": red}, "epoch"))


def spaces(result: EvaluationResult) -> Table:
    rows = [
        [
            *(SPACES.get(space, space), number(row.median_ratio), number(row.ct_z)),
            *map(percent, (row.authenticity, row.authenticity_held_out, row.near_copies, row.near_copies_held_out)),
        ]
        for space, row in (result.memorization.spaces if result.memorization else {}).items()
    ]
    head = ["Seen in", "Median ratio", "z (C_T)", "Authentic", "held-out", "Near copies", "held-out"]
    return Table("Distances to training images", head, rows)


def distances_chart(result: EvaluationResult) -> Markup:
    bins = result.memorization.histogram if result.memorization else None
    if not bins or not bins.fake:
        return Markup()
    series = {"generated": bins.fake, "held-out real": bins.held_out}
    return Markup(charts.histogram(bins.edges, series, "distance to the nearest training image"))


def choices(utility: UtilityResult) -> Table:
    """What was tried on the validation images; without rows in a result of protocol 1."""
    taken = {utility.baseline, utility.use}
    rows = [
        [one.name, percent(one.validation), "yes" if one.name in taken else ""]
        for one in [*utility.baselines, *utility.uses]
    ]
    return Table("Tried on the validation images", ["Training", "Balanced accuracy", "Tested"], rows)


def utility_tables(utility: UtilityResult) -> dict[str, Any]:
    arms = list(utility.arms.values())
    accuracies = [[arm.title, percent(arm.balanced_accuracy), percent_interval(arm.ci95)] for arm in arms]
    sweep = [[f"{one.share:g} ×", points(one.gain), points_interval(one.gain_ci95)] for one in utility.sweep]
    gains = [[name, points(one.gain), points_interval(one.ci95)] for name, one in utility.per_class_gain.items()]
    dots = [(arm.title, 100 * arm.balanced_accuracy, [100 * end for end in arm.ci95 or ()] or None) for arm in arms]
    return {
        "arms": Table("Classifiers by training set", ["Trained on", "Balanced accuracy", "95 % interval"], accuracies),
        "arms_chart": Markup(charts.intervals(dots, "balanced accuracy on the test images, %")) if dots else "",
        "sweep": Table("Gain by synthetic share", ["Synthetic per real image", "Gain, points", "95 % interval"], sweep),
        "choices": choices(utility),
        "gains": Table("Gain of recall per class", ["Class", "Gain of recall, points", "95 % interval"], gains),
    }
