"""Reading the files of a run's folder."""

import json

from gan_core.storage import run_folder


def test_runfolder_drops_a_torn_line_and_goes_on_where_it_was(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"a": 1}\n{"a": NaN}\n{"a": 3')
    rows, offset = run_folder.read_lines(path)
    assert rows == [{"a": 1}, {"a": None}]
    with open(path, "a") as file:
        file.write("}\n")
    assert run_folder.read_lines(path, offset) == ([{"a": 3}], path.stat().st_size)
    path.write_text('{"a": 9}\n')  # cut by a resume
    assert run_folder.read_lines(path, offset)[0] == [{"a": 9}]
    assert run_folder.read_lines(tmp_path / "absent") == ([], 0)


def test_samples_need_their_file_and_count_once(tmp_path):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.png").write_bytes(b"")
    rows = [{"images_seen": 2, "epoch": 1.0, "file": "a.png"}] * 2 + [
        {"images_seen": 1, "epoch": 0.5, "file": "gone.png"}
    ]
    (tmp_path / "samples" / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run_folder.read_samples(tmp_path) == rows[:1]
