# SPDX-License-Identifier: GPL-2.0-only
# Configuration: Kconfig and .config make $(O)/include/config.h, the one generated header. Without a
# .config the defaults count. KCONFIG_CONFIG=file names another file (test builds use it).
KCONFIG_CONFIG ?= .config

# Only make V=1 shows the commands.
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

# Without a .config the current defaults count, and no .config is written: menuconfig or defconfig
# makes one. olddefconfig completes a .config that is older than Kconfig. The header is made after
# that, so that it is newer.
define CONFIG_HEADER_AWK
BEGIN { print "/* Generated: change it with make menuconfig. */"; \
	print "#ifndef KEEL_CONFIG_H\n#define KEEL_CONFIG_H" } \
/^CONFIG_[A-Z0-9_]*=/ { v = substr($$0, length($$1) + 2); \
	print "#define " $$1 " " (v == "y" ? 1 : v) } \
END { print "#endif" }
endef

$(CONFIG_H): Kconfig Kconfig.mk $(wildcard $(KCONFIG_CONFIG))
	@mkdir -p $(@D)
	@if [ -e $(KCONFIG_CONFIG) ]; then \
		$(KCONFIG_ENV) kconfig-conf --olddefconfig Kconfig >/dev/null && \
		awk -F= '$(CONFIG_HEADER_AWK)' $(KCONFIG_CONFIG) > $@.new; \
	else \
		KCONFIG_CONFIG=$(@D)/default.config kconfig-conf --alldefconfig Kconfig >/dev/null && \
		awk -F= '$(CONFIG_HEADER_AWK)' $(@D)/default.config > $@.new; \
	fi
	@mv $@.new $@

# Unit tests do not depend on the user's .config. They have the defaults, with DEBUG.
$(O)/unit/include/config.h: Kconfig Kconfig.mk
	@mkdir -p $(@D)
	@KCONFIG_CONFIG=$(@D)/default.config kconfig-conf --alldefconfig Kconfig >/dev/null
	@{ awk -F= '$(CONFIG_HEADER_AWK)' $(@D)/default.config; echo '#define CONFIG_DEBUG 1'; } > $@

# Packages that must be installed: every */deps.txt. The stamp is included, so make installs them
# before anything else, and then starts over with the compiler in place.
deps:
	@test/deps
	@+$(MAKE) --no-print-directory qemu10 || echo "deps: going on without QEMU 10, which few tests need" >&2
	@[ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" $(O)
KEEL_NO_DEPS := clean test-list soak-list deps
ifneq ($(filter-out $(KEEL_NO_DEPS),$(or $(MAKECMDGOALS),all)),)
$(O)/deps.stamp: test/deps $(wildcard */deps.txt)
	@mkdir -p $(@D)
	@test/deps
	@touch $@
include $(O)/deps.stamp
endif
