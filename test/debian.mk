# SPDX-License-Identifier: GPL-2.0-only
# $(DEBIAN_DISK): a server's disk with Debian 12, in which the packages of make deb are installed, for server-debian.
DEBIAN_DISK := $(O)/test/debian/disk.img

.PHONY: debian-disk
debian-disk: $(DEBIAN_DISK)

$(O)/test/debian/base.tar: test/debian/base
	@mkdir -p $(@D)
	test/debian/base $@

$(DEBIAN_DISK): $(O)/test/debian/base.tar deb $(GUEST_IMAGE) $(DOM0_DIR)/vmlinuz test/debian/install test/debian/lib.sh \
		$(shell find test/debian/root -type f)
	@test/debian/install $< $(O)/deb $(DOM0_DIR)/vmlinuz $(GUEST_IMAGE) $(@D)/tree $@ >$(@D)/log 2>&1 || { tail -20 $(@D)/log; exit 1; }

# A cloud image, for keel-import.
.PHONY: cloud-image
cloud-image: $(O)/test/debian/cloud.qcow2

$(O)/test/debian/cloud.qcow2: test/debian/cloud-image test/debian/lib.sh $(shell find test/debian/cloud -type f)
	@mkdir -p $(@D)
	@test/debian/cloud-image $(@D)/cloud $@ >$(@D)/cloud.log 2>&1 || { tail -20 $(@D)/cloud.log; exit 1; }
