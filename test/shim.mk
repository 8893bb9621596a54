# SPDX-License-Identifier: GPL-2.0-only
# Debian's shim and GRUB, as they are signed, for server-shim.
SHIM := $(O)/test/shim
.PHONY: shim
shim: $(SHIM)/grubx64.efi
$(SHIM)/grubx64.efi: test/shim.list $(PACKAGES_STAMP)
	@mkdir -p $(@D)
	dom0-tools/image/fetch-packages $< $(PACKAGES_DIR) $(PACKAGES_SUITE)
	@cp $(PACKAGES_DIR)/root/shim-signed/usr/lib/shim/shimx64.efi.signed $(SHIM)/shimx64.efi
	@cp $(PACKAGES_DIR)/root/grub-efi-amd64-signed/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed $@
