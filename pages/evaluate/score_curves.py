"""The scores of a run over its epochs, from all its evaluations under the same conditions."""

from collections.abc import Sequence

import streamlit as st

from gan_core.evaluation.names_and_thresholds import DISTANCES, MANIFOLD
from gan_core.evaluation.results import EvaluationResult, differences, score_rows
from gan_core.text import count
from pages.shared import charts, run_curves
from pages.shared.collapse_curves import there


def show_score_curves(results: Sequence[EvaluationResult]) -> None:
    """results: the newest first. Nothing where fewer than two checkpoints were evaluated under the conditions of the newest."""
    rows = score_rows(results)
    if len(rows) < 2:
        return
    labels = results[0].labels
    st.subheader("Over the epochs")
    groups = {
        "distance": {key: labels[key] for key in DISTANCES if key in labels} | {"floor": "real against real"},
        "kernel": {"kid": labels.get("kid", "")},
        "shares": {key: key for key in MANIFOLD},
    }
    shown = {name: there(rows, keys) for name, keys in groups.items()}
    shown = {name: keys for name, keys in shown.items() if keys and list(keys) != ["floor"]}
    for column, (name, keys) in zip(st.columns(len(shown) or 1), shown.items(), strict=False):
        column.plotly_chart(
            run_curves.of_one_run(rows, keys, None),
            key=f"scores_{name}",
            config=charts.CONFIG,
            alt=f"{', '.join(keys.values())} over epochs, a point for each evaluated checkpoint",
        )
    others = sum(bool(differences([results[0], result])) for result in results)
    left_out = f" {count(others, 'evaluation')} under other conditions left out." if others else ""
    st.caption(f"{count(len(rows), 'checkpoint')} evaluated under the same conditions as the newest.{left_out}")
