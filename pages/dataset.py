"""Bring in a dataset (ready set, zip, folder) and see what is in it: counts, sizes, what was left out, its pictures."""

import csv
import io

import streamlit as st

from gan_core import actions, recipes
from gan_core.data.dataset import SIZES, DatasetInfo
from gan_core.data.demos import READY_SETS
from gan_core.errors import UserError
from pages.components import charts, urls
from pages.components.desk import click_token, get_desk
from pages.components.pick import info_or_stop, pick
from pages.components.status import job_progress
from pages.components.text import csv_cell, plain, sentence, size
from pages.components.upload import upload_zip

WAYS = ("Ready sets", "Upload a zip", "Folder on this computer")
MODES = {"auto": "As in the pictures", "RGB": "Colour", "L": "Grey"}
DRAWN = {side for recipe in recipes.RECIPES.values() for side in recipe.sizes}
FITS = {"crop": "Crop to a square", "pad": "Pad to a square", "stretch": "Stretch to a square"}

desk = get_desk()


def choose_source() -> tuple[str, str] | None:
    """(source for actions.import_dataset, name to suggest), or None as long as nothing is chosen."""
    way = st.segmented_control("Where are your images?", WAYS, default=WAYS[0], required=True, key="import_way")
    if way == WAYS[0]:
        name = st.radio(
            "Ready set",
            list(READY_SETS),
            format_func=lambda key: plain(READY_SETS[key].title),
            key="import_ready",
            captions=[
                plain(ready.summary) + (" Needs a network." if ready.needs_network else "")
                for ready in READY_SETS.values()
            ],
        )
        st.caption(plain(f"Source: {READY_SETS[name].source}."))
        return f"demo:{name}", READY_SETS[name].title
    if way == WAYS[1]:
        if arrived := upload_zip("import_upload"):
            st.session_state["import_arrived"] = arrived
        held = st.session_state.get("import_arrived")
        if held is None:
            return None
        st.success(
            f"{plain(held.name)} ({size(held.bytes)}) is uploaded. Choose a size below and import it.",
            icon=":material/check_circle:",
        )
        return f"upload:{held.id}", held.name.removesuffix(".zip")
    path = st.text_input(
        "Path of a folder or a zip",
        key="import_path",
        placeholder="/home/me/pictures/birds",
        help="On the computer that Ganvas runs on. The folder holds one folder per class.",
    )
    return (path, "") if path else None


def import_form() -> None:
    source = choose_source()
    named, sized, colour, fit = st.columns(4)
    name = named.text_input(
        "Name", key="import_name", max_chars=100, placeholder=source[1] or "its own name" if source else ""
    )
    side = sized.selectbox(
        "Size",
        SIZES,
        index=SIZES.index(32),
        format_func=lambda side: f"{side} × {side} px" + ("" if side in DRAWN else " (no recipe draws it yet)"),
        key="import_size",
        help="Smaller trains faster: 28 or 32 px in minutes, 64 px from a quarter of an hour on a CPU.",
    )
    mode = colour.selectbox("Colour", list(MODES), format_func=MODES.__getitem__, key="import_mode")
    fitted = fit.selectbox("Fit", list(FITS), format_func=FITS.__getitem__, key="import_fit")
    if st.button("Import", type="primary", key="import_start", icon=":material/download:", disabled=source is None):
        name = name or source[1]
        token = click_token("import", source[0], name, side, mode, fitted)
        try:
            job = actions.import_dataset(desk, source[0], name=name, size=side, mode=mode, fit=fitted, token=token)
        except UserError as refused:
            st.error(sentence(refused))
        else:
            st.session_state.pop("import_arrived", None)
            st.query_params.from_dict({"job": job.id})
            st.rerun()
    if source is None:
        st.caption("Import lights up when there is something to import.")


def show_import(job_id: str) -> bool:
    """Progress of the import in ?job=; a finished one becomes ?ds=. Is it still under way?"""
    try:
        job = desk.store.job(job_id)
    except UserError as refused:
        st.error(sentence(refused))
        return False
    if job.state == "finished":
        st.toast("Imported.", icon=":material/check_circle:")
        st.query_params.from_dict({"ds": job.subject})
        st.rerun()
    job_progress(desk, job, "Import", "import")
    return job.live


