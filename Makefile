# Two commands do everything on a fresh machine, and are quick the second time:
#   make serve    install into .venv, start a server that keeps its mail in var/ (flags: make serve ARGS="--port 143")
#   make test     install what the tests need, check the code, run all tests
# Debian's own packages (python3-venv, and the mail programs that tests talk to) are installed where this may be done.

VENV = .venv
PYTHON = $(VENV)/bin/python
PIP = $(PYTHON) -m pip --quiet --disable-pip-version-check
TEST_PROGRAMS = curl mbsync mutt
ARGS =

.PHONY: serve test bench lint format docs clean programs

serve: $(VENV)/installed-server
	@exec $(VENV)/bin/netimap-server --data-dir var $(ARGS)

# What hostile input may cost is measured in time, which tracing for coverage would spoil: those tests run by themselves.
test: lint programs
	$(PYTHON) -m pytest tests/hostile $(ARGS)
	$(PYTHON) -m pytest --ignore tests/hostile --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy netimap

format: $(VENV)/installed-test
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(VENV)/installed-bench
	$(PYTHON) benchmarks/compare.py $(ARGS)

# The last part of the page is made from netimap/settings.py.
docs: $(VENV)/installed-server
	sed -i '/^\.\. Written by "make docs"/q' docs/configuration.rst
	$(PYTHON) -c 'from netimap.config import reference; print(reference(), end="")' >> docs/configuration.rst

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of packages: nothing is installed again until the metadata changes.
$(VENV)/installed-%: setup.cfg | $(PYTHON)
	$(PIP) install --editable '.[$*]'
	@touch $@

$(PYTHON):
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "netimap needs Python 3.11 or newer, and python3 here is: $$(python3 --version 2>&1)"; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory python3-venv.deb || \
	    { echo 'Python has no venv here. As root, say: apt-get install python3-venv'; exit 1; }
	@rm -rf $(VENV)
	python3 -m venv $(VENV)

# Programs that tests talk to. A test whose program cannot be installed is skipped, and says so.
programs:
	@for program in $(TEST_PROGRAMS); do \
	    command -v $$program >/dev/null && continue; \
	    package=$$(echo $$program | sed 's/^mbsync$$/isync/'); \
	    $(MAKE) --no-print-directory $$package.deb || \
	        echo "NOTE: $$program is missing (Debian package $$package): its tests in tests/clients will be skipped"; \
	done

# Install a Debian package, where this user may.
%.deb:
	@command -v apt-get >/dev/null || exit 1; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else exit 1; fi; \
	install="env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $*"; \
	echo "installing the Debian package $*"; \
	$$sudo $$install >/dev/null 2>&1 || { $$sudo apt-get -qq update && $$sudo $$install >/dev/null; }
