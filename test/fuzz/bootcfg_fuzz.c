/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/bootcfg.c common/bootcfg_links.c common/bootfiles.c common/boot_info.c */
/* Device trees: any blob leads to a result within bounds, or to an error with a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <public/hvm/pvh_layout.h>

#include "common/bootcfg.h"
#include "common/bootfiles.h"

void arch_libfdt_begin(struct libfdt_guard *g)
{
}

void arch_libfdt_end(const struct libfdt_guard *g)
{
}

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_result(const struct boot_info *bi, const struct bootcfg *cfg)
{
	unsigned int i, j;

	check(cfg->nr_domains >= 1 && cfg->nr_domains <= BOOTCFG_MAX_DOMAINS);
	for (i = 0; i < cfg->nr_domains; i++) {
		const struct bootcfg_domain *d = &cfg->domains[i];

		check(d->kernel >= 0 && (unsigned int)d->kernel < bi->nr_modules);
		check(d->ramdisk >= -1 && d->ramdisk < (int)bi->nr_modules);
		check(strnlen(d->name, sizeof(d->name)) < sizeof(d->name));
		check(strnlen(d->cmdline, sizeof(d->cmdline)) < sizeof(d->cmdline));
		check(d->cpus <= PVH_MAX_VCPUS && d->domid < 0x7ff0);
		check(d->nr_evtchns <= BOOTCFG_MAX_EVTCHNS && d->nr_grants <= BOOTCFG_MAX_GRANTS);
		for (j = 0; j < d->nr_evtchns; j++)
			check(d->evtchns[j].peer < cfg->nr_domains && d->evtchns[j].port < 4096);
		for (j = 0; j < d->nr_grants; j++)
			check(d->grants[j].peer < cfg->nr_domains && d->grants[j].ref < 512);
		for (j = 0; j < i; j++)
			check(cfg->domains[j].domid != d->domid);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info bi;
	static struct bootcfg cfg;
	struct boot_file files[BOOT_MAX_MODULES];
	char err[BOOTCFG_ERR_LEN] = "", line[BOOT_CMDLINE_LEN];
	/*
	 * libfdt wants 8-byte alignment; with an allocation of the exact size ASan finds reads
	 * beyond it.
	 */
	void *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	memset(&bi, 0, sizeof(bi));
	bi.fdt_size = size;
	boot_info_add_module(&bi, 0x1000000, 1000, "vmlinux", "");
	boot_info_add_module(&bi, 0x2000000, 1000, "guest-vmlinux", "");
	if (!bootcfg_parse(&bi, copy, &cfg, err, sizeof(err)))
		check_result(&bi, &cfg);
	else
		check(err[0] && strnlen(err, sizeof(err)) < sizeof(err));
	bootcfg_command_line(&bi, copy, line, sizeof(line));
	if (!boot_fdt_check(copy, size))
		boot_fdt_files(copy, files);
	free(copy);
	return 0;
}
