/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/hvm/mmio.c arch/x86/hvm/mmio_decode.c */
#include "test/unit/x86.h"

#include "arch/x86/hvm/mmio.h"
#include "common/guest_access.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/pci/vpci.h"

#define DEVICE 0xd0000000ull

/* A device of 64 bytes in place of the IO-APICs; it records the last access. */
static u64 fetched_at, in_low_memory; /* stands for code below 4 GiB */

int copy_insn_from_guest(void *dst, u64 ip, size_t len)
{
	fetched_at = ip;
	ip += in_low_memory;
	return copy_from_guest(dst, ip, len);
}

static u8 device[64];
static unsigned int reads, writes, last_size;

static bool device_match(struct vcpu *v, u64 gpa)
{
	return gpa >= DEVICE && gpa < DEVICE + sizeof(device);
}

static void device_read(struct vcpu *v, u64 gpa, unsigned int size, u64 *val)
{
	*val = 0xa5a5a5a5a5a5a5a5ull; /* bits beyond the access's size must not get through */
	memcpy(val, device + (gpa - DEVICE), size);
	reads++;
	last_size = size;
}

static void device_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	assert_true(size == 8 || val >> (size * 8) == 0);
	memcpy(device + (gpa - DEVICE), &val, size);
	writes++;
	last_size = size;
}

static bool no_match(struct vcpu *v, u64 gpa)
{
	return false;
}

const struct mmio_handler vioapic_mmio = { device_match, device_read, device_write };
const struct mmio_handler vpci_msix_mmio = { no_match, NULL, NULL };
const struct mmio_handler vpci_config_mmio = { no_match, NULL, NULL };

bool vioapic_is_page(struct domain *d, gfn_t gfn)
{
	return gfn == PFN_DOWN(DEVICE);
}

bool vpci_mmio_is_trapped(struct domain *d, gfn_t gfn)
{
	return gfn == PFN_DOWN(DEVICE) + 1;
}

/* The local APIC: one register that counts its uses. */
static u32 lapic_reg;
bool vlapic_mmio_active(const struct vcpu *v, u64 gpa)
{
	return gpa >> PAGE_SHIFT == PFN_DOWN(APIC_DEFAULT_PHYS_BASE);
}

u32 vlapic_mmio_read(struct vcpu *v, unsigned int offset)
{
	assert_int_equal(offset, 0x20);
	return 0x12345678;
}

void vlapic_mmio_write(struct vcpu *v, unsigned int offset, u32 val)
{
	assert_int_equal(offset, 0xb0);
	lapic_reg = val;
}

/* --- Decoder --- */

#define W 1 /* memory is written */
#define H 2 /* AH..BH */
#define S 4 /* sign extension */
#define I 8 /* immediate */
#define M 16 /* memory first, though not written (CMP, TEST) */

struct encoding {
	u8 mode, len;
	const char *bytes;
	u8 size, alu, reg, reg_size, flags;
	s64 imm;
};

