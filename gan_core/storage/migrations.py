"""The tables of the index, version by version, and how an older index is brought to the newest one."""

import contextlib
from pathlib import Path

from gan_core.errors import UserError
from gan_core.storage import index_file

MIGRATIONS = [
    """
    CREATE TABLE datasets (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at REAL NOT NULL);
    CREATE TABLE runs (id TEXT PRIMARY KEY, name TEXT NOT NULL, dataset_id TEXT NOT NULL, config TEXT NOT NULL,
                       created_at REAL NOT NULL);
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL,
        subject TEXT NOT NULL, payload TEXT NOT NULL, token TEXT UNIQUE, after TEXT,
        state TEXT NOT NULL, control TEXT NOT NULL DEFAULT 'run', attempt INTEGER NOT NULL DEFAULT 0,
        pid INTEGER, pid_started_at REAL, progress REAL NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
        result TEXT, error TEXT, created_at REAL NOT NULL, started_at REAL, finished_at REAL);
    CREATE INDEX jobs_by_subject ON jobs (subject, kind, seq);
    CREATE INDEX jobs_by_state ON jobs (state, lane, seq);
    CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, at REAL NOT NULL, text TEXT NOT NULL);
    """,
    "ALTER TABLE jobs ADD COLUMN place INTEGER",
    "UPDATE jobs SET kind = 'variants' WHERE kind = 'fuse'; UPDATE jobs SET kind = 'export_model' WHERE kind = 'share'",
    """
    ALTER TABLE jobs ADD COLUMN device_wanted TEXT NOT NULL DEFAULT 'auto';
    ALTER TABLE jobs ADD COLUMN device TEXT;
    ALTER TABLE jobs ADD COLUMN host TEXT;
    ALTER TABLE jobs ADD COLUMN heartbeat_at REAL;
    ALTER TABLE jobs ADD COLUMN cluster_job TEXT;
    ALTER TABLE runs ADD COLUMN sweep TEXT;
    UPDATE jobs SET device_wanted = COALESCE((SELECT json_extract(config, '$.device') FROM runs WHERE runs.id = subject), 'auto')
        WHERE kind = 'train'
    """,
    "ALTER TABLE jobs ADD COLUMN boot TEXT; ALTER TABLE jobs ADD COLUMN namespace TEXT; ALTER TABLE jobs ADD COLUMN ticks INTEGER",
]


def bring_up_to_date(path: Path) -> None:
    """Make the index, or bring an older one to the newest version; first it is copied to <its name>.version-<number>.

    Raises UserError newer_workspace.
    """
    if version_of(path) == len(MIGRATIONS):  # then a lock of another process is no reason to wait
        return
    with index_file.transaction(path, create=True) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if 0 < version < len(MIGRATIONS):
            index_file.copy(path, path.with_name(f"{path.name}.version-{version}"))
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in script.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")


def version_of(path: Path) -> int:
    """0 where there is no index. Raises UserError newer_workspace."""
    if index_file.is_empty(path):
        return 0
    with contextlib.closing(index_file.connect(path)) as db:
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        what = "This workspace was made by a newer Ganvas."
        raise UserError("newer_workspace", what, "Update Ganvas, or choose another folder.")
    return version
