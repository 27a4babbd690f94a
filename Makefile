# A thin front: every target calls nox, so `python -m pip install nox && nox -s demo` does the same.
PYTHON ?= python3
NOX = .venv/bin/nox --no-error-on-missing-interpreters -s

.PHONY: help demo demo-reset test test-all bench lint types docs build messages schema clean

help:
	@echo "make demo        the whole site on http://127.0.0.1:8000 (PORT=, HOST=)"
	@echo "make demo-reset  the same, with fresh data"
	@echo "make test        what every change must pass"
	@echo "make test-all    the same and everything slow"
	@echo "make bench       the figures"
	@echo "make lint types docs build messages schema clean"

.venv/bin/nox:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check nox uv

demo test bench lint types docs build messages schema: .venv/bin/nox
	@$(NOX) $@

demo-reset: .venv/bin/nox
	@$(NOX) demo -- --reset

test-all: .venv/bin/nox
	@$(NOX) test -- --all

clean:
	rm -rf .nox .tox .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build var .venv
