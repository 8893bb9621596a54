/* SPDX-License-Identifier: GPL-2.0-only */
/* Dispatch, continuation and multicalls. */
#include "common/hypercall.h"

#include "common/guest_access.h"
#include "common/op.h"
#include "common/printk.h"
#include "common/time.h"

#define NR_HYPERCALLS 64
/* checks of one hypercall; handlers do about 300 instructions between them */
#define PREEMPT_OPS 64
#define MULTICALL_MAX 4096

static const struct {
	hypercall_fn fn;
	enum hypercall_perm perm;
} table[NR_HYPERCALLS] = {
#define ENTRY(name, handler, nargs, who, doc) [__HYPERVISOR_##name] = { handler, who },
	HYPERCALLS(ENTRY)
#undef ENTRY
};

static long call(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	if (nr >= NR_HYPERCALLS)
		return -ENOSYS;
	nr = index_nospec(nr, NR_HYPERCALLS);
	if (!table[nr].fn)
		return -ENOSYS;
	if (!hypercall_allowed(table[nr].perm))
		return -EPERM;
	return table[nr].fn(a1, a2, a3, a4, a5);
}

long hypercall_dispatch(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct pcpu *cpu = this_cpu();

	cpu->nr_hypercalls++;
	cpu->hypercall_checks = 0;
	cpu->curr->hypercall_continued = false;
	return call(nr, a1, a2, a3, a4, a5);
}

long hypercall_continue(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4)
{
	const u64 args[5] = { a1, a2, a3, a4, 0 };
	struct multicall_entry *e = this_cpu()->multicall_entry;

	current->hypercall_continued = true;
	if (e) {
		e->op = nr;
		memcpy(e->args, args, sizeof(args));
	} else {
		arch_hypercall_rewrite(nr, args);
	}
	return 0;
}

bool hypercall_preempt_check(void)
{
	struct pcpu *cpu = this_cpu();

	irq_window();
	/*
	 * Flushes and deferred frees that this CPU itself caused can wait until the next entry;
	 * they are no reason to continue later.
	 */
	return READ_ONCE(cpu->work) & ~(BIT(WORK_TLB) | BIT(WORK_RCU)) ||
	       ++cpu->hypercall_checks >= PREEMPT_OPS;
}

/* One entry; returns 1 if it must be continued (the entry then holds its new arguments). */
static int multicall_one(struct multicall_entry *e)
{
	struct vcpu *v = current;

	if (e->op == __HYPERVISOR_multicall) {
		e->result = (xen_ulong_t)-EINVAL;
		return 0;
	}
	this_cpu()->multicall_entry = e;
	e->result = (xen_ulong_t)call(e->op, e->args[0], e->args[1], e->args[2], e->args[3], e->args[4]);
	this_cpu()->multicall_entry = NULL;
	if (!v->hypercall_continued)
		return 0;
	v->hypercall_continued = false;
	return 1;
}

/*
 * A list of hypercalls, each with its own result. Continued after an entry that must be continued,
 * and when it is time.
 */
long do_multicall(u64 list, u64 nr, u64 a3, u64 a4, u64 a5)
{
	struct multicall_entry e;
	int again;

	if (nr > MULTICALL_MAX)
		return -EINVAL;
	for (unsigned long i = 0; i < nr; i++) {
		if (i && hypercall_preempt_check())
			return hypercall_continue(__HYPERVISOR_multicall, list + i * sizeof(e), nr - i, 0, 0);
		if (copy_elem_from_guest(&e, list, i, sizeof(e)))
			return -EFAULT;
		again = multicall_one(&e);
		if (copy_elem_to_guest(list, i, &e, sizeof(e)))
			return -EFAULT;
		if (again)
			return hypercall_continue(__HYPERVISOR_multicall, list + i * sizeof(e), nr - i, 0, 0);
	}
	return 0;
}

/* Old form of VCPUOP_set_singleshot_timer: 0 stops it. */
long do_set_timer_op(u64 timeout, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct vcpu *v = current;

	if (timeout)
		return vcpu_set_singleshot(v, timeout, 0);
	vcpu_stop_singleshot(v);
	return 0;
}

static long assist_enable(struct domain *d, void *arg, u64 gva, unsigned long type)
{
	set_bit((unsigned int)type, &d->vm_assist);
	return 0;
}

static long assist_disable(struct domain *d, void *arg, u64 gva, unsigned long type)
{
	clear_bit((unsigned int)type, &d->vm_assist);
	return 0;
}

static const struct op assist_ops[] = {
	OP(VMASST_CMD_enable, assist_enable, HC_ANY),
	OP(VMASST_CMD_disable, assist_disable, HC_ANY),
};

/*
 * The assists change how Keel writes to the guest; the only one for PVH is the runstate update
 * flag.
 */
long do_vm_assist(u64 cmd, u64 type, u64 a3, u64 a4, u64 a5)
{
	if (type != VMASST_TYPE_runstate_update_flag)
		return -EINVAL;
	return op_run(assist_ops, ARRAY_SIZE(assist_ops), cmd, 0, type);
}
