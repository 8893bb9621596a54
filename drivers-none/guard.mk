# SPDX-License-Identifier: GPL-2.0-only
# The guard, the line budget, and a check that each header can be included alone.
CHECKS += check-guard check-size check-headers check-kconfig

check-guard: $(OBJS)
	@drivers-none/guard
	@drivers-none/guard --seeded

check-size:
	@drivers-none/size

check-kconfig:
	@drivers-none/kconfig

# The loader's headers need those of GNU-EFI.
HEADERS := $(sort $(wildcard common/*.h common/*/*.h arch/x86/*.h arch/x86/*/*.h arch/x86/include/machine/*.h \
	xen/include/public/*.h xen/include/public/*/*.h xen/multiboot/*.h))
check-headers: $(HEADERS:%=$(O)/headers/%.ok)
$(O)/headers/%.ok: % $(CONFIG_H)
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-unused -fsyntax-only -x c -include $< -MMD -MT $@ -MF $(@:.ok=.d) /dev/null
	@touch $@
-include $(HEADERS:%=$(O)/headers/%.d)
