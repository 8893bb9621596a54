/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/branches.c */
/* Branches through thunks become what the CPU needs, and still lead to where they led. */
#include "test/unit/unit.h"

#include <sys/mman.h>

#include "arch/x86/branches.h"
#include "common/lib.h"

#define EACH_REG(X) X(rax, 0) X(rcx, 1) X(rdx, 2) X(rbx, 3) X(rbp, 5) X(rsi, 6) X(rdi, 7) X(r8, 8) \
	X(r9, 9) X(r10, 10) X(r11, 11) X(r12, 12) X(r13, 13) X(r14, 14) X(r15, 15)

/* void run_REG(void (*f)(void)): calls f, and jumps to it. From r8 on there is a prefix before. */
#define CODE(reg, nr) \
	"run_" #reg ": push %" #reg "\n" \
	"	mov %rdi, %" #reg "\n" \
	"	.if " #nr " >= 8; cs; .endif\n" \
	"call_" #reg ": call __x86_indirect_thunk_" #reg "\n" \
	"	call 1f\n" \
	"	pop %" #reg "\n" \
	"ret_" #reg ": jmp __x86_return_thunk\n" \
	"1:	.if " #nr " >= 8; cs; .endif\n" \
	"jmp_" #reg ": jmp __x86_indirect_thunk_" #reg "\n"

/* The real thunks (their #include is a comment here), the sites, and what only looks like some. */
__asm__(".set THUNK_ALIGNED, " STR(THUNK_ALIGNED) "\n"
	".include \"arch/x86/thunks.S\"\n"
	".text\n"
	".balign 4096, 0xcc\n"
	"sites:\n"
	EACH_REG(CODE)
	"others:\n"
	"	call __x86_indirect_thunk_rax + 1\n"
	"	call __x86_indirect_thunk_rax - " STR(THUNK_SIZE) "\n"
	"	jmp __x86_indirect_thunk_rcx + " STR(THUNK_ALIGNED) "\n"
	"	call __x86_return_thunk + " STR(THUNK_SIZE) "\n"
	"	jmp __x86_return_thunk + 1\n"
	"	jz __x86_indirect_thunk_rax\n"
	"	.byte 0xe8\n"
	"sites_end:\n"
	"	.balign 4096, 0xcc\n"
	"all_end:\n"
	"count: lock incl counted(%rip)\n"
	"	ret\n");

extern u8 sites[], others[], sites_end[], all_end[];
extern const u8 __x86_indirect_thunk_rax[], __x86_return_thunk[];
void count(void);
u32 counted;
const char __text_start[1], __text_end[1];

#define DECLARE(reg, nr) \
	void run_##reg(void (*f)(void)); \
	extern u8 call_##reg[], jmp_##reg[], ret_##reg[];
EACH_REG(DECLARE)

#define ROW(reg, nr) { nr, run_##reg, call_##reg, jmp_##reg, ret_##reg },
static const struct {
	unsigned int nr;
	void (*run)(void (*)(void));
	u8 *call, *jmp, *ret;
} rows[] = { EACH_REG(ROW) };

static u8 before[4096];

static int writable(void **state)
{
	assert_true(all_end - sites == sizeof(before));
	memcpy(before, sites, sizeof(before));
	return mprotect(sites, (size_t)(all_end - sites), PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int as_before(void **state)
{
	memcpy(sites, before, sizeof(before));
	return 0;
}

static void patch(bool retpoline, bool aligned)
{
	branches_patch(sites, (size_t)(sites_end - sites), retpoline, aligned);
	counted = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].run(count);
		assert_int_equal(counted, 2 * (i + 1));
	}
	/* what is no site stays, and so does what is around */
	assert_memory_equal(others, before + (others - sites), (size_t)(all_end - others));
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].nr >= 8)
			assert_int_equal(rows[i].call[-1], 0x2e);
}

static const u8 *leads_to(const u8 *p)
{
	s32 distance;

	memcpy(&distance, p + 1, sizeof(distance));
	return p + 5 + distance;
}

