# SPDX-License-Identifier: GPL-2.0-only
# make test, make check, make test-list: see test/run for how tests are found.
#
# A .mk file adds a check that needs no emulator with
#
#     CHECKS += check-something
#
# and a rule for that target. It is then part of make check, and one test of
# make test. What takes many minutes is a test only: SLOW_CHECKS.
CHECKS += check-build check-deps check-names check-ops

.PHONY: test test-list soak soak-list check $(CHECKS)
# On all CPUs, unless make's caller says on how many.
check:
	@+$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) $(sort $(CHECKS)) check-unit
	@echo "check: all passed"

# An ordinary build must give no warning.
check-build: all

# Every package that the build's sources need is in a deps.txt.
check-deps:
	@test/deps

# docs/testing.md names every kind of test, and none that does not exist.
check-names:
	@CHECKS="$(sort $(CHECKS) $(SLOW_CHECKS))" test/names

# docs/abi.md and the tables of sub-operations agree.
check-ops:
	@test/ops

test:
	@CHECKS="$(sort $(CHECKS) $(SLOW_CHECKS))" O="$(O)" MAKE="$(MAKE)" MAKEFLAGS= test/run '$(TESTS)'
test-list:
	@CHECKS="$(sort $(CHECKS) $(SLOW_CHECKS))" O="$(O)" MAKE="$(MAKE)" MAKEFLAGS= test/run --list '$(TESTS)'

# Keel with assertions and lock checks, in $(O)/debug. Tests select it by KEEL_BUILD=$(O)/debug.
.PHONY: debug-build
debug-build:
	@mkdir -p $(O)/debug
	@cmp -s test/build/debug.config $(O)/debug/from || \
		{ cp test/build/debug.config $(O)/debug/config; cp test/build/debug.config $(O)/debug/from; }
	@+$(MAKE) --no-print-directory O=$(O)/debug KCONFIG_CONFIG=$(O)/debug/config all

# Tests that take longer than CI allows, from test/*/*.soak: docs/testing.md.
export SOAK_BOOTS ?= 50
export SOAK_SILENCE ?= 120
export SOAK_SECONDS ?= 1800
soak:
	@O="$(O)" MAKE="$(MAKE)" MAKEFLAGS= test/run --soak '$(TESTS)'
soak-list:
	@O="$(O)" MAKE="$(MAKE)" MAKEFLAGS= test/run --soak --list '$(TESTS)'