/* Bytes as the GNU assembler makes them for the instruction in the comment. */
static const struct encoding encodings[] = {
	{ 64, 2, "\x88\x07", 1, MMIO_MOV, 0, 1, W, 0 }, /* mov %al,(%rdi) */
	{ 64, 2, "\x88\x27", 1, MMIO_MOV, 0, 1, W | H, 0 }, /* mov %ah,(%rdi) */
	{ 64, 3, "\x40\x88\x37", 1, MMIO_MOV, 6, 1, W, 0 }, /* mov %sil,(%rdi) */
	{ 64, 4, "\x45\x88\x48\x10", 1, MMIO_MOV, 9, 1, W, 0 }, /* mov %r9b,0x10(%r8) */
	{ 64, 6, "\x89\x83\x00\x03\x00\x00", 4, MMIO_MOV, 0, 4, W, 0 }, /* mov %eax,0x300(%rbx) */
	{ 64, 4, "\x66\x89\x43\x02", 2, MMIO_MOV, 0, 2, W, 0 }, /* mov %ax,2(%rbx) */
	{ 64, 4, "\x4d\x89\x7d\x08", 8, MMIO_MOV, 15, 8, W, 0 }, /* mov %r15,8(%r13) */
	{ 64, 2, "\x8a\x07", 1, MMIO_MOV, 0, 1, 0, 0 }, /* mov (%rdi),%al */
	{ 64, 2, "\x8a\x3f", 1, MMIO_MOV, 3, 1, H, 0 }, /* mov (%rdi),%bh */
	{ 64, 3, "\x8b\x47\x10", 4, MMIO_MOV, 0, 4, 0, 0 }, /* mov 0x10(%rdi),%eax */
	/* mov 0xb0(%rsp,%rax,4),%r10d */
	{ 64, 8, "\x44\x8b\x94\x84\xb0\x00\x00\x00", 4, MMIO_MOV, 10, 4, 0, 0 },
	{ 64, 4, "\x49\x8b\x0c\x24", 8, MMIO_MOV, 1, 8, 0, 0 }, /* mov (%r12),%rcx */
	{ 64, 6, "\x8b\x15\x78\x56\x34\x12", 4, MMIO_MOV, 2, 4, 0, 0 }, /* mov 0x12345678(%rip),%edx */
	{ 64, 7, "\x8b\x14\x25\x78\x56\x34\x12", 4, MMIO_MOV, 2, 4, 0, 0 }, /* mov 0x12345678,%edx */
	{ 64, 5, "\x64\x67\x8b\x48\x10", 4, MMIO_MOV, 1, 4, 0, 0 }, /* mov %fs:0x10(%eax),%ecx */
	{ 64, 9, "\xa0\x88\x77\x66\x55\x44\x33\x22\x11", 1, MMIO_MOV, 0, 1, 0, 0 }, /* movabs ...,%al */
	{ 64, 9, "\xa1\x88\x77\x66\x55\x44\x33\x22\x11", 4, MMIO_MOV, 0, 4, 0, 0 }, /* movabs ...,%eax */
	/* movabs ...,%rax */
	{ 64, 10, "\x48\xa1\x88\x77\x66\x55\x44\x33\x22\x11", 8, MMIO_MOV, 0, 8, 0, 0 },
	{ 64, 9, "\xa3\x88\x77\x66\x55\x44\x33\x22\x11", 4, MMIO_MOV, 0, 4, W, 0 }, /* movabs %eax,... */
	{ 64, 6, "\x67\xa3\x44\x33\x22\x11", 4, MMIO_MOV, 0, 4, W, 0 }, /* addr32 mov %eax,0x11223344 */
	{ 64, 3, "\xc6\x00\x7f", 1, MMIO_MOV, 0, 1, W | I, 0x7f }, /* movb $0x7f,(%rax) */
	{ 64, 5, "\x66\xc7\x00\x01\x80", 2, MMIO_MOV, 0, 2, W | I, (s16)0x8001 }, /* movw $0x8001,(%rax) */
	{ 64, 7, "\xc7\x40\x10\x01\x00\x00\x80", 4, MMIO_MOV, 0, 4, W | I, (s32)0x80000001 },
	/* movq $-2,0x10(%rax) */
	{ 64, 8, "\x48\xc7\x40\x10\xfe\xff\xff\xff", 8, MMIO_MOV, 0, 8, W | I, -2 },
	{ 64, 3, "\x0f\xb6\x08", 1, MMIO_MOV, 1, 4, 0, 0 }, /* movzbl (%rax),%ecx */
	{ 64, 4, "\x0f\xb7\x48\x02", 2, MMIO_MOV, 1, 4, 0, 0 }, /* movzwl 2(%rax),%ecx */
	{ 64, 4, "\x66\x0f\xb6\x08", 1, MMIO_MOV, 1, 2, 0, 0 }, /* movzbw (%rax),%cx */
	{ 64, 4, "\x4c\x0f\xb7\x00", 2, MMIO_MOV, 8, 8, 0, 0 }, /* movzwq (%rax),%r8 */
	{ 64, 3, "\x0f\xbe\x08", 1, MMIO_MOV, 1, 4, S, 0 }, /* movsbl (%rax),%ecx */
	{ 64, 4, "\x48\x0f\xbf\x08", 2, MMIO_MOV, 1, 8, S, 0 }, /* movswq (%rax),%rcx */
	{ 64, 3, "\x48\x63\x08", 4, MMIO_MOV, 1, 8, S, 0 }, /* movslq (%rax),%rcx */
	/* andl ..,0xc(%rax) */
	{ 64, 7, "\x81\x60\x0c\xff\xff\xfe\xff", 4, MMIO_AND, 0, 4, W | I, (s32)0xfffeffff },
	{ 64, 4, "\x83\x48\x0c\x01", 4, MMIO_OR, 0, 4, W | I, 1 }, /* orl $1,0xc(%rax) */
	{ 64, 4, "\x80\x48\x0c\x01", 1, MMIO_OR, 0, 1, W | I, 1 }, /* orb $1,0xc(%rax) */
	{ 64, 2, "\x31\x08", 4, MMIO_XOR, 1, 4, W, 0 }, /* xor %ecx,(%rax) */
	{ 64, 2, "\x0b\x08", 4, MMIO_OR, 1, 4, 0, 0 }, /* or (%rax),%ecx */
	{ 64, 4, "\x44\x21\x48\x44", 4, MMIO_AND, 9, 4, W, 0 }, /* and %r9d,0x44(%rax) */
	{ 64, 3, "\x48\x03\x08", 8, MMIO_ADD, 1, 8, 0, 0 }, /* add (%rax),%rcx */
	{ 64, 2, "\x29\x08", 4, MMIO_SUB, 1, 4, W, 0 }, /* sub %ecx,(%rax) */
	{ 64, 2, "\x39\x08", 4, MMIO_CMP, 1, 4, M, 0 }, /* cmp %ecx,(%rax) */
	{ 64, 2, "\x3b\x08", 4, MMIO_CMP, 1, 4, 0, 0 }, /* cmp (%rax),%ecx */
	{ 64, 3, "\x83\x38\x05", 4, MMIO_CMP, 0, 4, M | I, 5 }, /* cmpl $5,(%rax) */
	{ 64, 5, "\x66\x81\x38\x34\x12", 2, MMIO_CMP, 0, 2, M | I, 0x1234 }, /* cmpw $0x1234,(%rax) */
	{ 64, 3, "\xf6\x00\x10", 1, MMIO_TEST, 0, 1, M | I, 0x10 }, /* testb $0x10,(%rax) */
	/* testl ..,(%rax) */
	{ 64, 6, "\xf7\x00\x00\x00\x00\x80", 4, MMIO_TEST, 0, 4, M | I, (s32)0x80000000 },
	{ 64, 2, "\x85\x08", 4, MMIO_TEST, 1, 4, M, 0 }, /* test %ecx,(%rax) */
	{ 64, 2, "\x87\x03", 4, MMIO_XCHG, 0, 4, W, 0 }, /* xchg %eax,(%rbx) */
	{ 64, 2, "\x86\x0b", 1, MMIO_XCHG, 1, 1, W, 0 }, /* xchg %cl,(%rbx) */
	{ 64, 4, "\xf0\x83\x0b\x02", 4, MMIO_OR, 0, 4, W | I, 2 }, /* lock orl $2,(%rbx) */
	{ 32, 5, "\xa3\x00\x03\xe0\xfe", 4, MMIO_MOV, 0, 4, W, 0 }, /* mov %eax,0xfee00300 */
	{ 32, 6, "\x89\x0d\x10\x03\xe0\xfe", 4, MMIO_MOV, 1, 4, W, 0 }, /* mov %ecx,0xfee00310 */
	{ 32, 5, "\xa1\x20\x00\xe0\xfe", 4, MMIO_MOV, 0, 4, 0, 0 }, /* mov 0xfee00020,%eax */
	{ 32, 3, "\x66\x89\x03", 2, MMIO_MOV, 0, 2, W, 0 }, /* mov %ax,(%ebx) */
	{ 32, 4, "\x88\x64\x0b\x10", 1, MMIO_MOV, 0, 1, W | H, 0 }, /* mov %ah,0x10(%ebx,%ecx) */
	/* movl $0,0xfee000b0 */
	{ 32, 10, "\xc7\x05\xb0\x00\xe0\xfe\x00\x00\x00\x00", 4, MMIO_MOV, 0, 4, W | I, 0 },
	{ 32, 5, "\x67\x0f\xb6\x40\x12", 1, MMIO_MOV, 0, 4, 0, 0 }, /* movzbl 0x12(%bx,%si),%eax */
	{ 32, 5, "\x67\x8a\x85\x34\x12", 1, MMIO_MOV, 0, 1, 0, 0 }, /* mov 0x1234(%di),%al */
	{ 32, 4, "\x67\xa1\x34\x12", 4, MMIO_MOV, 0, 4, 0, 0 }, /* addr16 mov 0x1234,%eax */
	{ 16, 2, "\x89\x07", 2, MMIO_MOV, 0, 2, W, 0 }, /* mov %ax,(%bx) */
	{ 16, 3, "\x66\x89\x07", 4, MMIO_MOV, 0, 4, W, 0 }, /* mov %eax,(%bx) */
	{ 16, 4, "\x8b\x0e\x34\x12", 2, MMIO_MOV, 1, 2, 0, 0 }, /* mov 0x1234,%cx */
	{ 16, 4, "\x67\x66\x8b\x0e", 4, MMIO_MOV, 1, 4, 0, 0 }, /* mov (%esi),%ecx */
	{ 16, 3, "\xa1\x34\x12", 2, MMIO_MOV, 0, 2, 0, 0 }, /* mov 0x1234,%ax */
};

