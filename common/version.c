/* SPDX-License-Identifier: GPL-2.0-only */
/* xen_version: how Keel identifies itself. The tools choose their own version by it. */
#include <public/features.h>
#include <public/version.h>

#include "common/op.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/version.h"
#include "common/vsnprintf.h"

/*
 * "hvm-3.0-x86_32" makes libxc accept PVH kernels, "x86_64" states the width, "hvm-3.0-x86_64"
 * provides libvirt's guest type.
 */
static const char capabilities[] = "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";

static unsigned int reported = 4 << 16 | 17;

void version_init(void)
{
	reported = 4 << 16 | (option_choice("xen_version") == 1 ? 20 : 17);
}

unsigned int version_reported(void)
{
	return reported;
}

/*
 * Keel's command line, for the control domain only. With dom0_mem= in it, xl leaves Dom0's memory
 * alone, which is what Keel's Dom0 needs, so it is added if it is missing.
 */
static void visible_cmdline(char *buf, size_t size)
{
	struct domain *d = hardware_domain;
	const char *line = option_cmdline();
	char opt[8];
	u64 mib;

	buf[0] = '\0';
	if (!current->domain->control)
		return;
	if (option_string("dom0_mem", opt, sizeof(opt)) || !d) {
		snprintf(buf, size, "%s", line);
		return;
	}
	mib = d->max_pages >> (20 - PAGE_SHIFT);
	snprintf(buf, size, "%s%sdom0_mem=%luM,max:%luM", line, *line ? " " : "", mib, mib);
}

/* A fixed-size string, padded with zeros. */
static long put_string(u64 gva, const char *s, size_t size)
{
	size_t len = min(strlen(s), size - 1);

	return copy_to_guest(gva, s, len) || clear_guest(gva + len, size - len) ? -EFAULT : 0;
}

/* struct xen_varbuf: with no buffer the size that it needs, else filled. */
static long put_varbuf(u64 gva, const char *s)
{
	size_t len = strlen(s);
	u32 room;

	if (!gva)
		return (long)len;
	if (copy_from_guest(&room, gva, sizeof(room)))
		return -EFAULT;
	if (!room)
		return -EINVAL;
	if (room < len)
		return -ENOBUFS;
	return copy_to_guest(gva + sizeof(room), s, len) ? -EFAULT : (long)len;
}

static long ver_version(unsigned long cmd, u64 gva) { return version_reported(); }

static long ver_compile_info(unsigned long cmd, u64 gva)
{
	struct xen_compile_info info = { .compile_by = "keel", .compile_domain = "" };

	snprintf(info.compiler, sizeof(info.compiler), "%s", __VERSION__);
	snprintf(info.compile_date, sizeof(info.compile_date), "%s", ""); /* builds are reproducible */
	return copy_to_guest(gva, &info, sizeof(info));
}

static long ver_platform_parameters(unsigned long cmd, u64 gva)
{
	return clear_guest(gva, sizeof(struct xen_platform_parameters)); /* virt_start: there is no PV */
}

/* hvm_pirqs must stay off: Linux would route interrupts through event channels. */
static long ver_get_features(unsigned long cmd, u64 gva)
{
	struct xen_feature_info fi;

	if (copy_from_guest(&fi, gva, sizeof(fi)))
		return -EFAULT;
	fi.submap = 0;
	if (fi.submap_idx == 0) {
		fi.submap = BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_auto_translated_physmap) |
			    BIT(XENFEAT_hvm_callback_vector) | BIT(XENFEAT_hvm_safe_pvclock) |
			    BIT(XENFEAT_not_direct_mapped);
		if (current->domain->hardware)
			fi.submap |= BIT(XENFEAT_dom0);
	} else if (fi.submap_idx >= XENFEAT_NR_SUBMAPS) {
		return -EINVAL;
	}
	return copy_to_guest(gva, &fi, sizeof(fi));
}

static long ver_pagesize(unsigned long cmd, u64 gva) { return gva ? -EINVAL : (long)PAGE_SIZE; }

static long ver_guest_handle(unsigned long cmd, u64 gva)
{
	return copy_to_guest(gva, current->domain->handle, sizeof(current->domain->handle));
}

static long ver_build_id(unsigned long cmd, u64 gva) { return -ENODATA; }

/*
 * Strings are returned in two forms: with a fixed size, and, from 4.18 on, as a struct xen_varbuf.
 */
/* s is NULL: the command line */
static const struct { u8 fixed, var; u16 size; const char *s; } strings[] = {
	{ XENVER_extraversion, XENVER_extraversion2, sizeof(xen_extraversion_t), KEEL_EXTRAVERSION },
	{ XENVER_capabilities, XENVER_capabilities2, sizeof(xen_capabilities_info_t), capabilities },
	{ XENVER_changeset, XENVER_changeset2, sizeof(xen_changeset_info_t), "keel" },
	{ XENVER_commandline, XENVER_commandline2, sizeof(xen_commandline_t), NULL },
};

static long ver_string(unsigned long cmd, u64 gva)
{
	char line[sizeof(xen_commandline_t)];
	unsigned int i = 0;
	const char *s;

	if (cmd >= XENVER_extraversion2 && version_reported() < (4 << 16 | 18))
		return -ENOSYS;
	while (cmd != strings[i].fixed && cmd != strings[i].var)
		i++;
	s = strings[i].s;
	if (!s) {
		visible_cmdline(line, sizeof(line));
		s = line;
	}
	return cmd == strings[i].fixed ? put_string(gva, s, strings[i].size) : put_varbuf(gva, s);
}

#define VERSION(name, handler) OP_FORM(XENVER_##name, version, handler, HC_ANY)

static const struct op ops[] = {
	VERSION(version, ver_version),
	VERSION(extraversion, ver_string),
	VERSION(compile_info, ver_compile_info),
	VERSION(capabilities, ver_string),
	VERSION(changeset, ver_string),
	VERSION(platform_parameters, ver_platform_parameters),
	VERSION(get_features, ver_get_features),
	VERSION(pagesize, ver_pagesize),
	VERSION(guest_handle, ver_guest_handle),
	VERSION(commandline, ver_string),
	VERSION(build_id, ver_build_id),
	VERSION(extraversion2, ver_string),
	VERSION(capabilities2, ver_string),
	VERSION(changeset2, ver_string),
	VERSION(commandline2, ver_string),
};

/* Apart, so that what is for anybody saves no registers. */
static noinline long restricted(unsigned long cmd, u64 gva)
{
	return op_allowed(&ops[cmd]) ? ops[cmd].version(cmd, gva) : -EPERM;
}

long do_xen_version(u64 cmd, u64 gva, u64 a3, u64 a4, u64 a5)
{
	/* No number below the last is free, so that there is a row (unit-hypercall tries each). */
	if (cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = index_nospec(cmd, ARRAY_SIZE(ops));
	return likely(ops[cmd].who == HC_ANY) ? ops[cmd].version(cmd, gva) : restricted(cmd, gva);
}
