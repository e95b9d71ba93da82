"""What takes space on the disk, and a cleanup for each kind: it says what it would free and asks before it removes anything."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.storage import cleanup, disk
from gan_core.text import count, size
from pages.shared.text import plain, sentence

ASKED, OUTCOME = "cleanup_asked", "cleanup_outcome"  # the kind that waits for a second click; what the last cleanup did


@st.cache_resource(max_entries=4)
def sizes(root: str) -> disk.Sizes:
    return disk.Sizes()


def show_disk(context: Context) -> None:
    st.header("Disk")
    with st.spinner("Computing the size of the workspace"):
        parts = disk.usage(context.workspace, sizes(str(context.workspace.root)))
    total = sum(part.bytes for part in parts)
    with st.container(horizontal=True, gap="small", key="disk_total"):
        st.metric("Workspace", size(total), width="content")
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
    st.subheader("Cleanup")
    st.caption("A cleanup removes nothing that a waiting or running job needs.")
    if outcome := st.session_state.pop(OUTCOME, None):
        st.success(outcome, icon=":material/check_circle:")
    days = st.number_input(
        "An export is old after (days)", 0, 3650, cleanup.EXPORT_DAYS, 1, key="cleanup_days", width=260
    )
    for kind in cleanup.KINDS:
        show_kind(context, kind, float(days))


def show_kind(context: Context, kind: str, days: float) -> None:
    """What a cleanup of this kind would free, and its button, which is confirmed by a second one."""
    title, found = cleanup.KINDS[kind].title, cleanup.look(context.store, context.workspace, kind, days)
    with st.container(border=True, key=f"cleanup_{kind}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            amount = f"{count(found.pieces, 'piece')}, {size(found.bytes)}" if found.pieces else "nothing to free"
            st.markdown(f"**{title}**: {amount}", width="content")
            st.space("stretch")
            if st.session_state.get(ASKED) == kind and found.pieces:
                st.button(
                    f"Remove {size(found.bytes)}",
                    type="primary",
                    icon=":material/delete_forever:",
                    key=f"cleanup_remove_{kind}",
                    on_click=remove,
                    args=(context, kind, days),
                )
                st.button("Keep", key=f"cleanup_keep_{kind}", on_click=ask_about, args=(None,))
            else:
                st.button(
                    "Clean up",
                    icon=":material/mop:",
                    key=f"cleanup_start_{kind}",
                    disabled=not found.pieces,
                    on_click=ask_about,
                    args=(kind,),
                    help=f"{title}: nothing is removed before you confirm.",
                )
        st.caption(plain(found.why_not or cleanup.KINDS[kind].sentence))


def ask_about(kind: str | None) -> None:
    st.session_state[ASKED] = kind


def remove(context: Context, kind: str, days: float) -> None:
    ask_about(None)
    try:
        freed = actions.clean(context, [kind], days=days)[kind]
    except UserError as refused:
        st.session_state[OUTCOME] = sentence(refused)
        return
    amount = f"{count(freed.pieces, 'piece')} removed, {size(freed.bytes)} freed"
    st.session_state[OUTCOME] = f"{cleanup.KINDS[kind].title}: {amount}. {plain(freed.why_not)}"
