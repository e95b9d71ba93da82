"""The import form filled with the settings of an earlier import: of a dataset (?again=), or of an import that failed (?job=)."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.errors import FieldErrors, UserError
from gan_core.requests import ImportRequest
from gan_core.requests.import_dataset import BACKGROUNDS
from gan_core.storage.store import Job
from pages.data.import_preview import KEYS
from pages.shared.text import plain, sentence

OTHER = "other"  # than the backgrounds that have a name
PROPOSED = ("size", "fit", "mode")  # the settings that a finding may propose
SHARES = ("validation_fraction", "test_fraction")


def query(dataset_id: str, proposes: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters of a link that imports a dataset again, with the settings that a finding proposes."""
    return {"again": dataset_id} | {f"again_{field}": str(proposes[field]) for field in PROPOSED if field in proposes}


def choose_again(context: Context, dataset_id: str) -> tuple[str, str] | None:
    """The source of a dataset and its name, the form filled as it was then and as the link proposes; None where it is gone."""
    show_leave_button()
    source = f"again:{dataset_id}"
    try:
        name = read_info(context.workspace.dataset(dataset_id)).name
        request = actions.earlier_request(context, source)
        actions.locate(context, source)
    except UserError as refused:
        st.error(sentence(refused))
        return None
    st.info(plain(f"{name} is imported again from its source, as a new dataset."), icon=":material/replay:")
    fill(st.query_params.to_dict(), with_proposals(request))
    return source, name


def with_proposals(request: ImportRequest) -> ImportRequest:
    """The request with what the address proposes; a value that no import can have changes nothing."""
    for field in PROPOSED:
        if value := st.query_params.get(f"again_{field}"):
            try:
                request = request.replace(**{field: int(value) if field == "size" else value})
            except (FieldErrors, ValueError):
                continue
    return request


def unfinished(context: Context) -> Job | None:
    """The import in ?job= where it ended without a dataset and its source is still there."""
    try:
        job = context.store.job(st.query_params.get("job", ""))
        if job.kind != "import" or job.live or job.state == "finished":
            return None
        actions.locate(context, job.payload["source"])
    except UserError:
        return None
    return job


def choose_unfinished(job: Job) -> tuple[str, str]:
    """The source and the name of an import that failed, the form filled with its settings."""
    show_leave_button()
    request = ImportRequest.from_payload(job.payload)
    st.info(
        plain(f"{request.name} is still here: change the settings below and import it again."), icon=":material/replay:"
    )
    fill({"job": job.id}, request)
    return request.source, request.name


def show_leave_button() -> None:
    if st.button("Import something else", key="import_other", icon=":material/arrow_back:"):
        for key in ("job", "again", *(f"again_{field}" for field in PROPOSED)):
            st.query_params.pop(key, None)
        for key in ("import_filled", "import_size_chosen"):
            st.session_state.pop(key, None)
        st.rerun()


def fill(origin: dict[str, str], request: ImportRequest) -> None:
    """Put the settings of a request into the form, once for each `origin`, so that later changes of the user stay."""
    if st.session_state.get("import_filled") == origin and "import_size" in st.session_state:
        return
    st.session_state["import_filled"] = origin
    st.session_state["import_size_chosen"] = True
    for field in (*PROPOSED, *SHARES):
        st.session_state[f"import_{field}"] = getattr(request, field)
    st.session_state["import_background"] = request.background if request.background in BACKGROUNDS else OTHER
    if request.background not in BACKGROUNDS:
        st.session_state["import_background_colour"] = request.background
    for field, value in request.choices.payload().items():
        st.session_state[KEYS[field]] = value
