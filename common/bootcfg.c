/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot configuration's bindings, after Xen's hyperlaunch and dom0less. The tree comes from the
 * boot volume and is not trusted: it is checked as a whole first, and every property's length
 * before it is read.
 */
#include <libfdt.h>
#include <public/hvm/pvh_layout.h>

#include "common/bootcfg.h"
#include "common/bootcfg_internal.h"
#include "common/bootfiles.h"
#include "common/lib.h"
#include "common/printk.h"
#include "common/vsnprintf.h"

#define DOMID_FIRST_RESERVED	0x7ff0u		/* public/xen.h: ids from here on mean something else */

int bootcfg_error(struct bootcfg_parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->err, p->errlen, fmt, ap);
	va_end(ap);
	return -1;
}

const char *bootcfg_node_name(const struct bootcfg_parser *p, int node)
{
	const char *name = fdt_get_name(p->fdt, node, NULL);

	return name && *name ? name : "/";
}

int bootcfg_number(struct bootcfg_parser *p, int node, const char *prop, u64 max, u64 *value)
{
	int len;
	const fdt32_t *cell = fdt_getprop(p->fdt, node, prop, &len);
	u64 v;

	if (!cell)
		return 0;
	if (len != 4 && len != 8)
		return node_error(p, node, "%s has %d bytes, not one or two cells", prop, len);
	v = fdt32_to_cpu(cell[0]);
	if (len == 8)
		v = v << 32 | fdt32_to_cpu(cell[1]);
	if (v > max)
		return node_error(p, node, "%s = %lu, more than %lu", prop, v, max);
	*value = v;
	return 1;
}

/* A terminated string. Returns as bootcfg_number() does. */
static int get_string(struct bootcfg_parser *p, int node, const char *prop, size_t max,
		      const char **value)
{
	int len;
	const char *s = fdt_getprop(p->fdt, node, prop, &len);

	if (!s)
		return 0;
	if (len < 1 || strnlen(s, len) != (size_t)len - 1)
		return node_error(p, node, "%s is not one string", prop);
	if ((size_t)len > max)
		return node_error(p, node, "%s has %d characters, at most %d fit", prop, len - 1, (int)max - 1);
	*value = s;
	return 1;
}

