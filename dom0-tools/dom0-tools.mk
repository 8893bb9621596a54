# SPDX-License-Identifier: GPL-2.0-only
# The toolstack of Dom0 (`make tools`), its image (`make dom0-image`), and their checks.

T  := dom0-tools
TO := $(O)/dom0-tools

TOOLS_CFLAGS := -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter -Wno-missing-field-initializers \
	-Wwrite-strings $(PREFIX_MAP)
UNPACK_LIBS := -llzma -lzstd -lz -lbz2

.PHONY: tools dom0-image dom0-packages

# unpack-kernel IN OUT: extracts the ELF from a packaged kernel; other makefiles use it, too.
UNPACK_KERNEL := $(TO)/unpack-kernel
UNPACK_SRC := $(T)/image/unpack-kernel.c $(T)/lib/error.c $(T)/lib/blob.c $(T)/lib/unpack.c \
	$(T)/lib/lz4.c $(T)/lib/elf.c

$(UNPACK_KERNEL): $(UNPACK_SRC) $(wildcard $(T)/lib/*.h)
	@mkdir -p $(@D)
	$(HOSTCC) $(TOOLS_CFLAGS) -I$(T) $(UNPACK_SRC) -o $@ $(UNPACK_LIBS)

# keel and keeld. Xen's libraries have headers that include <xen/...>: they find our public headers
# there.
TOOLS_INCLUDE := $(TO)/include
LIBKEEL_SRC := $(wildcard $(T)/lib/*.c)
KEEL_SRC := $(wildcard $(T)/keel/*.c)
KEELD_SRC := $(wildcard $(T)/keeld/*.c)
LIBKEEL_OBJ := $(LIBKEEL_SRC:$(T)/%.c=$(TO)/obj/%.o) $(TO)/obj/guest_tables.o
KEEL_OBJ := $(KEEL_SRC:$(T)/%.c=$(TO)/obj/%.o)
KEELD_OBJ := $(KEELD_SRC:$(T)/%.c=$(TO)/obj/%.o)
TOOLS_LIBS := -lxencall -lxenforeignmemory -lxengnttab -lxenstore -lxenhypfs -ljson-c \
	$(UNPACK_LIBS)

# Completion for each shell, from one table.
COMPLETIONS := $(addprefix $(TO)/completion.,bash zsh fish)
$(COMPLETIONS): $(TO)/completion.%: $(T)/completion/generate $(T)/completion/commands
	@mkdir -p $(@D)
	@$< $* $(T)/completion/commands >$@.new && mv $@.new $@

# The first process in guests of `keel run`.
$(TO)/run-init: $(T)/run/init.c $(T)/run/init.h
	@mkdir -p $(@D)
	$(HOSTCC) $(TOOLS_CFLAGS) -I$(T) -static $< -o $@

tools: $(UNPACK_KERNEL) $(TO)/keel $(TO)/keeld $(TO)/run-init $(COMPLETIONS)

$(TOOLS_INCLUDE)/xen:
	@mkdir -p $(@D)
	ln -sfn $(abspath xen/include/public) $@

$(TO)/obj/%.o: $(T)/%.c | $(TOOLS_INCLUDE)/xen
	@mkdir -p $(@D)
	$(HOSTCC) $(TOOLS_CFLAGS) -I$(T) -I$(TOOLS_INCLUDE) -Ixen/include -MMD -MP -c $< -o $@

# The guests' ACPI tables: the hypervisor's source, and their SSDT (arch/x86/boot/boot.mk).
$(TO)/obj/guest_tables.o $(TO)/san/guest_tables.o: arch/x86/acpi/guest_tables.c $(TOOLS_INCLUDE)/guest_pci.hex
	@mkdir -p $(@D)
	@$(HOSTCC) $(TOOLS_CFLAGS) $(if $(findstring /san/,$@),$(TOOLS_SAN)) -I. -Ixen/include -I$(TOOLS_INCLUDE) \
		-include $(T)/lib/acpi.h -MMD -MP -c $< -o $@

$(TO)/libkeel.a: $(LIBKEEL_OBJ)
	@rm -f $@
	ar rcsD $@ $^

$(TO)/keel $(TO)/keeld: $(TO)/libkeel.a
$(TO)/keel: $(KEEL_OBJ)
	$(HOSTCC) $(KEEL_OBJ) $(TO)/libkeel.a -Wl,--as-needed -o $@ $(TOOLS_LIBS)
$(TO)/keeld: $(KEELD_OBJ)
	$(HOSTCC) $(KEELD_OBJ) $(TO)/libkeel.a -Wl,--as-needed -o $@ $(TOOLS_LIBS)

# A program of test/network/run.
.PHONY: net-vif
net-vif: $(TO)/net-vif
$(TO)/net-vif: $(TO)/obj/test/net_vif.o $(TO)/libkeel.a
	@$(HOSTCC) $^ -Wl,--as-needed -o $@ $(TOOLS_LIBS)

$(TO)/obj/keel/main.o: common/version.h
$(TO)/obj/keel/main.o: TOOLS_CFLAGS += -DKEEL_RELEASE='$(shell sed -n 's/^.define KEEL_RELEASE//p' common/version.h)'

-include $(LIBKEEL_OBJ:.o=.d) $(KEEL_OBJ:.o=.d) $(KEELD_OBJ:.o=.d)

# Debian packages, downloaded and unpacked, never installed. PACKAGES may name a folder that several
# build trees share. PACKAGES_SUITE=trixie takes them from that suite instead of the machine's own;
# the names of folders and images then end with the suite's.
PACKAGES ?= $(O)/packages
PACKAGES_SUITE ?=
SUFFIX := $(addprefix -,$(PACKAGES_SUITE))
PACKAGES_DIR := $(PACKAGES)$(SUFFIX)
PACKAGES_STAMP := $(PACKAGES_DIR)/.fetched

$(PACKAGES_STAMP): $(T)/image/packages.list $(T)/image/fetch-packages
	$(T)/image/fetch-packages $(T)/image/packages.list $(PACKAGES_DIR) $(PACKAGES_SUITE)
	@touch $@

dom0-packages: $(PACKAGES_STAMP)

# The images.
GUEST_DIR := $(O)/guest$(SUFFIX)
DOM0_DIR := $(O)/dom0$(SUFFIX)
GUEST_IMAGE := $(GUEST_DIR)/initrd.img
DOM0_FILES := $(addprefix $(DOM0_DIR)/,vmlinux vmlinux-cloud vmlinuz vmlinuz-cloud initrd.img images.img)
IMAGE_SCRIPTS := $(addprefix $(T)/image/,copy-modules copy-libs pack)

dom0-image: $(DOM0_FILES) $(GUEST_IMAGE)

$(DOM0_DIR)/vmlinuz: $(PACKAGES_STAMP)
	@mkdir -p $(@D)
	cp $(PACKAGES_DIR)/root/kernel/boot/vmlinuz-* $@

$(DOM0_DIR)/vmlinuz-cloud: $(PACKAGES_STAMP)
	@mkdir -p $(@D)
	cp $(PACKAGES_DIR)/root/cloud/boot/vmlinuz-* $@

$(DOM0_DIR)/vmlinux: $(DOM0_DIR)/vmlinuz $(UNPACK_KERNEL)
	$(UNPACK_KERNEL) $< $@

$(DOM0_DIR)/vmlinux-cloud: $(DOM0_DIR)/vmlinuz-cloud $(UNPACK_KERNEL)
	$(UNPACK_KERNEL) $< $@

$(GUEST_IMAGE): $(PACKAGES_STAMP) $(T)/image/build-guest $(wildcard $(T)/image/guest*.modules) \
		$(T)/image/guest/init $(IMAGE_SCRIPTS)
	@mkdir -p $(@D)
	$(T)/image/build-guest $(PACKAGES_DIR)/root $(GUEST_DIR)/tree $@

DOM0_TREE_FILES := $(shell find $(T)/image/dom0 -type f)

$(DOM0_DIR)/initrd.img: $(PACKAGES_STAMP) $(GUEST_IMAGE) $(TO)/keel $(TO)/keeld $(TO)/run-init $(T)/image/build-dom0 \
		$(T)/image/dom0.modules $(DOM0_TREE_FILES) $(IMAGE_SCRIPTS)
	@mkdir -p $(@D)
	$(T)/image/build-dom0 $(PACKAGES_DIR)/root $(TO) $(DOM0_DIR)/tree $@ $(GUEST_IMAGE)

$(DOM0_DIR)/images.img: $(PACKAGES_STAMP) $(T)/image/build-images $(IMAGE_SCRIPTS)
	@mkdir -p $(@D)
	$(T)/image/build-images $(PACKAGES_DIR)/root $(DOM0_DIR)/images $@

# Unit tests of the parts that need no hypervisor, under ASan and UBSan.
CHECKS += check-tools
TOOLS_TESTS := $(patsubst $(T)/test/%_test.c,%,$(sort $(wildcard $(T)/test/*_test.c)))
TOOLS_PURE := $(addprefix $(T)/lib/,error.c blob.c cfg.c guest.c guest_set.c guest_known.c guest_cpus.c guest_vif.c guest_disk.c guest_json.c guest_text.c guest_pci.c \
	unpack.c lz4.c elf.c layout.c pci.c pci_info.c sysfs.c autostart.c stats.c vf.c vf_link.c script.c skeleton.c store.c device.c disk.c disk_resize.c vif.c net.c net_define.c net_rules.c net_forward.c net_run.c link.c program.c netlink.c files.c hotplug.c pool.c lock.c host.c placement.c hyper_numa.c dump.c domain_text.c \
	image_info.c image_lock.c image_make.c image_server.c image_source.c images.c nbd.c seed.c cpio.c oci.c sha256.c tar.c efi.c kept_log.c esp.c efi_image.c payload.c payload_settings.c frames.c new_file.c create.c build.c build_memory.c build_copy.c build_cpu.c control.c stream_in.c stream_read.c stream_write.c guest_libxl.c save.c save_stream.c restore.c migrate.c migrate_receive.c unfinished.c domain.c times.c) \
	$(addprefix $(T)/keel/,cli.c devices.c vcpu.c tune.c poke.c domains.c list.c destroy.c power.c pause.c config.c config_file.c params.c autostart.c events.c stats.c top.c logs.c block.c network.c networks.c pool.c dump.c save.c migrate.c pci.c pci_list.c install.c \
	import.c snapshot.c clone.c run.c) $(T)/keeld/worker.c
TOOLS_SAN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TOOLS_WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup
TOOLS_TEST_OBJ := $(TOOLS_PURE:$(T)/%.c=$(TO)/san/%.o) $(TO)/san/guest_tables.o $(TO)/san/test/alloc.o \
	$(TO)/san/test/run.o

check-tools: $(TOOLS_TESTS:%=$(TO)/%.tested) $(TO)/usage.tested tools

$(TO)/usage.tested: $(T)/test/usage $(TO)/keel $(wildcard $(T)/completion/*) $(T)/man/keel.1
	@echo "  UNIT    tools-usage"
	@rm -f $(TO)/usage.json
	@KEEL_TEST_JSON=$(TO)/usage.json $< $(TO)/keel
	@touch $@

$(TO)/san/%.o: $(T)/%.c | $(TOOLS_INCLUDE)/xen
	@mkdir -p $(@D)
	@$(HOSTCC) $(TOOLS_CFLAGS) $(TOOLS_SAN) -I$(T) -I$(TOOLS_INCLUDE) -Ixen/include -MMD -MP -c $< -o $@

# An archive, so that a test can replace functions with its own, and the sources that define them.
$(TO)/san/tools.a: $(TOOLS_TEST_OBJ)
	@rm -f $@ && ar rcs $@ $^

$(TO)/san/%_test: $(TO)/san/test/%_test.o $(TO)/san/tools.a
	@$(HOSTCC) $(TOOLS_SAN) $(TOOLS_WRAP) $^ -o $@ -lcmocka -ljson-c $(UNPACK_LIBS) $(LIBS_$*)

# Debian's own libxlutil (libxen-dev) reads the corpus, too.
LIBS_corpus := -lxlutil -lxenlight
$(TO)/corpus.tested: $(wildcard $(T)/test/corpus/*.cfg)

# Debian's objcopy and sbsign make an image of it.
$(TO)/efi_image.tested: $(O)/keel.efi

$(TO)/%.tested: $(TO)/san/%_test
	@echo "  UNIT    tools-$*"
	@rm -f $(TO)/san/$*.json
	@O=$(O) KEEL_TEST_JSON=$(TO)/san/$*.json $< >$(TO)/san/$*.log 2>&1 || { cat $(TO)/san/$*.log; exit 1; }
	@touch $@

# What these tests, and usage, have seen printed with --json is as the schema says. Other commands
# need a hypervisor or root: test/system/toolstack and test/network/run see to them.
CHECKS += check-schema
check-schema: $(TOOLS_TESTS:%=$(TO)/%.tested) $(TO)/usage.tested
	@$(T)/test/schema $(TO)/keel "all but create,info,dmesg,network,save" $(TO)/usage.json $(TO)/san/*.json

# Breakages that tests must notice: NAME_test.mutants.
TOOLS_MUTANTS := $(patsubst $(T)/test/%_test.mutants,%,$(wildcard $(T)/test/*_test.mutants))
.PHONY: check-tools-mutants
check-mutants: check-tools-mutants
check-tools-mutants: $(TOOLS_MUTANTS:%=$(TO)/%.mutants-ok)
$(TO)/%.mutants-ok: $(T)/test/%_test.mutants $(TO)/san/%_test test/mutants
	@CC="$(HOSTCC) $(TOOLS_CFLAGS) $(TOOLS_SAN) -I$(T) -I$(TOOLS_INCLUDE) -Ixen/include" test/mutants $< \
		$(TO)/san/test/$*_test.o $(TO)/san/mutants/$* $(TO)/san/tools.a $(TOOLS_WRAP) -lcmocka -ljson-c $(UNPACK_LIBS) $(LIBS_$*)
	@touch $@

.PRECIOUS: $(TO)/san/%.o $(TO)/san/%_test
-include $(TOOLS_TEST_OBJ:.o=.d) $(TOOLS_TESTS:%=$(TO)/san/test/%_test.d)
