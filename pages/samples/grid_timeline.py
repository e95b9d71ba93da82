"""The grids of a run over time, beside real images, another epoch or another run; the address says what is shown."""

from pathlib import Path
from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.storage import run_folder
from gan_core.storage.run_folder import Row
from gan_core.storage.store import Run
from gan_core.views import grid_timeline
from pages.samples.grid_player import PlayedRun, grid_player
from pages.shared import urls
from pages.shared.select_run import unique_labels
from pages.shared.text import plain

REAL = "real"
STEP, OTHER, OTHER_STEP = "smp_step", "smp_b", "smp_bstep"


def grids_of(folder: Path) -> list[Row]:
    """The rows of the run's sample index, cached until the file changes."""
    try:
        stat = (folder / "samples" / "index.jsonl").stat()
    except OSError:
        return []
    return read_grids(str(folder), stat.st_mtime_ns, stat.st_size)


@st.cache_data(max_entries=64, show_spinner=False)
def read_grids(folder: str, changed_at: int, size: int) -> list[Row]:
    return run_folder.read_samples(Path(folder))


@st.fragment
def show_timeline(context: Context, run: Run, grids: list[Row]) -> None:
    other = choose_other(context, run)
    asked = st.query_params
    folder = context.workspace.run(run.id)
    a = PlayedRun(run.id, "", "Generated", grids, grid_timeline.nearest_grid(grids, asked.get(STEP)))
    b, real = None, None
    if other is None:
        if (folder / "samples" / "reals.png").is_file():
            real = urls.sample(run.id, "reals.png")
        else:
            st.caption("The real images of this run were not kept.")
    else:
        theirs = grids_of(context.workspace.run(other.id))
        at = grid_timeline.nearest_grid(theirs, asked.get(OTHER_STEP, 0 if other.id == run.id else None))
        a = a._replace(name="A", title=f"A: {run.name}")
        b = PlayedRun(other.id, "B", f"B: {other.name}", theirs, at)
    swaps = st.session_state.get("samples_swaps", 0)
    id = f"{run.id}-{other.id if other else ''}-{swaps}"
    step, other_step = grid_player(a, b, real, key=f"player-{id}", id=id)
    if step is not None:
        asked[STEP] = str(step)
    if b is not None:
        asked[OTHER_STEP] = str(theirs[b.at]["images_seen"] if other_step is None else other_step)
    if other is None:
        st.caption("Every grid is drawn from the same latent codes, so each cell shows how one image changes.")
    else:
        same, sentence = grid_timeline.compare_places(sampled(context, run), sampled(context, other))
        (st.caption if same else st.info)(plain(sentence))


def choose_other(context: Context, run: Run) -> Run | None:
    """Choose what is shown beside this run: another run, the same run at another epoch, or None for real images."""
    runs = context.store.runs()
    with_grids = {one.id: one for one in runs if (context.workspace.run(one.id) / "samples" / "index.jsonl").is_file()}
    labels = unique_labels(runs) | {REAL: "Real images", run.id: "This run, another epoch"}
    options = [REAL, run.id, *(id for id in with_grids if id != run.id)]
    key = f"samples_beside_{run.id}"
    wanted = st.query_params.get(OTHER, REAL)
    st.session_state[key] = wanted if wanted in options else REAL

    def write() -> None:
        st.query_params.pop(OTHER_STEP, None)
        if st.session_state[key] in (None, REAL):
            st.query_params.pop(OTHER, None)
        else:
            st.query_params[OTHER] = st.session_state[key]

    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Compare with",
            options,
            format_func=labels.__getitem__,
            key=key,
            on_change=write,
            width=420,
            help="Another run, or another epoch of this one, gets its own slider.",
        )
        other = with_grids.get(chosen)
        if other is not None:
            st.button("Swap A and B", icon=":material/swap_horiz:", key="samples_swap", on_click=swap, args=(run.id,))
            if st.session_state.pop("samples_swapped", False):
                st.rerun()  # the whole page: it may be about another run now
    return other


def swap(run_id: str) -> None:
    now = st.query_params.to_dict()
    swapped = {"run": now.get(OTHER), OTHER: run_id, STEP: now.get(OTHER_STEP), OTHER_STEP: now.get(STEP)}
    st.query_params.from_dict({name: value for name, value in swapped.items() if value is not None})
    st.session_state["samples_swaps"] = st.session_state.get("samples_swaps", 0) + 1
    st.session_state["samples_swapped"] = True


def sampled(context: Context, run: Run) -> dict[str, Any]:
    """What grid_timeline.compare_places compares: how the grids of a run were sampled."""
    settings = {"run": run.id} | {name: run.config[name] for name in ("seed", "z_dim", "family")}
    try:
        info = read_info(context.workspace.dataset(run.dataset_id))
    except (UserError, OSError, ValueError):
        return settings | {"classes": [run.dataset_id], "size": "an unknown number of"}
    return settings | {"size": info.size, "classes": info.classes if run.config["conditional"] else ["all"]}
