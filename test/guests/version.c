/* SPDX-License-Identifier: GPL-2.0-only */
/* What the hypervisor says about itself: xen_version, CPUID leaves, the hypercall page. */
#include "lib/guest.h"

#include <public/cpuid.h>
#include <public/version.h>

const char test_title[] = "version";

static u32 version;

static void check_numbers(void)
{
	struct xen_platform_parameters params = { 0 };
	u8 handle[16];

	version = xen_version(version, 0);
	EXPECT_EQ(version >> 16, 4);
	EXPECT_IN(version & 0xffff, 17, 20);
	EXPECT_EQ(xen_version(platform_parameters, &params), 0);
	EXPECT_EQ(xen_version(pagesize, 0), 4096);
	EXPECT_EQ(xen_version(guest_handle, handle), 0);
}

/* Zero-terminated within its array. */
static void check_string(const char *what, long ret, const char *text, size_t room)
{
	size_t n = 0;

	while (n < room && text[n])
		n++;
	EXPECT(ret >= 0, "%s: %ld", what, ret);
	EXPECT(n < room, "%s is not terminated", what);
	printk("%s: \"%.*s\"\n", what, (int)(n < 120 ? n : 120), text);
}

static void check_strings(void)
{
	static char text[1025];
	struct xen_compile_info info;

	memset(text, 0xee, sizeof(text));
	check_string("extraversion", xen_version(extraversion, text), text, 16);
	EXPECT_EQ((u8)text[16], 0xee);
	memset(text, 0xee, sizeof(text));
	check_string("capabilities", xen_version(capabilities, text), text, 1024);
	EXPECT(strstr(text, "hvm-3.0-x86_64"), "libvirt needs this token");
	EXPECT(strstr(text, "hvm-3.0-x86_32 "), "the domain builder needs this token");
	memset(text, 0xee, sizeof(text));
	check_string("changeset", xen_version(changeset, text), text, 64);
	EXPECT_EQ((u8)text[64], 0xee);
	memset(text, 0xee, sizeof(text));
	check_string("commandline", xen_version(commandline, text), text, 1024);
	EXPECT_EQ((u8)text[1024], 0xee);
	memset(&info, 0xee, sizeof(info));
	check_string("compiler", xen_version(compile_info, &info), info.compiler, 64);
}

static void check_features(void)
{
	struct xen_feature_info info = { 0, 0 };
	const u32 wanted = 1u << XENFEAT_auto_translated_physmap | 1u << XENFEAT_hvm_callback_vector |
			   1u << XENFEAT_hvm_safe_pvclock | 1u << XENFEAT_writable_page_tables;

	EXPECT_EQ(xen_version(get_features, &info), 0);
	printk("features %#x\n", info.submap);
	EXPECT((info.submap & wanted) == wanted, "submap 0 is %#x", info.submap);
	EXPECT_EQ(info.submap >> XENFEAT_hvm_pirqs & 1, 0);
	EXPECT_EQ(info.submap >> XENFEAT_dom0 & 1, is_dom0);
	info.submap_idx = XENFEAT_NR_SUBMAPS;
	EXPECT_EQ(xen_version(get_features, &info), -EINVAL);
	EXPECT_EQ(xen_version(get_features, 0x123456789000), -EFAULT);
}

/* The variable-length forms: NULL asks for the length; a short buffer is refused. */
static void check_varbuf(void)
{
	static struct {
		u32 len;
		char text[1024];
	} buf;
	long len = hypercall(xen_version, XENVER_capabilities2, 0, 0);
	long longer;

	if ((version & 0xffff) < 18) {
		EXPECT_EQ(len, -ENOSYS);
		return;
	}
	EXPECT(len > 0 && len < 1024, "length %ld", len);
	buf.len = sizeof(buf.text);
	longer = hypercall(xen_version, XENVER_capabilities2, &buf, 0);
	EXPECT_EQ(longer, len);
	buf.len = 3;
	EXPECT_EQ(hypercall(xen_version, XENVER_capabilities2, &buf, 0), -ENOBUFS);
}

