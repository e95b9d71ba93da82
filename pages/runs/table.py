"""The table of runs, with filters: image, state and newest scores in each row; the address holds the selected rows."""

from datetime import datetime
from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.settings import recipes
from gan_core.text import count
from gan_core.views.run_table import Row
from pages.shared import urls
from pages.shared.status import STATES, state_of, state_of_run

SYMBOLS = {  # a cell of a table shows text only, no icon
    "queued": "…",
    "running": "▶",
    "paused": "‖",
    "unsaved": "!",
    "stalled": "?",
    "finished": "✓",
    "stopped": "■",
    "cancelled": "⊘",
    "failed": "✕",
    "interrupted": "!",
    "none": "○",
}
ROW_PIXELS, MOST_PIXELS = 56, 620
PARAM = "cmp"
FEW_RUNS = 5  # which need no filter
COLUMNS: dict[str, Any] = {
    "Image": st.column_config.ImageColumn("Image", help="The newest grid of generated images.", width="small"),
    "Name": st.column_config.TextColumn("Name", width="medium"),
    "Epochs": st.column_config.NumberColumn("Epochs", format="%.1f"),
    "Minutes": st.column_config.NumberColumn("Minutes", format="%.1f", help="Training time so far."),
    "Best at": st.column_config.NumberColumn(
        "Best at",
        format="localized",
        help="Images seen of the best checkpoint, by the kernel distance of the checks while training.",
    ),
    "Least check": st.column_config.NumberColumn(
        "Kernel distance there",
        format="%.3g",
        help="Of that check, on a few hundred images; compare only runs of one dataset.",
    ),
    "Distance": st.column_config.NumberColumn(
        "Distance",
        format="%.4g",
        help="Fréchet distance of the newest evaluation, lower is better. It is called FID only with Inception-v3, as the "
        "column 'Evaluated with' says. Compare only rows that were evaluated in the same way.",
    ),
    "Evaluated with": st.column_config.TextColumn("Evaluated with", help="Features and number of generated images."),
    "KID": st.column_config.NumberColumn("KID", format="%.4g", help="Kernel inception distance, lower is better."),
    "Precision": st.column_config.NumberColumn(
        "Precision", format="%.2f", help="Share of generated images that look like a real one."
    ),
    "Recall": st.column_config.NumberColumn(
        "Recall", format="%.2f", help="Share of real images that some generated image looks like."
    ),
    "Coverage": st.column_config.NumberColumn(
        "Coverage", format="%.2f", help="Share of real images with a generated one nearby."
    ),
    "Agreement": st.column_config.NumberColumn(
        "Agreement", format="%.2f", help="How often the dataset classifier finds the requested class."
    ),
    "Sweep": st.column_config.TextColumn("Sweep", help="The group that the run was queued with."),
    "Created": st.column_config.DatetimeColumn("Created", format="YYYY-MM-DD HH:mm"),
}


def state_word(context: Context, row: Row) -> str:
    """'✓ Finished'. Only for a stopped run the folder is read."""
    state = state_of(row.job)
    state = state_of_run(context, row.run.id, row.job) if state in ("stopped", "running") else state
    return f"{SYMBOLS[state]} {STATES[state].word}"


def cells(context: Context, row: Row, datasets: dict[str, str]) -> dict[str, Any]:
    run, status, scores = row.run, row.status, row.scores
    grid, seconds = status.get("latest_grid"), status.get("elapsed_seconds")
    fid = scores.get("fid")
    how = "FID, " if fid is not None else ""
    recipe = str(run.config.get("recipe"))
    return {
        "Image": urls.sample(run.id, grid) if grid else None,
        "Name": run.name,
        "State": state_word(context, row),
        "Dataset": datasets.get(run.dataset_id, "deleted or not ready"),
        "Recipe": recipes.RECIPES[recipe].title if recipe in recipes.RECIPES else recipe,
        "Epochs": status.get("epoch"),
        "Minutes": seconds / 60 if seconds is not None else None,
        "Best at": row.best.images_seen if row.best else None,
        "Least check": row.best.kernel_distance if row.best else None,
        "Distance": fid if fid is not None else scores.get("frechet_distance"),
        "Evaluated with": f"{how}{scores['extractor_title']}, {scores['n_fake']:,}" if scores else None,
        "KID": scores.get("kid"),
        "Precision": scores.get("precision"),
        "Recall": scores.get("recall"),
        "Coverage": scores.get("coverage"),
        "Agreement": scores.get("agreement"),
        "Sweep": run.sweep,
        "Created": datetime.fromtimestamp(run.created_at),
    }


