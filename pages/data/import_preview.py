"""What an import would read, before it is started: the classes as a table, and the choices that matter for this source."""

import os
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.import_preview import Preview
from gan_core.errors import Code, UserError
from gan_core.requests import Choices
from gan_core.text import count
from pages.shared.context import open_context
from pages.shared.text import plain

KEYS = {field: f"import_{field}" for field in Choices.model_fields}
WORDS = {
    "given": "Keep each as the split that it is",
    "pool": "Mix them and cut new splits",
    "auto": "As found below",
    "top": "The outer one",
    "last": "The one that holds the image",
    "skip": "Leave them out",
    "class": "Make them the class unlabelled",
}
ROWS_SHOWN = 8
ROW_PIXELS = 35
Stamp = tuple[int, int]  # time of the last change of a file in ns, its bytes


def show_preview(context: Context, source: str) -> tuple[Choices, int | None]:
    """Show what an import of `source` would read with the choices that the user makes here.

    Returns the choices and the usual shorter side of the images in px. Raises UserError where the source is refused.
    """
    choices = Choices(**{field: st.session_state[key] for field, key in KEYS.items() if key in st.session_state})
    status = os.stat(actions.locate(context, source))
    stamp = (status.st_mtime_ns, status.st_size)
    preview = cached_preview(str(context.workspace.root), source, choices, stamp)
    with st.container(key="import_look"):
        made = choose(preview.offers)
        if made != choices:  # a choice for an earlier source that this one does not offer
            preview = cached_preview(str(context.workspace.root), source, made, stamp)
        show_classes(preview)
    return made, preview.side


def cached_preview(root: str, source: str, choices: Choices, stamp: Stamp) -> Preview:
    """The preview, made once for each state of the source, or the refusal."""
    found = preview_or_error(root, source, choices.model_dump_json(), stamp)
    if not isinstance(found, Preview):
        raise UserError(*found)
    return found


@st.cache_data(max_entries=16, ttl=60, show_spinner="Reading the list of files …")
def preview_or_error(root: str, source: str, choices_json: str, stamp: Stamp) -> Preview | tuple[Code, str, str]:
    """The preview, or code, what and todo of its refusal: what a cached function raises is not kept."""
    try:
        found = actions.preview_import(open_context(root), source, Choices.model_validate_json(choices_json))
    except UserError as refused:
        return refused.code, refused.what, refused.todo
    assert found is not None, "a ready set has no preview"
    return found


def choose(offers: dict[str, list[str]]) -> Choices:
    """A select box for each choice that this source offers; the others keep their defaults."""
    made: dict[str, Any] = {}
    for column, (field, options) in zip(st.columns(max(1, len(offers))), offers.items(), strict=False):
        title = str(Choices.model_fields[field].title)
        made[field] = column.selectbox(title, options, format_func=WORDS.__getitem__, key=KEYS[field])
    return Choices(**made)


def show_classes(preview: Preview) -> None:
    """The folder levels in a line, the classes in a table, and what is left out."""
    levels = [", ".join(names) for names in preview.levels] + ["class"] * (not preview.flat)
    where = f" in {plain(' / '.join([*levels, 'image']))}" if levels else ""
    st.markdown(f"**{count(len(preview.classes), 'class', 'classes')}**{where}")
    names, train, validation, test = zip(*preview.classes, strict=True)
    table = {"class": names, "train" if preview.given else "images": train}
    table |= {split: each for split, each in (("validation", validation), ("test", test)) if split in preview.given}
    st.dataframe(
        table,
        hide_index=True,
        height=ROW_PIXELS * (min(len(names), ROWS_SHOWN) + 1) + 3,
        key="import_classes",
        alt="Images in each class",
    )
    if cut := [split for split in ("validation", "test") if split not in preview.given]:
        what = f"The {' and the '.join(cut)} split {'are' if len(cut) > 1 else 'is'} cut from"
        st.caption(f"{what} {'the images of train' if preview.given else 'these'}, the same share of each class.")
    if preview.left_out:
        reasons = "; ".join(f"{reason} ({number:,})" for reason, number in preview.left_out)
        total = sum(number for _, number in preview.left_out)
        st.caption(plain(f"Left out before reading: {count(total, 'file')}: {reasons}."))
    for notice in preview.notices:
        st.caption(plain(notice))
