"""The quality filter of an export: which drawn images are left out, by check and by hand."""

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.export.quality_filter import CHECKS, EXPORT_TRUNCATION
from gan_core.requests import ExportRequest
from gan_core.requests.export import CHECKS as USUAL
from gan_core.storage.store import Run
from pages.export.preview import choose_removed


def choose_filter(context: Context, run: Run, info: DatasetInfo, request: ExportRequest) -> ExportRequest:
    """The request with its checks, and with the images that were left out by hand."""
    chosen = st.pills(
        "Leave out drawn images that are",
        list(CHECKS),
        selection_mode="multi",
        default=list(USUAL),
        format_func=CHECKS.__getitem__,
        key="export_checks",
        help="Each drawn image is checked by the dataset classifier and by its nearest real images. A refused image is replaced: "
        f"another is drawn with truncation {EXPORT_TRUNCATION:g}, for more variety. For a class that the classifier confuses with "
        "others, only clear mistakes are left out; for a class that it cannot recognize, class and realism are not checked.",
    )
    copies = st.checkbox(
        "Also export near copies of training images",
        key="export_copies",
        help="Otherwise near copies are left out, and the export stops where the drawn images are copies of training images "
        "as a whole.",
    )
    checks = [check for check in CHECKS if check in chosen and not (copies and check == "copy")]
    removed = choose_removed(context, run, info, request.replace(checks=checks))
    return request.replace(check_copies=not copies, checks=checks, removed=removed)
