"""What takes the disk, and clean-ups that say what they would free and ask once."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.storage import cleanup, disk
from gan_core.text import count, size
from pages.shared.text import plain, sentence

ARMED, DONE = "clean_armed", "clean_done"


@st.cache_resource(max_entries=4)
def sizes(root: str) -> disk.Sizes:
    return disk.Sizes()


def show(context: Context) -> None:
    st.header("Disk")
    with st.spinner("Measuring the workspace"):
        parts = disk.usage(context.workspace, sizes(str(context.workspace.root)))
    total = sum(part.bytes for part in parts)
    with st.container(horizontal=True, gap="small", key="disk_total"):
        st.metric("The workspace", size(total), width="content")
        st.metric("Free on this disk", size(disk.free_bytes(context.workspace)), width="content")
    st.dataframe(
        {
            "part": [part.title for part in parts],
            "size": [size(part.bytes) for part in parts],
            "share": [part.bytes / max(total, 1) for part in parts],
            "number": ["–" if part.number is None else f"{part.number:,}" for part in parts],
        },
        column_config={"share": st.column_config.ProgressColumn(format="percent")},
        hide_index=True,
        key="disk_parts",
        alt="Size of each part of the workspace",
    )
    st.subheader("Clean up")
    st.caption("What a live job works on, or with, is never touched.")
    if said := st.session_state.pop(DONE, None):
        st.success(said, icon=":material/check_circle:")
    days = st.number_input(
        "Exports count as old after days", 0, 3650, cleanup.EXPORT_DAYS, 1, key="clean_days", width=260
    )
    for kind in cleanup.KINDS:
        row(context, kind, float(days))


def row(context: Context, kind: str, days: float) -> None:
    """A kind, what it would free, and the button that is pressed twice."""
    told, found = cleanup.KINDS[kind], cleanup.look(context.store, context.workspace, kind, days)
    armed = st.session_state.get(ARMED) == kind and found.pieces > 0
    with st.container(border=True, key=f"clean_{kind}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            what = f"{count(found.pieces, 'piece')}, {size(found.bytes)}" if found.pieces else "nothing to free"
            st.markdown(f"**{told.title}**: {what}", width="content")
            st.space("stretch")
            if armed:
                st.button(
                    f"Really clean: {size(found.bytes)}",
                    type="primary",
                    icon=":material/delete_forever:",
                    key=f"clean_really_{kind}",
                    on_click=carry_out,
                    args=(context, kind, days),
                )
                st.button("Keep", key=f"clean_keep_{kind}", on_click=arm, args=(None,))
            else:
                st.button(
                    "Clean",
                    icon=":material/mop:",
                    key=f"clean_start_{kind}",
                    disabled=not found.pieces,
                    on_click=arm,
                    args=(kind,),
                    help=f"{told.title}: asks once more before anything is removed.",
                )
        st.caption(plain(found.why_not or told.sentence))


def arm(kind: str | None) -> None:
    st.session_state[ARMED] = kind


def carry_out(context: Context, kind: str, days: float) -> None:
    arm(None)
    try:
        freed = actions.clean(context, [kind], days=days)[kind]
    except UserError as refused:
        st.session_state[DONE] = sentence(refused)
        return
    title = cleanup.KINDS[kind].title
    st.session_state[DONE] = (
        f"{title}: {count(freed.pieces, 'piece')} removed, {size(freed.bytes)} freed. {plain(freed.why_not)}"
    )
