"""The scores of a run over its epochs, from all its measurements that were made alike."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from gan_core.evaluation.result_dicts import differences, score_rows
from gan_core.evaluation.vocabulary import DISTANCES
from gan_core.text import count
from pages.shared import charts, run_curves
from pages.shared.collapse_curves import there

SHARES = ("precision", "recall", "density", "coverage")


def score_curves(results: Sequence[dict[str, Any]]) -> None:
    """results: the newest first. Nothing where fewer than two checkpoints were measured alike."""
    rows = score_rows(results)
    if len(rows) < 2:
        return
    labels = results[0]["labels"]
    st.subheader("Over the epochs")
    distances = {key: labels[key] for key in DISTANCES if key in labels} | {"floor": "real against real"}
    groups = {
        "distance": distances,
        "kernel": {"kid": labels.get("kid", "")},
        "shares": {key: key for key in SHARES},
    }
    shown = {name: there(rows, keys) for name, keys in groups.items()}
    shown = {name: keys for name, keys in shown.items() if keys and list(keys) != ["floor"]}
    for column, (name, keys) in zip(st.columns(len(shown) or 1), shown.items(), strict=False):
        column.plotly_chart(
            run_curves.of_one_run(rows, keys, None),
            key=f"scores_{name}",
            config=charts.CONFIG,
            alt=f"{', '.join(keys.values())} over epochs, a point for each measured checkpoint",
        )
    left_out = sum(bool(differences([results[0], result])) for result in results)
    more = f" Left out: {count(left_out, 'measurement')} made in another way." if left_out else ""
    st.caption(f"{count(len(rows), 'checkpoint')} measured in the same way as the newest measurement.{more}")
