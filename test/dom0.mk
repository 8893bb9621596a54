# SPDX-License-Identifier: GPL-2.0-only
# Files that tests add to Dom0's image: $(O)/test/dom0/extra.img is appended to the initrd.
DOM0_EXTRA := $(O)/test/dom0/extra.img

.PHONY: dom0-tests
dom0-tests: $(DOM0_EXTRA) $(O)/test/dom0/lvm/usr/sbin/lvm $(O)/test/dom0/xl.img

$(DOM0_EXTRA): test/dom0/devtest.c $(wildcard test/dom0/root/usr/lib/keel/*) dom0-tools/image/pack
	@rm -rf $(@D)/tree && mkdir -p $(@D)/tree/usr/bin
	@cp -R test/dom0/root/. $(@D)/tree/
	$(HOSTCC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static test/dom0/devtest.c -o $(@D)/tree/usr/bin/devtest
	@dom0-tools/image/pack $(@D)/tree $@

DOM0_TEST_PACKAGES := $(O)/test/dom0/.packages
$(DOM0_TEST_PACKAGES): test/dom0/packages.list $(PACKAGES_STAMP)
	@mkdir -p $(@D)
	dom0-tools/image/fetch-packages test/dom0/packages.list $(PACKAGES_DIR) $(PACKAGES_SUITE)
	@touch $@

# LVM with its libraries, for a root file system on a disk that also holds a guest's volume.
$(O)/test/dom0/lvm/usr/sbin/lvm: $(DOM0_TEST_PACKAGES) dom0-tools/image/copy-libs
	@rm -rf $(O)/test/dom0/lvm && mkdir -p $(@D)
	@cp $(PACKAGES_DIR)/root/lvm2/sbin/lvm $@
	@dom0-tools/image/copy-libs $(PACKAGES_DIR)/root $(O)/test/dom0/lvm

# Debian's xl with its libraries, and Linux's driver for functions that xl assigns; appended to the
# initrd.
$(O)/test/dom0/xl.img: $(DOM0_TEST_PACKAGES) dom0-tools/image/copy-libs dom0-tools/image/pack
	@rm -rf $(@D)/xl && mkdir -p $(@D)/xl/usr/sbin $(@D)/xl/usr/lib/keel
	@cp $(PACKAGES_DIR)/root/xen-utils/usr/lib/xen-*/bin/xl $(@D)/xl/usr/sbin/
	@cp $(PACKAGES_DIR)/root/kernel/lib/modules/*/kernel/drivers/xen/xen-pciback/xen-pciback.ko $(@D)/xl/usr/lib/keel/
	@dom0-tools/image/copy-libs $(PACKAGES_DIR)/root $(@D)/xl
	@dom0-tools/image/pack $(@D)/xl $@

# For guests with PCI functions: their kernel, compressed in a way that starts sooner, and iproute2,
# because busybox's ip does not support virtual functions.
DOM0_VF := $(O)/test/dom0/vf.img
dom0-tests: $(DOM0_VF)
$(DOM0_VF): $(DOM0_TEST_PACKAGES) $(DOM0_DIR)/vmlinux dom0-tools/image/copy-libs test/dom0/repack \
		dom0-tools/image/pack
	@rm -rf $(@D)/vf && mkdir -p $(@D)/vf/usr/sbin $(@D)/vf/boot/guest
	@cp $(PACKAGES_DIR)/root/iproute2/bin/ip $(@D)/vf/usr/sbin/
	@dom0-tools/image/copy-libs $(PACKAGES_DIR)/root $(@D)/vf
	@test/dom0/repack $(DOM0_DIR)/vmlinux $(@D)/vf/boot/guest/vmlinuz
	@dom0-tools/image/pack $(@D)/vf $@

# For test/system/keel: what kills keel, and small guests.
DOM0_KEEL := $(O)/test/dom0/keel.img
DOM0_KEEL_GUESTS := hello uses
dom0-tests: $(DOM0_KEEL)
$(DOM0_KEEL): test/dom0/kill.c $(DOM0_KEEL_GUESTS:%=$(O)/test/guests/%.elf) dom0-tools/image/pack | $(TOOLS_INCLUDE)/xen
	@rm -rf $(@D)/keel && mkdir -p $(@D)/keel/usr/lib/keel/guests
	$(HOSTCC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -shared -fPIC -I$(TOOLS_INCLUDE) -Ixen/include \
		test/dom0/kill.c -o $(@D)/keel/usr/lib/keel/kill.so -ldl
	@cp $(DOM0_KEEL_GUESTS:%=$(O)/test/guests/%.elf) $(@D)/keel/usr/lib/keel/guests/
	@dom0-tools/image/pack $(@D)/keel $@

# EFI's runtime services: also for an initrd with nothing but busybox.
DOM0_EFI := $(O)/test/dom0/efi.img
dom0-tests: $(DOM0_EFI)
$(DOM0_EFI): test/dom0/efitest.c test/dom0/efi/usr/lib/keel/efi test/dom0/efi.modules $(DOM0_DIR)/vmlinux \
		dom0-tools/image/copy-modules dom0-tools/image/pack
	@rm -rf $(@D)/efi && mkdir -p $(@D)/efi/usr/bin $(@D)/efi/lib/x86_64-linux-gnu $(@D)/efi/lib64
	@cp -R test/dom0/efi/. $(@D)/efi/
	$(HOSTCC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static test/dom0/efitest.c -o $(@D)/efi/usr/bin/efitest
	@cp "$$(command -v efibootmgr)" "$$(command -v chattr)" $(@D)/efi/usr/bin/
	@ldd $(@D)/efi/usr/bin/efibootmgr $(@D)/efi/usr/bin/chattr | awk '$$3 ~ "^/" { print $$3 }' | sort -u | \
		xargs cp -L -t $(@D)/efi/lib/x86_64-linux-gnu
	@cp -L /lib64/ld-linux-x86-64.so.2 $(@D)/efi/lib64/
	@dom0-tools/image/copy-modules $(PACKAGES_DIR)/root/kernel test/dom0/efi.modules $(@D)/efi
	@dom0-tools/image/pack $(@D)/efi $@

# For make try-iso: what tries a machine, and the test guests that can be guests.
TRY_GUESTS := hello version events timers apic grants cpuid-msr registers edges
$(O)/test/dom0/try.img: $(wildcard test/dom0/try/usr/lib/keel/*) $(TRY_GUESTS:%=$(O)/test/guests/%.elf) dom0-tools/image/pack
	@rm -rf $(@D)/try && mkdir -p $(@D)/try
	@cp -R test/dom0/try/. $(@D)/try/ && mkdir -p $(@D)/try/usr/lib/keel/guests
	@cp $(TRY_GUESTS:%=$(O)/test/guests/%.elf) $(@D)/try/usr/lib/keel/guests/
	@dom0-tools/image/pack $(@D)/try $@
