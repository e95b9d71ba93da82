# make run, make test: each creates .venv on first use. make check: what a commit should pass, in five minutes. make bench: the figures.
# make gpu-check: thirteen checks on a GPU in ten minutes, which fill the GPU tables of the docs.
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: setup run test test-hold check bench gpu-check clean

setup: $(VENV)/installed

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Ganvas needs Python 3.11 or newer. Call: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make $(VENV). On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing what Ganvas needs into $(VENV): some 5 GB, a few minutes, once."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

run: setup
	$(PY) -m streamlit run app.py --server.port $(PORT)

test: setup
	$(PY) -m pytest -n logical -m "not browser"
	$(PY) -m pytest -m browser

test-hold: setup
	$(PY) -m pytest -m hold

check: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --num-workers auto
	$(PY) -m pytest -n logical -m "not browser and not slow"

bench: setup
	$(PY) benchmarks/demo_seconds.py
	$(PY) benchmarks/page_seconds.py --runs 200
	$(PY) benchmarks/live_seconds.py
	$(PY) benchmarks/classroom.py
	$(PY) benchmarks/upload_memory.py
	$(PY) benchmarks/monitor_share.py
	$(PY) benchmarks/train_speed.py
	$(PY) benchmarks/gaussians.py
	$(PY) benchmarks/metrics_memory.py
	$(PY) benchmarks/metrics_speed.py
	$(PY) benchmarks/export_speed.py

gpu-check: setup
	$(PY) benchmarks/gpu_acceptance.py --fill README.md docs/recipes.md

clean:
	rm -rf $(VENV)