def filtered(table: list[dict[str, Any]], ids: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows that pass the filters above the table, and their ids."""
    with (
        st.expander("Filter", icon=":material/filter_alt:", expanded=len(table) > FEW_RUNS, key="runs_filter"),
        st.container(horizontal=True, key="runs_filters", vertical_alignment="bottom"),
    ):
        text = st.text_input("Name contains", key="runs_find", width=220)
        wanted = {
            name: st.multiselect(name, sorted({row[name] for row in table}), key=f"runs_{name.lower()}", width=220)
            for name in ("Dataset", "Recipe", "State")
        }
        if sweeps := sorted({row["Sweep"] for row in table if row["Sweep"]}):
            wanted["Sweep"] = st.multiselect("Sweep", sweeps, key="runs_in_sweep", width=220)
        evaluated = st.toggle("Evaluated only", key="runs_evaluated")
    kept = [
        (row, id)
        for row, id in zip(table, ids, strict=True)
        if text.lower() in row["Name"].lower()
        and all(not values or row[name] in values for name, values in wanted.items())
        and (row["Evaluated with"] is not None or not evaluated)
    ]
    return [row for row, _ in kept], [id for _, id in kept]


def selected(ids: list[str]) -> list[str]:
    """The runs of ?cmp=r1,r2 that exist, each once, in that order."""
    named = st.query_params.get(PARAM, "").split(",")
    return [id for id in dict.fromkeys(named) if id in set(ids)]


def select(ids: list[str]) -> None:
    """Put the ids into the address."""
    if ids:
        st.query_params[PARAM] = ",".join(ids)
    else:
        st.query_params.pop(PARAM, None)


def select_instead(ids: list[str]) -> None:
    """Put the ids into the address and make the table anew, whose own ticks would go before them."""
    select(ids)
    st.session_state["runs_table_made"] = st.session_state.get("runs_table_made", 0) + 1


def runs_table(context: Context, rows: list[Row]) -> list[str]:
    """Show the table. Returns the ids of the selected runs: those of ?cmp=, which a tick changes."""
    datasets = {dataset.id: dataset.name for dataset in context.store.datasets()}
    ids = [row.run.id for row in rows]
    all_cells = [cells(context, row, datasets) for row in rows]
    table, shown = filtered(all_cells, ids)
    if not any(one["Sweep"] for one in all_cells):
        table = [{name: value for name, value in one.items() if name != "Sweep"} for one in table]
    ids_selected = selected(ids)
    # Streamlit keeps a tick by its row number, so other rows are another table.
    made = st.session_state.get("runs_table_made", 0)
    key = f"runs_table_{hash((made, *shown)) & 0xFFFFFFFF:x}"
    if not shown:
        st.info("No run matches these filters: remove one.", icon=":material/filter_alt_off:")
    else:
        places = [shown.index(id) for id in ids_selected if id in shown]
        ticks = st.dataframe(
            table,
            column_config=COLUMNS,
            hide_index=True,
            row_height=ROW_PIXELS,
            height=min(MOST_PIXELS, 40 + ROW_PIXELS * len(table)),
            on_select="rerun",
            selection_mode="multi-row",
            selection_default={"selection": {"rows": places}},
            placeholder="–",
            key=key,
            alt="The runs with their image, state and newest scores; tick rows to compare, rename or delete them",
        )["selection"]["rows"]
        if sorted(ticks) != sorted(places):
            ids_selected = [id for id in ids_selected if id not in shown] + [
                shown[place] for place in ticks if place < len(shown)
            ]
            select(ids_selected)
    hidden = len([id for id in ids_selected if id not in shown])
    more = f" {count(hidden, 'selected run')} hidden by the filters." if hidden else ""
    hint = "Click the name of a column to sort; tick rows to compare, rename or delete them."
    st.caption(f"{count(len(shown), 'run')} of {len(rows)}. {hint}{more}")
    return ids_selected
