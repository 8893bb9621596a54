/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels in one domain: every kind of port, masks, both kinds of delivery, both vCPUs. */
#include "lib/guest.h"

#include <public/event_channel.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/sched.h>

const char test_title[] = "events";

#define UPCALL 0xf3

static volatile u32 upcalls[2];
static volatile u64 seen[64]; /* ports that an upcall found pending and cleared */

static bool test_bit(const xen_ulong_t *map, u32 n)
{
	return READ_ONCE(map[n / 64]) >> (n % 64) & 1;
}

static bool test_and_clear(xen_ulong_t *map, u32 n)
{
	return __atomic_fetch_and(&map[n / 64], ~(1ull << (n % 64)), __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}

static bool pending(u32 port)
{
	return test_bit(shared_info->evtchn_pending, port);
}

static void mask(u32 port)
{
	__atomic_fetch_or(&shared_info->evtchn_mask[port / 64], 1ull << (port % 64), __ATOMIC_SEQ_CST);
}

static bool was_seen(u32 port)
{
	return test_and_clear((xen_ulong_t *)seen, port);
}

/* As a guest's kernel does: clear the upcall, take the selector, then each unmasked port. */
static void upcall(struct regs *regs)
{
	struct cpu *c = this_cpu();
	u64 sel, word;
	u32 i;

	if (regs)
		apic_write(APIC_EOI, 0);
	upcalls[c->id]++;
	WRITE_ONCE(c->vcpu_info->evtchn_upcall_pending, 0);
	sel = __atomic_exchange_n(&c->vcpu_info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < 64; i++) {
		if (!(sel >> i & 1))
			continue;
		word = READ_ONCE(shared_info->evtchn_pending[i]) & ~READ_ONCE(shared_info->evtchn_mask[i]);
		__atomic_fetch_and(&shared_info->evtchn_pending[i], ~word, __ATOMIC_SEQ_CST);
		__atomic_fetch_or(&seen[i], word, __ATOMIC_SEQ_CST);
	}
}

static long send(u32 port)
{
	struct evtchn_send arg = { port };

	return evtchn_op(send, &arg);
}

static long unmask(u32 port)
{
	struct evtchn_unmask arg = { port };

	return evtchn_op(unmask, &arg);
}

static long close(u32 port)
{
	struct evtchn_close arg = { port };

	return evtchn_op(close, &arg);
}

static struct evtchn_status status(u32 port)
{
	struct evtchn_status arg = { .dom = DOMID_SELF, .port = port };

	EXPECT_EQ(evtchn_op(status, &arg), 0);
	return arg;
}

static u32 alloc(void)
{
	struct evtchn_alloc_unbound arg = { DOMID_SELF, DOMID_SELF, 0 };

	EXPECT_EQ(evtchn_op(alloc_unbound, &arg), 0);
	EXPECT(arg.port > 0 && arg.port < EVTCHN_2L_NR_CHANNELS, "port %u", arg.port);
	return arg.port;
}

static void test_unbound(void)
{
	struct evtchn_alloc_unbound arg = { 77, DOMID_SELF, 0 };
	struct evtchn_bind_interdomain bind = { DOMID_SELF, 0, 0 };
	struct evtchn_status none = { .dom = DOMID_SELF, .port = 4096 };
	u32 port = alloc();

	EXPECT_EQ(status(port).status, EVTCHNSTAT_unbound);
	EXPECT_EQ(status(port).u.unbound.dom, own_domid());
	EXPECT_EQ(send(port), 0); /* nobody is bound to it */
	EXPECT(!pending(port), "sent to nobody");
	EXPECT_EQ(close(port), 0);
	EXPECT_EQ(status(port).status, EVTCHNSTAT_closed);
	EXPECT_EQ(close(port), -EINVAL);
	EXPECT_EQ(send(port), -EINVAL);
	bind.remote_port = port;
	EXPECT_EQ(evtchn_op(bind_interdomain, &bind), -EINVAL);
	EXPECT_EQ(close(0), -EINVAL);
	EXPECT_EQ(close(0xffffffff), -EINVAL);
	EXPECT_EQ(send(0x7fffffff), -EINVAL);
	EXPECT_EQ(evtchn_op(status, &none), -EINVAL);
	none.dom = 77;
	EXPECT_EQ(evtchn_op(status, &none), is_dom0 ? -ESRCH : -EPERM);
	EXPECT_EQ(evtchn_op(alloc_unbound, &arg), is_dom0 ? -ESRCH : -EPERM);
}

static void test_loopback(void)
{
	u32 a = alloc();
	struct evtchn_bind_interdomain bind = { own_domid(), a, 0 };
	u32 b;

	EXPECT_EQ(evtchn_op(bind_interdomain, &bind), 0);
	b = bind.local_port;
	EXPECT(b && b != a, "local port %u, remote %u", b, a);
	EXPECT_EQ(status(a).status, EVTCHNSTAT_interdomain);
	EXPECT_EQ(status(a).u.interdomain.port, b);
	EXPECT_EQ(status(b).u.interdomain.port, a);
	EXPECT_EQ(status(b).u.interdomain.dom, own_domid());
	/* An event that was sent before the bind may be lost, so binding raises the port. */
	EXPECT(pending(b), "no event after bind_interdomain");
	test_and_clear(shared_info->evtchn_pending, b);
	EXPECT_EQ(evtchn_op(bind_interdomain, &bind), -EINVAL); /* no longer unbound */
	EXPECT_EQ(send(b), 0);
	EXPECT(pending(a) && !pending(b), "an event goes to the other end");
	test_and_clear(shared_info->evtchn_pending, a);
	EXPECT_EQ(close(b), 0);
	EXPECT_EQ(status(a).status, EVTCHNSTAT_unbound); /* and can be bound anew */
	bind.local_port = 0;
	EXPECT_EQ(evtchn_op(bind_interdomain, &bind), 0);
	EXPECT_EQ(close(a), 0);
	EXPECT_EQ(status(bind.local_port).status, EVTCHNSTAT_unbound);
	EXPECT_EQ(close(bind.local_port), 0);
	bind.remote_dom = 77;
	EXPECT_EQ(evtchn_op(bind_interdomain, &bind), -ESRCH);
}

static void test_virqs(void)
{
	struct evtchn_bind_virq timer = { VIRQ_TIMER, 0, 0 }, again = { VIRQ_TIMER, 0, 0 };
	struct evtchn_bind_virq bad = { NR_VIRQS, 0, 0 }, other = { VIRQ_DEBUG, 1, 0 };
	struct evtchn_bind_vcpu move = { 0, 0 };
	struct evtchn_bind_virq global = { VIRQ_DOM_EXC, 1, 0 };

	EXPECT_EQ(evtchn_op(bind_virq, &timer), 0);
	EXPECT_EQ(status(timer.port).status, EVTCHNSTAT_virq);
	EXPECT_EQ(status(timer.port).u.virq, VIRQ_TIMER);
	EXPECT_EQ(evtchn_op(bind_virq, &again), -EEXIST);
	EXPECT_EQ(send(timer.port), -EINVAL);
	move.port = timer.port;
	EXPECT_EQ(evtchn_op(bind_vcpu, &move), -EINVAL); /* a per-vCPU port cannot be moved */
	EXPECT_EQ(close(timer.port), 0);
	EXPECT_EQ(evtchn_op(bind_virq, &again), 0);
	EXPECT_EQ(close(again.port), 0);
	EXPECT_EQ(evtchn_op(bind_virq, &bad), -EINVAL);
	bad.virq = ~0u;
	EXPECT_EQ(evtchn_op(bind_virq, &bad), -EINVAL);
	other.vcpu = 4000;
	EXPECT_EQ(evtchn_op(bind_virq, &other), -ENOENT);
	if (nr_vcpus > 1) {
		other.vcpu = 1; /* not up yet, and that is allowed: a kernel binds before it starts the vCPU */
		EXPECT_EQ(evtchn_op(bind_virq, &other), 0);
		EXPECT_EQ(status(other.port).vcpu, 1);
		EXPECT_EQ(close(other.port), 0);
		EXPECT_EQ(evtchn_op(bind_virq, &global), -EINVAL);
	}
	if (!is_dom0)
		return;
	global.vcpu = 0;
	EXPECT_EQ(evtchn_op(bind_virq, &global), 0);
	again.virq = VIRQ_DOM_EXC;
	EXPECT_EQ(evtchn_op(bind_virq, &again), -EEXIST);
	if (nr_vcpus > 1) {
		move.port = global.port;
		move.vcpu = 1;
		EXPECT_EQ(evtchn_op(bind_vcpu, &move), 0);
		EXPECT_EQ(status(global.port).vcpu, 1);
	}
	EXPECT_EQ(close(global.port), 0);
}

static u32 bind_ipi(u32 vcpu)
{
	struct evtchn_bind_ipi arg = { vcpu, 0 };

	EXPECT_EQ(evtchn_op(bind_ipi, &arg), 0);
	return arg.port;
}

static void test_masks(void)
{
	struct vcpu_info *info = this_cpu()->vcpu_info;
	u32 port = bind_ipi(0);

	EXPECT_EQ(status(port).status, EVTCHNSTAT_ipi);
	mask(port);
	WRITE_ONCE(info->evtchn_pending_sel, 0);
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
	EXPECT_EQ(send(port), 0);
	EXPECT(pending(port), "a masked port becomes pending");
	EXPECT_EQ(READ_ONCE(info->evtchn_pending_sel), 0);
	EXPECT_EQ(READ_ONCE(info->evtchn_upcall_pending), 0);
	EXPECT_EQ(unmask(port), 0);
	EXPECT(!test_bit(shared_info->evtchn_mask, port), "unmask clears the mask");
	EXPECT_EQ(READ_ONCE(info->evtchn_pending_sel), 1ull << (port / 64));
	EXPECT_EQ(READ_ONCE(info->evtchn_upcall_pending), 1);
	/* Still pending: sending again adds nothing. */
	WRITE_ONCE(info->evtchn_pending_sel, 0);
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
	EXPECT_EQ(send(port), 0);
	EXPECT_EQ(READ_ONCE(info->evtchn_upcall_pending), 0);
	test_and_clear(shared_info->evtchn_pending, port);
	EXPECT_EQ(unmask(port), 0);
	EXPECT_EQ(READ_ONCE(info->evtchn_upcall_pending), 0);
	EXPECT_EQ(close(port), 0);
	EXPECT_EQ(unmask(0xfffffff), -EINVAL);
}

static void test_poll(void)
{
	evtchn_port_t ports[2] = { bind_ipi(0), bind_ipi(0) };
	struct sched_poll poll = { (u64)ports, 2, 0 };
	u64 start;

	mask(ports[0]);
	mask(ports[1]);
	send(ports[1]);
	EXPECT_EQ(sched_op(poll, &poll), 0); /* one is pending: no wait */
	test_and_clear(shared_info->evtchn_pending, ports[1]);
	start = now_ns();
	poll.timeout = start + 3000000;
	EXPECT_EQ(sched_op(poll, &poll), 0);
	EXPECT(now_ns() >= start + 3000000, "poll returned after %lu ns", now_ns() - start);
	poll.timeout = start; /* in the past */
	EXPECT_EQ(sched_op(poll, &poll), 0); /* it returns */
	poll.nr_ports = 129;
	EXPECT_EQ(sched_op(poll, &poll), -EINVAL);
	poll.nr_ports = 1;
	poll.ports = 0x123456789000;
	EXPECT_EQ(sched_op(poll, &poll), -EFAULT);
	poll.ports = (u64)ports;
	EXPECT_EQ(close(ports[0]), 0);
	EXPECT_EQ(close(ports[1]), 0);
	ports[0] = 0x12345678;
	EXPECT_EQ(sched_op(poll, &poll), -EINVAL);
}

/*
 * The class of the task priority holds an upcall back. (On Xen with QEMU's SVM this never returns.)
 */
static void test_task_priority(u32 port)
{
	u32 before = upcalls[0];

	apic_write(APIC_TPR, UPCALL & 0xf0);
	EXPECT_EQ(send(port), 0);
	asm volatile("sti; nop; nop; cli");
	EXPECT_EQ(upcalls[0], before);
	apic_write(APIC_TPR, 0);
	asm volatile("sti; nop; nop; cli");
	EXPECT_EQ(upcalls[0], before + 1);
}

static void test_vector(void)
{
	struct xen_hvm_evtchn_upcall_vector arg = { 0, 0x0f };
	u32 port = bind_ipi(0), before;

	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &arg), -EINVAL);
	arg = (struct xen_hvm_evtchn_upcall_vector){ 4000, UPCALL };
	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &arg), -ENOENT);
	arg.vcpu = 0;
	set_irq_handler(UPCALL, upcall);
	apic_enable();
	WRITE_ONCE(this_cpu()->vcpu_info->evtchn_upcall_pending, 0);
	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &arg), 0);
	before = upcalls[0];
	EXPECT_EQ(unmask(port), 0);
	EXPECT_EQ(send(port), 0); /* with IF clear */
	EXPECT_EQ(READ_ONCE(this_cpu()->vcpu_info->evtchn_upcall_pending), 1);
	EXPECT_EQ(upcalls[0], before);
	asm volatile("sti; nop; nop; cli");
	EXPECT_EQ(upcalls[0], before + 1);
	EXPECT(was_seen(port), "the upcall did not find port %u", port);
	asm volatile("sti; nop");
	EXPECT_EQ(send(port), 0); /* with IF set: the upcall comes before the next instruction */
	asm volatile("nop; cli");
	EXPECT_EQ(upcalls[0], before + 2);
	EXPECT(was_seen(port), "the upcall did not find port %u", port);
	if (on_keel)
		test_task_priority(port);
	was_seen(port);
	EXPECT_EQ(close(port), 0);
}

