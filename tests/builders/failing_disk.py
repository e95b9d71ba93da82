"""A disk that fails: the calls by which Python changes files below a folder raise the error of the system, as a rule says."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Rule = Callable[["Operation"], int | None]


class Operation(NamedTuple):
    """number: how many came before it. name: open, write, fsync, rename, unlink or mkdir. path: what it changes."""

    number: int
    name: str
    path: str


class FailingDisk:
    """rule(operation) -> the errno that it fails with, or None. Only what changes files below `root` counts."""

    def __init__(self, root: Path, monkeypatch, rule: Rule = lambda operation: None) -> None:
        self.root, self.rule = str(root), rule
        self.done: list[Operation] = []
        opened = builtins.open

        def opening(file, mode="r", *args, **kwargs):
            changes = isinstance(file, str | os.PathLike) and set("wxa+") & set(mode)
            if changes:
                self.check("open", os.fspath(file))
            made = opened(file, mode, *args, **kwargs)
            return Written(made, self) if changes and self.inside(os.fspath(file)) else made

        monkeypatch.setattr(builtins, "open", opening)
        monkeypatch.setattr(io, "open", opening)  # pathlib's
        original = os.fsync
        monkeypatch.setattr(os, "fsync", lambda fd: (self.check("fsync", self.name_of(fd)), original(fd))[1])
        for name, target in (("replace", 1), ("rename", 1), ("unlink", 0), ("mkdir", 0)):
            monkeypatch.setattr(os, name, self.checked(name, target, getattr(os, name)))

    def checked(self, name, target, function):
        def call(*args, **kwargs):
            self.check("rename" if name == "replace" else name, os.fspath(args[target]))
            return function(*args, **kwargs)

        return call

    def inside(self, path: str) -> bool:
        return os.path.abspath(path).startswith(self.root)

    @staticmethod
    def name_of(fd) -> str:
        return os.readlink(f"/proc/self/fd/{fd if isinstance(fd, int) else fd.fileno()}")

    def check(self, name: str, path: str) -> None:
        if not self.inside(path):
            return
        operation = Operation(len(self.done), name, os.path.abspath(path))
        self.done.append(operation)
        if number := self.rule(operation):
            raise OSError(number, os.strerror(number), path)

    def fill(self) -> None:
        """Every write fails from now on, until empty()."""
        self.rule = lambda operation: None if operation.name == "unlink" else errno.ENOSPC

    def empty(self) -> None:
        self.rule = lambda operation: None


class Written:
    """A file that is written to."""

    def __init__(self, file, disk: FailingDisk) -> None:
        self.file, self.disk = file, disk

    def write(self, content):
        self.disk.check("write", self.file.name)
        return self.file.write(content)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __iter__(self):
        return iter(self.file)

    def __enter__(self):
        self.file.__enter__()
        return self

    def __exit__(self, *error):
        return self.file.__exit__(*error)
