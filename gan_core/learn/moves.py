"""The moves of a game, as text that fits into a link: 'r120d5g2' is 120 rounds, then 5 turns of D alone, then 2 of G alone.

A round is a turn of D and then one of G. Equal moves have one text: 'r1d1g1' becomes 'r2'.
"""

import re

from gan_core.errors import UserError

MOST_ROUNDS = 4000
MOST_PARTS = 40
PART = re.compile(r"([rdg])([0-9]{1,4})")
WHOLE = re.compile(rf"({PART.pattern}){{0,{MOST_PARTS}}}")

Moves = tuple[tuple[str, int], ...]


def parse(text: str) -> Moves:
    """The moves of a text, in their shortest form. Raises UserError bad_moves."""
    if not WHOLE.fullmatch(text):
        raise bad()
    moves: Moves = ()
    for letter, count in PART.findall(text):
        moves = add(moves, letter, int(count))
    if len(moves) > MOST_PARTS or turns(moves) > 2 * MOST_ROUNDS:
        raise bad()
    return moves


def bad() -> UserError:
    return UserError(
        "bad_moves",
        f"A game has at most {MOST_ROUNDS:,} rounds and changes between rounds and single turns at most {MOST_PARTS} times.",
        "Choose Reset to begin again.",
    )


def add(moves: Moves, letter: str, count: int) -> Moves:
    """The moves, followed by the letter `count` times, in their shortest form: a d before a g is a round."""
    if count == 0:
        return moves
    if not moves:
        return ((letter, count),)
    *rest, (last, before) = moves
    head: Moves = tuple(rest)
    if last == letter:
        return (*head, (letter, before + count))
    if last == "d" and letter == "g":
        return add(add(add(head, "d", before - 1), "r", 1), "g", count - 1)
    return (*moves, (letter, count))


def text(moves: Moves) -> str:
    return "".join(f"{letter}{count}" for letter, count in moves)


def turns(moves: Moves) -> int:
    """Turns of D and of G together."""
    return sum(count * (2 if letter == "r" else 1) for letter, count in moves)


def letters(moves: Moves) -> str:
    """Every turn in order: 'r2g1' -> 'dgdgg'."""
    return "".join(("dg" if letter == "r" else letter) * count for letter, count in moves)
