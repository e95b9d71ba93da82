"""A measurement as one HTML file that needs nothing else: styles, charts and pictures are inside, there is no script.

result.json may be of any version: a section whose part is missing is left out.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from gan_core.evaluation.result_dicts import class_order, reasons, scores_of
from gan_core.evaluation.results import variety_rows
from gan_core.evaluation.vocabulary import (
    HELPS,
    INDICATORS,
    MEANINGS,
    NO_GAIN,
    SPACES,
    SPLITS,
    indicator_name,
    level,
    part_name,
)
from gan_core.text import interval, number, percent, percent_interval, points, points_interval
from gan_core.views.report import charts
from gan_core.views.report.parts import bullets, document, esc, facts, picture, table, verdict


class Pictures(NamedTuple):
    """PNG files: a sheet of generated images, one of real images, and (pair, what is said below it), the closest first."""

    fakes: bytes | None
    reals: bytes | None
    pairs: list[tuple[bytes, str]]


def to_html(
    result: dict[str, Any],
    pictures: Pictures,
    utility: dict[str, Any] | None,
    collapse_rows: Sequence[dict[str, Any]],
    *,
    title: str = "",
    measured_at: float | None = None,
) -> str:
    """The whole report. utility: a result of the job `utility`; collapse_rows: of collapse.jsonl; either may be empty."""
    sections = [
        conditions(result, measured_at),
        scores(result),
        per_class(result),
        confusion(result),
        collapse(result, collapse_rows),
        copying(result, pictures),
        two_sample(result),
        does_it_help(utility),
        sheets(pictures),
        missing(result),
    ]
    return document(f"Measurement of {title or result.get('run') or 'a run'}", sections)


def judged(part: dict[str, Any]) -> str:
    """The verdict box of collapse or copying."""
    kind = part.get("verdict")
    style = kind if kind in ("ok", "amber", "red") else "unknown"
    return verdict(style, level(kind), part.get("sentence", ""), part.get("todo") if kind != "ok" else "")


def conditions(result: dict[str, Any], measured_at: float | None) -> str:
    """Everything that must be known to read a score."""
    named = {
        "Model after": f"{result.get('images_seen') or 0:,} images seen"
        + (f" (epoch {number(result['epoch'])})" if result.get("epoch") is not None else ""),
        "Checkpoint": result.get("checkpoint"),
        "Weights averaged (EMA)": "yes" if result.get("ema") else "no",
        "Images": f"{result.get('n_real') or 0:,} real against {result.get('n_fake') or 0:,} generated",
        "Independent draws": result.get("draws", 1),
        "Compared with": SPLITS.get(result.get("against", "train"), result.get("against")),
        "Features from": result.get("extractor_title"),
        "Weights (SHA-256)": str(result.get("weights"))[:16],
        "Resize": result.get("resize"),
        "Truncation": result.get("truncation"),
        "Image size": f"{result['size']} px" if result.get("size") else None,
        "Seed": result.get("seed"),
        "Measured": time.strftime("%Y-%m-%d %H:%M", time.localtime(measured_at)) if measured_at else None,
    }
    rows = [(key, value) for key, value in named.items() if value is not None]
    return facts(rows, "Conditions of this measurement")


def scores(result: dict[str, Any]) -> str:
    floor, absent, rows = result.get("floor") or {}, result.get("absent") or {}, []
    held_out = floor.get("held_out") or {}
    for key in scores_of(result):
        spread = interval(result.get(f"{key}_ci"))
        if result.get(f"{key}_std") is not None:
            spread = f"± {number(result[f'{key}_std'])} over splits"
        meant = MEANINGS.get(key, "")
        if result[key] is None:
            meant = f"{meant} {absent.get(key, 'It could not be computed.')}"
        at = [number(result[key]), spread, number(floor.get(key)), number(held_out.get(key))]
        rows.append([result["labels"][key], *at, meant])
    head = ["Score", "Value", "95 % interval", "Floor", "Held-out floor", "What it says"]
    text = f"<h2>Scores</h2>{table(head, rows, 'Scores over all classes')}"
    if floor.get("n"):
        beside = f"; held-out floor: {held_out['n']:,}" if held_out.get("n") else ""
        text += f'<p class="soft">The floor is what real images score against real images, {floor["n"]:,} a side{beside}.</p>'
    if result.get("times_floor") is not None:
        text += (
            f"<p><strong>{number(result['times_floor'])} times the floor</strong>; 1 is as near as real to real.</p>"
        )
    caveats = bullets(result.get("caveats") or [])
    return text + (f"<h3>Keep in mind</h3>{caveats}" if caveats else "")


def per_class(result: dict[str, Any]) -> str:
    found = result.get("per_class") or {}
    if not found:
        return ""
    rows = []
    for name in class_order(found):
        row = found[name]
        distance = row.get("fid", row.get("frechet_distance"))
        kid = number(row.get("kid")) + (f" ({interval(row['kid_ci'])})" if row.get("kid_ci") else "")
        rows.append(
            [
                *(name, row.get("n_real", "–"), row.get("n_fake", "–"), number(distance), kid),
                *(number(row.get("density")), number(row.get("coverage")), number(row.get("variance_ratio"))),
                *(percent(row.get("agreement")), percent(row.get("real_agreement")), reasons(row)),
            ]
        )
    head = ["Class", "Real", "Generated", "Distance", "Kernel distance", "Density", "Coverage", "Variety", "Label kept"]
    head += ["of real images", "Not given"]
    given = [at for at in range(len(head)) if any(row[at] not in ("–", "") for row in rows)]
    shown = [[row[at] for at in given] for row in rows]
    return f"<h2>Per class</h2>{table([head[at] for at in given], shown, 'Scores per class')}"


def confusion(result: dict[str, Any]) -> str:
    agreement = result.get("agreement") or {}
    counts, classes = agreement.get("confusion"), result.get("classes") or []
    if not counts or len(counts) != len(classes):
        return ""
    rows = [[name, *line] for name, line in zip(classes, counts, strict=True)]
    text = (
        f"<h2>Asked for, and taken for</h2><p>The dataset's own classifier agrees with the label asked for in "
        f"<strong>{percent(agreement.get('overall'))}</strong> of the generated images; with the label of held-out real "
        f"images in {percent(agreement.get('real'))}.</p>"
    )
    return text + table(
        ["asked \\ taken for", *classes], rows, "Images asked for as a class, by the class seen in them"
    )


def collapse(result: dict[str, Any], collapse_rows: Sequence[dict[str, Any]]) -> str:
    found, rows = result.get("collapse"), variety_rows(collapse_rows)
    if not found and not rows:
        return ""
    text = "<h2>Variety</h2>"
    if found:
        shown = [
            [
                one.get("name", one["key"]) + (f": {one['class']}" if one.get("class") else ""),
                *(number(one.get("value")), level(one.get("level")).word),
                *(number(one.get("amber")), number(one.get("red")), one.get("sentence", "")),
            ]
            for one in found.get("indicators") or []
        ]
        text += judged(found)
        text += table(["Indicator", "Value", "Level", "Amber at", "Red at", "What it says"], shown, "Signs of collapse")
        absent = found.get("absent") or {}
        text += bullets([f"Not looked at: {indicator_name(key).lower()}. {why}" for key, why in absent.items()])
    named = {"variance_ratio": "variance ratio", "coverage_ratio": "coverage ratio", "agreement": "label agreement"}
    series = {
        name: [(row["epoch"], row[key]) for row in rows if row.get(key) is not None] for key, name in named.items()
    }
    amber, red = INDICATORS["variance_ratio"].threshold
    return text + charts.lines(series, {"amber": amber, "red": red}, "epoch")


def copying(result: dict[str, Any], pictures: Pictures) -> str:
    found = result.get("memorisation")
    if not found:
        return ""
    rows = [
        [
            *(SPACES.get(space, space), number(row.get("median_ratio")), number(row.get("ct_z"))),
            *(percent(row.get("authenticity")), percent(row.get("authenticity_held_out"))),
            *(percent(row.get("near_copies")), percent(row.get("near_copies_held_out"))),
        ]
        for space, row in (found.get("spaces") or {}).items()
    ]
    head = ["Seen in", "Median ratio", "z (C_T)", "Authentic", "held-out", "Near copies", "held-out"]
    text = f"<h2>Copies of training images</h2>{judged(found)}{table(head, rows, 'Distances to training images')}"
    bins = found.get("histogram")
    if bins and bins.get("fake"):
        series = {"generated": bins["fake"], "held-out real": bins["held_out"]}
        text += charts.histogram(bins["edges"], series, "distance to the nearest training image")
    if pictures.pairs:
        figures = "".join(
            f"<figure>{picture(data, f'Pair {rank}: generated, nearest training image')}"
            f"<figcaption>{esc(said)}</figcaption></figure>"
            for rank, (data, said) in enumerate(pictures.pairs, 1)
        )
        text += f'<h3>The closest pairs: generated, nearest training image</h3><div class="pairs">{figures}</div>'
    return text


def two_sample(result: dict[str, Any]) -> str:
    text = ""
    if found := result.get("two_sample"):
        text += (
            f"<h2>Real or GAN-made?</h2><p>{esc(found.get('sentence', ''))} Right in "
            f"<strong>{percent(found.get('accuracy'))}</strong> of {found.get('n_test') or 0:,} images "
            f"(95 % interval {percent_interval(found.get('ci95'))}); 50 % is guessing.</p>"
        )
    if modes := result.get("modes"):
        text += f"<h2>Known modes</h2><p>{esc(modes.get('sentence', ''))}</p>"
    return text


def does_it_help(utility: dict[str, Any] | None) -> str:
    if not utility:
        return ""
    helps = utility.get("verdict") == "helps"
    text = "<h2>Does it help a classifier?</h2>"
    text += verdict("ok" if helps else "unknown", HELPS["helps"] if helps else NO_GAIN, utility.get("sentence", ""))
    arms = list((utility.get("arms") or {}).values())
    rows = [[arm["title"], percent(arm["balanced_accuracy"]), percent_interval(arm.get("ci95"))] for arm in arms]
    text += table(
        ["Trained on", "Balanced accuracy", "95 % interval"], rows, "Classifiers by what they were trained on"
    )
    if arms:
        dots = [(arm["title"], 100 * arm["balanced_accuracy"], hundred(arm.get("ci95"))) for arm in arms]
        text += charts.intervals(dots, "balanced accuracy on held-out images, %")
    if sweep := utility.get("sweep"):
        rows = [[f"{one['share']:g} ×", points(one["gain"]), points_interval(one.get("gain_ci95"))] for one in sweep]
        text += table(["Synthetic per real image", "Gain, points", "95 % interval"], rows, "Gain by synthetic share")
    if gains := utility.get("per_class_gain"):
        rows = [[name, points(one.get("gain")), points_interval(one.get("ci95"))] for name, one in gains.items()]
        text += table(["Class", "Gain of recall, points", "95 % interval"], rows, "Gain of recall per class")
    return text + bullets(utility.get("caveats") or [])


def hundred(ends: Sequence[float] | None) -> list[float] | None:
    return [100 * end for end in ends] if ends else None


def sheets(pictures: Pictures) -> str:
    shown = [("Generated images", pictures.fakes), ("Real images", pictures.reals)]
    return "".join(f"<h2>{name}</h2>{picture(data, name)}" for name, data in shown if data)


def missing(result: dict[str, Any]) -> str:
    """Reasons for whatever is absent and has no row of its own above."""
    names, keys = result.get("labels") or {}, scores_of(result)
    rest = {key: why for key, why in (result.get("absent") or {}).items() if key not in keys}
    told = bullets([f"{part_name(key, names)}: {why}" for key, why in rest.items()])
    return f"<h2>Not given</h2>{told}" if told else ""
