# Slipway. `make` alone lists what there is.
PYTHON ?= python3
BIN    := .venv/bin
STORY  ?=
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow check deploy diff destroy lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: .venv/.done node_modules/.done build/layer/.done build/wheels/.done  ## the pinned environment (demo, test and deploy call it)

demo: setup  ## the whole slipway on this machine; STORY=name runs one story
	$(BIN)/python -m sandbox demo $(if $(STORY),--story $(STORY))

test: setup check  ## lint, types, architecture, synth checks, unit and sandbox tests
	$(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder -m 'not slow' --ignore tests/stories
	$(BIN)/python -m pytest -m 'not slow' tests/stories

slow: setup  ## the tests that take minutes each, of jobs on Spark and of tuning
	$(BIN)/python -m pytest -m slow

check: setup  ## lint, types and architecture only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

deploy: setup  ## the stacks into the AWS account of your credentials
	PATH="$(CURDIR)/$(BIN):$$PATH" npx --no-install cdk deploy --all

diff: setup  ## what a deploy would change
	PATH="$(CURDIR)/$(BIN):$$PATH" npx --no-install cdk diff

destroy: setup  ## remove the stacks; the README says what stays
	PATH="$(CURDIR)/$(BIN):$$PATH" npx --no-install cdk destroy --all

LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml
lock: setup  ## pin the dependency groups of pyproject.toml again
	$(LOCK) --group deploy --group lambda --group training --group monitoring --group mlflow --group sandbox --group dev -o requirements.txt
	for g in deploy lambda training wheels monitoring mlflow; do $(LOCK) -c requirements.txt --group $$g -o requirements/$$g.txt; done

clean:  ## remove everything that setup and the demo made
	rm -rf .venv node_modules build cdk.out out

.venv/.done: requirements.txt requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slipway needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip sync --require-hashes requirements.txt requirements/uv.txt
	@touch $@

node_modules/.done: package-lock.json
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { echo "Slipway needs Node 20 or later on PATH for the CDK command line."; exit 1; }
	npm ci --silent --ignore-scripts
	@touch $@

# What the Lambda functions share: pure Python, so one zip runs on every machine. The runtime brings boto3 and botocore.
build/layer/.done: requirements/lambda.txt .venv/.done
	rm -rf build/layer
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --target build/layer/python -r requirements/lambda.txt
	cd build/layer/python && rm -rf bin .lock botocore* boto3* s3transfer* dateutil python_dateutil* urllib3* six* && find . -name '*.so' -delete && find . -name __pycache__ -prune -exec rm -rf {} +
	@touch $@

# What retraining's jobs bring along: for the managed image's Python and machine, whatever this one is.
build/wheels/.done: requirements/wheels.txt .venv/.done
	rm -rf build/wheels
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --python-version 3.12 --platform manylinux_2_28_x86_64 --dest build/wheels -r requirements/wheels.txt
	@touch $@
