"""The scores of an evaluation, each with its interval, its floor and its meaning."""

import streamlit as st

from gan_core.evaluation.names_and_thresholds import DISTANCES, MANIFOLD, SPLITS, part_name
from gan_core.evaluation.results import EvaluationResult, Score
from gan_core.text import count, interval, number
from pages.shared.text import plain

LEAST_COLUMNS = 4


def show_scores(result: EvaluationResult) -> None:
    """A card for each score, then the conditions, the missing parts and the caveats."""
    scores = result.scores
    if scores and all(score.value is None for score in scores):
        st.warning(plain(f"No scores: {scores[0].absent}"), icon=":material/warning:")
        st.caption(plain(conditions(result)))
        return
    distances = [score for score in scores if score.key not in MANIFOLD]
    manifold = [score for score in scores if score.key in MANIFOLD]
    for group, least in ((distances, 1), (manifold, LEAST_COLUMNS)):
        if group:
            for column, score in zip(st.columns(max(len(group), least)), group, strict=False):
                with column, st.container(border=True, height="stretch", key=f"score_{score.key}"):
                    show_score(score, result)
    st.caption(plain(conditions(result)))
    for key, reason in result.absent.items():
        if key not in result.score_keys:
            st.caption(plain(f"Not available: {part_name(key, result.labels)}. {reason}"))
    if result.caveats:
        st.subheader("Limitations")
        st.markdown("\n".join(f"- {plain(caveat)}" for caveat in result.caveats))


def show_score(score: Score, result: EvaluationResult) -> None:
    """One card."""
    st.metric(plain(score.name), number(score.value))
    if score.absent:
        st.caption(plain(score.absent))
    if score.ci:
        st.caption(f"95 % interval {interval(score.ci)}")
    if score.spread is not None:
        st.caption(f"± {number(score.spread)} over splits")
    if score.floor is not None:
        held_out = f", held-out {number(score.held_out_floor)}" if score.held_out_floor is not None else ""
        st.caption(f"Real against real: {number(score.floor)} ({count(result.floor.n, 'image')} each){held_out}")
    if score.key in DISTANCES and result.times_floor is not None:
        st.caption(
            f"**{number(result.times_floor)} times the floor**; 1 is as close as real images are to real images."
        )
    st.caption(f"{score.meaning} {result.n_real or 0:,} real, {result.n_fake or 0:,} generated.")


def conditions(result: EvaluationResult) -> str:
    """Numbers of images, split, extractor, weights, checkpoint, averaging and seed in one line."""
    draws = f" in each of {count(result.draws, 'independent draw')}" if result.draws else ""
    weights = f", weights {result.weights[:12]}" if result.weights else ""
    resize = f", resize {result.resize}" if result.resize else ""
    truncation = f", truncation {result.truncation:g}" if result.truncation is not None else ""
    return (
        f"{result.n_real or 0:,} real against {count(result.n_fake or 0, 'generated image')}{draws} "
        f"({SPLITS.get(result.against, 'images')}). "
        f"Features: {result.extractor_title}{weights}{resize}. "
        f"Generator after {count(result.images_seen or 0, 'image')} seen"
        f"{', averaged weights (EMA)' if result.ema else ', weights not averaged'}{truncation}. "
        f"Seed {result.seed}."
    )
