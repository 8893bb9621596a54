/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways into a guest and back, arch/x86/svm/entry.S and arch/x86/vmx/entry.S: which registers
 * change hands.
 */
#include "test/unit/unit.h"

#include "common/lib.h"

/* Offsets of gpr[]; svm.vmcb_pa follows it. */
enum { RAX, RSP = 4, RDI = 7, VMCB_PA = 16, NR };

/* What gpr[] has before, what the guest and the caller have in registers: each plus its number. */
#define BEFORE 0xbef04e000
#define GUEST 0x6e57000
#define HOST 0x4057000
#define KEPT(X) X(3, rbx) X(5, rbp) X(12, r12) X(13, r13) X(14, r14) X(15, r15) /* by functions */
#define EACH(X) KEPT(X) X(0, rax) X(1, rcx) X(2, rdx) X(6, rsi) X(7, rdi) X(8, r8) X(9, r9) \
	X(10, r10) X(11, r11)
#define STORE_INSIDE(nr, reg) "mov %" #reg ", inside + 8 * " #nr "(%rip)\n"
#define STORE_THEN(nr, reg) "mov %" #reg ", then + 8 * " #nr "(%rip)\n"
#define STORE_AFTER(nr, reg) "mov %" #reg ", after + 8 * " #nr "(%rip)\n"
#define LOAD_GUEST(nr, reg) "movabs $" STR(GUEST) " + " #nr ", %" #reg "\n"
#define LOAD_HOST(nr, reg) "movabs $" STR(HOST) " + " #nr ", %" #reg "\n"
#define PUSH(nr, reg) "push %" #reg "\n"
#define MACRO(name, body) ".macro " name "\n" body ".endm\n"

/*
 * Macros stand for what only hypervisors may execute; the sources' own #include is a comment here.
 * A VMCS has what was written to it last, and before that.
 */
__asm__(MACRO("clgi", "movl $0, gif(%rip)\n") MACRO("stgi", "movl $1, gif(%rip)\n") MACRO("sti", "")
	MACRO("cli", "")
	MACRO("guest", EACH(STORE_INSIDE) EACH(LOAD_GUEST))
	MACRO("vmrun vmcb", "guest\n")
	MACRO("wrmsr", "mov %ecx, msr(%rip)\n mov %eax, msr + 4(%rip)\n mov %edx, msr + 8(%rip)\n")
	MACRO("vmwrite val, field",
	      "push vmcs + 8(%rip)\n pop vmcs(%rip)\n mov \\val, vmcs + 8(%rip)\n"
	      "push field + 8(%rip)\n pop field(%rip)\n mov \\field, field + 8(%rip)\n")
	MACRO("vmlaunch", "cmpb $0, refuse(%rip)\n jne 9f\n guest\n"
			  "mov vmcs(%rip), %rsp\n jmp *vmcs + 8(%rip)\n 9:\n")
	MACRO("vmresume", "incl resumed(%rip)\n vmlaunch\n")
	".include \"arch/x86/hvm/enter.h\"\n"
	".include \"arch/x86/svm/entry.S\"\n"
	".purgem ENTER\n"
	".include \"arch/x86/vmx/entry.S\"\n"
	".text\n"
	"run:\n" KEPT(PUSH)
	"	mov	%rdi, %rax\n"
	"	mov	%rsi, %rdi\n"
	"	mov	%edx, %esi\n"
	KEPT(LOAD_HOST)
	"	sub	$8, %rsp\n"
	"	call	*%rax\n"
	EACH(STORE_AFTER)
	"	add	$8, %rsp\n"
	"	pop	%r15\n	pop	%r14\n	pop	%r13\n	pop	%r12\n	pop	%rbp\n	pop	%rbx\n"
	"	ret\n"
	"mitigations_after_exit:\n"
	EACH(STORE_THEN)
	"	incl	guarded(%rip)\n"
	"	mov	gif(%rip), %eax\n"
	"	mov	%eax, nmis_then(%rip)\n"
	"	mov	%rsp, then + 8 * 4(%rip)\n"
	"	xor	%eax, %eax\n"
	"__x86_return_thunk:\n"
	"	ret\n");

