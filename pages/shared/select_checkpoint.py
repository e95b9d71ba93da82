"""The choice of a run's checkpoint: the best, the newest, or another one that is still kept."""

from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.requests.base import Request
from gan_core.storage import checkpoints
from gan_core.storage.checkpoints import At
from gan_core.storage.store import Run
from gan_core.text import number
from pages.shared.request_form import described


def select_checkpoint(context: Context, run: Run, model: type[Request], key: str, at: Any = st) -> At:
    """The value of the request's field `at`. at: the place of the widget."""
    folder = context.workspace.run(run.id)
    best, kept = checkpoints.best(folder / "checkpoints"), checkpoints.of_run(folder)
    words: dict[At, str] = {None: "The newest"}
    if best is not None:
        distance = number(best.kernel_distance, 3)
        words = {
            None: f"The best: {best.images_seen:,} images seen, kernel distance {distance}",
            "newest": "The newest",
        }
    words |= {seen: f"{seen:,} images seen" for seen in kept[1:] if best is None or seen != best.images_seen}
    if st.session_state.get(key) not in words:  # another run's, or deleted since
        st.session_state.pop(key, None)
    shown = described(model.model_fields["at"], key)
    del shown["value"]
    return at.selectbox(options=list(words), format_func=words.__getitem__, **shown)
