# SPDX-License-Identifier: GPL-2.0-only
# build/keel.elf: the hypervisor's core, from $(OBJS) and libfdt.
LIBFDT ?= $(firstword $(wildcard /usr/lib/x86_64-linux-gnu/libfdt.a /usr/lib/libfdt.a))
KEEL_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections --build-id=none

all: $(O)/keel.elf

# These files define the functions that the compiler would turn their own loops into.
$(O)/common/lib/string.o $(O)/arch/x86/string.o: CFLAGS += -fno-builtin $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)

# The SSDT of guests with PCI functions, for Keel, its tests, and the tools.
GUEST_PCI := $(addsuffix /include/guest_pci.hex,$(O) $(O)/unit $(O)/dom0-tools)
$(GUEST_PCI): arch/x86/acpi/guest_pci.asl
	@mkdir -p $(@D)
	@iasl -tc -p $(basename $@) $< >$(basename $@).log || { cat $(basename $@).log; exit 1; }
$(O)/arch/x86/acpi/guest_tables.o: $(O)/include/guest_pci.hex
$(O)/unit/obj/arch/x86/acpi/guest_tables.o $(O)/fuzz/obj/arch/x86/acpi/guest_tables.o: $(O)/unit/include/guest_pci.hex

$(O)/arch/x86/boot/keel.lds: arch/x86/boot/keel.lds.S arch/x86/boot/layout.h
	@mkdir -p $(@D)
	$(CC) -E -P -undef -D__ASSEMBLY__ -I. -x assembler-with-cpp $< -o $@

# Linked twice: the first time to learn the functions' addresses. The table of their names is behind
# the text, so it does not move any function; the second table must be the same as the first.
LINK_KEEL = $(LD) $(KEEL_LDFLAGS) -T $(O)/arch/x86/boot/keel.lds -o $@ $(OBJS) $(filter $(SYM)/%.o,$^) $(LIBFDT)
SYMBOLS_AWK := arch/x86/boot/symbols.awk
SYM := $(O)/arch/x86/boot/sym

$(SYM)/symbols-none.s: $(SYMBOLS_AWK)
	@mkdir -p $(@D)
	@awk -f $(SYMBOLS_AWK) </dev/null >$@

$(SYM)/keel-pass1.elf: $(OBJS) $(SYM)/symbols-none.o $(O)/arch/x86/boot/keel.lds
	$(LINK_KEEL)

$(SYM)/symbols.s: $(SYM)/keel-pass1.elf $(SYMBOLS_AWK)
	@$(NM) -n $< | awk -f $(SYMBOLS_AWK) >$@

$(SYM)/%.o: $(SYM)/%.s
	@$(CC) -c $< -o $@

# File offsets and load addresses differ by a constant (multiboot1's address fields need it).
$(O)/keel.elf: $(OBJS) $(SYM)/symbols.o $(O)/arch/x86/boot/keel.lds arch/x86/boot/check-flat.awk arch/x86/boot/thunks.awk
	$(LINK_KEEL)
	@readelf -lW $@ | awk -f arch/x86/boot/check-flat.awk
	@objdump -d -z -w -j .text $@ | awk -f arch/x86/boot/thunks.awk
	@$(NM) -n $@ | awk -f $(SYMBOLS_AWK) | cmp - $(SYM)/symbols.s

# Two of libfdt's headers are copied, away from the C library's, because libfdt_env.h must be ours.
LIBFDT_INC := $(O)/include/libfdt
LIBFDT_H   := $(LIBFDT_INC)/libfdt.h $(LIBFDT_INC)/fdt.h
LIBFDT_CPPFLAGS := -Icommon/lib/libfdt -isystem $(LIBFDT_INC)
LIBFDT_USERS := $(O)/common/bootfiles.o $(O)/common/bootcfg.o $(O)/common/bootcfg_links.o
$(LIBFDT_H): $(LIBFDT_INC)/%: /usr/include/%
	@mkdir -p $(@D)
	@cp $< $@
$(LIBFDT_USERS): $(LIBFDT_H)
$(LIBFDT_USERS): CPPFLAGS += $(LIBFDT_CPPFLAGS)
# Links libfdt into the tests whose sources read device trees.
$(O)/unit/bootcfg_test $(O)/fuzz/bootcfg_fuzz: $(LIBFDT)