static void decodes_the_table(void **state)
{
	struct mmio_insn in;

	for (unsigned int i = 0; i < ARRAY_LEN(encodings); i++) {
		const struct encoding *e = &encodings[i];
		const u8 *bytes = (const u8 *)e->bytes;

		assert_int_equal(mmio_decode(bytes, 15, e->mode, &in), 0);
		assert_int_equal(in.len, e->len);
		assert_int_equal(in.size, e->size);
		assert_int_equal(in.alu, e->alu);
		assert_int_equal(in.reg, e->reg);
		assert_int_equal(in.reg_size, e->reg_size);
		assert_int_equal(in.write, !!(e->flags & W));
		assert_int_equal(in.mem_first, !!(e->flags & (W | M)));
		assert_int_equal(in.high_byte, !!(e->flags & H));
		assert_int_equal(in.sign_extend, !!(e->flags & S));
		assert_int_equal(in.has_imm, !!(e->flags & I));
		assert_int_equal(in.imm, (u64)e->imm);
		for (unsigned int len = 0; len < e->len; len++)
			assert_int_equal(mmio_decode(bytes, len, e->mode, &in), -EAGAIN);
		assert_int_equal(mmio_decode(bytes, e->len, e->mode, &in), 0);
	}
}

static void refuses_everything_else(void **state)
{
	static const char *const others[] = {
		"\x89\xc0", "\x0f\xb6\xc0", /* registers only */
		"\xa4", "\xab", "\xff\x30", "\xff\x00", "\x0f\xa3\x00", "\x0f\xb0\x00", "\x0f\x01\x00",
			"\x11\x00",
		"\x19\x00", "\x83\x10\x00", "\x83\x18\x00", "\xc7\x08\x00", "\xf7\x18", "\x90", "\xc3", "\xf4",
		"\x04\x01", "\xc5\xf8\x10\x00", "\x62\xf1\x7c\x48", "\xdd\x00", "\x8f\x00",
		"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66", /* longer than an instruction */
	};
	u8 buf[16];
	struct mmio_insn in;

	for (unsigned int i = 0; i < ARRAY_LEN(others); i++) {
		memset(buf, 0x66, sizeof(buf));
		memcpy(buf, others[i], strnlen(others[i], 15) ?: 1);
		assert_int_equal(mmio_decode(buf, 15, 64, &in), -EOPNOTSUPP);
	}
	assert_int_equal(mmio_decode((const u8 *)"\x63\x08", 2, 32, &in), -EOPNOTSUPP); /* ARPL */
	/* In 32-bit mode 48 is DEC EAX, not a prefix. */
	assert_int_equal(mmio_decode((const u8 *)"\x48\x8b\x08", 3, 32, &in), -EOPNOTSUPP);
}

