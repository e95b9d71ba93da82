"""Upload of a zip straight to disk: a file field with drag and drop that PUTs to /api/uploads and shows the progress.

Streamlit's own uploader holds the whole file in the memory of the server twice; this one holds a megabyte of it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st


class Upload(NamedTuple):
    """A zip that has arrived in staging/<id>/upload.zip."""

    id: str
    name: str
    bytes: int


FILES: dict[str, Any] = {kind: Path(__file__).with_suffix(f".{kind}").read_text() for kind in ("html", "css", "js")}
COMPONENT = st.components.v2.component("ganvas_upload", **FILES)


def upload_zip(key: str) -> Upload | None:
    """Show the drop zone. The upload that has just arrived, in one run of the page only, else None."""
    arrived = COMPONENT(key=key, on_uploaded_change=lambda: None).uploaded
    return Upload(str(arrived["upload"]), str(arrived["name"]), int(arrived["bytes"])) if arrived else None
