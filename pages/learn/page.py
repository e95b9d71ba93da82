"""Learn: chapters that ask a question, show a game between D and G in the plane, and then answer; and a lesson on images."""

import streamlit as st

from gan_core.errors import UserError
from gan_core.learn import moves
from gan_core.learn.chapters import CHAPTERS, Chapter
from gan_core.learn.settings import Settings
from pages.learn.class_link import show_class_link
from pages.learn.game_settings import CHAPTER, POSITION, example_buttons, open_chapter, read_link, settings_form
from pages.learn.image_lesson import show_lesson
from pages.learn.laboratory import show_game
from pages.shared.context import get_context

IMAGES, FREE = "images", "free"
TITLES = {name: chapter.title for name, chapter in CHAPTERS.items()} | {IMAGES: "On images", FREE: "Free play"}


@st.fragment
def laboratory(name: str) -> None:
    """A chapter, or free play: the question, the game above its settings, the answer. Only this runs again as the game goes on."""
    chapter = CHAPTERS.get(name)
    read_link(chapter)
    if chapter:
        text, question = st.columns(2, gap="medium")
        text.markdown(chapter.text)
        with question:
            ask(name, chapter)
    else:
        st.markdown("Change one setting at a time, predict what will happen, then press Play.")
    above = st.container()
    settings = settings_form(chapter)
    with above:
        if chapter:
            example_buttons(chapter)
        if settings is None:
            return
        if chapter:
            what_to_watch(chapter, settings)
        show_game(settings, position_in_link(), chapter.answer_at if chapter else 0, key="lab_game")
        if chapter:
            answer(chapter, position_in_link(), st.session_state[f"lab_guess_{name}"])


def position_in_link() -> str:
    """The moves in the link; none where they are not valid."""
    try:
        return moves.text(moves.parse(st.query_params.get(POSITION, "")))
    except UserError:
        return ""


def ask(name: str, chapter: Chapter) -> None:
    """The question. The guess is kept in this tab and is no part of the link."""
    with st.container(border=True, key="lab_question"):
        st.radio(
            f"**Predict first:** {chapter.question}",
            range(len(chapter.answers)),
            index=None,
            format_func=chapter.answers.__getitem__,
            key=f"lab_guess_{name}",
            persist_state="session",
        )


def what_to_watch(chapter: Chapter, settings: Settings) -> None:
    example = next((example for example in chapter.examples if example.settings == settings), None)
    st.markdown(f"**Watch:** {example.watch}" if example else "**Watch:** these are your own settings.")


def answer(chapter: Chapter, position: str, guess: int | None) -> None:
    """The answer and its reason, once the game has gone far enough to show it."""
    st.subheader("What happened, and why")
    if sum(count for letter, count in moves.parse(position) if letter == "r") < chapter.answer_at:
        st.caption(f"The answer appears when the game has reached round {chapter.answer_at:,}. Press Play.")
        return
    right = chapter.answers[chapter.right]
    if guess == chapter.right:
        st.success(f"As you predicted: {right}", icon=":material/check_circle:")
    else:
        predicted = f"You predicted: {chapter.answers[guess]} " if guess is not None else ""
        st.info(f"{predicted}What happens: {right}", icon=":material/lightbulb:")
    st.markdown(chapter.reason)


st.title("Learn how GANs work")
show_class_link()
if CHAPTER not in st.session_state:
    in_link = st.query_params.get(CHAPTER)
    st.session_state[CHAPTER] = in_link if in_link in TITLES else next(iter(TITLES))
chosen = st.segmented_control(
    "Chapter",
    list(TITLES),
    required=True,
    format_func=lambda name: f"{list(TITLES).index(name) + 1}. {TITLES[name]}",
    key=CHAPTER,
    on_change=lambda: open_chapter(st.session_state[CHAPTER]),
) or next(iter(TITLES))
st.header(TITLES[chosen])
if chosen == IMAGES:
    show_lesson(get_context())
else:
    laboratory(chosen)
