/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ARCH_X86_MITIGATIONS_H
#define ARCH_X86_MITIGATIONS_H
void mitigations_init(void);
#endif
