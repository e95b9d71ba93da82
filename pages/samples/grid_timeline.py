"""The grids of a run over time, beside real images, another epoch of it or another run, with what is shown in the address."""

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
from pages.samples.grid_player import Side, player
from pages.shared import urls
from pages.shared.select_run import unique_labels
from pages.shared.text import plain

REAL = "real"
STEP, OTHER, OTHER_STEP = "smp_step", "smp_b", "smp_bstep"


def grids_of(folder: Path) -> list[Row]:
    """runfolder.read_samples, read again only where the index has changed."""
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
    a = Side(run.id, "Epoch", "Generated", grids, grid_timeline.nearest_grid(grids, asked.get(STEP)))
    b, real = None, None
    if other is None:
        if (folder / "samples" / "reals.png").is_file():
            real = urls.sample(run.id, "reals.png")
        else:
            st.caption("The real images of this run are not kept.")
    else:
        theirs = grids_of(context.workspace.run(other.id))
        at = grid_timeline.nearest_grid(theirs, asked.get(OTHER_STEP, 0 if other.id == run.id else None))
        a = a._replace(name="A", title=f"A: {run.name}")
        b = Side(other.id, "B", f"B: {other.name}", theirs, at)
    swaps = st.session_state.get("samples_swaps", 0)
    id = f"{run.id}-{other.id if other else ''}-{swaps}"
    step, other_step = player(a, b, real, key=f"player-{id}", id=id)
    if step is not None:
        asked[STEP] = str(step)
    if b is not None:
        asked[OTHER_STEP] = str(theirs[b.at]["images_seen"] if other_step is None else other_step)
    if other is None:
        st.caption("Every grid is drawn from the same noise: a place shows one image as it changes.")
    else:
        same, sentence = grid_timeline.correspondence(facts(context, run), facts(context, other))
        (st.caption if same else st.info)(plain(sentence))


def choose_other(context: Context, run: Run) -> Run | None:
    """The run beside this one, itself for another epoch of it, None for real images; with the button that swaps the two."""
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
            "Beside it",
            options,
            format_func=labels.__getitem__,
            key=key,
            on_change=write,
            width=420,
            help="Another epoch of this run, or another run, with a slider of its own.",
        )
        other = with_grids.get(chosen)
        if other is not None:
            st.button("Swap A and B", icon=":material/swap_horiz:", key="samples_swap", on_click=swap, args=(run.id,))
            if st.session_state.pop("samples_swapped", False):
                st.rerun()  # the whole page: it may be about another run now
    return other


def swap(run_id: str) -> None:
    now = st.query_params.to_dict()
    turned = {"run": now.get(OTHER), OTHER: run_id, STEP: now.get(OTHER_STEP), OTHER_STEP: now.get(STEP)}
    st.query_params.from_dict({name: value for name, value in turned.items() if value is not None})
    st.session_state["samples_swaps"] = st.session_state.get("samples_swaps", 0) + 1
    st.session_state["samples_swapped"] = True


def facts(context: Context, run: Run) -> dict[str, Any]:
    """What timeline.correspondence asks of a run."""
    told: dict[str, Any] = {"run": run.id, "size": None, "classes": None}
    told |= {name: run.config[name] for name in ("seed", "z_dim", "family")}
    try:
        info = read_info(context.workspace.dataset(run.dataset_id))
    except (UserError, OSError, ValueError):
        return told | {"classes": [run.dataset_id], "size": "an unknown number of"}
    return told | {"size": info.size, "classes": info.classes if run.config["conditional"] else ["all"]}
