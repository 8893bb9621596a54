# SPDX-License-Identifier: GPL-2.0-only
# Targets that start QEMU. The scripts list their settings.
export TREE FILES KERNEL INITRD CMDLINE LOADER CPU SMP MEM QEMU_ARGS ACCEL KEEL_OPTIONS FIRMWARE HOST_CPU QEMU KILL IMAGES O

# Checks a value before the build, which the scripts would refuse only after it.
ifneq ($(filter boot run iso try-iso,$(MAKECMDGOALS)),)
ifeq ($(filter off intel amd,$(or $(IOMMU),off)),)
$(error IOMMU=$(IOMMU): it must be off, intel or amd)
endif
endif

.PHONY: boot boot-keel
# make's own exit status must say how Dom0 ended (0, 3, 4, 5), hence the plugin. make expands a
# recipe before it runs, so a second target reads the status.
boot: boot-keel
	@$(exit-with $(shell cat $(O)/boot/status))
boot-keel: all $(O)/dom0-tools/unpack-kernel
	@mkdir -p $(O)/boot; test/boot; echo $$? > $(O)/boot/status

ifneq ($(filter boot,$(MAKECMDGOALS)),)
$(O)/make_exit.so: test/make_exit.c
	@mkdir -p $(@D)
	@$(HOSTCC) -shared -fPIC -O1 -o $@ $<
-load $(O)/make_exit.so
endif

.PHONY: bench bench-update bench-mitigations
bench: all guests
	@test/bench/run
	@test/bench/run --vmx
	@test/bench/run --iommu
	@test/bench/run --nvme
	@test/bench/run --mitigations
bench-mitigations: all guests
	@test/bench/run --mitigations
bench-update: all guests
	@test/bench/run --update
	@test/bench/run --vmx --update
	@test/bench/run --iommu --update

.PHONY: run iso try-iso announce
announce: ; @echo "Building Keel and Dom0's image (make V=1 shows the commands)"
run: announce all dom0-image
	@test/demo
iso: announce all dom0-image
	@test/iso
try-iso: announce all dom0-image $(O)/test/dom0/try.img
	@EXTRA=$(O)/test/dom0/try.img CMDLINE="keel.run=try $(CMDLINE)" test/iso $(O)/keel-try.iso

# QEMU 10.0 beside the installed one, for tests with QEMU=10. If this machine's package archive
# lacks bookworm-backports, the status is 77.
.PHONY: qemu10
qemu10:
	@dom0-tools/image/fetch-packages test/qemu10.list $(PACKAGES)-bookworm-backports bookworm-backports
