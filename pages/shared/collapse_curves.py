"""The indicators of mode collapse over the epochs of a run, from the rows of collapse.jsonl."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from gan_core.evaluation.names_and_thresholds import INDICATORS
from gan_core.evaluation.results import variety_rows
from pages.shared import charts, run_curves

LEGEND = {
    "variance_ratio": "variance ratio, lowest class",
    "coverage_ratio": "coverage ratio",
    "agreement": "label agreement",
}
REPEATS = {"near_duplicates": "near duplicates"}
DISTANCE = {"kernel_distance": "kernel distance"}


def curves(
    rows: Sequence[dict[str, Any]], key: str, *, repeats: bool = True, show: Callable[..., None] = charts.show
) -> None:
    """The curves, from rows of collapse.jsonl.

    repeats: also near duplicates; key: prefix of the keys of the charts; show(figure, key=, alt=) draws one.
    """
    flat = variety_rows(rows)
    if not flat:
        return
    beside = [("distance", there(flat, DISTANCE), "Kernel distance between generated and real images over epochs")]
    if repeats:
        beside.append(
            ("repeats", there(flat, REPEATS), "Share of generated images that have a near duplicate, over epochs")
        )
    beside = [one for one in beside if one[1]]
    amber, red = INDICATORS["variance_ratio"].threshold
    left, *others = st.columns([2, *[1] * len(beside)])
    with left:
        show(
            run_curves.of_one_run(flat, there(flat, LEGEND), (amber, red)),
            key=f"{key}_variety",
            alt="Variance ratio of the lowest class, coverage ratio and label agreement over epochs; "
            f"amber below {amber:g} and red below {red:g} for the two ratios",
        )
    for place, (name, values, alt) in zip(others, beside, strict=True):
        with place:
            show(run_curves.of_one_run(flat, values, None), key=f"{key}_{name}", alt=alt)


def there(rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, str]:
    """The names that at least one row has a value for."""
    return {key: name for key, name in names.items() if any(row.get(key) is not None for row in rows)}