def show_dataset(id: str, info: DatasetInfo) -> None:
    health = info.health
    sizes = health.get("source_sizes", {})
    facts = {
        "Images": f"{sum(info.train_counts) + sum(info.test_counts):,}",
        "Classes": f"{len(info.classes):,}",
        "For training": f"{sum(info.train_counts):,}",
        "Held out for tests": f"{sum(info.test_counts):,}",
        "Size": f"{info.size} × {info.size} px",
        "Colour": "grey" if info.mode == "L" else "colour",
    }
    with st.container(horizontal=True, gap="small", key="dataset_facts"):
        for label, value in facts.items():
            st.metric(label, value, width="content")
    if sizes:
        low, middle, high = (" × ".join(map(str, sizes[key])) for key in ("min", "median", "max"))
        modes = ", ".join(f"{mode} {count:,}" for mode, count in health.get("source_modes", {}).items())
        st.caption(
            plain(
                f"The pictures came as {low} to {high} px (median {middle}); modes: {modes}; "
                f"{health.get('duplicates', 0):,} duplicates left out; fitted by {info.fit}."
            )
        )
    for notice in info.notices:
        st.warning(plain(notice), icon=":material/warning:")
    if (imbalance := health.get("imbalance", 1)) >= 2:
        st.info(
            f"The largest class has {imbalance:g} times the images of the smallest: Export can even that out.",
            icon=":material/balance:",
        )
    st.page_link(
        "train.py", label="**Use this dataset: Train**", icon=":material/model_training:", query_params={"ds": id}
    )

    st.header("Images per class")
    st.plotly_chart(
        charts.class_counts(info.classes, info.train_counts, info.test_counts),
        key="class_chart",
        config=charts.CONFIG,
        alt="Training and test images of each class as bars",
    )
    with st.expander("Show the numbers"):
        st.dataframe(
            {"class": info.classes, "training": info.train_counts, "test": info.test_counts},
            hide_index=True,
            alt="Training and test images of each class",
        )

    st.header("A look at each class")
    chosen = st.selectbox(
        "Class",
        range(len(info.classes)),
        format_func=lambda at: f"{info.classes[at]} ({info.train_counts[at]:,})",
        key=f"contact_class_{id}",
    )
    if (desk.workspace.dataset(id) / "contact" / f"{chosen}.webp").is_file():
        with st.container(key="contact"):
            st.image(urls.contact(id, chosen), alt=f"Some images of the class {info.classes[chosen]}")
    if info.rejected:
        left_out = health.get("rejected", len(info.rejected))
        st.header(f"Left out: {left_out:,} {'file' if left_out == 1 else 'files'}")
        st.dataframe(info.rejected, hide_index=True, key="rejected", alt="Files that were left out, with the reason")
        table = io.StringIO()
        rows = csv.writer(table)
        rows.writerow(["file", "reason"])
        rows.writerows([csv_cell(item["file"]), csv_cell(item["reason"])] for item in info.rejected)
        st.download_button(
            "Download as CSV",
            table.getvalue().encode(),
            "left-out.csv",
            "text/csv",
            key="rejected_csv",
            on_click="ignore",
            icon=":material/download:",
        )


st.title("Data")
datasets = {dataset.id: dataset for dataset in desk.store.datasets()}
bringing = st.query_params.get("job")
under_way = show_import(bringing) if bringing else False
with st.expander(
    "Import images",
    expanded=not under_way and (not datasets or bool(bringing) or "import_arrived" in st.session_state),
    icon=":material/add_photo_alternate:",
    key=f"import_form_{len(datasets)}_{bool(bringing):d}{under_way:d}",
):  # a new key: folded while an import runs and after it, open again after one that failed
    import_form()
running = [job for job in desk.store.jobs(kind="import", states=("queued", "running")) if job.id != bringing]
for job in running:
    st.caption(f":material/hourglass_empty: {plain(job.payload.get('name', 'Dataset'))} is being imported.")
    st.page_link("dataset.py", label="Watch it", query_params={"job": job.id})
if datasets and not under_way:
    chosen_id = pick("Dataset", list(datasets.values()), "ds", "dataset_choice")
    st.header(plain(datasets[chosen_id].name))
    show_dataset(chosen_id, info_or_stop(desk, chosen_id))
elif not datasets and not under_way:
    st.info("No dataset yet: import a ready set above, it takes seconds.", icon=":material/info:")