/* --- Arithmetic: compared with the CPU that the test runs on --- */

#define ON_CPU(insn, type)								\
	({										\
		type _r = (type)first;							\
		u64 _f;									\
		__asm__ volatile(insn " %2, %0\n\tpushfq\n\tpopq %1"			\
				 : "+r"(_r), "=r"(_f) : "r"((type)second) : "cc", "memory"); \
		cpu_flags = _f;								\
		(u64)_r;								\
	})
#define ON_CPU_SIZED(insn) (size == 1 ? ON_CPU(insn, u8) : size == 2 ? ON_CPU(insn, u16) : \
			    size == 4 ? ON_CPU(insn, u32) : ON_CPU(insn, u64))

static void alu_like_the_cpu(void **state)
{
	static const u64 values[] = { 0, 1, 2, 0x0f, 0x10, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
				      0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
				      0xffffffffffffffff, 0x123456789abcdef0 };
	static const struct { enum mmio_alu op; u64 flags; } ops[] = {
		{ MMIO_ADD, 0x8d5 }, { MMIO_SUB, 0x8d5 }, { MMIO_AND, 0x8c5 }, { MMIO_OR, 0x8c5 },
		{ MMIO_XOR, 0x8c5 },
	};

	for (unsigned int o = 0; o < ARRAY_LEN(ops); o++) {
		for (unsigned int i = 0; i < ARRAY_LEN(values) * ARRAY_LEN(values) * 4; i++) {
			unsigned int size = 1u << i % 4;
			u64 first = values[i / 4 % ARRAY_LEN(values)], second = values[i / 4 / ARRAY_LEN(values)];
			u64 flags = 0x8d5 | X86_EFLAGS_IF, cpu_flags = 0, want, got;

			switch (ops[o].op) {
			case MMIO_ADD:
				want = ON_CPU_SIZED("add");
				break;
			case MMIO_SUB:
				want = ON_CPU_SIZED("sub");
				break;
			case MMIO_AND:
				want = ON_CPU_SIZED("and");
				break;
			case MMIO_OR:
				want = ON_CPU_SIZED("or");
				break;
			default:
				want = ON_CPU_SIZED("xor");
			}
			got = mmio_alu(ops[o].op, first, second, size, &flags);
			assert_int_equal(got, want);
			assert_int_equal(flags & ops[o].flags, cpu_flags & ops[o].flags);
			assert_true(flags & X86_EFLAGS_IF);
		}
	}
}

