"""Samples: the grids of a run over time, new images, latent walks, variants of real images, and the timelapse."""

import streamlit as st

from pages.samples.explore import show_explore
from pages.samples.grid_timeline import grids_of, show_timeline
from pages.samples.latent_walk import show_walk
from pages.samples.timelapse import show_timelapse
from pages.samples.variants import show_variants
from pages.shared.context import get_context
from pages.shared.links import link
from pages.shared.select_run import select_run
from pages.shared.status import no_grid_yet, state_of_run
from pages.shared.steps import show_steps

context = get_context()
st.title("Samples")
show_steps("View")
run = select_run(context, "samples_run", "No run yet, so there are no samples: train a model first.")
grids = grids_of(context.workspace.run(run.id))
if not grids:
    training = context.store.latest_job("train", run.id)
    st.info(no_grid_yet(state_of_run(context, run.id, training)), icon=":material/info:")
    label = "Watch the run" if training and training.live else "Open the run"
    link("live", label, run=run.id)
    st.stop()

st.header("Timeline")
show_timeline(context, run, grids)
with st.container(horizontal=True, vertical_alignment="center", key="samples_collapse"):
    st.caption("Do the images repeat? See the indicators of mode collapse:", width="content")
    link("live", "Variety during training", icon="monitoring", run=run.id)
    link("evaluate", "Evaluate", icon="straighten", run=run.id)
exploration = show_explore(context, run)
show_walk(context, run, exploration)
show_variants(context, run)
show_timelapse(context, run)
