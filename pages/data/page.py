"""Import a dataset from a ready set, a zip or a folder, and see what is in it."""

import streamlit as st

from gan_core import actions
from pages.data.dataset_report import show_dataset
from pages.data.delete import show_delete
from pages.data.import_form import import_form, show_import
from pages.shared.context import get_context
from pages.shared.links import link
from pages.shared.select_run import dataset_info_or_stop, select_item
from pages.shared.steps import show_steps
from pages.shared.text import plain
from pages.shared.trash import show_last_deletion, show_refusals, show_trash

context = get_context()
st.title("Data")
show_steps("Data")
show_refusals("data")
trash = actions.deleted(context, "dataset")
show_last_deletion("data", context, trash)
datasets = {dataset.id: dataset for dataset in context.store.datasets()}
job_id, again = st.query_params.get("job"), st.query_params.get("again")
is_importing = show_import(context, job_id) if job_id else False
is_wanted = bool(job_id or again) or bool({"import_arrived", "import_refused"} & set(st.session_state))
with st.expander(
    "Import images",
    expanded=not is_importing and (not datasets or is_wanted),
    icon=":material/add_photo_alternate:",
    key=f"import_form_{len(datasets)}_{bool(job_id):d}{is_importing:d}{bool(again):d}",
):  # another key is another expander: folded during and after an import, open after one that failed
    import_form(context)
running = [job for job in context.store.jobs(kind="import", states=("queued", "running")) if job.id != job_id]
for job in running:
    st.caption(f":material/hourglass_empty: {plain(job.payload.get('name', 'Dataset'))} is being imported.")
    link("data", "Show its progress", icon="", job=job.id)
if datasets and not is_importing:
    chosen_id = select_item("Dataset", list(datasets.values()), "ds", "dataset_choice")
    st.header(plain(datasets[chosen_id].name))
    info = dataset_info_or_stop(context, chosen_id)
    is_curated = info.source.get("kind") == "curated"  # made from a dataset, not from a source
    if (
        again != chosen_id
        and not is_curated
        and st.button("Import again with other choices", key="import_again", icon=":material/replay:")
    ):
        st.query_params["again"] = chosen_id
        st.rerun()
    show_dataset(context, chosen_id, info)
    show_delete(context, datasets[chosen_id])
elif not datasets and not is_importing:
    st.info("No dataset yet. Import a ready set above; it takes seconds.", icon=":material/info:")
show_trash("data", context, trash, "dataset")
