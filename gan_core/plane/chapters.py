"""The lessons of the Learn page: a question before, a game to watch, and the reason after.

Every claim here was looked at over several seeds; the table is in docs/teaching.md, and benchmarks/lesson.py makes it again.
"""

from typing import NamedTuple

from gan_core.plane.settings import Settings


class Scene(NamedTuple):
    """One game of a chapter. look: what to watch for."""

    title: str
    settings: Settings
    look: str


class Chapter(NamedTuple):
    """right: number of the true answer. tell_at: the answer shows after so many rounds."""

    title: str
    text: str
    question: str
    answers: tuple[str, str, str]
    right: int
    reason: str
    tell_at: int
    scenes: tuple[Scene, ...]


PLAIN = Settings()
COLLAPSE = Settings(lr_d=0.001, lr_g=0.03)

CHAPTERS = {
    "gan": Chapter(
        "What a GAN is",
        "Two small networks play a game. **G** (the generator) is fed random numbers and turns each into a point of the plane. "
        "**D** (the discriminator) looks at a point and says how likely it is to be real. G never sees a real point: all that it "
        "learns, it learns from D. The blue circles are real, the orange diamonds are G's.",
        "G has never seen a real point. Where will its points be after 500 rounds?",
        (
            "Where they began: it has nothing to learn from.",
            "On the blue blobs, more or less.",
            "Spread evenly over the whole square.",
        ),
        1,
        "D learns to tell blue from orange, and its surface slopes up towards the real points. G follows that slope: the arrows. "
        "So D is G's only teacher, and that is enough to find the blobs.",
        400,
        (
            Scene("Play the game", PLAIN, "Watch the orange points move out to the blue ones."),
            Scene(
                "On a spiral",
                Settings(shape="spiral"),
                "A curve instead of blobs. Turn on Grid of noise to see how G bends.",
            ),
        ),
    ),
    "fight": Chapter(
        "Why D and G fight",
        "Take turns by hand. **Step D** lets only D learn: its surface turns blue around real points and orange around G's. "
        "**Step G** lets only G learn: it moves its points along the arrows. Set the speed to Slow motion and press Play to see "
        "the turns one by one.",
        "Both learn well. What will the losses do in the long run?",
        (
            "Both fall to nought.",
            "D's falls, G's rises for ever.",
            "Both stay up and push against each other.",
        ),
        2,
        "What one wins, the other loses: when G improves, D's task gets harder, and D's loss goes up again. A loss that does not "
        "fall is no sign of failure in a GAN; look at the points and at the distance instead. When D is at a loss, its answer is "
        "about 50 % for both.",
        400,
        (
            Scene("Take turns", PLAIN, "Press Step D ten times and then Step G ten times. Then press Play."),
            Scene("D learns five times a turn", Settings(d_steps=5), "A better-informed D: watch the arrows."),
        ),
    ),
}
