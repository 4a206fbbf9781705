# `make iso` and `make test` do everything, set-up included; ./build.py is the front door after that.

ARGS =

.DEFAULT_GOAL := iso
.PHONY: iso test test-guests test-install test-matrix bench setup lint clean help

iso: ## build dist/xendemo.iso (ARGS="--set disc.media=cd74" for the builder's options)
	@./setup.sh build
	@./build.py build $(ARGS)

test: ## pass all tests: unit, tools, build, boot (ARGS="tests/unit" for some)
	@./setup.sh test
	@.venv/bin/python -m pytest -m 'not guests and not install and not matrix' $(ARGS)

test-guests: ## start guests in every way that README.CD tells, and let them die; a quarter of an hour
	@./setup.sh test
	@.venv/bin/python -m pytest -m guests tests/boot $(ARGS)

test-install: ## install on this host and in QEMU, in every way, and boot that (ARGS="-k disk")
	@./setup.sh test
	@.venv/bin/python -m pytest -m install tests/build tests/boot $(ARGS)

test-matrix: ## boot the disc on all the hardware that QEMU has; half an hour or more (ARGS="-k megasas")
	@./setup.sh test
	@.venv/bin/python -m pytest -m matrix tests/boot $(ARGS)

bench: ## measure against live-build and cp, as root (ARGS="boot" for a part): benchmarks/README.md
	@./setup.sh bench
	@.venv/bin/python -m benchmarks $(ARGS)

setup: ## install what building and testing need
	@./setup.sh test
	@echo "setup: all there; next: make iso, make test, ./build.py --help"

lint: ## check style and types, and format
	@./setup.sh test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .
	@.venv/bin/python -m mypy

clean: ## remove build/ and dist/ (the environment in .venv stays)
	rm -rf build dist

help: ## show this
	@sed -n 's/^\([a-z-]*\): ## /  make \1\t/p' Makefile
