"""The quality filter of an export: which drawn images are left out, by check and by hand."""

from typing import NamedTuple

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.export.quality_filter import CHECKS, WIDE_TRUNCATION
from gan_core.storage.store import Run
from pages.export.preview import choose_removed


class FilterChoice(NamedTuple):
    """gate: stop the export where the drawn images are copies; removed: numbers of drawn images by class, left out by hand."""

    gate: bool
    checks: list[str]
    removed: dict[str, list[int]]


def choose_filter(context: Context, run: Run, info: DatasetInfo, seed: int) -> FilterChoice:
    chosen = st.pills(
        "Leave out drawn images that are",
        list(CHECKS),
        selection_mode="multi",
        default=list(CHECKS),
        format_func=CHECKS.__getitem__,
        key="export_checks",
        help="Each drawn image is checked by the dataset classifier and by its nearest real images. A refused image is replaced: "
        f"another is drawn with truncation {WIDE_TRUNCATION:g}, for more variety. For a class that the classifier confuses with "
        "others, only clear mistakes are left out; for a class that it cannot recognize, class and realism are not checked.",
    )
    copies = st.checkbox(
        "Also export near copies of training images",
        key="export_copies",
        help="Otherwise near copies are left out, and the export stops where the drawn images are copies of training images "
        "as a whole.",
    )
    checks = [check for check in CHECKS if check in chosen and not (copies and check == "copy")]
    return FilterChoice(not copies, checks, choose_removed(context, run, info, seed, checks))
