/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of bootcfg.c and bootcfg_links.c. */
#ifndef COMMON_BOOTCFG_INTERNAL_H
#define COMMON_BOOTCFG_INTERNAL_H

#include "common/bootcfg.h"
#include "common/lib.h"

#define MEMORY_MAX_KB	(1ull << 34)	/* 16 TiB */

/* State of one parse. */
struct bootcfg_parser {
	const struct boot_info *bi;
	const void *fdt;
	struct bootcfg *cfg;
	int nodes[BOOTCFG_MAX_DOMAINS];		/* of cfg->domains */
	char *err;
	size_t errlen;
};

/* Sets the message; returns -1. */
int bootcfg_error(struct bootcfg_parser *p, const char *fmt, ...) __printf(2, 3);

const char *bootcfg_node_name(const struct bootcfg_parser *p, int node);
#define node_error(p, node, fmt, ...) \
	bootcfg_error(p, "%s: " fmt, bootcfg_node_name(p, node), ##__VA_ARGS__)

/*
 * An unsigned number of one or two cells. Returns 1 if it was there, 0 if not (@value is left
 * alone), -1 after a message.
 */
int bootcfg_number(struct bootcfg_parser *p, int node, const char *prop, u64 max, u64 *value);

/*
 * Misspelt properties, and those that Keel cannot honour, must not go unnoticed. @known is
 * NULL-terminated. Returns 0, or -1 after a message.
 */
int bootcfg_known(struct bootcfg_parser *p, int node, const char *const *known);

/* Links between domains, once all of them are known. Returns 0, or -1 after a message. */
int bootcfg_links(struct bootcfg_parser *p);

#endif