int run(const u8 *way, u64 *gpr, bool launched);
u64 inside[NR], then[NR], after[NR], vmcs[2], field[2];
u32 msr[3], guarded, resumed, gif = 1, nmis_then;
bool refuse;

extern const u8 svm_enter[], svm_enter_guarded[], svm_enter_barrier[];
extern const u8 vmx_enter[], vmx_enter_guarded[];
static const struct { const u8 *enter; bool vmx, guarded, barrier; } ways[] = {
	{ .enter = svm_enter }, { svm_enter_guarded, .guarded = true },
	{ svm_enter_barrier, .guarded = true, .barrier = true },
	{ vmx_enter, .vmx = true }, { vmx_enter_guarded, .vmx = true, .guarded = true },
};

#define HOST_OF(nr, reg) assert_int_equal(regs[nr], HOST + nr);

/* Keel's registers after an exit: the caller's, and nothing of the guest's. */
static void expect_host(const u64 *regs)
{
	KEPT(HOST_OF)
	for (unsigned int i = 0; i < VMCB_PA; i++)
		assert_false(i != RSP && regs[i] >= GUEST && regs[i] < GUEST + NR);
}

static int enter(unsigned int way, u64 *gpr, bool launched)
{
	for (unsigned int i = 0; i < NR; i++)
		gpr[i] = BEFORE + i;
	memset(inside, 0, sizeof(inside));
	memset(msr, 0, sizeof(msr));
	guarded = resumed = 0;
	return run(ways[way].enter, gpr, launched);
}

static void registers_change_hands(void **state)
{
	u64 gpr[NR];

	for (unsigned int way = 0; way < ARRAY_SIZE(ways); way++) {
		bool svm = !ways[way].vmx;

		for (unsigned int launched = 0; launched < 2; launched++) {
			int rc = enter(way, gpr, launched);

			for (unsigned int i = 0; i < VMCB_PA; i++) {
				if (i == RSP || (svm && i == RAX)) {
					assert_int_equal(gpr[i], BEFORE + i);
					continue;
				}
				assert_int_equal(inside[i], BEFORE + i);
				assert_int_equal(gpr[i], GUEST + i);
			}
			expect_host(after);
			assert_true(svm ? inside[RAX] == BEFORE + VMCB_PA : !rc && resumed == launched);
			assert_int_equal(guarded, ways[way].guarded);
			assert_int_equal(gif, 1);
			if (!guarded)
				continue;
			/* On SVM, NMIs come when the measures are done. */
			assert_int_equal(nmis_then, !svm);
			assert_int_equal(then[RSP] % 16, 8);
			expect_host(then);
			assert_ptr_equal((void *)then[RDI], gpr);
		}
		assert_int_equal(msr[0], ways[way].barrier ? 0x49 : 0);	/* PRED_CMD: IBPB */
		assert_int_equal(msr[1], ways[way].barrier);
		assert_int_equal(msr[2], 0);
	}
}

/* SDM vol. 3, appendix B: HOST_RSP is 6c14h, HOST_RIP 6c16h. */
static void refused_entries(void **state)
{
	u64 gpr[NR];

	refuse = true;
	for (unsigned int way = 0; way < ARRAY_SIZE(ways); way++) {
		if (!ways[way].vmx)
			continue;
		assert_int_equal(enter(way, gpr, false), 1);
		assert_int_equal(enter(way, gpr, true), 1);
		assert_int_equal(field[0] << 16 | field[1], 0x6c14u << 16 | 0x6c16);
		assert_int_equal(guarded, 0);
		for (unsigned int i = 0; i < NR; i++)
			assert_int_equal(gpr[i], BEFORE + i);
	}
	refuse = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(registers_change_hands), UNIT_TEST(refused_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
