"""Predict, then see: the question of a chapter, and its answer once the game has been played."""

import streamlit as st

from gan_core.learn import moves
from gan_core.learn.chapters import Chapter
from gan_core.learn.settings import Settings


def predict(name: str, chapter: Chapter) -> None:
    """The question; a guess is the pupil's own and no part of the link."""
    with st.container(border=True, key="lab_predict"):
        st.radio(
            f"**Predict first:** {chapter.question}",
            range(len(chapter.answers)),
            index=None,
            format_func=chapter.answers.__getitem__,
            key=f"lab_guess_{name}",
            persist_state="session",
        )


def look_for(chapter: Chapter, game: Settings) -> None:
    """What to watch in the game that is shown, where it is one of the chapter's."""
    scene = next((scene for scene in chapter.scenes if scene.settings == game), None)
    st.markdown(f"**Look:** {scene.look}" if scene else "**Look:** these are rules of your own.")


def answer(name: str, chapter: Chapter, place: str, guess: int | None) -> None:
    """The reason, once the game has gone far enough for it to be seen."""
    st.subheader("What happened, and why")
    if rounds(place) < chapter.tell_at:
        st.caption(f"The answer shows here when the game has reached round {chapter.tell_at:,}: press Play.")
        return
    if guess is None:
        st.info(f"The answer: {chapter.answers[chapter.right]}", icon=":material/lightbulb:")
    elif guess == chapter.right:
        st.success(f"As you predicted: {chapter.answers[chapter.right]}", icon=":material/check_circle:")
    else:
        st.info(
            f"You predicted: {chapter.answers[guess]} What happens: {chapter.answers[chapter.right]}",
            icon=":material/lightbulb:",
        )
    st.markdown(chapter.reason)


def rounds(place: str) -> int:
    return sum(count for letter, count in moves.parse(place) if letter == "r")