/* --- Execution --- */

static struct x86_domain *x;
static struct x86_vcpu *v;
static u8 code[2 * PAGE_SIZE] __aligned(PAGE_SIZE);

static int setup(void **state)
{
	fake_reset();
	x = x86_domain_new(1, 1);
	v = x86_vcpu(x->d.vcpu[0]);
	memset(&x86_state, 0, sizeof(x86_state));
	memset(device, 0, sizeof(device));
	x86_state.efer = EFER_LMA | EFER_LME;
	x86_state.seg[SEG_CS].attr = 0xa9b;
	reads = writes = 0;
	return 0;
}

static int teardown(void **state)
{
	fake_check_quiet();
	x86_free(x);
	return 0;
}

/* Runs an instruction whose operand is DEVICE + 8. */
static bool run_at(const char *bytes, unsigned int len, unsigned int at, bool write)
{
	memset(code, 0xcc, sizeof(code));
	memcpy(code + at, bytes, len);
	x86_state.rip = (u64)(code + at);
	x86_skipped = 0;
	return hvm_emulate_mmio(v, DEVICE + 8, write);
}

static void run(const char *bytes, unsigned int len, bool write)
{
	assert_true(run_at(bytes, len, 0, write));
	assert_int_equal(x86_skipped, len);
}

static void set_device(u64 val)
{
	memcpy(device + 8, &val, 8);
}

static u64 get_device(void)
{
	u64 val;

	memcpy(&val, device + 8, 8);
	return val;
}