static volatile u32 ap_ready, ap_stop;

static void ap_main(void)
{
	apic_enable();
	ap_ready = 1;
	while (!ap_stop)
		asm volatile("sti; hlt; cli");
}

static bool wait_seen(u32 port)
{
	u64 end = now_ns() + PATIENCE_NS;

	while (now_ns() < end)
		if (was_seen(port))
			return true;
	return false;
}

static void test_second_vcpu(void)
{
	struct xen_hvm_evtchn_upcall_vector arg = { 1, UPCALL };
	struct evtchn_bind_vcpu move = { 0, 1 };
	u32 port = bind_ipi(1), a, i;
	struct evtchn_bind_interdomain bind = { DOMID_SELF, 0, 0 };

	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &arg), 0);
	EXPECT_EQ(unmask(port), 0);
	/* Sent before the vCPU is up and its local APIC enabled: the event must not be lost. */
	EXPECT_EQ(send(port), 0);
	EXPECT(start_cpu(1, ap_main), "vCPU 1 does not start");
	EXPECT(wait_for(&ap_ready), "vCPU 1 does not get on");
	EXPECT(wait_seen(port), "the event sent before vCPU 1 was up is lost");
	for (i = 0; i < 1000; i++) {
		send(port);
		if (!wait_seen(port))
			break;
	}
	EXPECT_EQ(i, 1000);
	/* An interdomain port moves to vCPU 1. */
	a = alloc();
	bind.remote_dom = own_domid();
	bind.remote_port = a;
	EXPECT_EQ(evtchn_op(bind_interdomain, &bind), 0);
	test_and_clear(shared_info->evtchn_pending, bind.local_port);
	move.port = bind.local_port;
	EXPECT_EQ(evtchn_op(bind_vcpu, &move), 0);
	EXPECT_EQ(status(move.port).vcpu, 1);
	unmask(move.port);
	i = upcalls[1];
	EXPECT_EQ(send(a), 0);
	EXPECT(wait_seen(move.port), "no event on the moved port");
	EXPECT(upcalls[1] > i, "vCPU 1 did not get the upcall");
	/* If another vCPU than the port's unmasks it, the port's vCPU gets the upcall. */
	mask(port);
	send(port);
	EXPECT_EQ(unmask(port), 0);
	EXPECT(wait_seen(port), "unmask did not raise the other vCPU's upcall");
	move.vcpu = 4000;
	EXPECT_EQ(evtchn_op(bind_vcpu, &move), -ENOENT);
	move = (struct evtchn_bind_vcpu){ port, 0 };
	EXPECT_EQ(evtchn_op(bind_vcpu, &move), -EINVAL);
	ap_stop = 1;
	send(port);
}

