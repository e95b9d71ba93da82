"""All runs in one table: sort, filter, compare, rename, clone, delete and bring back."""

import streamlit as st

from gan_core import actions, runlist
from pages.components import runs_tidy
from pages.components.desk import get_desk
from pages.components.pick import empty
from pages.components.runs_compare import compare_runs
from pages.components.runs_table import runs_table

desk = get_desk()
st.title("Runs")
runs_tidy.say_refusals()
trash = actions.deleted(desk)
runs_tidy.just_deleted(desk, trash)
rows = runlist.rows(desk.store, desk.workspace)
if rows:
    by_id = {row.run.id: row.run for row in rows}
    chosen = [by_id[id] for id in runs_table(desk, rows)]
    if chosen:
        runs_tidy.buttons(desk, chosen)
    if len(chosen) > 1:
        compare_runs(desk, chosen)
else:
    empty("No run yet: train a model or run the demo, and it is listed here.", "train.py", "Train a model")
runs_tidy.trash_list(desk, trash)
