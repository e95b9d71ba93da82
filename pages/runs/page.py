"""All runs in one table: sort, filter, compare, rename, clone, delete and restore; and the sweeps as groups."""

import streamlit as st

from gan_core import actions
from gan_core.views import run_table
from pages.runs import run_actions
from pages.runs.compare import compare_runs
from pages.runs.sweeps import show_sweeps
from pages.runs.table import runs_table
from pages.shared.context import get_context
from pages.shared.select_run import empty
from pages.shared.trash import show_last_deletion, show_refusals, show_trash

context = get_context()
st.title("Runs")
show_refusals("runs")
trash = actions.deleted(context)
show_last_deletion("runs", context, trash)
rows = run_table.rows(context.store, context.workspace)
if rows:
    by_id = {row.run.id: row.run for row in rows}
    selected = [by_id[id] for id in runs_table(context, rows)]
    if selected:
        run_actions.buttons(context, selected)
    if len(selected) > 1:
        compare_runs(context, selected)
    show_sweeps(context, rows)
else:
    empty("No run yet: train a model or run the demo, and it is listed here.", "train/page.py", "Train a model")
show_trash("runs", context, trash, "run")