static void test_reset(void)
{
	u32 port = alloc(), i, open = 0;
	struct evtchn_reset arg = { DOMID_SELF };
	struct evtchn_status st = { .dom = DOMID_SELF };

	EXPECT_EQ(evtchn_op(reset, &arg), 0);
	EXPECT_EQ(status(port).status, EVTCHNSTAT_closed);
	for (i = 1; i < 64; i++) {
		st.port = i;
		open += !evtchn_op(status, &st) && st.status != EVTCHNSTAT_closed;
	}
	EXPECT_EQ(open, 0);
	arg.dom = 77;
	EXPECT_EQ(evtchn_op(reset, &arg), is_dom0 ? -ESRCH : -EPERM);
}

static void test_all_ports(void)
{
	struct evtchn_alloc_unbound arg = { DOMID_SELF, DOMID_SELF, 0 };
	struct evtchn_reset reset = { DOMID_SELF };
	long ret;
	u32 n = 0;

	while (!(ret = evtchn_op(alloc_unbound, &arg)) && n < 5000)
		n++;
	printk("%u ports, then %ld\n", n, ret);
	EXPECT(n >= 1000 && n < EVTCHN_2L_NR_CHANNELS, "%u ports", n);
	EXPECT_EQ(ret, -ENOSPC);
	EXPECT_EQ(evtchn_op(reset, &reset), 0);
	EXPECT_EQ(evtchn_op(alloc_unbound, &arg), 0);
	EXPECT_EQ(close(arg.port), 0);
}

void test_main(void)
{
	test_unbound();
	test_loopback();
	test_virqs();
	test_masks();
	test_poll();
	test_vector();
	if (nr_vcpus > 1)
		test_second_vcpu();
	test_all_ports();
	test_reset();
	EXPECT_EQ(evtchn_op(bind_ipi, 0x123456789000), -EFAULT);
	EXPECT_EQ(hypercall(event_channel_op, 99, 0, 0), -ENOSYS);
}
