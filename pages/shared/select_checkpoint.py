"""The choice of a run's checkpoint: the newest, or an earlier one that is still kept."""

from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.requests.base import Request
from gan_core.storage import checkpoints
from gan_core.storage.store import Run
from pages.shared.request_form import described


def select_checkpoint(context: Context, run: Run, model: type[Request], key: str, at: Any = st) -> int | None:
    """The value of the request's field `at`: images seen, None for the newest. at: the place of the widget."""
    earlier = checkpoints.of_run(context.workspace.run(run.id))[1:]
    if st.session_state.get(key) not in (None, *earlier):  # another run's, or deleted since
        del st.session_state[key]
    shown = described(model.model_fields["at"], key)
    del shown["value"]
    return at.selectbox(
        options=[None, *earlier],
        format_func=lambda seen: "The newest" if seen is None else f"{seen:,} images seen",
        **shown,
    )
