"""Cleanup: find and remove what takes disk space and is not needed. Nothing that a live job names is removed."""

import contextlib
import functools
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gan_core.errors import UserError
from gan_core.storage import checkpoints, full_disk
from gan_core.storage.disk import Sizes
from gan_core.storage.store import LIVE, Store
from gan_core.storage.workspace import ID, STAGING_SECONDS, Workspace, is_locked, new_id, read_json
from gan_core.text import no_such

EXPORT_DAYS = 30
DELETED_NOTE = "deleted.json"  # in a folder of the trash: its name and when it was deleted
SEARCHES = "improve"  # in the folder of a dataset: what searches that have not ended have done so far
RESTING_SECONDS = 3600  # anything newer in staging may belong to a job that is about to start
# Only the Frechet distance on Inception features is called FID.
DISTANCE = "coalesce(json_extract(result, '$.fid'), json_extract(result, '$.frechet_distance'))"
ANY_ID = re.compile(r"[a-z][0-9a-f]{16}")


class Piece(NamedTuple):
    """Files and folders that are removed together. owner: the id of their run, export or upload, or ''."""

    owner: str
    paths: tuple[Path, ...]
    bytes: int


class Freed(NamedTuple):
    """What a cleanup removed or would remove. why_not: why it removed nothing, or not everything; else ''."""

    pieces: int
    bytes: int
    why_not: str = ""


# -- what can be removed -----------------------------------------------------------------------------------------------------


def old_checkpoints(store: Store, workspace: Workspace, days: float) -> Iterator[Piece]:
    """All checkpoints of finished and stopped runs, except for the newest, the marked best one and those with the best scores;
    damaged ones too."""
    ended = store.query(
        "SELECT subject FROM jobs WHERE seq IN (SELECT max(seq) FROM jobs WHERE kind = 'train' GROUP BY subject) "
        "AND state IN ('finished', 'stopped')"
    )
    best = best_checkpoints(store)
    for run in sorted(row["subject"] for row in ended):
        folder = workspace.run(run) / "checkpoints"
        manifests = checkpoints.manifests(folder)
        if not manifests or not whole(manifests[0]):  # then a resume needs an older checkpoint
            continue
        kept = {checkpoints.drawn_from(folder, None), *best.get(run, ())}
        for path in manifests[1:]:
            if checkpoints.images_seen(path) not in kept:
                pair = (path, checkpoints.values_of(path))  # the manifest goes first: without it there is no checkpoint
                yield Piece(run, pair, sum(map(file_bytes, pair)))
        if (folder / "bad").is_dir():
            yield Piece(run, (folder / "bad",), Sizes().of(folder / "bad"))


def best_checkpoints(store: Store) -> dict[str, set[int]]:
    """{run: images seen of its checkpoints with the lowest Frechet distance, one for each feature network}."""
    last = store.query("SELECT count(*), max(finished_at) FROM jobs WHERE state = 'finished' AND kind = 'evaluate'")[0]
    return read_best(store, *last)


@functools.lru_cache(maxsize=2)  # parsing the results is slow, and finished results never change
def read_best(store: Store, count: int, last: float | None) -> dict[str, set[int]]:
    rows = store.query(
        "SELECT subject, json_extract(result, '$.images_seen') AS seen, json_extract(result, '$.extractor') AS network, "
        f"min({DISTANCE}) FROM jobs WHERE kind = 'evaluate' AND state = 'finished' AND {DISTANCE} IS NOT NULL "
        "GROUP BY subject, network"
    )
    best: dict[str, set[int]] = {}
    for row in rows:
        best.setdefault(row["subject"], set()).add(row["seen"])
    return best


