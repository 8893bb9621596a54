# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests: the real sources, compiled for the build host with gcc, cmocka,
# ASan and UBSan.
#
# To add one, write test/unit/NAME_test.c. Its first lines hold a comment that
# names the sources under test, on one or more lines:
#
#     /* SPDX-License-Identifier: GPL-2.0-only */
#     /* SOURCES: common/evtchn.c common/cmdline.c */
#
# (only what is needed; a test may also #include a .c to reach its static functions, and then leaves
# it out of SOURCES). It defines main(), which returns what cmocka_run_group_tests() returns. It
# includes "test/unit/unit.h" first, which includes cmocka. Everything else that the sources need
# comes from the fake arch, test/unit/fake/*.c. Its functions are weak, so a real source, or the
# test itself, can override any of them. See fake/fake.h.
#
#     make unit-NAME          builds and runs one
#     make check-unit         builds and runs all
#     make test TESTS='unit-*'
#
# Fuzzing works the same way: test/fuzz/NAME_fuzz.c with a SOURCES comment and
# LLVMFuzzerTestOneInput(); built by clang -fsanitize=fuzzer,address,undefined;
# its seed inputs, if any, are the files in test/fuzz/NAME.corpus/.
#
#     make fuzz-NAME FUZZ_SECONDS=600

UNIT_NAMES := $(patsubst test/unit/%_test.c,%,$(sort $(wildcard test/unit/*_test.c)))
FUZZ_NAMES := $(patsubst test/fuzz/%_fuzz.c,%,$(sort $(wildcard test/fuzz/*_fuzz.c)))
UNIT_CC    ?= gcc
FUZZ_CC    ?= clang
FUZZ_SECONDS ?= 10

UNIT_SAN    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_CFLAGS := -std=gnu17 -O1 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror \
	-fno-strict-aliasing -fno-builtin -I. -Itest/unit/fake -Iarch/x86/include -Ixen/include -I$(O)/unit/include \
	-D__KEEL__ -DKEEL_FAKE_ARCH $(UNIT_SAN)

.PHONY: check-unit unit-bins fuzz-bins $(UNIT_NAMES:%=unit-%) $(FUZZ_NAMES:%=fuzz-%)
unit-bins: $(UNIT_NAMES:%=$(O)/unit/%_test)
fuzz-bins: $(FUZZ_NAMES:%=$(O)/fuzz/%_fuzz)
check-unit: $(UNIT_NAMES:%=unit-%)

$(UNIT_NAMES:%=unit-%): unit-%: $(O)/unit/%_test
	@echo "  UNIT    $*"
	@test/unit/runone $<

$(FUZZ_NAMES:%=fuzz-%): fuzz-%: $(O)/fuzz/%_fuzz
	@test/fuzz/runone $< $(FUZZ_SECONDS)

.PRECIOUS: $(O)/unit/obj/%.o $(O)/fuzz/obj/%.o
# Sources are compiled once and shared by all tests (separately for fuzzing).
$(O)/unit/obj/%.o: %.c $(O)/unit/include/config.h
	@mkdir -p $(@D)
	@$(UNIT_CC) $(UNIT_CFLAGS) -MMD -MP -c $< -o $@

$(O)/fuzz/obj/%.o: %.c $(O)/unit/include/config.h
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(UNIT_CFLAGS) -DKEEL_FUZZ -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

UNIT_FAKE_O := $(patsubst %.c,$(O)/unit/obj/%.o,$(sort $(wildcard test/unit/fake/*.c)))
FUZZ_FAKE_O := $(UNIT_FAKE_O:$(O)/unit/%=$(O)/fuzz/%)
# The helpers of the hypercalls' tables (op.c) are linked into every test, because nearly all need
# them.
$(O)/unit/fake.a: $(UNIT_FAKE_O) $(O)/unit/obj/common/op.o ; @rm -f $@ && ar rcs $@ $^
$(O)/fuzz/fake.a: $(FUZZ_FAKE_O) $(O)/fuzz/obj/common/op.o ; @rm -f $@ && ar rcs $@ $^

$(O)/unit/%_test: $(O)/unit/obj/test/unit/%_test.o $(O)/unit/fake.a
	@$(UNIT_CC) $(UNIT_SAN) $(filter %.o,$^) $(filter %.a,$^) -lcmocka -o $@

$(O)/fuzz/%_fuzz: $(O)/fuzz/obj/test/fuzz/%_fuzz.o $(O)/fuzz/fake.a
	@$(FUZZ_CC) $(UNIT_SAN) -fsanitize=fuzzer $(filter %.o,$^) $(filter %.a,$^) -o $@

# What their assembly includes is in no list of the compiler's.
$(O)/unit/obj/test/unit/branches_test.o: arch/x86/thunks.S
$(O)/unit/obj/test/unit/enter_test.o: arch/x86/hvm/enter.h arch/x86/svm/entry.S arch/x86/vmx/entry.S

# One rule for each test, made from its SOURCES comment.
ifneq ($(UNIT_NAMES)$(FUZZ_NAMES),)
$(O)/unit/rules.mk: $(wildcard test/unit/*_test.c test/fuzz/*_fuzz.c) test/unit/rules.awk
	@mkdir -p $(@D)
	@awk -v O=$(O) -f test/unit/rules.awk $(filter %.c,$^) > $@
ifneq ($(filter-out $(KEEL_NO_DEPS),$(or $(MAKECMDGOALS),all)),)
include $(O)/unit/rules.mk
endif
endif
-include $(shell find $(O)/unit/obj $(O)/fuzz/obj -name '*.d' 2>/dev/null)