static void check_errors(void)
{
	u8 id[64] = { 0 };
	long ret;

	EXPECT_EQ(hypercall(xen_version, 99, 0, 0), -ENOSYS);
	EXPECT_EQ(xen_version(extraversion, 0x123456789000), -EFAULT);
	if (on_keel) /* Xen ignores the upper bits and writes at 0 */
		EXPECT_EQ(xen_version(capabilities, 0x8000000000000000), -EFAULT);
	id[0] = sizeof(id) - 4;
	ret = xen_version(build_id, id);
	EXPECT(ret == -ENODATA || ret >= 0, "build_id: %ld", ret);
}

static void check_leaves(void)
{
	u32 a, b, c, d, last;

	cpuid(xen_leaves, 0, &last, &b, &c, &d);
	EXPECT(last >= xen_leaves + 4 && last <= xen_leaves + XEN_CPUID_MAX_NUM_LEAVES + 1, "%#x", last);
	cpuid(xen_leaves + 1, 0, &a, &b, &c, &d);
	EXPECT_EQ(a, version);
	cpuid(xen_leaves + 2, 0, &a, &b, &c, &d);
	EXPECT_EQ(a, 1);
	EXPECT_EQ(b, XEN_HYPERCALL_PAGE_MSR);
	cpuid(xen_leaves + 3, 0, &a, &b, &c, &d);
	EXPECT(c > 1000, "TSC of %u kHz", c);
	cpuid(xen_leaves + 4, 0, &a, &b, &c, &d);
	printk("leaf 4: %#x, vCPU %u, domain %u\n", a, b, c);
	EXPECT(a & XEN_HVM_CPUID_VCPU_ID_PRESENT, "%#x", a);
	EXPECT(a & XEN_HVM_CPUID_UPCALL_VECTOR, "%#x", a);
	EXPECT_EQ(b, 0);
	if (a & XEN_HVM_CPUID_DOMID_PRESENT)
		EXPECT(is_dom0 == (c == 0), "domain %u", c);
	cpuid(1, 0, &a, &b, &c, &d);
	EXPECT(c & 1u << 31, "the hypervisor bit of leaf 1");
	/* Beyond the last leaf, CPUID must not show the host's values. */
	cpuid(xen_leaves + 0xff, 0, &a, &b, &c, &d);
	EXPECT((a | b | c | d) == 0, "leaf %#x: %#x %#x %#x %#x", xen_leaves + 0xff, a, b, c, d);
}

static void check_hypercall_page(void)
{
	u8 *page = alloc_page();
	u8 *next = alloc_page();
	long (*stub)(unsigned long, unsigned long);
	unsigned int i;

	memset(page, 0xcc, PAGE_SIZE);
	wrmsr(XEN_HYPERCALL_PAGE_MSR, (u64)page);
	stub = (void *)(page + __HYPERVISOR_xen_version * XEN_HYPERCALL_STUB_SIZE);
	EXPECT_EQ(stub(XENVER_version, 0), version);
	stub = (void *)(page + __HYPERVISOR_event_channel_op * XEN_HYPERCALL_STUB_SIZE);
	EXPECT_EQ(stub(99, 0), -ENOSYS);
	for (i = 0; i < PAGE_SIZE && !next[i]; i++)
		;
	EXPECT_EQ(i, PAGE_SIZE);
	EXPECT_EQ(try_wrmsr(XEN_HYPERCALL_PAGE_MSR, (u64)page | 1), 1);
	EXPECT_EQ(try_wrmsr(XEN_HYPERCALL_PAGE_MSR, find_hole() << PAGE_SHIFT), 1);
	EXPECT_EQ(stub(99, 0), -ENOSYS);
}

static u32 ap_leaf_vcpu;
static volatile u32 ap_done;

static void read_ap_leaf(void)
{
	u32 a, c, d;

	cpuid(xen_leaves + 4, 0, &a, &ap_leaf_vcpu, &c, &d);
	ap_done = 1;
}

void test_main(void)
{
	check_numbers();
	check_strings();
	check_features();
	check_varbuf();
	check_errors();
	check_leaves();
	check_hypercall_page();
	if (nr_vcpus > 1) {
		EXPECT(start_cpu(1, read_ap_leaf), "vCPU 1 does not start");
		EXPECT(wait_for(&ap_done), "vCPU 1 does not get on");
		EXPECT_EQ(ap_leaf_vcpu, 1);
	}
}
