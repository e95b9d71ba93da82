"""benchmarks/gpu_acceptance.py holds on a CPU, with small networks; its report, exit code and table say what was found."""

import json

import pytest
import torch

from benchmarks import gpu_acceptance
from benchmarks.gpu_checks import CHECKS, Check, docs_table
from benchmarks.gpu_checks.bench import Bench, Finding, Skipped
from gan_core.training import checkpoint

ON_A_GPU = {"graph_equals_eager", "compute_mode_is_found_soon", "memory_runs_out"}


def lines_of(folder):
    return [json.loads(line) for line in (folder / "acceptance.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_every_check_holds_on_a_cpu_or_needs_a_gpu(tmp_path):
    assert gpu_acceptance.main(["--device", "cpu", "--tiny", "--limit", "100000", "--out", str(tmp_path)]) == 0
    rows = {row["check"]: row for row in lines_of(tmp_path)}
    assert len(rows) == len(CHECKS) == 13
    assert {name for name, row in rows.items() if row["verdict"] == "skip"} == ON_A_GPU
    assert all(rows[name]["verdict"] == "pass" for name in set(rows) - ON_A_GPU)
    assert all(off == 0 for off in rows["resume"]["found"].values())
    assert (tmp_path / "quick.png").is_file()


@pytest.mark.slow
def test_a_checkpoint_that_goes_on_otherwise_fails_the_check(tmp_path, monkeypatch):
    restored = checkpoint.restore

    def without_d_optimizer(state, values):
        restored(state, values)
        state.opt_D.state.clear()

    monkeypatch.setattr(checkpoint, "restore", without_d_optimizer)
    code = gpu_acceptance.main(["--device", "cpu", "--tiny", "--only", "resume", "--out", str(tmp_path)])
    assert code == 1 and lines_of(tmp_path)[0]["verdict"] == "fail"


def check_named(name, result):
    def run(bench):
        if isinstance(result, Exception):
            raise result
        return result

    run.__name__ = name
    return Check(run, 5)


@pytest.mark.slow
def test_the_report_of_failed_skipped_broken_and_late_checks(tmp_path, monkeypatch, capsys):
    checks = (
        check_named("holds", Finding(True, {"a": 1})),
        check_named("fails", Finding(False, {})),
        check_named("needs_a_gpu", Skipped("only on a GPU")),
        check_named("breaks", ValueError("odd")),
        Check(check_named("late", Finding(True, {})).run, 10_000),
    )
    monkeypatch.setattr(gpu_acceptance, "CHECKS", checks)
    assert gpu_acceptance.main(["--device", "cpu", "--out", str(tmp_path)]) == 1
    verdicts = {row["check"]: row["verdict"] for row in lines_of(tmp_path)}
    assert verdicts == {"holds": "pass", "fails": "fail", "needs_a_gpu": "skip", "breaks": "fail", "late": "late"}
    assert "ValueError: odd" in lines_of(tmp_path)[3]["found"]["error"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[-5:]] == [
        "PASS",
        "FAIL",
        "SKIP",
        "FAIL",
        "LATE",
    ]


@pytest.mark.slow
def test_only_what_passed_or_was_left_out_for_the_device_gives_exit_code_0(tmp_path, monkeypatch):
    monkeypatch.setattr(
        gpu_acceptance, "CHECKS", (check_named("a", Finding(True, {})), check_named("b", Skipped("no")))
    )
    assert gpu_acceptance.main(["--device", "cpu", "--out", str(tmp_path)]) == 0


def test_a_table_is_filled_from_the_findings_and_nothing_else_of_the_file_changes(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{docs_table.START}\nearlier\n{docs_table.END}\nafter\n")
    facts = {"ratio": 6.5, "kernel_distance": {"ours": 1.1, "textbook": 1.2}}
    results = [
        {"check": "textbook_loop", "verdict": "pass", "found": facts},
        {"check": "gpu_is_busy", "verdict": "fail", "found": {"error": "it broke"}},
        {"check": "quality_in_minutes", "verdict": "late"},
    ]
    docs_table.fill(page, results, "cuda: A GPU", "2.14")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "earlier" not in text
    assert "6.5 times" in text and "| A GPU, torch 2.14 |" in text and "1 of 3" in text
    busy = next(line for line in text.splitlines() if "80 %" in line)
    assert busy.endswith("|  |")


def test_a_file_without_a_table_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="gpu-check"):
        docs_table.fill(page, [], "", "")


@pytest.mark.parametrize("page", ["README.md", "docs/recipes.md"])
def test_the_docs_have_the_table_as_it_is_now(page):
    text = (docs_table_root() / page).read_text()
    inside = text.partition(docs_table.START)[2].partition(docs_table.END)[0]
    assert all(row.goal in inside for row in docs_table.ROWS)


def docs_table_root():
    from benchmarks.gpu_checks.bench import ROOT

    return ROOT


def test_made_up_draws_are_the_same_whatever_the_device_and_precision():
    from benchmarks.gpu_checks.bench import drawn_on_the_cpu

    torch.manual_seed(1)
    with drawn_on_the_cpu(double=True):
        inside = torch.randn(3, dtype=torch.float32), torch.rand_like(torch.zeros(2)), torch.zeros(1).float()
    assert {x.dtype for x in inside} == {torch.float64}
    assert torch.zeros(1).dtype == torch.float32 and torch.ones(1).double().float().dtype == torch.float32


def test_a_bench_without_a_gpu_skips_what_needs_one(tmp_path):
    with pytest.raises(Skipped):
        Bench(torch.device("cpu"), True, None, tmp_path).need_gpu()
