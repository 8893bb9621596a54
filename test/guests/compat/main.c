/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 32-bit PVH kernel, like some boot loaders: what it may call, the layout of what it shares with
 * Keel, and that a 64-bit kernel after it sees the 64-bit layout.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/cpuid.h>
#include <public/errno.h>
#include <public/event_channel.h>
#include <public/features.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/x86_32.h>

#define PAGE 4096u
#define CANARY 0xdeadbeefu
#define NR_PORTS 1024u
#define OUT_OF_REACH 0xfffff000u	/* unmapped when paging is on */
#define MAPPED_TWICE 0xc0000000u	/* a second mapping of the page `twice` */

void test_main(void);
void paging_on(uint32_t cr3);
void paging_off(void);
uint32_t in_64bit(uint32_t pml4, uint32_t page);

#define ON_PAGE __attribute__((aligned(4096)))

static uint8_t hypercall_page[PAGE] ON_PAGE, hypercall_page_64[PAGE] ON_PAGE,
	grant_page[PAGE] ON_PAGE;
static union { struct shared_info_32 s32; struct shared_info s64; uint8_t page[PAGE];
	       } shared ON_PAGE;
static uint32_t twice[PAGE / 4] ON_PAGE;
static uint64_t pml4[512] ON_PAGE, pdpt[512] ON_PAGE, pdpt_pae[512] ON_PAGE, pd[4][512] ON_PAGE,
	pt[512] ON_PAGE;
static unsigned int failures;

static long call(uint32_t nr, uint32_t a1, uint32_t a2, uint32_t a3)
{
	long ret;

	asm volatile("call *%[page]" : "=a"(ret), "+b"(a1), "+c"(a2), "+d"(a3)
		     : [page] "S"(&hypercall_page[nr * XEN_HYPERCALL_STUB_SIZE]) : "memory", "edi");
	return ret;
}
#define CALL(nr, op, ...) call(__HYPERVISOR_##nr, op, ##__VA_ARGS__)
#define ADDR(x) ((uint32_t)&(x))

static void print(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	call(__HYPERVISOR_console_io, CONSOLEIO_write, n, (uint32_t)s);
}

static void print_hex(uint32_t x)
{
	char s[11] = "0x";

	for (unsigned int i = 0; i < 8; i++)
		s[2 + i] = "0123456789abcdef"[x >> (28 - 4 * i) & 15];
	s[10] = '\0';
	print(s);
}

static void expect_eq(uint32_t got, uint32_t want, const char *what, const char *where)
{
	if (got == want)
		return;
	if (failures++ > 20)
		return;
	print(where);
	print(": ");
	print(what);
	print(" is ");
	print_hex(got);
	print(", not ");
	print_hex(want);
	print("\n");
}
#define STR(x) #x
#define LINE(x) "compat.c:" STR(x)
#define EXPECT_EQ(got, want) expect_eq((uint32_t)(got), (uint32_t)(want), #got, LINE(__LINE__))
#define EXPECT(cond) EXPECT_EQ(!!(cond), 1)

static void set_hypercall_page(void)
{
	asm volatile("wrmsr" : : "c"(XEN_HYPERCALL_PAGE_MSR), "a"(hypercall_page), "d"(0) : "memory");
}

static bool bit(const void *words, unsigned int n)
{
	return ((const volatile uint8_t *)words)[n / 8] >> n % 8 & 1;
}

static void set_bit(void *words, unsigned int n)
{
	((volatile uint8_t *)words)[n / 8] |= 1u << n % 8;
}

static void versions(void)
{
	struct xen_feature_info info = { 0, 0 };

	EXPECT_EQ(CALL(xen_version, XENVER_version, 0, 0) >> 16, 4);
	EXPECT_EQ(CALL(xen_version, XENVER_get_features, ADDR(info), 0), 0);
	EXPECT(info.submap & 1u << XENFEAT_auto_translated_physmap);
	EXPECT_EQ(CALL(vcpu_op, VCPUOP_is_up, 0, 0), 1);
	EXPECT_EQ(CALL(sched_op, SCHEDOP_yield, 0, 0), 0);
}

