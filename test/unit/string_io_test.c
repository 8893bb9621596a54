/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/hvm/string_io.c */
/* INS and OUTS to a counting port, with memory that the test permits or refuses. */
#include "test/unit/x86.h"

#include "arch/x86/hvm/io.h"

#define PORT 0xe9

static struct x86_domain *x;
static struct x86_vcpu *v;
static u8 memory[4 * PAGE_SIZE] __aligned(PAGE_SIZE);
static u64 refused, untranslated; /* page numbers */
static u32 next_in;
static u64 out_sum, outs, cr2, cpl;
static int vector, error;

u32 hvm_port_in(struct vcpu *u, u16 port, unsigned int size)
{
	assert_int_equal(port, PORT);
	return next_in++ & (u32)bytes_mask(size);
}

void hvm_port_out(struct vcpu *u, u16 port, unsigned int size, u32 val)
{
	assert_int_equal(port, PORT);
	out_sum = out_sum * 3 + val;
	outs++;
}

int copy_operand(void *buf, u64 gva, size_t len, bool from)
{
	u64 last = gva + len - 1;

	if (gva < (u64)memory || last >= (u64)memory + sizeof(memory))
		return -EFAULT;
	if (gva >> PAGE_SHIFT == refused || last >> PAGE_SHIFT == refused ||
	    last >> PAGE_SHIFT == untranslated || gva >> PAGE_SHIFT == untranslated)
		return -EFAULT;
	memcpy(from ? buf : (void *)gva, from ? (void *)gva : buf, len);
	return 0;
}

bool operand_is_mapped(u64 gva, bool write)
{
	return gva >> PAGE_SHIFT != untranslated && gva >= (u64)memory &&
	       gva < (u64)memory + sizeof(memory);
}

void hvm_inject_exception(struct vcpu *u, u8 vec, s32 err)
{
	vector = vec;
	error = err;
}

static u64 get_reg(struct x86_vcpu *u, unsigned int reg)
{
	return reg == HREG_RIP ? 0x1000 : reg == HREG_CS_ATTR ? cpl << 5 : 0;
}

static void set_reg(struct x86_vcpu *u, unsigned int reg, u64 val)
{
	assert_int_equal(reg, HREG_CR2);
	cr2 = val;
}

static u64 rip_after;
static void skip_insn(struct x86_vcpu *u, const struct exit_info *e, unsigned int len)
{
	rip_after = e->next_rip;
}

static const struct hvm_ops ops = { .get_state = ops_get_state, .get_reg = get_reg,
				    .set_reg = set_reg, .skip_insn = skip_insn };

static int setup(void **state)
{
	fake_reset();
	x = x86_domain_new(1, 1);
	v = x86_vcpu(x->d.vcpu[0]);
	hvm_ops = &ops;
	memset(&x86_state, 0, sizeof(x86_state));
	x86_state.efer = EFER_LMA;
	x86_state.seg[SEG_CS].attr = 0xa9b;
	x86_state.seg[SEG_FS].base = (u64)memory;
	for (unsigned int i = 0; i < sizeof(memory); i++)
		memory[i] = (u8)(i * 7);
	refused = untranslated = next_in = cpl = outs = out_sum = cr2 = rip_after = 0;
	vector = -1;
	return 0;
}

static int teardown(void **state)
{
	fake_check_quiet();
	x86_free(x);
	return 0;
}

static void io(bool in, u8 size, bool rep, u8 addr_size, u8 seg)
{
	struct exit_info e = { .next_rip = 0x1002, .io = { PORT, size, addr_size, seg, in, true, rep } };

	rip_after = 0;
	hvm_string_io(v, &e);
}

static void moves_elements(void **state)
{
	v->gpr[REG_RDI] = (u64)memory + 100;
	v->gpr[REG_RCX] = 3;
	io(true, 2, true, 8, SEG_ES);
	assert_int_equal(*(u16 *)(memory + 102), 1);
	assert_int_equal(*(u16 *)(memory + 104), 2);
	assert_int_equal(v->gpr[REG_RDI], (u64)memory + 106);
	assert_int_equal(v->gpr[REG_RCX], 0);
	assert_int_equal(rip_after, 0x1002);
	/* One, backwards. */
	x86_state.rflags = BIT(10);
	v->gpr[REG_RSI] = (u64)memory + 8;
	v->gpr[REG_RCX] = 9;
	io(false, 4, false, 8, SEG_DS);
	assert_int_equal(out_sum, *(u32 *)(memory + 8));
	assert_int_equal(v->gpr[REG_RSI], (u64)memory + 4);
	assert_int_equal(v->gpr[REG_RCX], 9);
	/* None at all. */
	v->gpr[REG_RCX] = 0;
	io(false, 4, true, 8, SEG_DS);
	assert_int_equal(outs, 1);
	assert_int_equal(rip_after, 0x1002);
	assert_int_equal(vector, -1);
	/* A long string: the rest follows in later exits. */
	x86_state.rflags = 0;
	v->gpr[REG_RCX] = 3 * 64 - 20;
	v->gpr[REG_RSI] = (u64)memory;
	for (unsigned int n = 0; n < 3; n++) {
		assert_int_equal(rip_after, n ? 0 : 0x1002);
		io(false, 1, true, 8, SEG_DS);
	}
	assert_int_equal(rip_after, 0x1002);
	assert_int_equal(outs, 1 + 3 * 64 - 20);
}

