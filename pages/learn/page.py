"""Learn: a laboratory of points where D and G play, lessons that ask before they show, and the same lesson on images."""

import streamlit as st

from gan_core.errors import UserError
from gan_core.learn import moves
from gan_core.learn.chapters import CHAPTERS
from pages.learn.image_lesson import image_lesson
from pages.learn.laboratory import show_game
from pages.learn.laboratory_settings import CHAPTER, PLACE, begin_chapter, read_link, rules, scenes
from pages.learn.lesson import answer, look_for, predict
from pages.shared.context import get_context

IMAGES, FREE = "images", "free"
TITLES = {name: chapter.title for name, chapter in CHAPTERS.items()} | {IMAGES: "On images", FREE: "Free play"}


def place_in_link() -> str:
    """The moves in the link; none where somebody has spoilt them."""
    try:
        return moves.text(moves.parse(st.query_params.get(PLACE, "")))
    except UserError:
        return ""


@st.fragment
def laboratory(name: str) -> None:
    """A chapter, or free play: its rules, the game, and the answer. What the player says reruns only this."""
    chapter = CHAPTERS.get(name)
    read_link(chapter)
    if chapter:
        words, question = st.columns([1, 1], gap="medium")
        words.markdown(chapter.text)
        with question:
            predict(name, chapter)
    else:
        st.markdown("Every rule is yours. Change one at a time, say what you expect, and look.")
    stage = st.container()  # the game stands above its rules
    game = rules(chapter)
    with stage:
        if chapter:
            scenes(chapter)
        if game is None:
            return
        if chapter:
            look_for(chapter, game)
        show_game(game, place_in_link(), chapter.tell_at if chapter else 0, key="lab_game")
        if chapter:
            answer(name, chapter, place_in_link(), st.session_state[f"lab_guess_{name}"])


st.title("Learn how GANs work")
if CHAPTER not in st.session_state:
    told = st.query_params.get(CHAPTER)
    st.session_state[CHAPTER] = told if told in TITLES else next(iter(TITLES))
chosen = st.segmented_control(
    "Chapter",
    list(TITLES),
    required=True,
    format_func=lambda name: f"{list(TITLES).index(name) + 1}. {TITLES[name]}",
    key=CHAPTER,
    on_change=lambda: begin_chapter(st.session_state[CHAPTER]),
)
st.header(TITLES[chosen])
if chosen == IMAGES:
    image_lesson(get_context())
else:
    laboratory(chosen)
