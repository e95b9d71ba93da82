"""What an import would read, before it is started: the classes as a table, and the choices that make a difference here."""

import os

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.import_preview import Preview
from gan_core.errors import UserError
from gan_core.requests.import_dataset import Choices
from gan_core.text import count
from pages.shared.context import open_context
from pages.shared.text import plain

KEYS = {field: f"import_{field}" for field in Choices.model_fields}
LABELS = {
    "split": "Folders train, test, validation",
    "level": "Which folder names the class?",
    "loose": "Pictures in no class folder",
}
WORDS = {
    "given": "Learn from all but the test folder",
    "given+validation": "Hold the validation folder out as well",
    "pool": "Mix them and cut a new test split",
    "auto": "As found below",
    "top": "The outer one",
    "last": "The one that holds the picture",
    "skip": "Leave them out",
    "class": "Make them the class unlabelled",
}
NO_TEST_FOLDER = {"given": "Learn from all and cut a test split", "given+validation": "Hold the validation folder out"}
ROWS_SHOWN = 8
ROW_PIXELS = 35


def look(context: Context, source: str) -> tuple[Choices, int | None]:
    """Show what an import of `source` would read with the choices made below it; those, and the pictures' usual side in px.

    Raises UserError where it would be refused.
    """
    choices = Choices(**{field: st.session_state[key] for field, key in KEYS.items() if key in st.session_state})
    status = os.stat(actions.locate(context, source))
    preview = look_once(str(context.workspace.root), source, choices, (status.st_mtime_ns, status.st_size))
    with st.container(key="import_look"):
        made = choose(preview.offers)
        if made != choices:  # of an earlier source, and not offered here
            preview = look_once(str(context.workspace.root), source, made, (status.st_mtime_ns, status.st_size))
        show(preview)
    return made, preview.side


def look_once(root: str, source: str, choices: Choices, stamp: tuple[int, int]) -> Preview:
    """actions.look_into, once for each state of the source, a refusal too. stamp: when it was changed, and its size."""
    preview = looked_into(root, source, choices, stamp)
    if not isinstance(preview, Preview):
        raise UserError(*preview)
    return preview


@st.cache_data(max_entries=16, ttl=60, show_spinner="Looking into it …")
def looked_into(root: str, source: str, choices: Choices, stamp: tuple[int, int]) -> Preview | tuple[str, str, str]:
    """The preview, or what it was refused with: what a cached function raises is not kept."""
    try:
        preview = actions.look_into(open_context(root), source, choices)
    except UserError as refused:
        return refused.code, refused.what, refused.todo
    assert preview is not None, "a ready set is not looked into"
    return preview


def choose(offers: dict[str, list[str]]) -> Choices:
    """Select boxes for what makes a difference; the rest stays as it is by default."""
    made = {}
    for column, (field, options) in zip(st.columns(max(1, len(offers))), offers.items(), strict=False):
        words = WORDS | (NO_TEST_FOLDER if field == "split" and "pool" not in options else {})
        made[field] = column.selectbox(LABELS[field], options, format_func=words.__getitem__, key=KEYS[field])
    return Choices(**made)


def show(preview: Preview) -> None:
    """The tree in a line, the classes in a table, and what is to be known of the rest."""
    tree = [", ".join(names) for names in preview.levels] + ["class"] * (not preview.flat)
    where = f" in {plain(' / '.join([*tree, 'picture']))}" if tree else ""
    st.markdown(f"**{plain(count(len(preview.classes), 'class', 'classes'))}**{where}")
    names, learnt, held_out = zip(*preview.classes, strict=True)
    table = {"class": names, "to learn from" if preview.test_given else "pictures": learnt}
    if preview.test_given:
        table["held out"] = held_out
    st.dataframe(
        table,
        hide_index=True,
        height=ROW_PIXELS * (min(len(names), ROWS_SHOWN) + 1) + 3,
        key="import_classes",
        alt="Pictures in each class",
    )
    if not preview.test_given:
        st.caption("The test split is cut from these, the same share of each class.")
    if preview.left_out:
        reasons = "; ".join(f"{reason} ({number:,})" for reason, number in preview.left_out)
        total = sum(number for _, number in preview.left_out)
        st.caption(plain(f"Left out before reading: {count(total, 'file')}: {reasons}."))
    for notice in preview.notices:
        st.caption(plain(notice))
