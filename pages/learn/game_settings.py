"""The settings of a game as widgets, each also in the link, and the buttons that set all of them to an example of a chapter."""

import streamlit as st

from gan_core.errors import UserError
from gan_core.learn.chapters import CHAPTERS, Chapter, Example
from gan_core.learn.data import MOST_DRAWN, SHAPES
from gan_core.learn.losses import LOSSES
from gan_core.learn.settings import MOST_SEED, NOISES, OFFERED, Settings, build
from pages.learn.laboratory import draw_points
from pages.shared.text import sentence

PREFIX = "lab_"  # of every name in the link
CHAPTER, POSITION, DRAWING = "lab_chapter", "lab_at", "lab_drawing"


def link_text(value: object) -> str:
    """A setting as it stands in a link."""
    return str(int(value)) if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def read_link(chapter: Chapter | None) -> None:
    """Set the widgets from the link, once, before they are drawn. A link without settings opens the chapter's first example."""
    if PREFIX + "seed" in st.session_state:
        return
    if chapter and not any(PREFIX + name in st.query_params for name in OFFERED):
        open_example(chapter.examples[0], st.query_params.get(POSITION))
        return
    for name, offered in OFFERED.items():
        in_link = st.query_params.get(PREFIX + name)
        default = getattr(Settings(), name)
        st.session_state[PREFIX + name] = next((value for value in offered if link_text(value) == in_link), default)


def write_link() -> None:
    """Put the settings that differ from their defaults into the link, and the seed always: a link with a seed has settings."""
    for name in OFFERED:
        value = st.session_state[PREFIX + name]
        if name == "seed" or value != getattr(Settings(), name):
            st.query_params[PREFIX + name] = link_text(value)
        else:
            st.query_params.pop(PREFIX + name, None)


def restart() -> None:
    """Changed settings are another game: it begins at round 0."""
    write_link()
    st.query_params.pop(POSITION, None)


def open_example(example: Example, position: str | None = None) -> None:
    """Set every setting, and go to where the example begins, or to `position`. Before the widgets are drawn, or in a callback."""
    for name in OFFERED:
        st.session_state[PREFIX + name] = getattr(example.settings, name)
    restart()
    if position or example.at:
        st.query_params[POSITION] = position or example.at


def open_chapter(name: str) -> None:
    """Open the first example of a chapter; free play keeps the settings as they are."""
    st.query_params[CHAPTER] = name
    st.query_params.pop(POSITION, None)
    if name in CHAPTERS:
        open_example(CHAPTERS[name].examples[0])


def example_buttons(chapter: Chapter) -> None:
    """A button for each example of a chapter. After the widgets: only then are the settings of a link known."""
    with st.container(horizontal=True, key="lab_examples"):
        for number, example in enumerate(chapter.examples):
            chosen = all(st.session_state[PREFIX + name] == getattr(example.settings, name) for name in OFFERED)
            st.button(
                example.title,
                key=f"lab_example_{number}",
                type="primary" if chosen else "secondary",
                icon=":material/check:" if chosen else None,
                on_click=open_example,
                args=(example,),
            )


def settings_form(chapter: Chapter | None) -> Settings | None:
    """Draw the widgets; their settings, or None while they make no game."""
    drawn = st.session_state.lab_shape == "drawn"
    drawing = st.query_params.get(DRAWING, "") if drawn else ""
    with st.expander("Change the settings", icon=":material/tune:", expanded=chapter is None, key="lab_settings"):
        widgets()
        if drawn:
            draw_points(drawing, key="lab_canvas")
    try:
        return build({name: st.session_state[PREFIX + name] for name in OFFERED} | {"drawing": drawing})
    except UserError as refused:
        if drawn:
            st.info(f"Draw 1 to {MOST_DRAWN} points above, then choose Use this drawing.", icon=":material/draw:")
        else:
            st.error(sentence(refused))
        return None


def widgets() -> None:
    data, optimization, regularization = st.columns(3)
    with data:
        shapes = {name: shape.title for name, shape in SHAPES.items()}
        select("Real points", "shape", shapes, "The distribution of the real points.")
        noise = "The input of G: points in a square, or on a line; from a line G can only draw a curve."
        select("Noise", "noise", NOISES, noise)
        seed = "Other initial weights and other noise. Use it to see whether a result was luck."
        st.number_input("Seed", 0, MOST_SEED, key=PREFIX + "seed", on_change=restart, help=seed)
    with optimization:
        titles = {name: loss.title for name, loss in LOSSES.items()}
        select("Loss", "loss", titles, "The loss that D and G minimize.")
        rate = "The size of one optimizer step. Too small: nothing moves. Too large: it overshoots."
        choose("Learning rate of D", "lr_d", rate)
        choose("Learning rate of G", "lr_g", rate)
    with regularization:
        choose("D steps per G step", "d_steps", "How many times D is updated before each update of G.")
        choose(
            "Gradient penalty (R1 + R2)", "gamma", "Weight of the penalty on D's gradient at real and generated points."
        )
        choose("Instance noise", "blur", "Standard deviation of the noise added to every point that D sees.")
    with st.container(horizontal=True):
        batch = "D also sees how close together the points of its batch are, so it notices when G repeats one point."
        st.toggle("D sees its batch", key=PREFIX + "crowd", on_change=restart, help=batch)
        labels = "Both networks see the class of each point, A or B."
        st.toggle("Labels", key=PREFIX + "labels", on_change=restart, help=labels)


def select(label: str, name: str, titles: dict[str, str], help: str) -> None:
    st.selectbox(label, list(titles), format_func=titles.__getitem__, key=PREFIX + name, on_change=restart, help=help)


def choose(label: str, name: str, help: str) -> None:
    st.select_slider(label, OFFERED[name], format_func=link_text, key=PREFIX + name, on_change=restart, help=help)
