# SPDX-License-Identifier: GPL-2.0-only
# build/keel.efi: the GNU-EFI loader with the core inside.
EFI_LIB   ?= /usr/lib
EFI_INC   ?= /usr/include/efi
EFI_DIR   := $(O)/efi
EFI_CPPFLAGS := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem $(EFI_INC) \
	-isystem $(EFI_INC)/x86_64 -I. -DGNU_EFI_USE_MS_ABI $(LIBFDT_CPPFLAGS)
EFI_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-ffreestanding -fno-strict-aliasing -fpic -fshort-wchar -mno-red-zone $(if $(findstring clang,$(CC)),,-maccumulate-outgoing-args) \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -mgeneral-regs-only $(PREFIX_MAP)
# The loader's own sources, and those that it shares with the core.
EFI_SRC   := $(sort $(wildcard xen/efi/*.c)) common/boot_info.c common/bootfiles.c \
	common/lib/string.c arch/x86/string.c arch/x86/boot/libfdt_guard.c
EFI_OBJS  := $(EFI_SRC:%.c=$(EFI_DIR)/%.o) $(EFI_DIR)/xen/efi/handoff.o

all: $(O)/keel.efi

$(EFI_DIR)/%.o: %.c $(LIBFDT_H)
	@mkdir -p $(@D)
	$(CC) $(EFI_CPPFLAGS) $(EFI_CFLAGS) -MMD -MP -c $< -o $@

$(EFI_DIR)/common/lib/string.o $(EFI_DIR)/arch/x86/string.o: EFI_CFLAGS += -fno-builtin $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)

$(EFI_DIR)/keel.elf: $(O)/keel.elf
	@mkdir -p $(@D)
	$(OBJCOPY) --strip-all $< $@

$(EFI_DIR)/xen/efi/handoff.o: xen/efi/handoff.S $(EFI_DIR)/keel.elf
	@mkdir -p $(@D)
	$(CC) -c -I. $(PREFIX_MAP) -DKEEL_ELF='"$(EFI_DIR)/keel.elf"' $< -o $@

# libefi.a has string functions, too; the linker takes the first definition, which is ours.
$(EFI_DIR)/keel.so: $(EFI_OBJS)
	$(LD) -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --no-undefined \
		--allow-multiple-definition --build-id=none -T $(EFI_LIB)/elf_x86_64_efi.lds \
		$(EFI_LIB)/crt0-efi-x86_64.o $(EFI_OBJS) $(LIBFDT) -L$(EFI_LIB) -lefi -lgnuefi -o $@

$(O)/keel.efi: $(EFI_DIR)/keel.so
	$(OBJCOPY) -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j .rel -j .rela -j '.rel.*' \
		-j '.rela.*' -j .reloc -j .sbat --target efi-app-x86_64 --subsystem=10 $< $@

-include $(EFI_OBJS:.o=.d)
