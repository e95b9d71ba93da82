"""What is too old to start with, and what should be updated. Imports none of the packages that it looks at."""

import re
import sqlite3
import sys
from typing import NamedTuple

from gan_core.errors import UserError
from gan_core.system.info import version

PYTHON = (3, 11)
SQLITE = (
    3,
    38,
)  # JSON functions are a part of it since then. Faults of its write-ahead log do not matter: the index has none
# The lowest versions of requirements.txt for what reads files of strangers, answers their requests, or is what Ganvas is built on.
PACKAGES = {"torch": (2, 11), "pillow": (12, 2), "streamlit": (1, 67), "starlette": (1, 1)}
# The first release of each series of Python without CVE-2025-8291. Ganvas reads the directory of a zip itself, so this is advice.
REPAIRED = {(3, 11): (3, 11, 14), (3, 12): (3, 12, 12), (3, 13): (3, 13, 8)}


class Found(NamedTuple):
    """The versions on this computer. packages: None where one is not installed."""

    python: tuple[int, ...]
    sqlite: tuple[int, ...]
    packages: dict[str, str | None]


def found() -> Found:
    return Found(sys.version_info[:3], sqlite3.sqlite_version_info, {name: version(name) for name in PACKAGES})


def check(here: Found | None = None) -> list[str]:
    """Sentences about what should be updated. Raises UserError too_old where Ganvas does not start with what is there."""
    here = here or found()
    for name, has, floor in (("Python", here.python, PYTHON), ("SQLite", here.sqlite, SQLITE)):
        if has < floor:
            raise UserError(
                "too_old",
                f"{name} {dotted(has)} is too old: Ganvas needs {dotted(floor)} or newer.",
                "Install Ganvas with a newer Python, as in make run PYTHON=python3.12.",
            )
    for name, floor in PACKAGES.items():
        text = here.packages[name]
        if text is None or numbers(text) < floor:
            raise UserError(
                "too_old",
                f"{name} {'is not installed' if text is None else text + ' is too old'}: Ganvas needs {dotted(floor)} or newer.",
                f"Call {sys.executable} -m pip install '{name}>={dotted(floor)}', or install Ganvas again.",
            )
    major, minor, *_ = here.python
    repaired = REPAIRED.get((major, minor))
    if repaired and here.python < repaired:
        return [
            f"Python {dotted(here.python)} has known security faults, which {dotted(repaired)} repairs. "
            "Your system may have repaired them too; otherwise update Python."
        ]
    return []


def numbers(text: str) -> tuple[int, ...]:
    """'2.14.1+cpu' -> (2, 14, 1). What follows a plain release does not count."""
    release = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, release[0].split("."))) if release else ()


def dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
