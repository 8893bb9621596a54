# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests: test/unit/NAME_test.mutants lists breakages of the sources that unit test NAME
# must notice (test/mutants). They are repeated when the test or a source has changed.
MUTANT_NAMES := $(patsubst test/unit/%_test.mutants,%,$(sort $(wildcard test/unit/*_test.mutants)))
# Hundreds of builds: make test runs it, make check does not.
SLOW_CHECKS += check-mutants
.PHONY: check-mutants
check-mutants: $(MUTANT_NAMES:%=$(O)/unit/%.mutants-ok)

$(O)/unit/%.mutants-ok: test/unit/%_test.mutants $(O)/unit/%_test test/mutants
	@CC="$(UNIT_CC) $(UNIT_CFLAGS)" test/mutants $< $(O)/unit/obj/test/unit/$*_test.o $(O)/unit/mutants/$* \
		$$(sed -n 's|^$(O)/unit/$*_test:||p' $(O)/unit/rules.mk) $(O)/unit/fake.a $(LIBFDT) -lcmocka
	@touch $@
