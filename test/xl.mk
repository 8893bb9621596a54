# SPDX-License-Identifier: GPL-2.0-only
# $(XL_DISK): a root file system for Dom0 with Debian's own Xen toolstack, for the tests xl-*.
XL_DIR := $(O)/test/xl$(SUFFIX)
XL_DISK := $(XL_DIR)/root.img

.PHONY: xl-disk
xl-disk: $(XL_DISK)

XL_PACKAGES := $(XL_DIR)/.packages
$(XL_PACKAGES): test/xl/packages.list $(PACKAGES_STAMP)
	@mkdir -p $(@D)
	dom0-tools/image/fetch-packages test/xl/packages.list $(PACKAGES_DIR) $(PACKAGES_SUITE)
	@touch $@

$(XL_DISK): $(XL_PACKAGES) $(DOM0_DIR)/vmlinux $(GUEST_IMAGE) test/dom0/repack test/xl/build-disk test/xl/modules.list \
		$(shell find test/xl/root -type f) $(IMAGE_SCRIPTS) $(TO)/keel $(O)/test/xl/load
	@test/dom0/repack $(DOM0_DIR)/vmlinux $(@D)/vmlinuz
	test/xl/build-disk $(PACKAGES_DIR)/root test/xl/modules.list $(@D)/vmlinuz $(GUEST_IMAGE) $(TO)/keel \
		$(O)/test/xl/load $(@D)/tree $@

$(O)/test/xl/load: test/xl/load.c
	@mkdir -p $(@D)
	$(HOSTCC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -pthread $< -o $@

XL_INITRD := $(XL_DIR)/initrd.img
xl-disk: $(XL_INITRD)
$(XL_INITRD): $(PACKAGES_STAMP) test/xl/build-initrd test/xl/initrd-init test/xl/initrd.modules $(IMAGE_SCRIPTS)
	@mkdir -p $(@D)
	test/xl/build-initrd $(PACKAGES_DIR)/root $(@D)/initrd $@

# The kernel is another one than Dom0's, and compressed: GRUB takes no other.
XL_GUEST_DISK := $(XL_DIR)/guest.img
xl-disk: $(XL_GUEST_DISK)
$(XL_GUEST_DISK): $(DOM0_DIR)/vmlinuz-cloud $(GUEST_IMAGE) test/xl/build-guest-disk
	@mkdir -p $(@D)
	test/xl/build-guest-disk $(DOM0_DIR)/vmlinuz-cloud $(GUEST_IMAGE) $(@D)/guest $@
