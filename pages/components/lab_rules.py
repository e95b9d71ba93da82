"""The rules of the laboratory as widgets that stand in the link, and the presets that set them all at once."""

from dataclasses import asdict

import streamlit as st

from gan_core.errors import UserError
from gan_core.plane.chapters import CHAPTERS, Chapter, Scene
from gan_core.plane.data import MOST_DRAWN, SHAPES
from gan_core.plane.losses import LOSSES
from gan_core.plane.settings import BLURS, GAMMAS, MOST_D_STEPS, MOST_SEED, NOISES, OFFERED, RATES, Settings, build
from pages.components.plane import draw_points
from pages.components.text import sentence

PREFIX = "lab_"  # of every name in the link
PLACE, DRAWING = "lab_at", "lab_drawing"


def put(scene: Scene) -> None:
    """Set every rule, and go to where the scene begins. Only before the widgets are drawn, or in a callback."""
    for name in OFFERED:
        st.session_state[PREFIX + name] = getattr(scene.settings, name)
    forget_place()
    if scene.at:
        st.query_params[PLACE] = scene.at


def begin_chapter(name: str) -> None:
    """The first game of a chapter; free play keeps the rules as they are."""
    forget_place()
    if name in CHAPTERS:
        put(CHAPTERS[name].scenes[0])


def forget_place() -> None:
    """Other rules are another game: it begins at round 0."""
    st.query_params.pop(PLACE, None)


def chosen_now() -> Settings:
    """The rules as they stand in the widgets. Raises UserError."""
    values = {name: st.session_state[PREFIX + name] for name in OFFERED}
    drawing = st.query_params.get(DRAWING, "") if values["shape"] == "drawn" else ""
    return build(values | {"drawing": drawing})


def begin_where_new(chapter: Chapter) -> None:
    """A link that names the chapter alone gets its first game."""
    if not any(PREFIX + name in st.session_state or PREFIX + name in st.query_params for name in OFFERED):
        put(chapter.scenes[0])


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
    common = {"bind": "query-params", "on_change": forget_place}
    usual = asdict(Settings())
    one, two, three = st.columns(3)
    with one:
        names = {name: shape[0] for name, shape in SHAPES.items()}
        pick("Real points", "shape", names, "What the real points look like.")
        pick(
            "Noise for G",
            "noise",
            NOISES,
            "What G is fed: a place in a square, or on a line, from which only a curve can come.",
        )
        st.number_input(
            "Seed",
            0,
            MOST_SEED,
            usual["seed"],
            key="lab_seed",
            help="Other first weights and other noise: is it luck?",
            **common,
        )
    with two:
        titles = {name: loss.title for name, loss in LOSSES.items()}
        pick("Loss", "loss", titles, "What D and G try to make small.")
        rate = "How far one step goes. Too small: nothing moves. Too large: it overshoots."
        slide("Learning rate of D", "lr_d", RATES, rate)
        slide("Learning rate of G", "lr_g", RATES, rate)
    with three:
        slide(
            "D steps in a turn", "d_steps", tuple(range(1, MOST_D_STEPS + 1)), "How often D learns before G may move."
        )
        slide("Penalty on D's slope (R1 + R2)", "gamma", GAMMAS, "Keeps D's surface from growing cliffs; 0 is none.")
        slide("Blur", "blur", BLURS, "Noise on everything that D sees, real or not; 0 is none.")
    with st.container(horizontal=True):
        st.toggle(
            "D sees its batch",
            usual["crowd"],
            key="lab_crowd",
            help="D is also told how crowded its batch is around a point, so that a G with one answer is found out.",
            **common,
        )
        st.toggle(
            "Labels",
            usual["labels"],
            key="lab_labels",
            help="Both are told the class, A or B, of each point.",
            **common,
        )


def pick(label: str, name: str, titles: dict[str, str], help: str) -> None:
    st.selectbox(
        label,
        list(titles),
        index=list(titles).index(getattr(Settings(), name)),
        format_func=titles.__getitem__,
        key=PREFIX + name,
        bind="query-params",
        on_change=forget_place,
        help=help,
    )


def slide(label: str, name: str, options: tuple, help: str) -> None:
    st.select_slider(
        label,
        options,
        getattr(Settings(), name),
        format_func=lambda value: f"{value:g}",
        key=PREFIX + name,
        bind="query-params",
        on_change=forget_place,
        help=help,
    )
