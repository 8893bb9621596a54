# SPDX-License-Identifier: GPL-2.0-only
# Boot managers for tests, built like keel.efi: acpi.efi gives ACPI tables to OVMF in Bochs, options.efi load options to Keel.
TEST_EFI := $(addprefix $(O)/test/,acpi.efi options.efi)
.PHONY: test-efi
test-efi: $(TEST_EFI)
$(TEST_EFI): $(O)/test/%.efi: $(EFI_DIR)/test/efi/%.o
	@mkdir -p $(@D)
	$(LD) -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --no-undefined --build-id=none \
		-T $(EFI_LIB)/elf_x86_64_efi.lds $(EFI_LIB)/crt0-efi-x86_64.o $< -L$(EFI_LIB) -lefi -lgnuefi -o $(@:.efi=.so)
	$(OBJCOPY) -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j .rel -j .rela -j '.rel.*' \
		-j '.rela.*' -j .reloc --target efi-app-x86_64 --subsystem=10 $(@:.efi=.so) $@
-include $(TEST_EFI:$(O)/test/%.efi=$(EFI_DIR)/test/efi/%.d)
