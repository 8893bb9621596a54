# SPDX-License-Identifier: GPL-2.0-only
# Keel: builds the hypervisor. The other folders add their targets in *.mk files.
O          ?= build
CC         ?= gcc
HOSTCC     ?= gcc
LD         ?= ld
OBJCOPY    ?= objcopy
NM         ?= nm

# Debian has sfdisk, mkfs.vfat and depmod in folders that only root's PATH has. They work for any
# user.
export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all clean help

-include .config

# What is built does not tell where it was built.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.

CFLAGS_WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wvla -Wimplicit-fallthrough -Wno-unused-parameter -Wno-sign-compare \
	-Wwrite-strings -Wpointer-arith -Wframe-larger-than=2048
CPPFLAGS   := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -I. -Iarch/x86/include -Ixen/include -I$(O)/include -D__KEEL__
CFLAGS     := -std=gnu17 -O2 -g $(CFLAGS_WARN) -ffreestanding -fno-common -fno-strict-aliasing \
	-fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -fstack-protector-strong -mstack-protector-guard=global -fcf-protection=none \
	-ffunction-sections -fdata-sections -fno-delete-null-pointer-checks $(PREFIX_MAP)
# Indirect branches and returns go through arch/x86/thunks.S, and boot decides what they are. A
# compiler that has not all of one of these sets (clang 14) branches itself.
cc-options  = $(shell $(CC) -Werror $(1) -c -x c /dev/null -o /dev/null 2>/dev/null && echo $(1))
THUNKS     := $(or $(call cc-options,-mindirect-branch=thunk-extern -mindirect-branch-register \
	-mindirect-branch-cs-prefix -mfunction-return=thunk-extern -fjump-tables),$(call cc-options,-mretpoline \
	-mretpoline-external-thunk -mfunction-return=thunk-extern))
CFLAGS     += $(THUNKS) -DKEEL_THUNKS=$(if $(THUNKS),1,0)
ASFLAGS    := -D__ASSEMBLY__ -g $(PREFIX_MAP)

SRC_C := $(sort $(wildcard common/*.c common/*/*.c arch/x86/*.c arch/x86/*/*.c))
SRC_S := $(filter-out %.lds.S,$(sort $(wildcard arch/x86/*.S arch/x86/*/*.S xen/multiboot/*.S)))
SRC_C += $(sort $(wildcard xen/multiboot/*.c))
OBJS  := $(SRC_C:%.c=$(O)/%.o) $(SRC_S:%.S=$(O)/%.o)

CONFIG_H := $(O)/include/config.h

$(O)/%.o: %.c $(CONFIG_H) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# GRUB's font: 16 bytes for each character of ASCII.
FONT_H := $(O)/include/font.h $(O)/unit/include/font.h
$(O)/arch/x86/screen.o $(O)/unit/obj/arch/x86/screen.o $(O)/unit/obj/test/unit/screen_test.o: $(FONT_H)
$(FONT_H): /usr/share/grub/ascii.h
	@mkdir -p $(@D)
	@sed 's/^unsigned char/static const &/' $< >$@

$(O)/%.o: %.S $(CONFIG_H) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ASFLAGS) -MMD -MP -c $< -o $@

all:
	@$(if $(filter all,$(or $(MAKECMDGOALS),all)),echo "$(O)/keel.efi for UEFI and $(O)/keel.elf for multiboot are built",:)

clean:
	rm -rf $(O)

help:
	@echo "make                 $(O)/keel.efi and $(O)/keel.elf; make debug-build: with assertions, in $(O)/debug"
	@echo "make deps            installs what the build and the tests need (*/deps.txt), and fetches QEMU 10"
	@echo "make run             Keel, Dom0 and two guests in QEMU (IOMMU=intel, SMP=2, MEM=2G, LOADER=multiboot, ...)"
	@echo "make boot KERNEL=F   your kernel as Dom0 (INITRD=, CMDLINE=; test/boot has the rest)"
	@echo "make tools           keel and keeld; make install: those and Keel, below PREFIX and DESTDIR"
	@echo "make deb             Debian packages, in $(O)/deb"
	@echo "make dom0-image      Dom0's kernel and image; make iso, try-iso: images for a CD or a USB stick"
	@echo "make check           what needs no emulator and takes minutes; make unit-NAME: one unit test; make check-mutants"
	@echo "make test            what CI runs (TESTS='unit-* guest-*', JOBS=emulators at a time); make test-list prints the names"
	@echo "make soak            what takes hours; make soak-list; make bench, bench-mitigations; make fuzz-NAME FUZZ_SECONDS=60"
	@echo "make qemu10          fetches QEMU 10 alone, which few tests need"
	@echo "make menuconfig      the build's options; make clean: removes $(O)"

# Each of these adds targets: the boot image, Dom0's tools, tests, the guard.
-include Kconfig.mk $(wildcard arch/x86/boot/*.mk xen/efi/*.mk dom0-tools/*.mk test/*.mk drivers-none/*.mk)
-include $(OBJS:.o=.d)
