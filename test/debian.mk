# SPDX-License-Identifier: GPL-2.0-only
# $(DEBIAN_DISK): a server's disk with Debian 12, in which the packages of make deb are installed, for server-debian.
DEBIAN_DISK := $(O)/test/debian/disk.img

.PHONY: debian-disk
debian-disk: $(DEBIAN_DISK)

$(O)/test/debian/base.tar: test/debian/base
	@mkdir -p $(@D)
	test/debian/base $@

$(DEBIAN_DISK): $(O)/test/debian/base.tar deb $(GUEST_IMAGE) $(DOM0_DIR)/vmlinuz test/debian/install test/debian/lib.sh \
		$(shell find test/debian/root -type f)
	@test/debian/install $< $(O)/deb $(DOM0_DIR)/vmlinuz $(GUEST_IMAGE) $(@D)/tree $@ >$(@D)/log 2>&1 || { tail -20 $(@D)/log; exit 1; }
