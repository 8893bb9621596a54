/* SPDX-License-Identifier: GPL-2.0-only */
/* hypfs_op: Debian's xenhypfs shows it. Only what xl set-parameters may change can be written. */
#include "common/hypfs.h"

#include <public/domctl.h>
#include <public/hypfs.h>

#include "common/guest_access.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/op.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/version.h"
#include "common/vsnprintf.h"
#include "common/watchdog.h"

#define CONTENT_ORDER 3
#define CONTENT_SIZE (PAGE_SIZE << CONTENT_ORDER)
#define PATH_LEN 128
#define LOGLVL "params/loglvl"
#define BOOT_TIMEOUT "params/boot_timeout"
#define VALUE_LEN 8	/* of the longest value of those that can be written, with the 0 */
#define NAME_OFFSET offsetof(struct xen_hypfs_dirlistentry, name)

struct hypfs_walk {
	const char *path;	/* asked for; "" is the root */
	size_t path_len;
	struct xen_hypfs_direntry entry;	/* what it is */
	bool found, overflow;
	u8 *content;
	u32 len, last;		/* of content; where the last entry of a folder begins */
	char last_name[PATH_LEN];
};

static u32 max_write_len(const char *path)
{
	return strcmp(path, LOGLVL) && strcmp(path, BOOT_TIMEOUT) ? 0 : VALUE_LEN;
}

/* An entry of the requested folder, unless it is the same as the last one. */
static void add_child(struct hypfs_walk *w, const char *name, size_t name_len, u8 type, u32 len,
		      u32 write)
{
	u32 size = (u32)ROUND_UP(NAME_OFFSET + name_len + 1, 4);
	struct xen_hypfs_dirlistentry *e = (void *)(w->content + w->len);

	if (strncmp(w->last_name, name, name_len) == 0 && !w->last_name[name_len] && w->len)
		return;
	if (name_len >= PATH_LEN || w->len + size > CONTENT_SIZE) {
		w->overflow = true;
		return;
	}
	if (w->len)
		((struct xen_hypfs_dirlistentry *)(w->content + w->last))->off_next = (u16)(w->len - w->last);
	e->e = (struct xen_hypfs_direntry){ .type = type, .content_len = len, .max_write_len = write };
	memcpy(e->name, name, name_len);
	memcpy(w->last_name, name, name_len);
	w->last_name[name_len] = '\0';
	w->last = w->len;
	w->len += size;
}

static void leaf(struct hypfs_walk *w, const char *path, u8 type, const void *data, u32 len)
{
	const char *rest = path + w->path_len, *slash;

	if (strncmp(path, w->path, w->path_len) != 0)
		return;
	if (!*rest) {
		w->found = true;
		w->entry.type = type;
		w->entry.max_write_len = max_write_len(path);
		w->len = min(len, (u32)CONTENT_SIZE);
		memcpy(w->content, data, w->len);
		return;
	}
	if (w->path_len && *rest++ != '/')
		return;
	w->found = true;
	slash = strchr(rest, '/');
	w->entry.type = XEN_HYPFS_TYPE_DIR;
	if (slash)
		add_child(w, rest, (size_t)(slash - rest), XEN_HYPFS_TYPE_DIR, 0, 0);
	else
		add_child(w, rest, strlen(rest), type, len, max_write_len(path));
}

void hypfs_string(struct hypfs_walk *w, const char *path, const char *value)
{
	leaf(w, path, XEN_HYPFS_TYPE_STRING, value, (u32)strlen(value) + 1);
}

void hypfs_uint(struct hypfs_walk *w, const char *path, u64 value)
{
	leaf(w, path, XEN_HYPFS_TYPE_UINT, &value, sizeof(value));
}

void hypfs_bool(struct hypfs_walk *w, const char *path, bool value)
{
	leaf(w, path, XEN_HYPFS_TYPE_BOOL, &value, sizeof(value));
}