static void loads_fill_registers_by_size(void **state)
{
	set_device(0x8182838485868788ull);
	v->gpr[REG_RCX] = v->gpr[REG_RBX] = 0x1111111111111111ull;
	run("\x8a\x08", 2, false); /* mov (%rax),%cl */
	assert_int_equal(v->gpr[REG_RCX], 0x1111111111111188ull);
	run("\x8a\x38", 2, false); /* mov (%rax),%bh */
	assert_int_equal(v->gpr[REG_RBX], 0x1111111111118811ull);
	run("\x66\x8b\x08", 3, false); /* mov (%rax),%cx */
	assert_int_equal(v->gpr[REG_RCX], 0x1111111111118788ull);
	run("\x8b\x08", 2, false); /* mov (%rax),%ecx */
	assert_int_equal(v->gpr[REG_RCX], 0x85868788ull);
	run("\x48\x8b\x08", 3, false); /* mov (%rax),%rcx */
	assert_int_equal(v->gpr[REG_RCX], 0x8182838485868788ull);
	run("\x0f\xb6\x08", 3, false); /* movzbl */
	assert_int_equal(v->gpr[REG_RCX], 0x88);
	run("\x0f\xbe\x08", 3, false); /* movsbl */
	assert_int_equal(v->gpr[REG_RCX], 0xffffff88u);
	run("\x48\x63\x08", 3, false); /* movslq */
	assert_int_equal(v->gpr[REG_RCX], 0xffffffff85868788ull);
	assert_int_equal(writes, 0);
}

static void stores_write_their_size(void **state)
{
	v->gpr[REG_RCX] = 0x1122334455667788ull;
	run("\x88\x08", 2, true); /* mov %cl,(%rax) */
	assert_int_equal(get_device(), 0x88);
	run("\x88\x28", 2, true); /* mov %ch,(%rax) */
	assert_int_equal(get_device(), 0x77);
	run("\x89\x08", 2, true);
	assert_int_equal(get_device(), 0x55667788);
	run("\x48\x89\x08", 3, true);
	assert_int_equal(get_device(), 0x1122334455667788ull);
	run("\x48\xc7\x00\xfe\xff\xff\xff", 7, true); /* movq $-2,(%rax) */
	assert_int_equal(get_device(), -2ull);
	assert_int_equal(reads, 0);
}

static void read_modify_write(void **state)
{
	x86_rflags = X86_EFLAGS_IF;
	set_device(0xff00ff00);
	run("\x81\x20\xff\xff\x00\x00", 6, true); /* andl $0xffff,(%rax) */
	assert_int_equal(get_device(), 0xff00);
	v->gpr[REG_RCX] = 0xff00;
	run("\x31\x08", 2, true); /* xor %ecx,(%rax) */
	assert_int_equal(get_device(), 0);
	assert_int_equal(x86_rflags, X86_EFLAGS_IF | 0x44); /* zero, even parity */
	set_device(5);
	v->gpr[REG_RCX] = 7;
	run("\x39\x08", 2, false); /* cmp %ecx,(%rax): 5 - 7 borrows */
	assert_true(x86_rflags & 1);
	run("\x3b\x08", 2, false); /* cmp (%rax),%ecx: 7 - 5 does not */
	assert_false(x86_rflags & 1);
	assert_int_equal(v->gpr[REG_RCX], 7);
	run("\x03\x08", 2, false); /* add (%rax),%ecx */
	assert_int_equal(v->gpr[REG_RCX], 12);
	run("\x87\x08", 2, true); /* xchg %ecx,(%rax) */
	assert_int_equal(v->gpr[REG_RCX], 5);
	assert_int_equal(get_device(), 12);
	run("\xf7\x00\x0c\x00\x00\x00", 6, false); /* testl $12,(%rax) */
	assert_false(x86_rflags & 0x40);
}

static unsigned int fetches;
static void count_fetch(u64 gva, size_t len, bool write)
{
	assert_true(gva / PAGE_SIZE == (gva + len - 1) / PAGE_SIZE);
	fetches++;
}

static void fetches_no_page_too_many(void **state)
{
	fake_on_guest_access = count_fetch;
	fetches = 0;
	assert_true(run_at("\x8b\x08", 2, PAGE_SIZE - 2, false));
	assert_int_equal(fetches, 1);
	assert_true(run_at("\x8b\x08", 2, PAGE_SIZE - 1, false));
	assert_int_equal(fetches, 3);
	fake_guest_fault_nth(1);
	assert_false(run_at("\x8b\x08", 2, 0, false));
}

