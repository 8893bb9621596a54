# SPDX-License-Identifier: GPL-2.0-only
# The public headers against what Debian's libxen-dev has.
CHECKS += check-abi

check-abi: $(O)/test/abi/layout.o

$(O)/test/abi/layout.o: test/abi/layout.c $(CONFIG_H)
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
-include $(O)/test/abi/layout.d
