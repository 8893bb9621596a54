/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiler has each indirect branch and each return go through a thunk (thunks.S). At boot they
 * become what the CPU needs. They are found by where they lead to; the build compares that with the
 * disassembly (boot/thunks.awk).
 */
#include "arch/x86/branches.h"

#include "arch/x86/boot/layout.h"
#include "arch/x86/cpu.h"
#include "common/lib.h"

#define CALL 0xe8
#define JMP 0xe9
#define INT3 0xcc	/* behind a jump or a return, where some CPUs go on speculatively */
#define CS_PREFIX 0x2e	/* means nothing here, but fills a call up to where it returns */
#define SITE_LEN 5

extern const u8 __x86_indirect_thunk_rax[], __x86_return_thunk[];

/* call *%reg, jmp *%reg: the sites of registers from 8 on have one prefix more, which stays. */
static void put_branch(u8 *site, unsigned int reg)
{
	bool call = *site == CALL;
	u8 insn[SITE_LEN], *p = insn + (call ? SITE_LEN - 2 : reg / 8);

	memset(insn, call ? CS_PREFIX : INT3, sizeof(insn));
	if (reg >= 8)
		p[-1] = 0x41;
	p[0] = 0xff;
	p[1] = (u8)((call ? 0xd0 : 0xe0) | (reg & 7));
	memcpy(site, insn, sizeof(insn));
}

void branches_patch(u8 *text, size_t size, bool retpoline, bool aligned)
{
	static const u8 ret[SITE_LEN] = { 0xc3, INT3, INT3, INT3, INT3 };

	for (u8 *p = text; p + SITE_LEN <= text + size; p++) {
		s32 distance;
		u64 target, reg;

		if (*p != CALL && *p != JMP)
			continue;
		memcpy(&distance, p + 1, sizeof(distance));
		target = (u64)p + SITE_LEN + (u64)(s64)distance;
		reg = (target - (u64)__x86_indirect_thunk_rax) / THUNK_SIZE;
		if (target == (u64)__x86_return_thunk) {
			if (!aligned)
				memcpy(p, ret, sizeof(ret));
		} else if (reg < 16 && target == (u64)__x86_indirect_thunk_rax + reg * THUNK_SIZE && !retpoline) {
			distance += THUNK_ALIGNED;
			if (aligned)
				memcpy(p + 1, &distance, sizeof(distance));
			else
				put_branch(p, (unsigned int)reg);
		}
	}
}

/* Keel's tables have its code read-only, and nobody else uses them yet. */
void branches_init(bool retpoline, bool aligned)
{
	WRITE_CR(0, READ_CR(0) & ~X86_CR0_WP);
	branches_patch((u8 *)__text_start, (size_t)(__text_end - __text_start), retpoline, aligned);
	WRITE_CR(0, READ_CR(0) | X86_CR0_WP);
}
