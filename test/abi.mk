# SPDX-License-Identifier: GPL-2.0-only
# The public headers are compared with those of Debian's libxen-dev: every constant, size and
# offset.
CHECKS += check-abi

ABI_HEADERS := $(sort $(wildcard xen/include/public/*.h xen/include/public/*/*.h) test/abi/refused.h)
ABI_CC := $(HOSTCC) -std=gnu17 -Wall -I.

check-abi: $(O)/test/abi/layout.o $(O)/test/abi/layout32.o $(O)/test/abi/ours.txt $(O)/test/abi/theirs.txt
	@test/abi/compare $(O)/test/abi/ours.txt $(O)/test/abi/theirs.txt
	@sed 's/^constant DOMID_SELF .*/constant DOMID_SELF 1 0/' $(O)/test/abi/ours.txt >$(O)/test/abi/seeded.txt
	@! test/abi/compare $(O)/test/abi/seeded.txt $(O)/test/abi/theirs.txt >/dev/null || \
		{ echo "abi: compare did not see a wrong number"; exit 1; }

# The same for the hypervisor's view: a wrong layout prevents linking.
$(O)/keel.elf: | $(O)/test/abi/layout.o
$(O)/test/abi/layout.o: test/abi/layout.c $(CONFIG_H)
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
$(O)/test/abi/layout32.o: test/abi/layout32.c test/abi/same32.h test/abi/libxen.h
	@mkdir -p $(@D)
	@$(ABI_CC) -m32 -ffreestanding -c $< -o $@
-include $(O)/test/abi/layout.d

$(O)/test/abi/ours.h: test/abi/extract $(ABI_HEADERS)
	@mkdir -p $(@D)
	@test/abi/extract $(ABI_HEADERS) >$@

$(O)/test/abi/theirs.h: $(O)/test/abi/ours.h test/abi/newer.txt
	@sed '/^#/d' test/abi/newer.txt >$(@:.h=.skip)
	@grep -vEf $(@:.h=.skip) $< >$@

$(O)/test/abi/ours: test/abi/table.c $(O)/test/abi/ours.h
	@$(ABI_CC) -Ixen/include -DLIST='"$(O)/test/abi/ours.h"' $< -o $@
$(O)/test/abi/theirs: test/abi/table.c test/abi/libxen.h $(O)/test/abi/theirs.h
	@$(ABI_CC) -DLIBXEN -DLIST='"$(O)/test/abi/theirs.h"' $< -o $@
$(O)/test/abi/%.txt: $(O)/test/abi/%
	@$< >$@
