"""Bring in a dataset (ready set, zip, folder) and see what is in it: counts, sizes, what was left out, its pictures."""

import streamlit as st

from pages.data.dataset_report import show_dataset
from pages.data.import_form import import_form, show_import
from pages.shared.context import get_context
from pages.shared.select_run import info_or_stop, select_item
from pages.shared.steps import show_steps
from pages.shared.text import plain

context = get_context()
st.title("Data")
show_steps("Data")
datasets = {dataset.id: dataset for dataset in context.store.datasets()}
bringing, again = st.query_params.get("job"), st.query_params.get("again")
under_way = show_import(context, bringing) if bringing else False
wanted = bool(bringing or again) or bool({"import_arrived", "import_refused"} & set(st.session_state))
with st.expander(
    "Import images",
    expanded=not under_way and (not datasets or wanted),
    icon=":material/add_photo_alternate:",
    key=f"import_form_{len(datasets)}_{bool(bringing):d}{under_way:d}{bool(again):d}",
):  # a new key: folded while an import runs and after it, open again after one that failed
    import_form(context)
running = [job for job in context.store.jobs(kind="import", states=("queued", "running")) if job.id != bringing]
for job in running:
    st.caption(f":material/hourglass_empty: {plain(job.payload.get('name', 'Dataset'))} is being imported.")
    st.page_link("data/page.py", label="Watch it", query_params={"job": job.id})
if datasets and not under_way:
    chosen_id = select_item("Dataset", list(datasets.values()), "ds", "dataset_choice")
    st.header(plain(datasets[chosen_id].name))
    info = info_or_stop(context, chosen_id)
    made_here = info.source.get("kind") == "curated"  # from a dataset, not from a source
    if (
        again != chosen_id
        and not made_here
        and st.button("Import again with other choices", key="import_again", icon=":material/replay:")
    ):
        st.query_params["again"] = chosen_id
        st.rerun()
    show_dataset(context, chosen_id, info)
elif not datasets and not under_way:
    st.info("No dataset yet: import a ready set above, it takes seconds.", icon=":material/info:")