static void what_is_not_in_the_list(void)
{
	static uint32_t arg[32];

	EXPECT_EQ(CALL(domctl, ADDR(arg), 0, 0), -ENOSYS);
	EXPECT_EQ(CALL(sysctl, ADDR(arg), 0, 0), -ENOSYS);
	EXPECT_EQ(CALL(platform_op, ADDR(arg), 0, 0), -ENOSYS);
	EXPECT_EQ(CALL(physdev_op, 0, ADDR(arg), 0), -ENOSYS);
	EXPECT_EQ(CALL(multicall, ADDR(arg), 1, 0), -ENOSYS);
	EXPECT_EQ(CALL(memory_op, XENMEM_populate_physmap, ADDR(arg), 0), -ENOSYS);
	EXPECT_EQ(CALL(memory_op, XENMEM_memory_map | 1u << MEMOP_EXTENT_SHIFT, ADDR(arg), 0), -ENOSYS);
	EXPECT_EQ(CALL(sched_op, SCHEDOP_poll, ADDR(arg), 0), -ENOSYS);
	EXPECT_EQ(CALL(event_channel_op, EVTCHNOP_reset, ADDR(arg), 0), -ENOSYS);
	EXPECT_EQ(CALL(grant_table_op, GNTTABOP_copy, ADDR(arg), 1), -ENOSYS);
	EXPECT_EQ(CALL(vcpu_op, VCPUOP_register_runstate_memory_area, 0, ADDR(arg)), -ENOSYS);
	EXPECT_EQ(CALL(xen_version, 40, 0, 0), -ENOSYS);
	EXPECT_EQ(call(63, 0, 0, 0), -ENOSYS);
}

static void memory_map(void)
{
	static struct { uint64_t addr, size; uint32_t type; } __attribute__((packed)) map[128];
	struct { struct xen_memory_map_32 map; uint32_t behind; } arg = { { 128, (uint32_t)map }, CANARY };
	bool ram = false;
	uint32_t nr;

	EXPECT_EQ(CALL(memory_op, XENMEM_memory_map, ADDR(arg), 0), 0);
	nr = arg.map.nr_entries;
	EXPECT(nr > 0 && nr < 128);
	EXPECT_EQ(arg.map.buffer, (uint32_t)map);
	EXPECT_EQ(arg.behind, CANARY);
	for (uint32_t i = 0; i < nr; i++)
		ram |= map[i].type == 1 && map[i].addr <= ADDR(map) && map[i].addr + map[i].size > ADDR(map);
	EXPECT(ram);
	EXPECT_EQ(map[nr].type, 0);
	arg.map.nr_entries = 1;
	map[1].type = CANARY;
	EXPECT_EQ(CALL(memory_op, XENMEM_memory_map, ADDR(arg), 0), 0);
	EXPECT_EQ(arg.map.nr_entries, 1);
	EXPECT_EQ(map[1].type, CANARY);
	EXPECT(CALL(memory_op, XENMEM_maximum_gpfn, ADDR((domid_t){ DOMID_SELF }), 0) > 0);
}

static long add_to_physmap(uint32_t space, uint32_t idx, const void *page)
{
	struct xen_add_to_physmap_32 arg = { DOMID_SELF, 0, space, idx, (uint32_t)page / PAGE };

	return CALL(memory_op, XENMEM_add_to_physmap, ADDR(arg), 0);
}

static void shared_info_is_there(void)
{
	struct shared_info_32 *s = &shared.s32;

	EXPECT_EQ(add_to_physmap(XENMAPSPACE_shared_info, 1, &shared), -EINVAL);
	EXPECT_EQ(add_to_physmap(XENMAPSPACE_shared_info, 0, &shared), 0);
	EXPECT(s->wc_version > 0 && s->wc_version % 2 == 0);
	EXPECT(s->wc_sec > 1000000000 && !s->wc_sec_hi);
	EXPECT(s->vcpu_info[0].time.tsc_to_system_mul);
}

static void grants(void)
{
	struct { struct gnttab_setup_table_32 t; uint32_t behind, list[2];
		 } setup = { { DOMID_SELF, 1, 1, 0 }, CANARY,
										   { 0, CANARY } };
	static struct gnttab_map_grant_ref ops[100];
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_set_version version = { 1 };

	EXPECT_EQ(CALL(grant_table_op, GNTTABOP_set_version, ADDR(version), 1), 0);
	EXPECT_EQ(CALL(grant_table_op, GNTTABOP_query_size, ADDR(size), 1), 0);
	EXPECT_EQ(size.status, GNTST_okay);
	EXPECT(size.nr_frames && size.nr_frames <= size.max_nr_frames);
	EXPECT_EQ(add_to_physmap(XENMAPSPACE_grant_table, 0, grant_page), 0);
	setup.t.frame_list = (uint32_t)setup.list;
	EXPECT_EQ(CALL(grant_table_op, GNTTABOP_setup_table, ADDR(setup), 1), 0);
	EXPECT_EQ(setup.t.status, GNTST_okay);
	EXPECT_EQ(setup.behind, CANARY);
	EXPECT_EQ(setup.list[0], (uint32_t)grant_page / PAGE);
	EXPECT_EQ(setup.list[1], CANARY);
	/* More than one batch: the continuation changes the caller's registers. */
	for (unsigned int i = 0; i < 100; i++)
		ops[i] = (struct gnttab_map_grant_ref){ .dom = 77, .ref = i, .flags = GNTMAP_host_map };
	EXPECT_EQ(CALL(grant_table_op, GNTTABOP_map_grant_ref, (uint32_t)ops, 100), 0);
	for (unsigned int i = 0; i < 100; i++)
		EXPECT_EQ(ops[i].status, GNTST_bad_domain);
}

