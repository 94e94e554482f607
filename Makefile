# Every target makes its own environment in .venv; nothing has to be set up by hand.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
# Qt (offscreen) and its fonts, a clock that a test may set, a browser for the tests of the web
# page; everything else comes as wheels.
LIBRARIES := libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0 fonts-dejavu-core \
    faketime chromium chromium-driver
PYTEST := QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest
# One more than two cores have: many tests wait for a simulated rig.
WORKERS ?= 3

NEW_FAULTS := $(CURDIR)/build/fault-results.jsonl

.PHONY: help setup demo test lint bench soak faults lock docs gui screenshots pictures clean

help:
	@echo "make demo   the main job on the simulated rig (3 minutes)"
	@echo "make gui    the window on the simulated rig"
	@echo "make test   lint, types, layers and the whole test suite"
	@echo "make bench  speed and statistics, with figures"
	@echo "make soak   the long runs"
	@echo "make faults every fault of every instrument, measured into docs/reference (25 minutes)"
	@echo "make screenshots   the tutorial's pictures, from the real window"
	@echo "make pictures      every panel and state of the window, in pictures/"
	@echo "make docs   regenerate the generated reference pages"
	@echo "make lock   renew requirements.lock"

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@scripts/setup.sh "$(LIBRARIES)"
	@touch $@

demo: setup
	$(BIN)/atta-daq run scans/demo.toml --simulate --speed 150

gui: setup
	$(BIN)/atta-daq gui --simulate

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

test: lint
	@# Hundreds of processes start in the tests: none of them has to compile the program again.
	@$(BIN)/python -m compileall -q atta_daq drivers gui simulators
	$(PYTEST) -m "not bench and not soak and not alone" -n $(WORKERS) --dist worksteal
	@# In their order, of which none depends: the longest comes first, and the other worker has the rest.
	$(PYTEST) -m "alone and not bench and not soak" -n 2 --dist load --maxschedchunk 1 \
	    --randomly-dont-reorganize

bench: setup
	$(PYTEST) -m bench -p no:randomly -s tests/benchmarks --timeout 3600

soak: setup
	$(PYTEST) -m soak -p no:randomly -s tests --timeout 7200

screenshots: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python scripts/screenshots.py docs/tutorial/images

# Both palettes and sizes; parts that are cut off or overlap fail it.
pictures: setup
	ATTA_DAQ_PICTURES=$(CURDIR)/pictures $(PYTEST) tests/gui/test_pictures.py --timeout 600

docs: setup
	$(BIN)/atta-daq docs write
	$(BIN)/python tests/fault_page.py

faults: setup
	rm -f $(NEW_FAULTS)
	mkdir -p $(dir $(NEW_FAULTS))
	ATTA_DAQ_FAULT_RESULTS=$(NEW_FAULTS) $(PYTEST) -p no:randomly --timeout 7200 \
	    tests/station/test_fault_matrix.py tests/soak/test_faults.py \
	    -k "idle or mid_run or end_of_a_segment"
	mv $(NEW_FAULTS) tests/data/fault-results.jsonl
	$(BIN)/python tests/fault_page.py

lock: setup
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
