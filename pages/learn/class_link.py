"""The link that a teacher gives to the class."""

from urllib.parse import urlsplit

import streamlit as st

import visitor
from gan_core.access import login, token


def show_class_link() -> None:
    """For the teacher of a class room: the pupils' link to this page."""
    if not login.is_classroom() or visitor.is_pupil(st.context):
        return
    here = urlsplit(st.context.url or "")
    with st.expander("The link for your class", icon=":material/school:", key="class_link"):
        st.write(
            "Whoever opens it sees every run and plays in the laboratory, and can start, change and delete nothing."
        )
        st.code(
            f"{here.scheme}://{here.netloc}/learn?token={token.of_pupils(visitor.secret())}",
            language=None,
            wrap_lines=True,
        )