static long get_param(uint32_t index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };
	long ret = CALL(hvm_op, HVMOP_get_param, ADDR(p), 0);

	*value = p.value;
	return ret;
}

static void set_callback(uint64_t via)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = via };
	uint64_t value;

	EXPECT_EQ(CALL(hvm_op, HVMOP_set_param, ADDR(p), 0), 0);
	EXPECT_EQ(get_param(HVM_PARAM_CALLBACK_IRQ, &value), 0);
	EXPECT(value == via);
	EXPECT_EQ(get_param(HVM_PARAM_STORE_PFN, &value), 0);
}

static uint32_t bind_ipi(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	long ret = CALL(event_channel_op, EVTCHNOP_bind_ipi, ADDR(ipi), 0);

	return ret ? 0 : ipi.port;
}

static void send(uint32_t port)
{
	EXPECT_EQ(CALL(event_channel_op, EVTCHNOP_send, ADDR(port), 0), 0);
}

static void close_from(uint32_t port)
{
	for (; port < NR_PORTS; port++)
		CALL(event_channel_op, EVTCHNOP_close, ADDR(port), 0);
}

/* There are 1,024 ports, and the 32-bit layout puts port 70 into the third word. */
static void events(void)
{
	struct vcpu_info_32 *v = &shared.s32.vcpu_info[0];
	struct evtchn_status status = { .dom = DOMID_SELF };
	uint32_t port, last = 0;

	for (port = bind_ipi(); port; port = bind_ipi())
		last = port;
	EXPECT_EQ(last, NR_PORTS - 1);
	v->evtchn_pending_sel = v->evtchn_upcall_pending = 0;
	send(last);
	EXPECT_EQ(v->evtchn_pending_sel, 1u << 31);
	send(70);
	EXPECT(bit(shared.s32.evtchn_pending, 70));
	EXPECT_EQ(v->evtchn_pending_sel, 1u << 31 | 1u << 2);
	EXPECT_EQ(v->evtchn_upcall_pending, 1);
	set_bit(shared.s32.evtchn_mask, 101);
	send(101);
	EXPECT(bit(shared.s32.evtchn_pending, 101));
	EXPECT_EQ(v->evtchn_pending_sel, 1u << 31 | 1u << 2);
	port = 101;
	EXPECT_EQ(CALL(event_channel_op, EVTCHNOP_unmask, ADDR(port), 0), 0);
	EXPECT_EQ(v->evtchn_pending_sel, 1u << 31 | 1u << 2 | 1u << 3);
	EXPECT(!bit(shared.s32.evtchn_mask, 101));
	status.port = 70;
	EXPECT_EQ(CALL(event_channel_op, EVTCHNOP_status, ADDR(status), 0), 0);
	EXPECT_EQ(status.status, EVTCHNSTAT_ipi);
	close_from(102);
}

static uint64_t now(void)
{
	struct xen_hvm_get_time t = { 0 };

	EXPECT_EQ(CALL(hvm_op, HVMOP_get_time, ADDR(t), 0), 0);
	return t.now;
}

/* A 64-bit deadline is passed in two registers. */
static void timer(void)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 0 };
	uint64_t deadline = now() + 1000000;

	EXPECT_EQ(CALL(event_channel_op, EVTCHNOP_bind_virq, ADDR(virq), 0), 0);
	shared.s32.vcpu_info[0].evtchn_pending_sel = shared.s32.vcpu_info[0].evtchn_upcall_pending = 0;
	EXPECT_EQ(call(__HYPERVISOR_set_timer_op, (uint32_t)deadline, (uint32_t)(deadline >> 32), 0), 0);
	while (!bit(shared.s32.evtchn_pending, virq.port))
		CALL(sched_op, SCHEDOP_block, 0, 0);
	EXPECT(now() >= deadline);
	close_from(virq.port);
}

