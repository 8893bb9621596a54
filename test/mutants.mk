# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests: test/unit/NAME_test.mutants lists breakages of the sources that the
# unit test NAME must notice (test/unit/mutants). Run anew when the test or a source changed.
MUTANT_NAMES := $(patsubst test/unit/%_test.mutants,%,$(sort $(wildcard test/unit/*_test.mutants)))
CHECKS += check-mutants
.PHONY: check-mutants
check-mutants: $(MUTANT_NAMES:%=$(O)/unit/%.mutants-ok)

$(O)/unit/%.mutants-ok: test/unit/%_test.mutants $(O)/unit/%_test test/unit/mutants
	@UNIT_CC="$(UNIT_CC)" UNIT_CFLAGS="$(UNIT_CFLAGS)" UNIT_SAN="$(UNIT_SAN)" UNIT_LIBS="$(LIBFDT)" test/unit/mutants $* $(O)
	@touch $@
