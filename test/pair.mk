# SPDX-License-Identifier: GPL-2.0-only
#
# The guest-pair fuzzer (test/fuzz/pair/pair.h). The real sources are compiled so that another CPU
# can continue at each basic block. The simulated machine around them is not.
#
#     make fuzz-pair FUZZ_SECONDS=600 [PAIR='seed=N']
#     make check-pair			what it once found, again (test/fuzz/pair.corpus)
#     make fuzz-proof [PROOF='RUNS SECONDS PATTERN']
#
# The fuzzer shortens a failure and leaves it in $(O)/pair. Once its fault is mended, it belongs
# into the corpus.
PAIR_SOURCES := common/clock.c common/compat.c common/cpupool.c common/domain.c common/domctl.c common/domctl_misc.c common/domctl_pci.c common/domctl_vcpu.c common/dump.c common/evtchn.c \
	common/evtchn_deliver.c common/evtchn_fifo.c common/grant.c common/grant_copy.c common/grant_map.c common/hvm_op.c common/hypercall.c \
	common/memory_op.c common/op.c common/pcpu.c common/physmap.c common/pqueue.c common/rcu.c common/sched.c \
	common/sched_fair.c common/sched_null.c common/sched_op.c common/spinlock.c common/sysctl.c common/time.c \
	common/timer.c common/vcpu_op.c arch/x86/p2m.c arch/x86/p2m_log.c arch/x86/hvm/guest_access.c arch/x86/hvm/upcall.c \
	arch/x86/hvm/vcpu_context.c arch/x86/hvm/vcpu_start.c test/fuzz/pair/heap.c
PAIR_MODEL := $(filter-out test/fuzz/pair/heap.c,$(wildcard test/fuzz/pair/*.c))
PAIR_O     := $(PAIR_SOURCES:%.c=$(O)/pair/obj/%.o)
PAIR_MODEL_O := $(PAIR_MODEL:%.c=$(O)/pair/obj/%.o)
PAIR_CFLAGS  = $(UNIT_CFLAGS) -O2

# In the sources, cpu.c is called in each basic block, and check.c for each copy.
PAIR_SOURCE_CFLAGS := -fsanitize-coverage=trace-pc -Dmemmove=pair_copy
PAIR_LINK = $(UNIT_SAN) -Wl,--wrap=lock_rank_forget

$(PAIR_O): PAIR_CFLAGS += $(PAIR_SOURCE_CFLAGS)
$(O)/pair/obj/%.o: %.c $(O)/unit/include/config.h
	@mkdir -p $(@D)
	@$(UNIT_CC) $(PAIR_CFLAGS) -MMD -MP -c $< -o $@

$(O)/pair/pair: $(PAIR_O) $(PAIR_MODEL_O)
	@$(UNIT_CC) $(PAIR_LINK) $^ -o $@

CHECKS += check-pair
.PHONY: fuzz-pair check-pair fuzz-proof
fuzz-pair: $(O)/pair/pair
	@$< seconds=$(FUZZ_SECONDS) out=$(O)/pair $(PAIR)
check-pair: $(O)/pair/pair
	@$< out=$(O)/pair $(sort $(wildcard test/fuzz/pair.corpus/*))
	@echo "  PAIR    $(words $(wildcard test/fuzz/pair.corpus/*)) old failures stay away"
fuzz-proof: $(O)/pair/pair
	@UNIT_CC="$(UNIT_CC)" PAIR_CFLAGS="$(PAIR_CFLAGS) $(PAIR_SOURCE_CFLAGS)" PAIR_LINK="$(PAIR_LINK)" PAIR_OBJS="$(PAIR_O) $(PAIR_MODEL_O)" \
		test/fuzz/pair/proof $(O) $(PROOF)

-include $(shell find $(O)/pair/obj -name '*.d' 2>/dev/null)
