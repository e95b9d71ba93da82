"""The import form filled as it was: an earlier dataset again, or an import that did not work; and what a link proposes instead."""

from collections.abc import Mapping
from typing import Any, get_args

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.requests.import_dataset import BACKGROUNDS, ImportRequest
from gan_core.storage.store import Job
from pages.data.import_preview import KEYS
from pages.shared.text import plain, sentence

OTHER = "other"  # than the backgrounds that have a name
PROPOSED = {  # fields that a link may fill, and the values that it may give them
    name: {str(value): value for value in get_args(ImportRequest.model_fields[name].annotation)}
    for name in ("size", "fit", "mode")
}


def query(dataset_id: str, proposes: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters of a link that imports a dataset again, the form filled with what is proposed (see PROPOSED)."""
    return {"again": dataset_id} | {
        f"again_{field}": str(value) for field, value in proposes.items() if field in PROPOSED
    }


def choose_again(context: Context, dataset_id: str) -> tuple[str, str] | None:
    """The source of an earlier import, the form filled as it was then but for what the link proposes; None where it is gone."""
    leave_button()
    source = f"again:{dataset_id}"
    try:
        name = read_info(context.workspace.dataset(dataset_id)).name
        settings = actions.settings_before(context, source)
        actions.locate(context, source)
    except UserError as refused:
        st.error(sentence(refused))
        return None
    st.info(plain(f"{name} again, from what it was made of, as a dataset of its own."), icon=":material/replay:")
    proposed = {
        field: known[value]
        for field, known in PROPOSED.items()
        if (value := st.query_params.get(f"again_{field}", "")) in known
    }
    fill(st.query_params.to_dict(), settings.replace(**proposed))
    return source, name


def unfinished(context: Context) -> Job | None:
    """The import in ?job= where it ended without a dataset and what it read is still there."""
    try:
        job = context.store.job(st.query_params.get("job", ""))
        if job.kind != "import" or job.live or job.state == "finished":
            return None
        actions.locate(context, job.payload["source"])
    except UserError:
        return None
    return job


def choose_unfinished(job: Job) -> tuple[str, str]:
    """The source of an import that did not work, the form filled as it was."""
    leave_button()
    name = job.payload["name"]
    st.info(plain(f"{name} is still here: change what you like below and import it again."), icon=":material/replay:")
    fill({"job": job.id}, ImportRequest.from_payload(job.payload))
    return job.payload["source"], name


def leave_button() -> None:
    if st.button("Import something else", key="import_other", icon=":material/arrow_back:"):
        for key in ("job", "again", *(f"again_{field}" for field in PROPOSED)):
            st.query_params.pop(key, None)
        for key in ("import_filled", "import_size_chosen"):
            st.session_state.pop(key, None)
        st.rerun()


def fill(of: dict[str, str], settings: ImportRequest) -> None:
    """Put these settings into the form, once for each `of`: what is changed after that stays."""
    if st.session_state.get("import_filled") == of and "import_size" in st.session_state:
        return
    st.session_state["import_filled"] = of
    for field in ("size", "fit", "mode"):
        st.session_state[f"import_{field}"] = getattr(settings, field)
    st.session_state["import_size_chosen"] = True
    background = settings.background
    named = background in BACKGROUNDS
    st.session_state["import_background"] = background if named else OTHER
    if not named:
        st.session_state["import_background_colour"] = background
    for field, value in settings.choices:
        st.session_state[KEYS[field]] = value