def whole(manifest: Path) -> bool:
    """Whether the values of a checkpoint exist, with the size that the manifest states."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return checkpoints.values_of(manifest).stat().st_size == read_json(manifest)["bytes"]
    return False


def old_exports(store: Store, workspace: Workspace, days: float) -> Iterator[Piece]:
    """Exports that are at least `days` old."""
    for folder in sorted((workspace.root / "exports").iterdir()):
        with contextlib.suppress(OSError):
            if ID.match(folder.name) and time.time() - folder.stat().st_mtime >= days * 86400:
                yield Piece(folder.name, (folder,), Sizes().of(folder))


def feature_cache(store: Store, workspace: Workspace, days: float) -> Iterator[Piece]:
    """Cached features, which the next evaluation computes again. Downloads stay: they would need the network again."""
    folder = workspace.root / "cache" / "features"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in sorted(
        files, key=lambda path: path.suffix != ".json"
    ):  # the JSON goes first: without it there is no entry
        yield Piece("", (path,), file_bytes(path))


def leftovers(store: Store, workspace: Workspace, days: float) -> Iterator[Piece]:
    """What no live process writes to and has not changed for an hour (uploads: for a day): folders of staging, and half-written
    files of workspace.atomic_write."""
    for path in sorted((workspace.root / "staging").iterdir()):
        rests = STAGING_SECONDS if path.name.startswith("u") else RESTING_SECONDS
        with contextlib.suppress(OSError):
            newest = max(entry.stat().st_mtime for entry in (path, *path.rglob("*")))
            if time.time() - newest > rests and not is_locked(path):
                yield Piece(path.name[:17], (path,), Sizes().of(path) if path.is_dir() else file_bytes(path))
    for kind in ("datasets", "runs", "exports"):
        for depth in ("*", "*/*", "*/*/*"):
            for path in sorted((workspace.root / kind).glob(f"{depth}/*.tmp-*")):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > RESTING_SECONDS:
                        yield Piece(path.relative_to(workspace.root / kind).parts[0], (path,), file_bytes(path))


def trash(store: Store, workspace: Workspace, days: float) -> Iterator[Piece]:
    """Deleted runs, datasets and exports, which are in trash/."""
    folder = workspace.root / "trash"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if ID.match(path.name):
            yield Piece(path.name, (path,), Sizes().of(path))


def searches(store: Store, workspace: Workspace, days: float) -> Iterator[Piece]:
    """What searches that were stopped have kept, of each dataset."""
    for dataset in sorted((workspace.root / "datasets").iterdir()):
        folder = dataset / SEARCHES
        if ID.match(dataset.name) and folder.is_dir():
            yield Piece(dataset.name, (folder,), Sizes().of(folder))


def file_bytes(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


class Kind(NamedTuple):
    title: str
    sentence: str
    find: Callable[[Store, Workspace, float], Iterable[Piece]]


KINDS = {
    "checkpoints": Kind(
        "Old checkpoints",
        "Removes checkpoints of runs that have ended. The newest and the best ones stay, and so do samples and scores.",
        old_checkpoints,
    ),
    "exports": Kind(
        "Old exports",
        "Removes the zips of old exports. An export with the same settings builds the same zip again.",
        old_exports,
    ),
    "cache": Kind(
        "Feature cache",
        "Removes stored features of images. The next evaluation computes them again and takes longer.",
        feature_cache,
    ),
    "staging": Kind("Leftovers", "Removes uploads and unfinished work that no job needs.", leftovers),
    "searches": Kind(
        "Stopped searches",
        "Removes what stopped searches for what helps have done so far. Continued, such a search starts from its beginning.",
        searches,
    ),
    "trash": Kind("Trash", "Removes for good what was deleted: it can no longer be restored.", trash),
}


# -- removing it ----------------------------------------------------------------------------------------------------


def check_kinds(kinds: Iterable[str]) -> list[str]:
    """The kinds, each once and in the order of KINDS. Raises UserError unknown_kind."""
    asked = list(kinds)
    for kind in asked:
        if kind not in KINDS:
            raise UserError("unknown_kind", no_such("cleanup", kind, KINDS), f"Choose among {', '.join(KINDS)}.")
    return [kind for kind in KINDS if kind in asked]


def look(store: Store, workspace: Workspace, kind: str, days: float = EXPORT_DAYS) -> Freed:
    """What `clean` would remove at this moment."""
    if said := waits(store.query, kind):
        return Freed(0, 0, said)
    busy = in_use(store.query)
    pieces = [piece for piece in KINDS[kind].find(store, workspace, days) if piece.owner not in busy]
    return Freed(len(pieces), sum(piece.bytes for piece in pieces))


def clean(store: Store, workspace: Workspace, kind: str, days: float = EXPORT_DAYS) -> Freed:
    """Remove what can be removed, except for what a job needs by now."""
    full_disk.drop_ballast(workspace.root)  # on a full disk the index could not be written
    return remove(store, workspace, kind, list(KINDS[kind].find(store, workspace, days)))


def remove(store: Store, workspace: Workspace, kind: str, found: list[Piece]) -> Freed:
    """Remove these pieces, except for what a job needs by now.

    The pieces are first moved aside in a transaction of the index, which is quick and keeps jobs from starting on them. Then they
    are removed, which may take long.
    """
    aside = workspace.root / "staging" / f"{new_id('job')}-cleaned"
    with contextlib.suppress(OSError):  # a disk without room for a folder: then each piece is removed at once
        aside.mkdir(mode=0o700)
    with store.transaction() as db:
        ask = lambda sql, *values: db.execute(sql, values).fetchall()
        if said := waits(ask, kind):
            shutil.rmtree(aside, ignore_errors=True)
            return Freed(0, 0, said)
        busy = in_use(ask)
        free = [piece for piece in found if piece.owner not in busy]
        gone = [piece for piece in free if any([moved(path, aside) for path in piece.paths])]
        if kind == "trash":
            forget(db, [piece.owner for piece in gone])
    full_disk.keep_ballast(workspace.root)
    shutil.rmtree(aside, ignore_errors=True)  # what cannot be removed now counts as a leftover of staging later
    free = [piece for piece in free if piece in gone or any(path.exists() for path in piece.paths)]
    stuck = (
        f"{len(free) - len(gone)} could not be removed: check the file permissions." if len(gone) < len(free) else ""
    )
    return Freed(len(gone), sum(piece.bytes for piece in gone), stuck)


def moved(path: Path, aside: Path) -> bool:
    """Move a path aside. False where it is gone, as after an Undo, or may not be moved."""
    with contextlib.suppress(OSError):
        try:
            os.replace(path, aside / f"{len(os.listdir(aside))}-{path.name}")
        except OSError as error:
            if error.errno not in full_disk.NO_SPACE and aside.is_dir():
                return False
            shutil.rmtree(path) if path.is_dir() else path.unlink()  # nothing more fits, not even a name
        return True
    return False


def in_use(ask: Callable[..., list[sqlite3.Row]]) -> set[str]:
    """Every id that a live job names: its subject, the ids in its payload, and the run that its run starts from."""
    rows = ask(
        "SELECT j.subject, j.payload, r.config FROM jobs j LEFT JOIN runs r ON r.id = j.subject "
        f"WHERE j.state IN ({', '.join('?' * len(LIVE))})",
        *LIVE,
    )
    return {found for row in rows for text in row if text for found in ANY_ID.findall(text)}


def waits(ask: Callable[..., list[sqlite3.Row]], kind: str) -> str:
    """Why the cleanup must wait, or ''."""
    if kind == "cache" and ask("SELECT 1 FROM jobs WHERE state = 'running' LIMIT 1"):
        return "A running job may be reading the cache. Try again when no job is running."
    return ""


def forget(db: sqlite3.Connection, ids: list[str]) -> None:
    """Remove the jobs and events of runs, datasets and exports from the index."""
    for id in ids:
        db.execute("DELETE FROM events WHERE job_id IN (SELECT id FROM jobs WHERE subject = ?)", (id,))
        db.execute("DELETE FROM jobs WHERE subject = ?", (id,))
