# SPDX-License-Identifier: GPL-2.0-only
# make install: onto this machine, or below DESTDIR. dom0-tools/install.list names each file.
PREFIX     ?= /usr/local
UNIT_DIR   ?= $(PREFIX)/lib/systemd/system
# Empty for packages whose builder strips by itself.
INSTALL_STRIP ?= -s

ROOT_PREFIX := $(DESTDIR)$(PREFIX)
H := $(T)/host

.PHONY: install install-hypervisor install-tools install-doc
install: install-hypervisor install-tools install-doc

# $(call install-made,MODE,FILE,TO): with the place of what it names.
install-made = sed 's|@PREFIX@|$(PREFIX)|g' $2 | install -D -m $1 /dev/stdin $3

install-hypervisor: all $(UNPACK_KERNEL)
	@install -d $(DESTDIR)/boot $(ROOT_PREFIX)/lib/keel
	@install -m 644 $(EFI_DIR)/keel.elf $(O)/keel.efi $(DESTDIR)/boot
	@install -m 644 $(O)/keel.efi $(ROOT_PREFIX)/lib/keel
	@sed -n 's/^#define \(CONFIG_[A-Z0-9_]*\) /\1=/p' $(CONFIG_H) | \
		install -m 644 /dev/stdin $(ROOT_PREFIX)/lib/keel/config
	@install $(INSTALL_STRIP) -m 755 $(UNPACK_KERNEL) $(ROOT_PREFIX)/lib/keel
	@$(call install-made,755,$(H)/update-keel,$(ROOT_PREFIX)/sbin/update-keel)
	@install -D -m 644 $(T)/man/update-keel.8 $(ROOT_PREFIX)/share/man/man8/update-keel.8
	@$(call install-made,755,$(H)/kernel-hook,$(DESTDIR)/etc/kernel/postinst.d/keel)
	@$(call install-made,755,$(H)/kernel-hook,$(DESTDIR)/etc/kernel/postrm.d/keel)
	@$(call install-made,755,$(H)/kernel-hook,$(DESTDIR)/etc/initramfs/post-update.d/keel)
	@install -D -m 755 $(H)/20_keel $(DESTDIR)/etc/grub.d/20_keel
	@install -D -m 644 $(H)/grub.cfg $(DESTDIR)/etc/default/grub.d/keel.cfg

install-tools: tools
	@install -d $(ROOT_PREFIX)/sbin $(addprefix $(ROOT_PREFIX)/share/man/man,1 5 8)
	@install $(INSTALL_STRIP) -m 755 $(TO)/keel $(TO)/keeld $(ROOT_PREFIX)/sbin
	@install -D $(INSTALL_STRIP) -m 755 -t $(ROOT_PREFIX)/lib/keel $(TO)/run-init
	@install -m 644 $(T)/man/keel.1 $(ROOT_PREFIX)/share/man/man1
	@install -m 644 $(T)/man/keel.cfg.5 $(ROOT_PREFIX)/share/man/man5
	@install -m 644 $(T)/man/keeld.8 $(ROOT_PREFIX)/share/man/man8
	@install -D -m 644 $(TO)/completion.bash $(ROOT_PREFIX)/share/bash-completion/completions/keel
	@install -D -m 644 $(TO)/completion.zsh $(ROOT_PREFIX)/share/zsh/site-functions/_keel
	@install -D -m 644 $(TO)/completion.fish $(ROOT_PREFIX)/share/fish/vendor_completions.d/keel.fish
	@install -D -m 644 -t $(ROOT_PREFIX)/share/keel $(wildcard $(T)/schema/*.json)
	@$(call install-made,644,$(H)/keeld.service,$(DESTDIR)$(UNIT_DIR)/keeld.service)
	@$(call install-made,644,$(H)/keel-guests.service,$(DESTDIR)$(UNIT_DIR)/keel-guests.service)
	@install -D -m 644 $(H)/tmpfiles.conf $(ROOT_PREFIX)/lib/tmpfiles.d/keel.conf

install-doc:
	@install -d $(ROOT_PREFIX)/share/doc/keel/docs
	@install -m 644 README.md CHANGELOG.md SECURITY.md $(ROOT_PREFIX)/share/doc/keel
	@install -m 644 $(wildcard docs/*.md) $(ROOT_PREFIX)/share/doc/keel/docs

# Below a folder of each check's own: `make test` runs several at once.
install-below = rm -rf $1 && $(MAKE) --no-print-directory install DESTDIR=$(abspath $1) PREFIX=/usr

CHECKS += check-install
check-install: all tools
	@+$(call install-below,$(O)/install-root)
	@$(T)/test/install $(O)/install-root

# What Debian's kernels and GRUB make of it, in machines that are folders.
CHECKS += check-grub
check-grub: all tools
	@+$(call install-below,$(O)/check-grub/installed)
	@$(T)/test/grub $(O)/check-grub/installed $(O)/check-grub/machines

# Debian packages, in $(O)/deb.
.PHONY: deb
deb:
	@$(T)/host/make-deb $(O)/deb
	@ls $(O)/deb/*.deb
