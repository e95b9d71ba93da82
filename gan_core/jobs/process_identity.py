"""Which process carries a job out, told without any wall clock: by boot, pid namespace, pid and start in clock ticks.

A pid alone is reused. The start time of a process in seconds moves with the clock of the computer; its ticks since the boot do not.
"""

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Identity(NamedTuple):
    """ticks: of the process's start since the boot (proc(5), field 22 of stat)."""

    boot: str
    namespace: str
    pid: int
    ticks: int


@cache
def boot() -> str:
    """The id of this boot of the kernel; '' on a system without /proc."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@cache
def namespace() -> str:
    """The pid namespace of this process, as containers have one of their own; '' on a system without /proc."""
    try:
        return os.readlink(PROC / "self/ns/pid")
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """When a process of this namespace started; None where it is gone or a zombie."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def mine() -> Identity | None:
    """Of this process; None on a system without /proc."""
    ticks = start_ticks(os.getpid())
    return None if ticks is None or not boot() else Identity(boot(), namespace(), os.getpid(), ticks)


def is_visible(who: Identity) -> bool:
    """Whether this process could see that one: it runs on the same kernel, in the same pid namespace."""
    return (who.boot, who.namespace) == (boot(), namespace())


def lives(who: Identity) -> bool:
    """Whether a visible process is there: neither gone, nor a zombie, nor another one with its pid."""
    return start_ticks(who.pid) == who.ticks


def seconds_since_start(who: Identity) -> float:
    """How long ago a visible process started, by the clock since the boot."""
    uptime = float((PROC / "uptime").read_text().split()[0])
    return uptime - who.ticks / os.sysconf("SC_CLK_TCK")