static void a_single_step_is_an_element(void **state)
{
	x86_state.rflags = X86_EFLAGS_TF;
	v->gpr[REG_RCX] = 2;
	v->gpr[REG_RSI] = (u64)memory;
	io(false, 1, true, 8, SEG_DS);
	assert_int_equal(rip_after, 0x1000);
	assert_int_equal(outs, 1);
	io(false, 1, true, 8, SEG_DS);
	assert_int_equal(rip_after, 0x1002);
}

static void faults_name_the_byte(void **state)
{
	v->gpr[REG_RCX] = 5;
	v->gpr[REG_RSI] = (u64)memory + PAGE_SIZE - 6;
	untranslated = (u64)(memory + PAGE_SIZE) >> PAGE_SHIFT;
	cpl = 3;
	io(false, 4, true, 8, SEG_DS);
	assert_int_equal(vector, X86_EXC_PF);
	assert_int_equal(error, 4);
	assert_int_equal(cr2, (u64)memory + PAGE_SIZE);
	assert_int_equal(v->gpr[REG_RCX], 4);
	assert_int_equal(v->gpr[REG_RSI], (u64)memory + PAGE_SIZE - 2);
	assert_int_equal(rip_after, 0);
	cpl = 0;
	v->gpr[REG_RDI] = (u64)memory + PAGE_SIZE;
	io(true, 1, false, 8, SEG_ES);
	assert_int_equal(error, 2);
	/*
	 * The page is mapped, so the guest's #PF handler would find nothing to do, and the fault
	 * would repeat for ever.
	 */
	untranslated = 0;
	refused = (u64)(memory + PAGE_SIZE) >> PAGE_SHIFT;
	io(true, 1, false, 8, SEG_ES);
	assert_int_equal(vector, X86_EXC_GP);
	v->gpr[REG_RDI] = 1ull << 47;
	vector = -1;
	io(true, 1, false, 8, SEG_ES);
	assert_int_equal(vector, X86_EXC_GP);
}

static void addresses_of_32_and_16_bits(void **state)
{
	v->gpr[REG_RSI] = 0x1234567800000010;
	v->gpr[REG_RCX] = 0x1111111100000001;
	io(false, 1, true, 4, SEG_FS); /* through FS: its base counts in 64-bit code, too */
	assert_int_equal(out_sum, memory[0x10]);
	assert_int_equal(v->gpr[REG_RSI], 0x11);
	assert_int_equal(v->gpr[REG_RCX], 0);
	v->gpr[REG_RSI] = 0x123456780001ffff;
	x86_state.seg[SEG_FS].base -= 0xffff;
	out_sum = 0;
	io(false, 1, false, 2, SEG_FS);
	assert_int_equal(out_sum, memory[0]);
	assert_int_equal(v->gpr[REG_RSI], 0x1234567800010000);
}

static void segments_of_32_bit_code(void **state)
{
	static const struct { bool in; u16 attr; u32 limit; bool ok; } rows[] = {
		{ true, 0x93, 0x103, true }, { true, 0x93, 0x102, false }, { true, 0x91, 0x103, false },
		{ false, 0x91, 0x103, true }, { false, 0x9b, 0x103, true }, { false, 0x99, 0x103, false },
		{ true, 0x9b, 0x103, false }, { false, 0x97, 0x103, false }, { false, 0, 0x103, false },
	};

	x86_state.seg[SEG_CS].attr = 0xc9b;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		v->gpr[REG_RSI] = v->gpr[REG_RDI] = 0x5500000100;
		x86_state.seg[SEG_ES] = (struct segment){ 8, rows[i].attr, rows[i].limit,
							  0xffffffffull << 32 | 0x10 };
		vector = -1;
		io(rows[i].in, 4, false, 4, SEG_ES);
		/*
		 * The test maps nothing at low addresses: an access that the segment allows goes on
		 * to the page walk.
		 */
		assert_int_equal(vector, rows[i].ok ? X86_EXC_PF : X86_EXC_GP);
		if (rows[i].ok)
			assert_int_equal(cr2, 0x110);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(moves_elements), T(a_single_step_is_an_element), T(faults_name_the_byte),
		T(addresses_of_32_and_16_bits),
	T(segments_of_32_bit_code),
};

UNIT_MAIN(tests)
