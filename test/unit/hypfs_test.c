/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/hypfs.c common/option.c common/vsnprintf.c */
#include "test/unit/unit.h"

#include <public/domctl.h>
#include <public/errno.h>
#include <public/hypfs.h>

#include "common/hypercall.h"
#include "common/hypfs.h"
#include "common/option.h"
#include "common/sched.h"
#include "common/version.h"

static u8 out[40000];
static const struct xen_hypfs_direntry *const entry = (void *)out;

unsigned int sched_id(void)
{
	return XEN_SCHEDULER_CREDIT2;
}

unsigned int version_reported(void)
{
	return 4 << 16 | 17;
}

void arch_hypfs_cpu_faults(struct hypfs_walk *w)
{
	hypfs_string(w, "keel/cpu-faults/taa", "not affected");
}

void arch_hypfs_features(struct hypfs_walk *w)
{
	hypfs_string(w, "keel/features/hvm", "fake");
}

void arch_hypfs_iommu(struct hypfs_walk *w)
{
	hypfs_string(w, "keel/iommu/name", "none");
}

/* As a control domain calls it. */
static long hypfs_op(unsigned long cmd, unsigned long path, unsigned long len, unsigned long gva,
		     unsigned long size)
{
	static struct domain control = { .control = true };
	static struct vcpu v = { .domain = &control };

	fake_run_on(0, &v);
	return do_hypfs_op(cmd, path, len, gva, size);
}

static long read_size(const char *path, size_t size)
{
	return hypfs_op(XEN_HYPFS_OP_read, (unsigned long)path, strlen(path) + 1, (unsigned long)out,
			   size);
}

static long read_path(const char *path)
{
	memset(out, 0xee, sizeof(out));
	return read_size(path, sizeof(out));
}

/* The names in the folder that was read, joined. */
static void names(char *buf)
{
	const struct xen_hypfs_dirlistentry *e = (void *)(out + sizeof(*entry));

	*buf = '\0';
	if (!entry->content_len)
		return;
	for (;; e = (void *)((char *)e + e->off_next)) {
		strcat(buf, e->name);
		strcat(buf, e->e.type == XEN_HYPFS_TYPE_DIR ? "/ " : " ");
		if (!e->off_next)
			break;
	}
}

static void the_tree(void **state)
{
	char buf[512];

	option_init("iommu=off noreboot");
	assert_int_equal(read_path("/"), 0);
	assert_int_equal(entry->type, XEN_HYPFS_TYPE_DIR);
	names(buf);
	assert_string_equal(buf, "buildinfo/ params/ keel/ ");
	assert_int_equal(read_path("/keel"), 0);
	names(buf);
	assert_string_equal(buf, "cpu-faults/ cpus/ domains/ features/ iommu/ memory/ ");
	assert_int_equal(read_path("/params"), 0);
	names(buf);
	assert_string_equal(buf, "iommu noreboot boot_timeout loglvl ");
	assert_int_equal(read_path("/keel/cpus"), 0);
	names(buf);
	assert_string_equal(buf, "0/ 1/ 2/ 3/ ");
	assert_int_equal(read_path("/keel/cpus/2"), 0);
	names(buf);
	assert_string_equal(buf, "apic_id exits hypercalls interrupts ");
	assert_int_equal(read_path("/keel/domains"), 0);	/* an empty folder */
	assert_int_equal(entry->type, XEN_HYPFS_TYPE_DIR);
	assert_int_equal(entry->content_len, 0);
	option_init("loglvl=all iommu=off");
	assert_int_equal(read_path("/params"), 0);
	names(buf);
	assert_string_equal(buf, "iommu boot_timeout loglvl ");
}

static void values(void **state)
{
	u64 v;

	option_init("iommu=off noreboot");
	fake_domain(2, 1)->tot_pages = 3;
	assert_int_equal(read_path("/params/iommu"), 0);
	assert_int_equal(entry->type, XEN_HYPFS_TYPE_STRING);
	assert_int_equal(entry->content_len, 4);
	assert_string_equal((char *)out + sizeof(*entry), "off");
	assert_int_equal(entry->max_write_len, 0);
	assert_int_equal(read_path("/keel/domains/2/memory_kib"), 0);
	assert_int_equal(entry->type, XEN_HYPFS_TYPE_UINT);
	assert_int_equal(entry->content_len, 8);
	memcpy(&v, out + sizeof(*entry), 8);
	assert_int_equal(v, 12);
	assert_int_equal(read_path("/buildinfo/version/minor"), 0);
	memcpy(&v, out + sizeof(*entry), 8);
	assert_int_equal(v, 17);
	assert_int_equal(read_path("/keel/iommu/name"), 0);
	assert_int_equal(read_path("/keel/features/hvm"), 0);
	assert_string_equal((char *)out + sizeof(*entry), "fake");
	pcpus[1]->nr_exits = 99;
	assert_int_equal(read_path("/keel/cpus/1/exits"), 0);
	memcpy(&v, out + sizeof(*entry), 8);
	assert_int_equal(v, 99);
}

static void short_buffers(void **state)
{
	option_init("iommu=off");
	assert_int_equal(read_size("/params/iommu", 3), -ENOBUFS);
	memset(out, 0, sizeof(out));
	assert_int_equal(read_size("/params/iommu", sizeof(*entry)), -ENOBUFS);
	assert_int_equal(entry->content_len, 4);	/* returns the needed length */
	assert_int_equal(read_size("/params/iommu", sizeof(*entry) + 4), 0);
	assert_int_equal(hypfs_op(XEN_HYPFS_OP_read, (unsigned long)"/params", 8, 8, 1000), -EFAULT);
}

