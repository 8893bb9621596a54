/* SPDX-License-Identifier: GPL-2.0-only */
/* Emulates a guest's access to device registers that Keel virtualizes. */
#include "arch/x86/hvm/mmio.h"

#include <public/errno.h>

#include "arch/x86/hvm/ops.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/iommu/iommu.h"
#include "arch/x86/pci/vpci.h"
#include "common/guest_access.h"
#include "common/printk.h"

#define MAX_INSN_LEN 15

#define FLAG_CF BIT(0)
#define FLAG_PF BIT(2)
#define FLAG_AF BIT(4)
#define FLAG_ZF BIT(6)
#define FLAG_SF BIT(7)
#define FLAG_OF BIT(11)

static void lapic_page_read(struct vcpu *v, u64 gpa, unsigned int size, u64 *val)
{
	unsigned int offset = gpa & (PAGE_SIZE - 1), shift = (offset & 3) * 8;

	/* Registers are 32 bits wide, 16 bytes apart; parts of one may be read. */
	*val = (u64)vlapic_mmio_read(v, offset & ~3u) >> shift;
}

static void lapic_page_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	if (size == 4)
		vlapic_mmio_write(v, gpa & (PAGE_SIZE - 1), (u32)val);
}

static bool lapic_page_match(struct vcpu *v, u64 gpa) { return vlapic_mmio_active(v, gpa); }

static const struct mmio_handler lapic_page = { lapic_page_match, lapic_page_read,
						lapic_page_write };

static const struct mmio_handler *const handlers[] = { &lapic_page, &vioapic_mmio, &vpci_msix_mmio,
						       &vpci_config_mmio };

static const struct mmio_handler *find_handler(struct vcpu *v, u64 gpa)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i]->match(v, gpa))
			return handlers[i];
	return NULL;
}

u64 hvm_mmio_read(struct vcpu *v, u64 gpa, unsigned int size)
{
	const struct mmio_handler *h = find_handler(v, gpa);
	u64 val = ~0ull;

	if (h)
		h->read(v, gpa, size, &val);
	return val & bytes_mask(size);
}

void hvm_mmio_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	const struct mmio_handler *h = find_handler(v, gpa);

	if (h)
		h->write(v, gpa, size, val & bytes_mask(size));
}

static u64 sign_extend(u64 val, unsigned int size)
{
	unsigned int shift = 64 - size * 8;

	return (u64)((s64)(val << shift) >> shift);
}

u64 mmio_alu(enum mmio_alu op, u64 first, u64 second, unsigned int size, u64 *rflags)
{
	u64 mask = bytes_mask(size), sign = BIT(size * 8 - 1), res, flags = 0;

	first &= mask;
	second &= mask;
	switch (op) {
	case MMIO_ADD:
		res = (first + second) & mask;
		flags = (res < first ? FLAG_CF : 0) | (~(first ^ second) & (first ^ res) & sign ? FLAG_OF : 0) |
			((first ^ second ^ res) & FLAG_AF);
		break;
	case MMIO_SUB:
	case MMIO_CMP:
		res = (first - second) & mask;
		flags = (first < second ? FLAG_CF : 0) | ((first ^ second) & (first ^ res) & sign ? FLAG_OF : 0) |
			((first ^ second ^ res) & FLAG_AF);
		break;
	case MMIO_OR:
		res = first | second;
		break;
	case MMIO_XOR:
		res = first ^ second;
		break;
	case MMIO_AND:
	case MMIO_TEST:
		res = first & second;
		break;
	default: /* MOV, XCHG: no flags */
		return second;
	}
	flags |= (res ? 0 : FLAG_ZF) | (res & sign ? FLAG_SF : 0) |
		 (__builtin_parity(res & 0xff) ? 0 : FLAG_PF);
	*rflags = (*rflags & ~(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)) | flags;
	return res;
}

static u64 read_operand(const struct x86_vcpu *v, const struct mmio_insn *in)
{
	if (in->has_imm)
		return in->imm;
	return v->gpr[in->reg] >> (in->high_byte ? 8 : 0);
}