/* Where code is that is not 64-bit, and what size its operands have. */
static void segments_count(void **state)
{
	static const struct { u64 efer; u16 attr; u64 base, rip, ip, loaded; } rows[] = {
		{ EFER_LMA, 0xa9b, 0x500, 0x200001000, 0x200001000, 0x85868788 },
		{ EFER_LMA, 0xc9b, 0x500, 0x1000, 0x1500, 0x85868788 },
		{ 0, 0xe9b, 0x500, 0x1000, 0x1500, 0x85868788 },
		{ 0, 0xc9b, 0xfffff000, 0x1010, 0x10, 0x85868788 },
		{ 0, 0x9b, 0xf0000, 0xfff0, 0xffff0, 0x11118788 },
	};

	set_device(0x8182838485868788ull);
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		memcpy(code, rows[i].attr == 0x9b ? "\x8b\x0f" : "\x8b\x08", 2);
		x86_state.efer = rows[i].efer;
		x86_state.seg[SEG_CS] = (struct segment){ .attr = rows[i].attr, .base = rows[i].base };
		x86_state.rip = rows[i].rip;
		in_low_memory = (u64)code - rows[i].ip;
		v->gpr[REG_RCX] = 0x11111111;
		assert_true(hvm_emulate_mmio(v, DEVICE + 8, false));
		assert_int_equal(fetched_at, rows[i].ip);
		assert_int_equal(v->gpr[REG_RCX], rows[i].loaded);
	}
	in_low_memory = 0;
}

static void refuses_to_emulate(void **state)
{
	assert_false(run_at("\x0f\x0b", 2, 0, false));
	/* a write fault by an instruction that does not write */
	assert_false(run_at("\x8b\x08", 2, 0, true));
	assert_int_equal(x86_skipped, 0);
	assert_int_equal(reads + writes, 0);
}

static void holes_read_ones(void **state)
{
	memcpy(code, "\x8b\x08\x89\x08", 4);
	x86_state.rip = (u64)code;
	assert_true(hvm_emulate_mmio(v, 0xc0000000, false));
	assert_int_equal(v->gpr[REG_RCX], 0xffffffff);
	x86_state.rip += 2;
	assert_true(hvm_emulate_mmio(v, 0xc0000000, true));
	assert_int_equal(hvm_mmio_read(&v->v, 0xc0000000, 2), 0xffff);
}

static void local_apic_page(void **state)
{
	u64 base = APIC_DEFAULT_PHYS_BASE;

	assert_int_equal(hvm_mmio_read(&v->v, base + 0x20, 4), 0x12345678);
	assert_int_equal(hvm_mmio_read(&v->v, base + 0x23, 1), 0x12);
	assert_int_equal(hvm_mmio_read(&v->v, base + 0x22, 2), 0x1234);
	hvm_mmio_write(&v->v, base + 0xb0, 4, 7);
	assert_int_equal(lapic_reg, 7);
	hvm_mmio_write(&v->v, base + 0xb0, 1, 9); /* only whole registers are written */
	assert_int_equal(lapic_reg, 7);
}

/* The registers of an IOMMU. */
bool iommu_hides(mfn_t mfn);
bool iommu_hides(mfn_t mfn)
{
	return mfn == 0xfed90;
}

static void trapped_pages(void **state)
{
	assert_true(hvm_mmio_is_trapped(&x->d, 0xfed90));
	assert_int_equal(hvm_mmio_read(&v->v, 0xfed90008, 4), 0xffffffff); /* no device answers here */
	assert_false(hvm_mmio_is_trapped(&x->d, 0xfed91));
	assert_true(hvm_mmio_is_trapped(&x->d, PFN_DOWN(APIC_DEFAULT_PHYS_BASE)));
	assert_true(hvm_mmio_is_trapped(&x->d, PFN_DOWN(DEVICE)));
	assert_true(hvm_mmio_is_trapped(&x->d, PFN_DOWN(DEVICE) + 1));
	assert_false(hvm_mmio_is_trapped(&x->d, PFN_DOWN(DEVICE) + 2));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(decodes_the_table), T(refuses_everything_else), T(alu_like_the_cpu),
		T(loads_fill_registers_by_size),
	T(stores_write_their_size), T(read_modify_write), T(fetches_no_page_too_many),
	T(segments_count), T(refuses_to_emulate), T(holes_read_ones), T(local_apic_page), T(trapped_pages),
};

UNIT_MAIN(tests)
