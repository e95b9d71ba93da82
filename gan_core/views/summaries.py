"""What a verb prints where no JSON is asked for: an evaluation, a `utility`, and a dataset, run or job, in some lines."""

from collections.abc import Sequence
from typing import Any

from gan_core.evaluation.names_and_thresholds import SPLITS
from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.text import UNKNOWN, count, interval, number, percent, percent_interval, points, points_interval

MOST_CLASSES = 40
BY_CLASS = {
    "kid": "kernel distance",
    "coverage": "coverage",
    "agreement": "label agreement",
    "variance_ratio": "variance ratio",
}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of equal width, the first one on the left; '' without rows."""
    if not rows:
        return ""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def parts(*texts: str) -> str:
    """The texts that are not empty, with an empty line between."""
    return "\n\n".join(filter(None, texts))


def evaluation(stored: dict[str, Any]) -> str:
    """Scores beside those of real images against real images, then the classes, then what limits them."""
    result = EvaluationResult.read(stored)
    scores = [[score.name, number(score.value), interval(score.ci), number(score.floor)] for score in result.scores]
    shown = [key for key in BY_CLASS if any(getattr(row, key) is not None for row in result.per_class.values())]
    classes = [
        [name, *(number(getattr(row, key), 3) for key in shown)]
        for name, row in list(result.per_class.items())[:MOST_CLASSES]
    ]
    against = SPLITS.get(result.against, result.against)
    about = f"{result.n_fake or 0:,} generated images of {result.about_checkpoint}, beside {result.n_real or 0:,} {against}."
    return parts(
        about,
        table(("score", "value", "95 % interval", "real against real"), scores),
        table(("class", *(BY_CLASS[key] for key in shown)), classes) if shown else "",
        further(result.per_class),
        "\n".join(f"- {caveat}" for caveat in result.caveats),
    )


def utility(stored: dict[str, Any]) -> str:
    """The sentence of the verdict, the arms, and what limits it."""
    result = UtilityResult.read(stored)
    arms = [
        [arm.title or key, percent(arm.balanced_accuracy), percent_interval(arm.ci95)]
        for key, arm in result.arms.items()
    ]
    gain = (
        ""
        if result.gain is None
        else f"Gain: {points(result.gain)} percentage points, 95 % interval {points_interval(result.gain_ci95)}."
    )
    return parts(
        result.sentence,
        table(("trained on", "balanced accuracy", "95 % interval"), arms),
        gain,
        "\n".join(f"- {caveat}" for caveat in result.caveats),
    )


def item(value: dict[str, Any]) -> str:
    """What `show` prints. value: what it gives as JSON, with a kind."""
    if value["kind"] == "dataset":
        return dataset(value)
    return run(value) if value["kind"] == "run" else job(value)


def dataset(value: dict[str, Any]) -> str:
    by_split = [value[f"{split}_counts"] for split in ("train", "validation", "test")]
    rows = [list(row) for row in zip(value["classes"], *by_split, strict=True)]
    total = sum(map(sum, by_split))
    colour = "grey" if value["mode"] == "L" else "colour"
    return parts(
        f"Dataset {value['id']}, {value['name']}: {count(total, 'image')} of {value['size']} px, {colour}, in "
        f"{count(len(rows), 'class', 'classes')}.",
        table(("class", "train", "validation", "test"), rows[:MOST_CLASSES]) + further(rows, "\n"),
        "\n".join(f"- {notice}" for notice in value["notices"]),
    )


def run(value: dict[str, Any]) -> str:
    """The settings that differ from those of the recipe, and how far the run is."""
    config = value["config"]
    name = config.get("recipe", "")
    usual = recipes.RECIPES[name].config.model_dump() if name in recipes.RECIPES else TrainConfig().model_dump()
    changed = [
        [key, shown(now)]
        for key, now in config.items()
        if key in usual and shown(now) != shown(usual[key]) and key != "recipe"
    ]
    done = f"{value['images_seen']:,} images shown"
    epoch = value.get("epoch")
    return parts(
        f"Run {value['id']}, {value['name']}: {value['state']}. Recipe {name}, dataset {value['dataset']}, {done}"
        f"{f' (epoch {epoch:.3g})' if isinstance(epoch, int | float) else ''}.",
        table(("setting", "not as in the recipe"), changed),
        error(value),
    )


def job(value: dict[str, Any]) -> str:
    result = value.get("result") or {}
    plain = [[key, shown(one)] for key, one in result.items() if not isinstance(one, dict | list)]
    return parts(
        f"{value['kind'].replace('_', ' ').capitalize()} {value['id']} of {value['subject']}: {value['state']}, "
        f"{value['progress']:.0%} done.",
        str(result["sentence"]) if result.get("sentence") else table(("result", ""), plain),
        error(value),
    )


def error(value: dict[str, Any]) -> str:
    found = value.get("error")
    return f"{found['what']} {found['todo']}" if found else ""


def further(rows: Any, before: str = "") -> str:
    """How many classes a table leaves out."""
    more = len(rows) - MOST_CLASSES
    return f"{before}... and {count(more, 'class', 'classes')} more; --json has all." if more > 0 else ""


def shown(value: object) -> str:
    """A value of a setting or result as a person types it."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