static void build_info(struct hypfs_walk *w)
{
	hypfs_string(w, "buildinfo/compileinfo/compiler", __VERSION__);
	hypfs_uint(w, "buildinfo/version/major", version_reported() >> 16);
	hypfs_uint(w, "buildinfo/version/minor", version_reported() & 0xffff);
	hypfs_string(w, "buildinfo/version/extra", KEEL_EXTRAVERSION);
}

static void params(struct hypfs_walk *w)
{
	char name[PATH_LEN / 2], value[PATH_LEN / 2], path[PATH_LEN];
	unsigned int pos = 0;

	while (option_next(&pos, name, value, sizeof(name))) {
		snprintf(path, sizeof(path), "params/%s", name);
		if (!max_write_len(path))
			hypfs_string(w, path, value);
	}
	snprintf(value, sizeof(value), "%u", watchdog_boot_timeout());
	hypfs_string(w, BOOT_TIMEOUT, value);
	hypfs_string(w, LOGLVL, printk_level());
}

static void memory(struct hypfs_walk *w)
{
	hypfs_uint(w, "keel/memory/total_kib", heap_total_pages() << (PAGE_SHIFT - 10));
	hypfs_uint(w, "keel/memory/free_kib", heap_free_pages() << (PAGE_SHIFT - 10));
	hypfs_uint(w, "keel/memory/claimed_kib", heap_claimed_pages() << (PAGE_SHIFT - 10));
	hypfs_uint(w, "keel/memory/frame_table_kib", max_mfn * sizeof(struct page_info) >> 10);
}

static void cpus(struct hypfs_walk *w)
{
	static const struct { const char *name; u16 offset; } counters[] = {
		{ "exits", offsetof(struct pcpu, nr_exits) },
		{ "hypercalls", offsetof(struct pcpu, nr_hypercalls) },
		{ "interrupts", offsetof(struct pcpu, nr_irqs) },
	};
	char path[PATH_LEN];

	for (unsigned int i = 0; i < nr_cpus; i++) {
		snprintf(path, sizeof(path), "keel/cpus/%u/apic_id", i);
		hypfs_uint(w, path, arch_cpu_hw_id(i));
		for (unsigned int c = 0; c < ARRAY_SIZE(counters); c++) {
			snprintf(path, sizeof(path), "keel/cpus/%u/%s", i, counters[c].name);
			hypfs_uint(w, path, READ_ONCE(*(u64 *)((char *)pcpus[i] + counters[c].offset)));
		}
		irq_window();
	}
}

static void domains(struct hypfs_walk *w)
{
	char path[PATH_LEN];
	struct domain *d;

	for_each_domain(d) {
		snprintf(path, sizeof(path), "keel/domains/%u/name", d->id);
		hypfs_string(w, path, d->name);
		snprintf(path, sizeof(path), "keel/domains/%u/memory_kib", d->id);
		hypfs_uint(w, path, READ_ONCE(d->tot_pages) << (PAGE_SHIFT - 10));
		snprintf(path, sizeof(path), "keel/domains/%u/p2m_tables_kib", d->id);
		hypfs_uint(w, path, READ_ONCE(d->p2m.nr_tables) << (PAGE_SHIFT - 10));
		irq_window();
	}
}

static void features(struct hypfs_walk *w)
{
	hypfs_string(w, "keel/features/scheduler", sched_id() == XEN_SCHEDULER_NULL ? "null" : "credit2");
	hypfs_bool(w, "keel/features/debug", IS_ENABLED(CONFIG_DEBUG));
	arch_hypfs_features(w);
}

static const struct { const char *dir; void (*fn)(struct hypfs_walk *w); } parts[] = {
	{ "buildinfo", build_info },
	{ "params", params },
	{ "keel/cpu-faults", arch_hypfs_cpu_faults },
	{ "keel/cpus", cpus },
	{ "keel/domains", domains },
	{ "keel/features", features },
	{ "keel/iommu", arch_hypfs_iommu },
	{ "keel/memory", memory },
};

/*
 * Parts of the tree that contain the path name their leaves; of other parts, only the folder's name
 * may matter.
 */
