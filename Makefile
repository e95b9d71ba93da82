# make run, make test: each creates .venv on first use. make check: what a commit should pass, in five minutes. make bench: the figures.
# make run TORCH=cpu: without CUDA, which is most of the 5 GB. make run LOCK=no: the newest packages in the ranges, not those of the lock file.
# make audit: known faults of the packages. make lock: requirements.lock anew from the ranges; UPGRADE=--upgrade takes newer versions.
# make gpu-check: thirteen checks on a GPU in ten minutes, which fill the GPU tables of the docs.
PYTHON ?= python3
PORT ?= 8501
TORCH ?=
LOCK ?=
UPGRADE ?=
VENV := .venv
PY := $(VENV)/bin/python
TOOLS := $(VENV)/tools

.PHONY: setup setup-tests run test test-hold check bench gpu-check audit lock clean

setup: $(VENV)/installed

setup-tests: $(VENV)/installed-tests

$(VENV)/installed: requirements.txt requirements.lock
	@TORCH=$(TORCH) LOCK=$(LOCK) $(PYTHON) set_up.py

$(VENV)/installed-tests: requirements.txt requirements-test.txt
	@$(PYTHON) set_up.py --tests

run: setup
	$(PY) -m gan_core run --port $(PORT)

test: setup-tests
	$(PY) -m pytest -n logical -m "not browser"
	$(PY) -m pytest -m browser

test-hold: setup-tests
	$(PY) -m pytest -m hold

check: setup-tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --num-workers auto
	$(PY) -m pytest -n logical -m "not browser and not slow"

bench: setup-tests
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

gpu-check: setup-tests
	$(PY) benchmarks/gpu_acceptance.py --fill README.md docs/recipes.md

$(TOOLS)/installed:
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv pip-audit
	@touch $@

audit: $(TOOLS)/installed
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

lock: $(TOOLS)/installed
	$(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate $(UPGRADE) \
	  --custom-compile-command "make lock" --output-file requirements.lock requirements.txt

clean:
	rm -rf $(VENV)
