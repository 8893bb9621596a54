/* SPDX-License-Identifier: GPL-2.0-only */
/* Keel's own command line (docs/command-line.md). The values are set once at boot, then only read. */
#ifndef COMMON_CMDLINE_H
#define COMMON_CMDLINE_H

#include "common/types.h"

enum console_kind { CONSOLE_NONE, CONSOLE_COM1 };
enum sched_kind { SCHED_CREDIT2, SCHED_NULL };

struct options {
	u32 console;		/* enum console_kind */
	u32 com1_baud;		/* 0: keep what the firmware set */
	u32 com1_port;		/* I/O port of the 16550 */
	bool com1_given;	/* com1= was there: it goes before ACPI's SPCR */
	u64 dom0_mem;		/* bytes; 0: not given */
	u32 dom0_max_vcpus;	/* 0: as many as the host has */
	u32 maxcpus;		/* host CPUs to start; 0: all */
	bool iommu;
	bool noreboot;
	bool x2apic;
	u32 sched;		/* enum sched_kind */
	u32 loglvl;		/* enum log_level */
	u32 xen_version;	/* major << 16 | minor, as XENVER_version gives it */
};

extern struct options opt;

/*
 * Set @o to the defaults, then to what @line says. What is unknown or wrong gets a warning and
 * changes nothing; a later option wins. Pure but for the warnings; boot CPU, before anything else.
 */
void cmdline_parse(const char *line, struct options *o);

/* The option table's names and help, for messages and tests. Returns false behind the last one. */
bool cmdline_option(unsigned int index, const char **name, const char **help);

#endif /* COMMON_CMDLINE_H */
