"""The same noise at every epoch, beside real images; variants of real images; and the timelapse."""

import streamlit as st

from gan_core import actions, runfolder
from gan_core.errors import UserError
from pages.components import urls
from pages.components.desk import click_token, get_desk
from pages.components.fuse import fuse_section
from pages.components.pick import empty, pick_run
from pages.components.rail import rail
from pages.components.status import job_progress, no_grid_yet, state_of_run
from pages.components.text import sentence

desk = get_desk()
st.title("Samples")
rail("Look")
run = pick_run(desk, "samples_run", "No run yet, so there are no samples: train a model first.")
folder = desk.workspace.run(run.id)
grids = runfolder.read_samples(folder)
if not grids:
    training = desk.store.latest_job("train", run.id)
    st.info(no_grid_yet(state_of_run(desk, run.id, training)), icon=":material/info:")
    label = "Watch the run" if training and training.live else "Open the run"
    st.page_link("live.py", label=label, icon=":material/arrow_forward:", query_params={"run": run.id})
    st.stop()


@st.fragment
def compare() -> None:
    """Real images and the grid of the chosen epoch; moving the slider reruns only this."""
    chosen = len(grids) - 1
    if len(grids) > 1:
        chosen = st.select_slider(
            "Epoch",
            range(len(grids)),
            value=chosen,
            key=f"samples_step_{run.id}",
            format_func=lambda at: f"epoch {grids[at]['epoch']:.1f}",
            help="Every grid is drawn from the same noise, so a place shows one image as it changes.",
        )
    real, fake = st.columns(2)
    real.header("Real")
    if (folder / "samples" / "reals.png").is_file():
        real.image(urls.sample(run.id, "reals.png"), width="stretch", alt="Real images, a row per class")
    else:
        real.caption("The real images of this run are not kept.")
    fake.header(f"Generated, epoch {grids[chosen]['epoch']:.1f}")
    fake.image(
        urls.sample(run.id, grids[chosen]["file"]),
        width="stretch",
        alt=f"Generated images, a row per class, after {grids[chosen]['images_seen']:,} images seen",
    )


compare()
if len(grids) < 2:
    empty("One grid so far; there is more to compare when the run has gone on.", "live.py", "Watch the run")

fuse_section(desk, run)

st.header("Timelapse")
job = desk.store.latest_job("timelapse", run.id)
if st.button(
    "Make the timelapse", key="timelapse_start", icon=":material/movie:", disabled=job is not None and job.live
):
    try:
        job = actions.timelapse(desk, run.id, token=click_token("timelapse", run.id))
    except UserError as refused:
        st.error(sentence(refused))
if job:
    job_progress(desk, job, "Timelapse", "timelapse")
film = folder / "timelapse.webp"
if film.is_file():
    address = f"{urls.timelapse(run.id)}?v={int(film.stat().st_mtime)}"
    with st.container(key="timelapse"):
        st.image(address, alt="The samples from the first epoch to the last, as an animation")
        st.html(urls.download_link(address, "timelapse.webp", "Download the timelapse (WebP)"))
elif job is None:
    st.caption("All grids in a row as one animated picture, made in seconds.")