static void returns_are_inline(void)
{
	static const u8 ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		assert_memory_equal(rows[i].ret, ret, sizeof(ret));
}

static void without_need(void **state)
{
	patch(false, false);
	returns_are_inline();
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 reg = rows[i].nr & 7;
		u8 call[] = { 0x2e, 0x2e, 0x2e, 0xff, 0xd0 | reg };
		u8 jmp[] = { 0xff, 0xe0 | reg, 0xcc, 0xcc, 0xcc };
		u8 jmp8[] = { 0x41, 0xff, 0xe0 | reg, 0xcc, 0xcc };

		if (rows[i].nr >= 8)
			call[2] = 0x41;
		assert_memory_equal(rows[i].call, call, sizeof(call));
		assert_memory_equal(rows[i].jmp, rows[i].nr >= 8 ? jmp8 : jmp, sizeof(jmp));
	}
}

static bool upper_half(const u8 *p)
{
	return (u64)p % 64 >= 32;
}

/* The branch of a line of its own: plain, and of the register. */
static void expect_plain(const u8 *p, unsigned int nr)
{
	if (nr >= 8)
		assert_int_equal(*p++, 0x41);
	assert_int_equal(p[0], 0xff);
	assert_int_equal(p[1], 0xe0 | (nr & 7));
	assert_true(upper_half(p));
}

static void expect_retpolines(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const u8 *thunk = __x86_indirect_thunk_rax + rows[i].nr * THUNK_SIZE;

		assert_ptr_equal(leads_to(rows[i].call), thunk);
		assert_ptr_equal(leads_to(rows[i].jmp), thunk);
		/* call over the loop; mov %reg, (%rsp); ret */
		assert_int_equal(thunk[0], 0xe8);
		assert_int_equal(leads_to(thunk)[0], rows[i].nr >= 8 ? 0x4c : 0x48);
		assert_int_equal(leads_to(thunk)[2], 4 | (rows[i].nr & 7) << 3);
		assert_int_equal(leads_to(thunk)[4], 0xc3);
		assert_true(upper_half(leads_to(thunk) + 4));
	}
}

static void with_retpolines(void **state)
{
	patch(true, false);
	returns_are_inline();
	expect_retpolines();
}

static void returns_are_aligned(void)
{
	assert_int_equal(__x86_return_thunk[0], 0xc3);
	assert_true(upper_half(__x86_return_thunk));
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		assert_ptr_equal(leads_to(rows[i].ret), __x86_return_thunk);
}

static void in_upper_halves(void **state)
{
	patch(false, true);
	returns_are_aligned();
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_ptr_equal(leads_to(rows[i].call), leads_to(rows[i].jmp));
		expect_plain(leads_to(rows[i].call), rows[i].nr);
	}
}

static void both(void **state)
{
	patch(true, true);
	returns_are_aligned();
	expect_retpolines();
}

static void the_end_is_looked_at(void **state)
{
	u8 *end = ret_r15 + 5;

	branches_patch(ret_r15, 4, false, false);
	assert_memory_equal(sites, before, sizeof(before));
	branches_patch(ret_r15, (size_t)(end - ret_r15), false, false);
	assert_int_equal(*ret_r15, 0xc3);
}

/* It returns, with the stack as it was. Nothing else can be seen of it. */
static void the_history(void **state)
{
	u64 before_it, after;

	__asm__ volatile("mov %%rsp, %0; sub $128, %%rsp; call clear_branch_history;"
			 "add $128, %%rsp; mov %%rsp, %1"
			 : "=&r"(before_it), "=&r"(after) : : "rax", "rcx", "cc", "memory");
	assert_int_equal(before_it, after);
}

#define TEST(t) cmocka_unit_test_teardown(t, as_before)
static const struct CMUnitTest tests[] = {
	TEST(without_need),
	TEST(with_retpolines),
	TEST(in_upper_halves),
	TEST(both),
	TEST(the_end_is_looked_at),
	TEST(the_history),
};

int main(void)
{
	return cmocka_run_group_tests(tests, writable, NULL);
}
