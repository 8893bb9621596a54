# SPDX-License-Identifier: GPL-2.0-only
# The test guests: each test/guests/NAME.c becomes a PVH kernel, $(O)/test/guests/NAME.elf.
GUEST_OUT   := $(O)/test/guests
GUEST_NAMES := $(patsubst test/guests/%.c,%,$(sort $(wildcard test/guests/*.c)))
GUEST_LIB   := $(patsubst test/guests/lib/%.c,$(GUEST_OUT)/lib/%.o,$(sort $(wildcard test/guests/lib/*.c)))
GUEST_LIB   += $(GUEST_OUT)/lib/head.o
GUEST_CC    := $(CC) -nostdinc -isystem $(shell $(CC) -print-file-name=include) -I. -Ixen/include -Itest/guests \
	-std=gnu17 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-format-zero-length -ffreestanding \
	-fno-strict-aliasing -fno-pic -fno-pie -mcmodel=small -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-common -MMD -MP

.PHONY: guests
guests: $(GUEST_NAMES:%=$(GUEST_OUT)/%.elf) $(GUEST_OUT)/hello-high.elf $(GUEST_OUT)/compat.elf

$(GUEST_OUT)/%.o: test/guests/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) -c $< -o $@
$(GUEST_OUT)/%.o: test/guests/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) -c $< -o $@
$(GUEST_OUT)/%.elf: $(GUEST_OUT)/%.o $(GUEST_LIB) test/guests/lib/guest.lds
	$(LD) -nostdlib -static -z noexecstack --no-warn-rwx-segments $(LINK_BASE) -T test/guests/lib/guest.lds $(filter %.o,$^) -o $@

# At an address whose page numbers are not round: a random call may use the size of a page as a gfn.
$(GUEST_OUT)/fuzz.elf: LINK_BASE := --defsym=link_base=0x1b39000

# A guest of several files has a folder with its name.
$(GUEST_OUT)/pairs.elf: $(patsubst test/guests/%.c,$(GUEST_OUT)/%.o,$(sort $(wildcard test/guests/pairs/*.c)))
# Low, so that it needs little memory.
$(GUEST_OUT)/uses.elf $(GUEST_OUT)/moves.elf: LINK_BASE := --defsym=link_base=0x200000
$(GUEST_OUT)/uses.elf: $(patsubst test/guests/%.c,$(GUEST_OUT)/%.o,$(sort $(wildcard test/guests/uses/*.c)))
$(GUEST_OUT)/moves.elf: $(GUEST_OUT)/uses/front.o $(GUEST_OUT)/uses/store.o

# Only 32-bit code, so it cannot use the library. -malign-double gives structures the layout of
# 64-bit guests.
COMPAT_OBJS := $(GUEST_OUT)/compat/head.o $(GUEST_OUT)/compat/main.o
$(COMPAT_OBJS): GUEST_CC := $(filter-out -mcmodel=small -mno-red-zone,$(GUEST_CC)) -m32 -malign-double
$(GUEST_OUT)/compat.elf: $(COMPAT_OBJS) test/guests/lib/guest.lds
	$(LD) -m elf_i386 -nostdlib -static -z noexecstack --no-warn-rwx-segments -T test/guests/lib/guest.lds $(filter %.o,$^) -o $@

# Linked to 1 GiB: with less memory, Dom0 can only have this address with an IOMMU.
$(GUEST_OUT)/hello-high.elf: $(GUEST_OUT)/hello.o $(GUEST_LIB) test/guests/lib/guest.lds
	$(LD) -nostdlib -static -z noexecstack --no-warn-rwx-segments --defsym=link_base=0x40000000 -T test/guests/lib/guest.lds \
		$(filter %.o,$^) -o $@

.SECONDARY: $(GUEST_NAMES:%=$(GUEST_OUT)/%.o) $(GUEST_LIB)
-include $(wildcard $(GUEST_OUT)/*.d $(GUEST_OUT)/lib/*.d $(GUEST_OUT)/pairs/*.d $(GUEST_OUT)/compat/*.d)
