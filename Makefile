# `make lab` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(VENV)-lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header
# By uv, in a fourth of pip's time; by pip where that has an index of its own, or uv does not get through.
INSTALL := install() { { ! $(BIN)/pip config list | grep -q "\.\(index-url\|no-index\)=" && $(BIN)/uv pip install --quiet --python $(BIN)/python "$$@"; } \
	|| $(BIN)/pip install --quiet --disable-pip-version-check "$$@"; }; install
SOURCES := pyproject.toml hatch_build.py $(wildcard frontend/*) $(wildcard web/translations/*/LC_MESSAGES/*.po)

.PHONY: lab test check lock clean

lab: $(VENV)/.installed
	@$(BIN)/lab up

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 4

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

$(VENV)/.installed: requirements.txt requirements-install.txt $(SOURCES)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installation / Installing…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-install.txt || true
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

# Pins anew, with hashes and without any index address.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	$(COMPILE) --extra parquet --all-build-deps -o requirements.txt pyproject.toml
	$(COMPILE) --extra dev --extra parquet --all-build-deps -o requirements-dev.txt pyproject.toml
	$(COMPILE) -o requirements-device.txt requirements-device.in
	$(COMPILE) -o requirements-workstation.txt requirements-workstation.in
	$(COMPILE) -o requirements-install.txt requirements-install.in
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) web/static/vendor dist .pytest_cache .mypy_cache .ruff_cache