static void walk(struct hypfs_walk *w)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t n = strlen(parts[i].dir);
		char path[PATH_LEN];

		if (strncmp(w->path, parts[i].dir, n) == 0 && (!w->path[n] || w->path[n] == '/')) {
			parts[i].fn(w);
			/* An empty folder exists, too. */
			if (!w->path[n] && !w->found) {
				w->found = true;
				w->entry.type = XEN_HYPFS_TYPE_DIR;
			}
		} else {
			snprintf(path, sizeof(path), "%s/", parts[i].dir);
			leaf(w, path, XEN_HYPFS_TYPE_DIR, "", 0);
		}
	}
}

/* -ENOBUFS with the description filled: the caller then knows how long the content is. */
static long copy_out(struct hypfs_walk *w, u64 gva, u64 size)
{
	if (!w->found)
		return -ENOENT;
	if (w->overflow)
		return -E2BIG;
	w->entry.content_len = w->len;
	if (size < sizeof(w->entry))
		return -ENOBUFS;
	if (copy_to_guest(gva, &w->entry, sizeof(w->entry)))
		return -EFAULT;
	if (size - sizeof(w->entry) < w->len)
		return -ENOBUFS;
	return copy_to_guest(gva + sizeof(w->entry), w->content, w->len);
}

/* The path with its final 0, absolute, without a slash at its end (except for the root). */
static long copy_path(char *path, u64 gva, u64 len)
{
	if (len < 2 || len > XEN_HYPFS_MAX_PATHLEN || len > PATH_LEN)
		return len > XEN_HYPFS_MAX_PATHLEN || len < 2 ? -EINVAL : -ENOENT;
	if (copy_from_guest(path, gva, len))
		return -EFAULT;
	if (path[0] != '/' || path[len - 1] || strlen(path) != len - 1 ||
	    (len > 2 && path[len - 2] == '/'))
		return -EINVAL;
	return 0;
}

static long hypfs_version(u64 path_gva, u64 path_len, u64 gva, u64 size)
{
	return path_gva || path_len || gva || size ? -EINVAL : XEN_HYPFS_VERSION;
}

static long hypfs_read(u64 path_gva, u64 path_len, u64 gva, u64 size)
{
	struct hypfs_walk w = { 0 };
	char path[PATH_LEN];
	long rc = copy_path(path, path_gva, path_len);

	if (rc)
		return rc;
	w.path = path + 1;
	w.path_len = strlen(path + 1);
	w.content = alloc_pages(CONTENT_ORDER);
	if (!w.content)
		return -ENOMEM;
	walk(&w);
	rc = copy_out(&w, gva, size);
	free_pages(w.content, CONTENT_ORDER);
	return rc;
}

static long hypfs_write(u64 path_gva, u64 path_len, u64 gva, u64 size)
{
	char path[PATH_LEN], value[VALUE_LEN];
	long rc = copy_path(path, path_gva, path_len);

	if (rc)
		return rc;
	if (!max_write_len(path + 1))
		return -EACCES;
	if (size > sizeof(value))
		return -ENOSPC;
	if (copy_from_guest(value, gva, size))
		return -EFAULT;
	if (!size || memchr(value, 0, size) != value + size - 1)
		return -EINVAL;
	return strcmp(path + 1, LOGLVL) ? watchdog_set_boot_timeout(value) : printk_set_level(value);
}

#define HYPFS(name, handler) OP_FORM(XEN_HYPFS_OP_##name, hypfs, handler, HC_CONTROL)

static const struct op ops[] = {
	HYPFS(get_version, hypfs_version),
	HYPFS(read, hypfs_read),
	HYPFS(write_contents, hypfs_write),
};

long do_hypfs_op(u64 cmd, u64 path_gva, u64 path_len, u64 gva, u64 size)
{
	const struct op *op = op_find(ops, ARRAY_SIZE(ops), cmd);

	if (!op)
		return -EOPNOTSUPP;
	return hypercall_allowed(op->who) ? op->hypfs(path_gva, path_len, gva, size) : -EPERM;
}