static void bad_paths(void **state)
{
	static char longest[1100];

	option_init("iommu=off");
	assert_int_equal(read_path("/nothing"), -ENOENT);
	assert_int_equal(read_path("/keel/nothing"), -ENOENT);
	assert_int_equal(read_path("/keel/cpus/9"), -ENOENT);
	assert_int_equal(read_path("/kee"), -ENOENT);
	assert_int_equal(read_path("/params/iommu/x"), -ENOENT);
	assert_int_equal(read_path("params"), -EINVAL);
	assert_int_equal(read_path("/params/"), -EINVAL);
	assert_int_equal(read_path(""), -EINVAL);
	memset(longest, '/', sizeof(longest) - 1);
	assert_int_equal(read_path(longest), -EINVAL);
	assert_int_equal(hypfs_op(XEN_HYPFS_OP_read, (unsigned long)"/params", 7, (unsigned long)out,
				     100), -EINVAL);
	assert_int_equal(hypfs_op(XEN_HYPFS_OP_read, 8, 8, (unsigned long)out, 100), -EFAULT);
}

static void other_operations(void **state)
{
	assert_int_equal(hypfs_op(XEN_HYPFS_OP_get_version, 0, 0, 0, 0), 1);
	assert_int_equal(hypfs_op(XEN_HYPFS_OP_get_version, 1, 0, 0, 0), -EINVAL);
	assert_int_equal(hypfs_op(9, 0, 0, 0, 0), -EOPNOTSUPP);
	current->domain->control = false;
	assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_get_version, 0, 0, 0, 0), -EPERM);
	current->domain->control = true;
	fake_fail_nth(1);
	assert_int_equal(read_path("/"), -ENOMEM);
	fake_fail_nth(0);
}

static long write_size(const char *path, unsigned long value, size_t size)
{
	return hypfs_op(XEN_HYPFS_OP_write_contents, (unsigned long)path, strlen(path) + 1, value,
			   size);
}

/* The deadline for Dom0 is there whether it was set or not. */
static void the_boot_deadline(void **state)
{
	option_init("boot_timeout=600");	/* Dom0 came up meanwhile */
	assert_int_equal(read_path("/params/boot_timeout"), 0);
	assert_string_equal((char *)out + sizeof(*entry), "0");
	assert_int_equal(entry->max_write_len, 8);
	assert_int_equal(write_size("/params/boot_timeout", (unsigned long)"never", 6), -EINVAL);
	assert_int_equal(write_size("/params/boot_timeout", (unsigned long)"86400", 6), 0);
	assert_int_equal(read_path("/params/boot_timeout"), 0);
	assert_string_equal((char *)out + sizeof(*entry), "86400");
	assert_int_equal(write_size("/params/boot_timeout", (unsigned long)"0", 2), 0);
}

/*
 * The values that may be changed report how long a new value may be, as entries of their folder,
 * too.
 */
static void writing(void **state)
{
	const struct xen_hypfs_dirlistentry *first = (void *)(out + sizeof(*entry));

	option_init("iommu=off loglvl=error");	/* loglvl was set later */
	assert_int_equal(read_path("/params/loglvl"), 0);
	assert_int_equal(entry->type, XEN_HYPFS_TYPE_STRING);
	assert_int_equal(entry->max_write_len, 8);
	assert_string_equal((char *)out + sizeof(*entry), "info");
	assert_int_equal(read_path("/params"), 0);
	assert_int_equal(entry->max_write_len, 0);
	assert_int_equal(first->e.max_write_len, 0);
	first = (void *)((char *)first + first->off_next);
	assert_string_equal(first->name, "boot_timeout");
	assert_int_equal(first->e.max_write_len, 8);
	first = (void *)((char *)first + first->off_next);
	assert_string_equal(first->name, "loglvl");
	assert_int_equal(first->e.max_write_len, 8);

	assert_int_equal(write_size("/params/loglvl", (unsigned long)"warnings", 9), -ENOSPC);
	assert_int_equal(write_size("/params/loglvl", (unsigned long)"warning", 7), -EINVAL);
	assert_int_equal(write_size("/params/loglvl", (unsigned long)"all\0all", 8), -EINVAL);
	assert_int_equal(write_size("/params/loglvl", (unsigned long)"", 0), -EINVAL);
	assert_int_equal(write_size("/params/loglvl", (unsigned long)"loud", 5), -EINVAL);
	assert_int_equal(write_size("/params/loglvl", 8, 8), -EFAULT);
	fake_guest_fault_nth(1);
	assert_int_equal(write_size("/params/loglvl", (unsigned long)"warning", 8), -EFAULT);
	assert_int_equal(write_size("/params/iommu", (unsigned long)"on", 3), -EACCES);
	assert_int_equal(write_size("/params", (unsigned long)"on", 3), -EACCES);
	assert_int_equal(write_size("params/loglvl", (unsigned long)"warning", 8), -EINVAL);
	assert_int_equal(read_path("/params/loglvl"), 0);
	assert_string_equal((char *)out + sizeof(*entry), "info");
	assert_int_equal(write_size("/params/loglvl", (unsigned long)"warning", 8), 0);
	assert_int_equal(read_path("/params/loglvl"), 0);
	assert_int_equal(entry->content_len, 8);
	assert_string_equal((char *)out + sizeof(*entry), "warning");
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(the_tree),
	UNIT_TEST(values),
	UNIT_TEST(short_buffers),
	UNIT_TEST(bad_paths),
	UNIT_TEST(other_operations),
	UNIT_TEST(the_boot_deadline),
	UNIT_TEST(writing),
};

UNIT_MAIN(tests)