/* Writes of 32 bits clear the upper half, smaller ones leave it (APM vol. 1, 3.1.2). */
static void write_register(struct x86_vcpu *v, const struct mmio_insn *in, u64 val)
{
	u64 mask = bytes_mask(in->reg_size), *reg = &v->gpr[in->reg];
	unsigned int shift = in->high_byte ? 8 : 0;

	if (in->reg_size == 4)
		*reg = val & mask;
	else
		*reg = (*reg & ~(mask << shift)) | (val & mask) << shift;
}

static void execute(struct x86_vcpu *x, const struct mmio_insn *in, u64 gpa)
{
	u64 mem, other = read_operand(x, in), rflags, res;
	bool flags = in->alu != MMIO_MOV && in->alu != MMIO_XCHG;
	struct vcpu *v = &x->v;

	if (in->alu == MMIO_MOV && in->write) {
		hvm_mmio_write(v, gpa, in->size, other);
		return;
	}
	mem = hvm_mmio_read(v, gpa, in->size);
	if (in->alu == MMIO_MOV) {
		write_register(x, in, in->sign_extend ? sign_extend(mem, in->size) : mem);
		return;
	}
	rflags = flags ? hvm_ops->get_reg(x, HREG_RFLAGS) : 0;
	res = in->mem_first ? mmio_alu(in->alu, mem, other, in->size, &rflags) :
			      mmio_alu(in->alu, other, mem, in->size, &rflags);
	if (flags)
		hvm_ops->set_reg(x, HREG_RFLAGS, rflags);
	if (in->write)
		hvm_mmio_write(v, gpa, in->size, res);
	if (in->alu == MMIO_XCHG)
		write_register(x, in, mem);
	else if (!in->mem_first && in->alu != MMIO_CMP)
		write_register(x, in, res);
}

/*
 * The bytes at the instruction pointer: first up to the end of the page, more only if the
 * instruction continues there.
 */
static int fetch_and_decode(u64 ip, unsigned int mode, struct mmio_insn *in, u8 *buf)
{
	unsigned int first = min_t(u64, MAX_INSN_LEN, PAGE_SIZE - (ip & (PAGE_SIZE - 1)));
	int rc;

	if (copy_insn_from_guest(buf, ip, first))
		return -EFAULT;
	rc = mmio_decode(buf, first, mode, in);
	if (rc != -EAGAIN || first == MAX_INSN_LEN)
		return rc;
	if (copy_insn_from_guest(buf + first, ip + first, MAX_INSN_LEN - first))
		return -EFAULT;
	return mmio_decode(buf, MAX_INSN_LEN, mode, in);
}

bool hvm_mmio_is_trapped(struct domain *d, gfn_t gfn)
{
	return gfn == PFN_DOWN(APIC_DEFAULT_PHYS_BASE) || vioapic_is_page(d, gfn) ||
	       vpci_mmio_is_trapped(d, gfn) || iommu_hides(gfn);
}

bool hvm_emulate_mmio(struct x86_vcpu *v, u64 gpa, bool write)
{
	static const struct exit_info no_next_rip;
	u8 buf[MAX_INSN_LEN] = { 0 };
	struct mmio_insn in;
	u64 rip = hvm_ops->get_reg(v, HREG_RIP), cs = hvm_ops->get_reg(v, HREG_CS_ATTR), ip = rip;
	unsigned int mode = 64;
	int rc;

	if (!(cs & CS_L) || !(hvm_ops->get_reg(v, HREG_EFER) & EFER_LMA)) {
		mode = cs & CS_DB ? 32 : 16;
		ip = (u32)(hvm_ops->get_reg(v, HREG_CS_BASE) + rip);
	}
	rc = fetch_and_decode(ip, mode, &in, buf);
	/*
	 * If the fault was for a write, the decoded instruction must write; otherwise the fault was
	 * not for the operand.
	 */
	if (rc || (write && !in.write)) {
		pr_guest(v->v.domain,
			 "vCPU %u: cannot emulate the %s at %#llx by the instruction at %#llx (%d): %02x %02x %02x %02x\n",
			 v->v.id, write ? "write" : "read", (unsigned long long)gpa, (unsigned long long)rip, rc,
			 buf[0], buf[1], buf[2], buf[3]);
		return false;
	}
	execute(v, &in, gpa);
	hvm_ops->skip_insn(v, &no_next_rip, in.len);
	return true;
}
