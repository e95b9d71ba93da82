"""The settings of the form as a JSON file, and the form filled from one; a refused file changes nothing."""

import streamlit as st

from gan_core.data.dataset import DatasetInfo
from gan_core.errors import FieldErrors, UserError
from gan_core.settings import json_io
from gan_core.settings.schema import TrainConfig
from pages.shared.text import plain, sentence
from pages.train.clone import fill_form

OUTCOME = "settings_outcome"  # of the last file that was read: (whether it was accepted, sentences)


def settings_json(settings: TrainConfig | None, now: TrainConfig, dataset_id: str, info: DatasetInfo) -> None:
    """settings: of the form, None where they are refused; now: the values of settings that a file does not name."""

    def load() -> None:
        upload, text = st.session_state.get("settings_upload"), st.session_state.get("settings_text") or ""
        given = upload.getvalue() if upload is not None else text
        try:
            read = json_io.read(given, now, size=info.size, train_images=sum(info.train_counts))
        except FieldErrors as errors:
            st.session_state[OUTCOME] = (False, [plain(text) for text in errors.fields.values()])
        except UserError as error:
            st.session_state[OUTCOME] = (False, [sentence(error)])
        else:
            fill_form(read, dataset_id)
            st.session_state[OUTCOME] = (True, [])

    with st.expander(
        "Settings as JSON", icon=":material/data_object:", key="settings_json", expanded=OUTCOME in st.session_state
    ):
        if settings is not None:
            st.download_button(
                "Download these settings",
                json_io.write(settings),
                file_name=f"ganvas-{settings.recipe}.json",
                mime="application/json",
                key="settings_download",
                icon=":material/download:",
                on_click="ignore",
            )
        else:
            st.caption("The settings can be downloaded when none of them is refused.")
        st.file_uploader("A JSON file of settings", type="json", key="settings_upload", max_upload_size=1)
        st.text_area(
            "Or paste them",
            key="settings_text",
            placeholder='{"batch": 32, "epochs": 10}',
            help="Settings that it does not name stay as they are in the form. The config.json of a run works too.",
        )
        given = st.session_state.get("settings_upload") is not None or bool(st.session_state.get("settings_text"))
        st.button("Fill the form", key="settings_load", icon=":material/input:", on_click=load, disabled=not given)
        accepted, sentences = st.session_state.pop(OUTCOME, (None, []))
        if accepted:
            st.success("The form now holds these settings.", icon=":material/check_circle:")
        elif sentences:
            st.error("Nothing was changed:\n" + "\n".join(f"- {text}" for text in sentences), icon=":material/error:")
