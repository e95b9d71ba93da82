"""The rules of the laboratory as widgets that stand in the link, and the presets that set them all at once."""

import streamlit as st

from gan_core.errors import UserError
from gan_core.learn.chapters import CHAPTERS, Chapter, Scene
from gan_core.learn.data import MOST_DRAWN, SHAPES
from gan_core.learn.losses import LOSSES
from gan_core.learn.settings import MOST_SEED, NOISES, OFFERED, Settings, build
from pages.learn.laboratory import draw_points
from pages.shared.text import sentence

PREFIX = "lab_"  # of every name in the link
CHAPTER, PLACE, DRAWING = "lab_chapter", "lab_at", "lab_drawing"


def text_of(value: object) -> str:
    """A rule as it stands in a link."""
    return str(int(value)) if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def read_link(chapter: Chapter | None) -> None:
    """What the link says into the widgets, once, before they are drawn. A link without rules gets the chapter's first game."""
    if PREFIX + "seed" in st.session_state:
        return
    if chapter and not any(PREFIX + name in st.query_params for name in OFFERED):
        put(chapter.scenes[0], st.query_params.get(PLACE))
        return
    for name, offered in OFFERED.items():
        told = st.query_params.get(PREFIX + name)
        usual = getattr(Settings(), name)
        st.session_state[PREFIX + name] = next((one for one in offered if text_of(one) == told), usual)


def write_link() -> None:
    """The rules into the link: those that differ from the usual ones, and the seed, so that a link with rules is known."""
    for name in OFFERED:
        value = st.session_state[PREFIX + name]
        if name == "seed" or value != getattr(Settings(), name):
            st.query_params[PREFIX + name] = text_of(value)
        else:
            st.query_params.pop(PREFIX + name, None)


def put(scene: Scene, at: str | None = None) -> None:
    """Set every rule, and go to where the scene begins, or to `at`. Only before the widgets are drawn, or in a callback."""
    for name in OFFERED:
        st.session_state[PREFIX + name] = getattr(scene.settings, name)
    changed()
    if at or scene.at:
        st.query_params[PLACE] = at or scene.at


def begin_chapter(name: str) -> None:
    """The first game of a chapter; free play keeps the rules as they are."""
    st.query_params[CHAPTER] = name
    st.query_params.pop(PLACE, None)
    if name in CHAPTERS:
        put(CHAPTERS[name].scenes[0])


def changed() -> None:
    """Other rules are another game: it begins at round 0."""
    write_link()
    st.query_params.pop(PLACE, None)


def chosen_now() -> Settings:
    """The rules as they stand in the widgets. Raises UserError."""
    values = {name: st.session_state[PREFIX + name] for name in OFFERED}
    drawing = st.query_params.get(DRAWING, "") if values["shape"] == "drawn" else ""
    return build(values | {"drawing": drawing})


def scenes(chapter: Chapter) -> None:
    """A button for each game of a chapter. After the widgets: only then a link's rules are known."""
    with st.container(horizontal=True, key="lab_scenes"):
        for number, scene in enumerate(chapter.scenes):
            same = all(st.session_state[PREFIX + name] == getattr(scene.settings, name) for name in OFFERED)
            st.button(
                scene.title,
                key=f"lab_scene_{number}",
                type="primary" if same else "secondary",
                icon=":material/check:" if same else None,
                on_click=put,
                args=(scene,),
            )


def rules(chapter: Chapter | None) -> Settings | None:
    """Draw the widgets; what they say, or None where that is no game yet."""
    with st.expander("Change the rules", icon=":material/tune:", expanded=chapter is None, key="lab_rules"):
        widgets()
        if st.session_state.lab_shape == "drawn":
            draw_points(st.query_params.get(DRAWING, ""), key="lab_canvas")
    try:
        return chosen_now()
    except UserError as refused:
        if st.session_state.lab_shape == "drawn":
            st.info(f"Draw 1 to {MOST_DRAWN} points above, then choose Use this drawing.", icon=":material/draw:")
        else:
            st.error(sentence(refused))
        return None


def widgets() -> None:
    one, two, three = st.columns(3)
    with one:
        names = {name: shape[0] for name, shape in SHAPES.items()}
        pick("Real points", "shape", names, "What the real points look like.")
        pick(
            "Noise for G",
            "noise",
            NOISES,
            "What G is fed: a place in a square, or on a line, which can only become a curve.",
        )
        luck = "Other first weights and other noise: was it luck?"
        st.number_input("Seed", 0, MOST_SEED, key=PREFIX + "seed", on_change=changed, help=luck)
    with two:
        titles = {name: loss.title for name, loss in LOSSES.items()}
        pick("Loss", "loss", titles, "What D and G try to make small.")
        rate = "How far one step goes. Too small: nothing moves. Too large: it overshoots."
        slide("Learning rate of D", "lr_d", rate)
        slide("Learning rate of G", "lr_g", rate)
    with three:
        slide("D steps in a turn", "d_steps", "How often D learns before G may move.")
        slide("Penalty on D's slope (R1 + R2)", "gamma", "Keeps D's surface from growing cliffs; 0 is none.")
        slide("Blur", "blur", "Noise on everything that D sees, real or not; 0 is none.")
    with st.container(horizontal=True):
        crowd = "D is also told how crowded its batch is around a point, so that a G with one answer is found out."
        st.toggle("D sees its batch", key=PREFIX + "crowd", on_change=changed, help=crowd)
        st.toggle(
            "Labels", key=PREFIX + "labels", on_change=changed, help="Both are told the class, A or B, of each point."
        )


def pick(label: str, name: str, titles: dict[str, str], help: str) -> None:
    st.selectbox(label, list(titles), format_func=titles.__getitem__, key=PREFIX + name, on_change=changed, help=help)


def slide(label: str, name: str, help: str) -> None:
    st.select_slider(label, OFFERED[name], format_func=text_of, key=PREFIX + name, on_change=changed, help=help)
