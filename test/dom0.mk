# SPDX-License-Identifier: GPL-2.0-only
# What tests add to Dom0's image: $(O)/test/dom0/extra.img goes behind the initrd.
DOM0_EXTRA := $(O)/test/dom0/extra.img

.PHONY: dom0-tests
dom0-tests: $(DOM0_EXTRA)

$(DOM0_EXTRA): test/dom0/devtest.c $(wildcard test/dom0/root/usr/lib/keel/*) dom0-tools/image/pack
	@rm -rf $(@D)/tree && mkdir -p $(@D)/tree/usr/bin
	@cp -R test/dom0/root/. $(@D)/tree/
	$(HOSTCC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static test/dom0/devtest.c -o $(@D)/tree/usr/bin/devtest
	@dom0-tools/image/pack $(@D)/tree $@
