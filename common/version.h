/* SPDX-License-Identifier: GPL-2.0-only */
/* The version that Keel reports: XENVER_version and CPUID 0x40000001. */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

/* Keel's own release; what XENVER_version reports is the ABI's (option xen_version). */
#define KEEL_RELEASE "0.1"

#define KEEL_EXTRAVERSION ".0-keel"

/*
 * major << 16 | minor, chosen by the boot option xen_version= (4.17 or 4.20). Any context after
 * option_init().
 */
unsigned int version_reported(void);

/* Boot, after option_init(): takes xen_version=4.17|4.20, which is what the tools are told. */
void version_init(void);

#endif
