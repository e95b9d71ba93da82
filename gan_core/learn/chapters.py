"""The lessons of the Learn page: a question before, a game to watch, and the reason after.

Every claim here was looked at over several seeds; the table is in docs/teaching.md, and benchmarks/lesson.py makes it again.
"""

from dataclasses import replace
from typing import NamedTuple

from gan_core.learn.settings import Settings


class Scene(NamedTuple):
    """One game of a chapter. look: what to watch for."""

    title: str
    settings: Settings
    look: str
    at: str = ""  # the moves that it begins after


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
COLLAPSE = Settings(lr_d=0.001, lr_g=0.01)
AHEAD = Settings(lr_d=0.01, loss="minimax")

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
            Scene("On a ring", PLAIN, "Watch the orange points move out to the blue ones."),
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
    "collapse": Chapter(
        "Mode collapse",
        "G is paid for points that D takes for real, and for nothing else. Nobody pays it for **all** kinds of real points. Here G "
        "learns ten times as fast as D. The number to watch is **Blobs found**: a blob counts when it has a fifth of its fair "
        "share of G's points.",
        "G learns ten times as fast as D. How many of the 8 blobs will it show after 600 rounds?",
        ("All 8, and sooner.", "One to three, and it jumps between them.", "None: nothing moves."),
        1,
        "G runs to whichever blob D trusts most, with all its points. By the time D has learnt to distrust that blob, G is on its "
        "way to the next. That is mode collapse; left alone, this G finds most blobs only after a thousand rounds. The three "
        "cures do the same thing in three ways: they let D keep up, so that no blob stays the best one for long. On images other "
        "cures matter more (a relativistic loss with a penalty on D's slope); in this plane that alone helps only a little. Try it "
        "under Change the rules.",
        300,
        (
            Scene("Collapse", COLLAPSE, "All points run to one place, then to another. Turn on Grid of noise."),
            Scene(
                "Cure 1: D learns five steps a turn",
                replace(COLLAPSE, d_steps=5),
                "The points spread out along the ring; each round takes longer to compute.",
            ),
            Scene("Cure 2: D as fast as G", replace(COLLAPSE, lr_d=0.01), "The same ring, at no price at all."),
            Scene(
                "Cure 3: both at half of G's speed",
                replace(COLLAPSE, lr_d=0.005, lr_g=0.005),
                "Steadier: watch how few points are left between the blobs.",
            ),
        ),
    ),
    "too-good": Chapter(
        "D too good",
        "A good teacher is not one that is always right. Here D has learnt for 400 turns while G waited, and tells real from "
        "generated without a mistake. The loss is the one of the very first paper, minimax.",
        "D is never wrong now. How long are G's arrows?",
        ("Very long: D knows exactly where G should go.", "As before.", "Too short to see: G is told nothing."),
        2,
        "With the minimax loss, what G can learn from a point fades as D gets sure that it is generated: where D says 0 %, the "
        "surface under G's points is flat and black arrows vanish. The classic loss turns the question round, and its arrows stay "
        "long however sure D is; that is why it is called non-saturating. Long arrows alone do not save the game: a D so far ahead "
        "still drives G about. So both should learn side by side, or D be held by a penalty.",
        10,
        (
            Scene("Minimax, D 400 turns ahead", AHEAD, "Where have the arrows gone? Then press Play.", "d400"),
            Scene(
                "Classic loss, D 400 turns ahead",
                replace(AHEAD, loss="nonsaturating"),
                "The same D, the same points: now compare the arrows.",
                "d400",
            ),
            Scene(
                "No brakes at all: it explodes",
                Settings(loss="wasserstein", lr_d=0.1, lr_g=0.1),
                "A loss without an end and large steps: watch the losses, and wait for it.",
            ),
        ),
    ),
    "labels": Chapter(
        "Asking for a class",
        "Now every blob has a class: A and B take turns around the ring. Both networks are told the class of each point: G is "
        "asked for an A or a B, and D judges whether the point is a real A, or a real B. Circles and diamonds are A, squares and "
        "crosses are B. Choose Class A only under the plane to see D's surface for A.",
        "G is asked for an A. Where will its points go, after 600 rounds?",
        ("To any blob: D only looks whether a point is real.", "To the blobs of A.", "Between A and B."),
        1,
        "D is told the class as well, so a B where an A was asked for looks generated to D. G learns to listen. That is how a "
        "conditional GAN draws the class that is asked for, and how this program makes more images of a rare class. The number "
        "**Right class** says how often it does.",
        400,
        (
            Scene("Both are told", Settings(labels=True), "Watch Right class; it starts at one half, by luck."),
            Scene("Nobody is told", PLAIN, "The same ring without labels: there is no way to ask for an A."),
        ),
    ),
}
