"""Mode collapse in words and curves: the verdict of a measurement, and what was seen during training."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from gan_core.evaluation.vocabulary import INDICATORS, LINES, level, variety_rows
from gan_core.text import number
from pages.shared import charts, evaluation_charts
from pages.shared.live_chart import live_chart
from pages.shared.scorecard import verdict_box
from pages.shared.text import plain

LEGEND = {
    "variance_ratio": "variance ratio, lowest class",
    "coverage_ratio": "coverage ratio",
    "agreement": "label agreement",
}
REPEATS = {"near_duplicates": "near duplicates"}
DISTANCE = {"kernel_distance": "kernel distance"}


def indicators(result: dict[str, Any]) -> None:
    """Each sign of collapse with its level in words and the lines it is judged by."""
    found = result.get("collapse")
    if not found or not found.get("indicators"):
        return
    st.dataframe(
        [
            {
                "indicator": one.get("name", one["key"]),
                "level": level(one.get("level")).word,
                "value": one.get("value"),
                "amber at": one.get("amber"),
                "red at": one.get("red"),
                "class": ", ".join(one.get("classes") or filter(None, [one.get("class")])) or None,
                "what it says": one.get("sentence"),
            }
            for one in found["indicators"]
        ],
        hide_index=True,
        key="collapse_indicators",
        alt="Signs of mode collapse with their levels",
        column_config={
            **{name: st.column_config.NumberColumn(format="%.3g") for name in ("value", "amber at", "red at")},
            "what it says": st.column_config.TextColumn(width="large"),
        },
    )
    absent = found.get("absent") or {}
    for reason in dict.fromkeys(absent.values()):
        names = [INDICATORS.get(key, key).lower() for key, why in absent.items() if why == reason]
        st.caption(plain(f"Not looked at: {', '.join(names)}. {reason}"))


def beside(result: dict[str, Any]) -> None:
    """Modes counted exactly where they are known, and how far the referee can be trusted."""
    if modes := result.get("modes"):
        st.markdown(f"**Known kinds:** {plain(modes['sentence'])}")
    judge = result.get("referee")
    if judge and judge.get("accuracy") is not None:
        low, high = judge["accuracy_ci"]
        st.caption(
            f"The classes are judged by this dataset's own classifier, right on {judge['accuracy']:.1%} "
            f"({low:.1%} to {high:.1%}) of {judge['n_test']:,} held-out real images."
        )


def still(figure: charts.Figure, *, key: str, alt: str) -> None:
    """A chart that does not change while it is looked at."""
    st.plotly_chart(figure, key=key, config=charts.CONFIG, alt=alt)


def curves(
    rows: Sequence[dict[str, Any]], key: str, *, repeats: bool = True, show: Callable[..., None] = still
) -> None:
    """Curves against the epoch from rows of collapse.jsonl. key: prefix of the charts' keys; show(figure, key=, alt=)."""
    flat = variety_rows(rows)
    if not flat:
        return
    beside = [("distance", there(flat, DISTANCE), "Kernel distance between generated and real images over epochs")]
    if repeats:
        beside.append(("repeats", there(flat, REPEATS), "Share of generated images with a near twin over epochs"))
    beside = [one for one in beside if one[1]]
    left, *others = st.columns([2, *[1] * len(beside)])
    with left:
        show(
            evaluation_charts.variety(flat, there(flat, LEGEND), LINES["variance_ratio"]),
            key=f"{key}_variety",
            alt="Variance ratio of the lowest class, coverage ratio and label agreement over epochs; "
            "amber below 0.6 and red below 0.3 for the two ratios",
        )
    for place, (name, values, alt) in zip(others, beside, strict=True):
        with place:
            show(evaluation_charts.variety(flat, values, None), key=f"{key}_{name}", alt=alt)


def there(rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, str]:
    """Those of the names that some row has a value for."""
    return {key: name for key, name in names.items() if any(row.get(key) is not None for row in rows)}


def during_training(rows: Sequence[dict[str, Any]], key: str) -> None:
    """The newest verdict of the panel, its numbers and curves; nothing for a run that was never looked at."""
    if not rows:
        return
    last = rows[-1]
    sentence = last.get("sentence") or ""
    if last.get("verdict") == "early" and not sentence:
        sentence = "The first looks at a young model say little; an alarm is given later, if there is reason."
    verdict_box(last.get("verdict"), "Variety", sentence, last.get("todo", ""))
    values = last.get("values") or {}
    told = [
        f"{name} {number(values[field])}" for field, name in (LEGEND | REPEATS).items() if values.get(field) is not None
    ]
    if told:
        st.caption(f"At epoch {number(last.get('epoch'))}: {', '.join(told)}.")
    if modes := last.get("modes"):
        even = f" Evenly drawn, so many would show about {modes['expected']:,}." if "expected" in modes else ""
        st.caption(f"Known kinds: {plain(modes['sentence'] + even)}")
    curves(rows, key, repeats=False, show=live_chart)
    signs(last, key)


def signs(row: dict[str, Any], key: str) -> None:
    """Every sign that one look of the panel has a value for, with its level in words."""
    values, levels = row.get("values") or {}, row.get("levels") or {}
    found = [
        {"sign": name, "level": level(levels.get(sign)).word, "value": values[sign]}
        for sign, name in INDICATORS.items()
        if values.get(sign) is not None
    ]
    if not found:
        return
    with st.expander("All signs at this epoch", on_change="rerun", key=f"{key}_signs") as unfolded:
        if unfolded.open:
            st.dataframe(
                found,
                hide_index=True,
                key=f"{key}_signs_table",
                alt="Signs of mode collapse at the newest look, with their levels",
                column_config={"value": st.column_config.NumberColumn(format="%.3g")},
            )
