# SPDX-License-Identifier: GPL-2.0-only
# Configuration: Kconfig + .config -> $(O)/include/config.h, the one generated
# header. Without a .config the defaults are taken. Another file is named with
# KCONFIG_CONFIG=file (test builds use it).
KCONFIG_CONFIG ?= .config

# Commands are shown with make V=1 only.
ifeq ($(V),)
.SILENT:
endif

KCONFIG_ENV    := KCONFIG_CONFIG=$(KCONFIG_CONFIG) CONFIG_=CONFIG_

.PHONY: menuconfig nconfig oldconfig olddefconfig defconfig savedefconfig deps

menuconfig: ; @$(KCONFIG_ENV) kconfig-mconf Kconfig
nconfig: ; @$(KCONFIG_ENV) kconfig-nconf Kconfig
oldconfig: ; @$(KCONFIG_ENV) kconfig-conf --oldconfig Kconfig
olddefconfig: ; @$(KCONFIG_ENV) kconfig-conf --olddefconfig Kconfig >/dev/null
defconfig: ; @$(KCONFIG_ENV) kconfig-conf --alldefconfig Kconfig >/dev/null
savedefconfig: ; @$(KCONFIG_ENV) kconfig-conf --savedefconfig=$(O)/defconfig Kconfig

# olddefconfig rewrites .config (it may be older than Kconfig), so the header
# is made after it and is the newer of the two.
$(CONFIG_H): Kconfig Kconfig.mk $(wildcard $(KCONFIG_CONFIG))
	@mkdir -p $(@D)
	@$(KCONFIG_ENV) kconfig-conf --olddefconfig Kconfig >/dev/null
	@awk -F= '\
	BEGIN { print "/* Generated from $(KCONFIG_CONFIG): change it with make menuconfig. */"; \
		print "#ifndef KEEL_CONFIG_H\n#define KEEL_CONFIG_H" } \
	/^CONFIG_[A-Z0-9_]*=/ { v = substr($$0, length($$1) + 2); \
		print "#define " $$1 " " (v == "y" ? 1 : v) } \
	END { print "#endif" }' $(KCONFIG_CONFIG) > $@.new
	@mv $@.new $@

# What must be installed: every */deps.txt. Included, so that make installs it
# before anything else and then starts over with the compiler in place.
deps: ; @test/deps
KEEL_NO_DEPS := clean help test-list deps
ifneq ($(filter-out $(KEEL_NO_DEPS),$(or $(MAKECMDGOALS),all)),)
$(O)/deps.stamp: test/deps $(wildcard */deps.txt)
	@mkdir -p $(@D)
	@test/deps
	@touch $@
include $(O)/deps.stamp
endif