static void make_tables(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		pdpt_pae[i] = (uint32_t)pd[i] | 1;
		pdpt[i] = (uint32_t)pd[i] | 3;
	}
	pdpt_pae[3] = (uint32_t)pd[3] | 1;
	pml4[0] = (uint32_t)pdpt | 3;
	for (unsigned int i = 0; i < 3 * 512; i++)
		pd[i / 512][i % 512] = (uint64_t)i << 21 | 0x83;
	pd[3][0] = (uint32_t)pt | 3;
	pt[0] = (uint32_t)twice | 3;
	pt[1] = (uint32_t)twice | 1; /* read-only */
}

/* Keel reads arguments through the guest's own three-level tables. */
static void with_paging(void)
{
	struct xen_feature_info *info = (void *)MAPPED_TWICE;
	uint32_t top;

	paging_on((uint32_t)pdpt_pae);
	info->submap_idx = 0;
	asm volatile("" : : : "memory");
	top = pdpt_pae[3]; /* QEMU 7.2 sets the accessed bit in this entry, where it is reserved */
	EXPECT_EQ(CALL(xen_version, XENVER_get_features, MAPPED_TWICE, 0), 0);
	EXPECT(twice[1] & 1u << XENFEAT_auto_translated_physmap);
	EXPECT_EQ(CALL(xen_version, XENVER_get_features, MAPPED_TWICE, 0), 0);
	EXPECT_EQ(CALL(xen_version, XENVER_get_features, MAPPED_TWICE + PAGE, 0), -EFAULT);
	EXPECT_EQ(CALL(xen_version, XENVER_get_features, MAPPED_TWICE + 2 * PAGE - 4, 0), -EFAULT);
	EXPECT_EQ(CALL(memory_op, XENMEM_memory_map, OUT_OF_REACH, 0), -EFAULT);
	EXPECT_EQ(CALL(memory_op, XENMEM_add_to_physmap, OUT_OF_REACH, 0), -EFAULT);
	EXPECT_EQ(CALL(grant_table_op, GNTTABOP_setup_table, OUT_OF_REACH, 1), -EFAULT);
	EXPECT_EQ(CALL(event_channel_op, EVTCHNOP_send, OUT_OF_REACH, 0), -EFAULT);
	paging_off();
	EXPECT_EQ(pdpt_pae[3], top);
	EXPECT(pt[0] & 0x60);
}

/*
 * A 64-bit kernel that starts sets its hypercall page: this switches to the 64-bit layout. Then
 * back again.
 */
static void layouts_follow_the_mode(void)
{
	struct vcpu_info *v = &shared.s64.vcpu_info[0];
	struct shared_info_32 *s = &shared.s32;

	EXPECT_EQ(in_64bit((uint32_t)pml4, (uint32_t)hypercall_page_64) >> 16, 4);
	EXPECT(shared.s64.wc_sec > 1000000000);
	for (unsigned int i = 0; i < 64; i++)
		shared.s64.evtchn_pending[i] = shared.s64.evtchn_mask[i] = 0;
	v->evtchn_pending_sel = v->evtchn_upcall_pending = 0;
	send(70);
	EXPECT_EQ(v->evtchn_pending_sel, 1u << 1);
	EXPECT_EQ(v->evtchn_upcall_pending, 1);
	set_bit(shared.s64.evtchn_mask, 20);
	send(20);
	EXPECT(bit(shared.s64.evtchn_pending, 20));
	EXPECT_EQ(v->evtchn_pending_sel, 1u << 1);

	set_callback(0);
	s->vcpu_info[0].evtchn_pending_sel = 0;
	EXPECT(s->wc_sec > 1000000000);
	for (unsigned int i = 0; i < 32; i++)
		s->evtchn_pending[i] = s->evtchn_mask[i] = 0;
	send(70);
	EXPECT_EQ(s->vcpu_info[0].evtchn_pending_sel, 1u << 2);
	close_from(1);
}

void test_main(void)
{
	struct sched_shutdown off = { SHUTDOWN_poweroff };

	set_hypercall_page();
	print("Test guest: compat\n");
	make_tables();
	versions();
	what_is_not_in_the_list();
	memory_map();
	shared_info_is_there();
	grants();
	set_callback((uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0x30);
	events();
	timer();
	with_paging();
	layouts_follow_the_mode();
	print(failures ? "Test result: FAILURE\n" : "Test result: SUCCESS\n");
	CALL(sched_op, SCHEDOP_shutdown, ADDR(off), 0);
}