int bootcfg_known(struct bootcfg_parser *p, int node, const char *const *known)
{
	static const char *const always[] = {
		"compatible", "phandle", "linux,phandle", "#address-cells", "#size-cells", NULL
	};
	int prop;

	fdt_for_each_property_offset(prop, p->fdt, node) {
		const char *name;

		if (!fdt_getprop_by_offset(p->fdt, prop, &name, NULL))
			return node_error(p, node, "unreadable property");
		if (find_word(name, always) < 0 && find_word(name, known) < 0)
			return node_error(p, node, "%s is not supported", name);
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *s = path, *base = path;

	for (; *s; s++)
		if (*s == '/' || *s == '\\')
			base = s + 1;
	return base;
}

/* Compare the whole path first, then the file name alone: loaders differ in what they pass. */
static int module_by_path(const struct bootcfg_parser *p, const char *path)
{
	u32 i, nr = p->bi->nr_modules;

	for (i = 0; i < nr; i++)
		if (!strcmp(p->bi->modules[i].name, path))
			return i;
	for (i = 0; i < nr; i++)
		if (!strcmp(base_name(p->bi->modules[i].name), base_name(path)))
			return i;
	return -1;
}

static int find_module(struct bootcfg_parser *p, int node)
{
	static const char *const known[] = {
		"module-index", "mb-index", "path", "xen,uefi-binary", "bootargs", NULL
	};
	const char *path = boot_module_path(p->fdt, node);
	const struct boot_module *m;
	u64 index = 0;
	int rc;

	if (bootcfg_known(p, node, known))
		return -1;
	rc = bootcfg_number(p, node, "module-index", UINT32_MAX, &index);
	if (!rc)
		rc = bootcfg_number(p, node, "mb-index", UINT32_MAX, &index);
	if (rc < 0)
		return -1;
	if (rc && index >= p->bi->nr_modules)
		return node_error(p, node, "module-index = %u, but the loader gave %u modules", (u32)index,
				  p->bi->nr_modules);
	if (!rc) {
		if (!path)
			return node_error(p, node, "neither path nor module-index");
		rc = module_by_path(p, path);
		if (rc < 0)
			return node_error(p, node, "path = %s: the loader gave no such module", path);
		index = rc;
	}
	m = &p->bi->modules[index];
	if (p->bi->fdt && m->base == p->bi->fdt)
		return node_error(p, node, "module %u is this device tree itself", (u32)index);
	return index;
}

static int parse_kernel(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	const char *args;

	if (d->kernel != BOOTCFG_NO_MODULE)
		return bootcfg_error(p, "%s: a second kernel (%s)", d->name, bootcfg_node_name(p, node));
	d->kernel = find_module(p, node);
	if (d->kernel < 0)
		return -1;
	args = p->bi->modules[d->kernel].cmdline;
	if (get_string(p, node, "bootargs", sizeof(d->cmdline), &args) < 0)
		return -1;
	/* The domain's own bootargs take precedence; the module's command line comes last. */
	if (!d->cmdline[0])
		boot_copy_string(d->cmdline, sizeof(d->cmdline), args);
	return 0;
}

static int parse_ramdisk(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	if (d->ramdisk != BOOTCFG_NO_MODULE)
		return bootcfg_error(p, "%s: a second ramdisk (%s)", d->name, bootcfg_node_name(p, node));
	d->ramdisk = find_module(p, node);
	return d->ramdisk < 0 ? -1 : 0;
}

/* "0-3,8": host CPUs on which the domain's vCPUs may run. */
static int parse_affinity(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	const char *s, *at;
	int rc = get_string(p, node, "hard-affinity", 256, &s);
	unsigned long first, last;
	char *end;

	if (rc <= 0)
		return rc;
	at = s;
	do {
		if (*at < '0' || *at > '9')
			goto bad;
		first = last = strtoul(at, &end, 10);
		if (*end == '-') {
			at = end + 1;
			if (*at < '0' || *at > '9')
				goto bad;
			last = strtoul(at, &end, 10);
		}
		if (first > last || last >= BOOTCFG_AFFINITY_CPUS || (*end && *end != ','))
			goto bad;
		for (; first <= last; first++)
			d->affinity[first / 64] |= BIT(first % 64);
		at = end + 1;
	} while (*end);
	d->has_affinity = true;
	return 0;

bad:
	return bootcfg_error(p, "%s: hard-affinity = \"%s\": not a list of CPUs such as 0-3,8", d->name,
			     s);
}

/* The same as strings: "control", "hardware". Returns as bootcfg_number() does. */
static int capability_words(struct bootcfg_parser *p, int node, u64 *caps)
{
	static const char *const words[] = { "control", "hardware", "xenstore", NULL };
	int n = fdt_stringlist_count(p->fdt, node, "capabilities");
	const char *word;
	int i, k;

	for (k = 0; k < n; k++) {
		word = fdt_stringlist_get(p->fdt, node, "capabilities", k, NULL);
		/* A cell with zeroes looks like empty strings. */
		if (!word || !*word)
			return 0;
		i = find_word(word, words);
		if (i < 0)
			return node_error(p, node, "capabilities: \"%s\" is none of control, hardware, xenstore", word);
		*caps |= BIT(i);
	}
	return n > 0;
}

static int parse_capabilities(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	const u64 all = BOOTCFG_CONTROL | BOOTCFG_HARDWARE | BOOTCFG_XENSTORE;
	u64 caps = 0;
	int rc = capability_words(p, node, &caps);

	if (!rc)
		rc = bootcfg_number(p, node, "capabilities", all, &caps);
	if (!rc)
		rc = bootcfg_number(p, node, "permissions", all, &caps);
	if (rc < 0)
		return -1;
	if ((caps & BOOTCFG_HARDWARE) && !(caps & BOOTCFG_CONTROL))
		return bootcfg_error(p, "%s: capabilities = %u: hardware (2) goes with control (1)", d->name,
				     (u32)caps);
	d->flags = caps;
	return 0;
}

static int parse_numbers(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	bool dom0 = d->flags & BOOTCFG_HARDWARE;
	u64 v = dom0 ? 0 : 1;

	if (bootcfg_number(p, node, "cpus", PVH_MAX_VCPUS, &v) < 0)
		return -1;
	if (!v && !dom0)
		return bootcfg_error(p, "%s: cpus = 0", d->name);
	d->cpus = v;

	if (bootcfg_number(p, node, "memory", MEMORY_MAX_KB, &d->memory_kb) < 0)
		return -1;
	if (!d->memory_kb && !dom0)
		return bootcfg_error(p, "%s: memory is missing or 0 (KiB)", d->name);
	if (d->memory_kb % 4)
		return bootcfg_error(p, "%s: memory = %lu KiB is no multiple of 4", d->name, d->memory_kb);

	/* 0 asks for the next free id, except in Dom0's node, where it is Dom0's own. */
	v = 0;
	if (bootcfg_number(p, node, "domid", DOMID_FIRST_RESERVED - 1, &v) < 0)
		return -1;
	if (v && dom0)
		return bootcfg_error(p, "%s: domid = %u: Dom0 is 0", d->name, (u32)v);
	d->domid = v;
	return 0;
}

/* @digits hexadecimal digits up to the character @end. */
static bool pci_number(const char **s, unsigned int digits, char end, u32 max, u32 *value)
{
	*value = 0;
	for (; digits; digits--, (*s)++) {
		char c = **s | 0x20;

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		*value = *value << 4 | (u32)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return *(*s)++ == end && *value <= max;
}

/* "0000:00:05.0": PCI functions of the machine that the domain owns. */
static int parse_pci(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	int n = fdt_stringlist_count(p->fdt, node, "pci");
	u32 seg, bus, dev, fn;

	if (n == -FDT_ERR_NOTFOUND)
		return 0;
	if (d->flags & BOOTCFG_HARDWARE)
		return bootcfg_error(p, "%s: pci: Dom0 has all devices", d->name);
	if (n > BOOTCFG_MAX_PCI)
		return bootcfg_error(p, "%s: more than %d PCI functions", d->name, BOOTCFG_MAX_PCI);
	for (int i = 0; i < n; i++) {
		const char *s = fdt_stringlist_get(p->fdt, node, "pci", i, NULL), *at = s;

		if (!s || !pci_number(&at, 4, ':', 0xffff, &seg) || !pci_number(&at, 2, ':', 0xff, &bus) ||
		    !pci_number(&at, 2, '.', 31, &dev) || !pci_number(&at, 1, '\0', 7, &fn))
			return bootcfg_error(p, "%s: pci: \"%s\" is no function such as 0000:00:05.0", d->name, s ?: "");
		d->pci[d->nr_pci++] = seg << 16 | bus << 8 | dev << 3 | fn;
	}
	return d->nr_pci ? 0
	       : bootcfg_error(p, "%s: pci is not a list of functions such as \"0000:00:05.0\"", d->name);
}

static int parse_domain(struct bootcfg_parser *p, int node)
{
	static const char *const known[] = {
		"domid", "capabilities", "permissions", "memory", "cpus", "hard-affinity",
		"bootargs", "pci", NULL
	};
	struct bootcfg_domain *d = &p->cfg->domains[p->cfg->nr_domains];
	const char *name = bootcfg_node_name(p, node), *args = "";
	int sub, rc = 0;

	if (p->cfg->nr_domains == BOOTCFG_MAX_DOMAINS)
		return bootcfg_error(p, "%s: more than %d domains", name, BOOTCFG_MAX_DOMAINS);
	if (strlen(name) >= sizeof(d->name))
		return bootcfg_error(p, "%s: a domain's name has at most %d characters", name,
				   BOOTCFG_NAME_LEN - 1);
	memset(d, 0, sizeof(*d));
	boot_copy_string(d->name, sizeof(d->name), name);
	d->kernel = d->ramdisk = BOOTCFG_NO_MODULE;
	p->nodes[p->cfg->nr_domains++] = node;
	if (bootcfg_known(p, node, known) || parse_capabilities(p, node, d) ||
	    parse_numbers(p, node, d) || parse_affinity(p, node, d) || parse_pci(p, node, d))
		return -1;
	if (get_string(p, node, "bootargs", sizeof(d->cmdline), &args) < 0)
		return -1;
	boot_copy_string(d->cmdline, sizeof(d->cmdline), args);
	fdt_for_each_subnode(sub, p->fdt, node) {
		if (boot_module_is(p->fdt, sub, "kernel"))
			rc = parse_kernel(p, sub, d);
		else if (boot_module_is(p->fdt, sub, "ramdisk"))
			rc = parse_ramdisk(p, sub, d);
		else if (fdt_node_check_compatible(p->fdt, sub, "xen,evtchn-v1") &&
			 fdt_node_check_compatible(p->fdt, sub, "keel,grant-v1"))
			rc = bootcfg_error(p, "%s/%s: unknown kind of node", name, bootcfg_node_name(p, sub));
		if (rc)
			return -1;
	}
	if (d->kernel == BOOTCFG_NO_MODULE)
		return bootcfg_error(p, "%s: no kernel: it wants a node compatible with module,kernel", name);
	return 0;
}

/* Assign ids to domains that have none, and find ids that were given twice. */
static int assign_ids(struct bootcfg_parser *p)
{
	struct bootcfg *cfg = p->cfg;
	u32 i, j, next = 1, dom0 = 0;

	for (i = 0; i < cfg->nr_domains; i++) {
		struct bootcfg_domain *d = &cfg->domains[i];

		if ((d->flags & BOOTCFG_HARDWARE) && dom0++)
			return bootcfg_error(p, "%s: a second domain with hardware", d->name);
		if ((d->flags & BOOTCFG_CONTROL) && !bootcfg_dom0(cfg))
			return bootcfg_error(p,
					     "%s: capabilities = %u: control (1) alone is for a domain beside Dom0 (3)", d->name,
						     d->flags);
		if (d->nr_pci && bootcfg_dom0(cfg))
			return bootcfg_error(p, "%s: pci: %s has all devices; give them by the toolstack", d->name,
					     bootcfg_dom0(cfg)->name);
		for (j = 0; j < i; j++) {
			if (d->domid && d->domid == cfg->domains[j].domid)
				return bootcfg_error(p, "%s: domid = %u is %s's", d->name, d->domid, cfg->domains[j].name);
			if (!strcmp(d->name, cfg->domains[j].name))
				return bootcfg_error(p, "%s: two domains have this name", d->name);
		}
	}
	for (i = 0; i < cfg->nr_domains; i++) {
		struct bootcfg_domain *d = &cfg->domains[i];

		if (d->domid || (d->flags & BOOTCFG_HARDWARE))
			continue;
		for (j = 0; j < cfg->nr_domains; j++)
			if (cfg->domains[j].domid == next) {
				next++;
				j = -1u;
			}
		d->domid = next++;
	}
	return 0;
}

static int hypervisor_node(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen/hypervisor");

	if (node >= 0 && fdt_node_check_compatible(fdt, node, "hypervisor,xen") &&
	    fdt_node_check_compatible(fdt, node, "xen,keel"))
		return -FDT_ERR_NOTFOUND;
	return node;
}

static int parse_tree(struct bootcfg_parser *p)
{
	static const char *const known[] = { "bootargs", NULL };
	int rc = boot_fdt_check(p->fdt, p->bi->fdt_size);
	int top, node;

	if (rc)
		return bootcfg_error(p, "the device tree is broken: %s", fdt_strerror(rc));
	top = hypervisor_node(p->fdt);
	if (top < 0)
		return bootcfg_error(p, "no node /chosen/hypervisor compatible with hypervisor,xen");
	if (bootcfg_known(p, top, known))
		return -1;
	fdt_for_each_subnode(node, p->fdt, top) {
		if (fdt_node_check_compatible(p->fdt, node, "xen,domain"))
			return node_error(p, node, "not compatible with xen,domain");
		if (parse_domain(p, node))
			return -1;
	}
	if (!p->cfg->nr_domains)
		return bootcfg_error(p, "/chosen/hypervisor names no domain");
	return assign_ids(p) || bootcfg_links(p) ? -1 : 0;
}

/* As Xen does it: the first module is Dom0's kernel, the second its ramdisk. */
static int parse_modules(struct bootcfg_parser *p)
{
	struct bootcfg_domain *d = &p->cfg->domains[0];

	if (!p->bi->nr_modules)
		return bootcfg_error(p, "no Dom0 kernel: the loader gave neither modules nor a device tree");
	memset(d, 0, sizeof(*d));
	boot_copy_string(d->name, sizeof(d->name), "Domain-0");
	d->flags = BOOTCFG_CONTROL | BOOTCFG_HARDWARE;
	d->kernel = 0;
	d->ramdisk = p->bi->nr_modules > 1 ? 1 : BOOTCFG_NO_MODULE;
	boot_copy_string(d->cmdline, sizeof(d->cmdline), p->bi->modules[0].cmdline);
	p->cfg->nr_domains = 1;
	return 0;
}

int bootcfg_parse(const struct boot_info *bi, const void *fdt, struct bootcfg *cfg, char *err,
		  size_t errlen)
{
	struct bootcfg_parser p = { .bi = bi, .fdt = fdt, .cfg = cfg, .err = err, .errlen = errlen };
	struct libfdt_guard guard;
	int rc;

	cfg->nr_domains = 0;
	if (!fdt)
		return parse_modules(&p);
	arch_libfdt_begin(&guard);
	rc = parse_tree(&p);
	arch_libfdt_end(&guard);
	return rc;
}

static const char *tree_bootargs(const void *fdt, u64 size)
{
	const char *s;
	int node, len;

	if (boot_fdt_check(fdt, size))
		return NULL;
	node = hypervisor_node(fdt);
	if (node < 0)
		return NULL;
	s = fdt_getprop(fdt, node, "bootargs", &len);
	return s && len > 0 && strnlen(s, len) == (size_t)len - 1 ? s : NULL;
}

void bootcfg_command_line(const struct boot_info *bi, const void *fdt, char *out, size_t size)
{
	struct libfdt_guard guard;
	const char *tree = NULL;
	size_t n;

	if (fdt) {
		arch_libfdt_begin(&guard);
		tree = tree_bootargs(fdt, bi->fdt_size);
		arch_libfdt_end(&guard);
	}
	boot_copy_string(out, size, tree ? tree : "");
	n = strlen(out);
	if (n && bi->cmdline[0] && n + 1 < size) {
		out[n++] = ' ';
		out[n] = '\0';
	}
	boot_copy_string(out + n, size - n, bi->cmdline);
}

const struct bootcfg_domain *bootcfg_dom0(const struct bootcfg *cfg)
{
	u32 i;

	for (i = 0; i < cfg->nr_domains; i++)
		if (cfg->domains[i].flags & BOOTCFG_HARDWARE)
			return &cfg->domains[i];
	return NULL;
}
