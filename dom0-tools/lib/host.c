/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/sysfs.h"

#define MSR_FEATURE_CONTROL 0x3a
#define FEATURE_CONTROL_LOCKED (1u << 0)
#define FEATURE_CONTROL_VMX (1u << 2)
#define MSR_VM_CR 0xc0010114
#define VM_CR_SVMDIS (1u << 4)
#define DMAR_FLAGS 37			/* the byte in the table: bit 0, interrupts are remapped */
#define ACPI_TABLES "/sys/firmware/acpi/tables"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

#define MENU_SVM "switch it on in the firmware's setup: \"SVM Mode\", \"AMD-V\" or \"Virtualization " \
	"Technology\", under CPU or Advanced settings"
#define MENU_VMX "switch it on in the firmware's setup: \"Intel Virtualization Technology\", \"VT-x\" or " \
	"\"VMX\", under CPU or Processor settings"
#define MENU_IOMMU "switch it on in the firmware's setup: \"VT-d\" or \"Intel VT for Directed I/O\"; AMD: " \
	"\"IOMMU\" or \"AMD I/O Virtualization Technology\", often under NBIO"
#define MENU_REMAPPING "switch on \"Interrupt Remapping\", beside VT-d in the firmware's setup"
#define MENU_SRIOV "switch it on in the firmware's setup: \"SR-IOV Support\" or \"SR-IOV Global Enable\", under PCI or " \
	"integrated devices, and in the card's own setup"
#define MENU_ACS "switch on \"ACS\" or \"PCIe ACS Support\" in the firmware's setup, under PCI or NBIO; or use a slot " \
	"at another port"
#define MENU_ARI "switch on \"ARI\" or \"PCIe ARI Support\" in the firmware's setup, under PCI or NBIO"
#define MENU_4G "switch on \"Above 4G Decoding\" or \"Memory Mapped I/O above 4GB\" in the firmware's setup, under PCI"
#define AS_ROOT "run it as root"

struct host {
	const char *root;
	bool below;			/* a hypervisor runs below this Linux and hides what it owns */
	char vendor[16];
	char *flags, *vmx_flags;	/* of the first CPU, with a space at both ends; or NULL */
	int vfs;			/* functions that can have virtual ones */
	int no_room;			/* those whose virtual ones have no addresses */
	int ports, no_acs, no_ari;	/* PCIe root ports and downstream ports */
	bool short_config;		/* their capabilities cannot be read */
};

const char *host_state_name(enum host_state state)
{
	static const char *const name[] = { "ok", "limited", "missing", "unknown" };

	return name[state];
}

static void set(struct host_item *i, enum host_state state, const char *advice,
		const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void set(struct host_item *i, enum host_state state, const char *advice,
		const char *fmt, ...)
{
	va_list ap;

	i->state = state;
	i->advice = advice;
	va_start(ap, fmt);
	vsnprintf(i->found, sizeof(i->found), fmt, ap);
	va_end(ap);
}

static bool exists(const struct host *h, const char *path)
{
	char full[SYSFS_PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", h->root, path);
	return !access(full, F_OK);
}

/* So many bytes of a file from there on; false if it has fewer. */
static bool read_at(const struct host *h, const char *path, uint64_t offset, void *out, size_t size)
{
	char full[SYSFS_PATH_MAX];
	bool good;
	int fd;

	snprintf(full, sizeof(full), "%s%s", h->root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = pread(fd, out, size, offset) == (ssize_t)size;
	close(fd);
	return good;
}

/* The value of a line "key : value" of /proc/cpuinfo, with a space at both ends. */
static char *take_words(const char *line)
{
	const char *value = strchr(line, ':');
	char *words = NULL;

	if (value && asprintf(&words, "%s ", value + 1) < 0)
		return NULL;
	if (words)
		words[strcspn(words, "\n")] = ' ';
	return words;
}

static void read_cpu(struct host *h)
{
	char path[SYSFS_PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", h->root);
	f = fopen(path, "re");
	/* The lines of the first CPU end with an empty one. */
	while (f && getline(&line, &room, f) > 1) {
		sscanf(line, "vendor_id : %15s", h->vendor);
		if (!strncmp(line, "flags\t", 6) && !h->flags)
			h->flags = take_words(line);
		if (!strncmp(line, "vmx flags\t", 10) && !h->vmx_flags)
			h->vmx_flags = take_words(line);
	}
	free(line);
	if (f)
		fclose(f);
}

static bool has_flag(const char *words, const char *flag)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), " %s ", flag);
	return words && strstr(words, wanted);
}

/* As the firmware left it on the first CPU; false without the module msr, or as another user. */
static bool read_msr(const struct host *h, uint32_t msr, uint64_t *value)
{
	return read_at(h, "/dev/cpu/0/msr", msr, value, sizeof(*value));
}

static void check_cpu(const struct host *h, struct host_item *i)
{
	bool intel = !strcmp(h->vendor, "GenuineIntel");
	bool amd = !strcmp(h->vendor, "AuthenticAMD") || !strcmp(h->vendor, "HygonGenuine");
	const char *name = intel ? "VT-x" : "AMD-V", *menu = intel ? MENU_VMX : MENU_SVM;
	uint64_t v = 0;

	if (!*h->vendor)
		set(i, HOST_UNKNOWN, NULL, "/proc/cpuinfo names no vendor");
	else if (!intel && !amd)
		set(i, HOST_MISSING, NULL, "a CPU of %s: Keel knows VT-x and AMD-V", h->vendor);
	else if (!has_flag(h->flags, intel ? "vmx" : "svm") && h->below)
		set(i, HOST_UNKNOWN, NULL, "%s is hidden: a hypervisor runs below", name);
	else if (!has_flag(h->flags, intel ? "vmx" : "svm"))
		set(i, HOST_MISSING, menu, "no %s: the CPU has none, or it is off", name);
	else if (intel && read_msr(h, MSR_FEATURE_CONTROL, &v) && (v & FEATURE_CONTROL_LOCKED) &&
		 !(v & FEATURE_CONTROL_VMX))
		set(i, HOST_MISSING, menu, "the firmware has switched VT-x off");
	else if (amd && read_msr(h, MSR_VM_CR, &v) && (v & VM_CR_SVMDIS))
		set(i, HOST_MISSING, menu, "the firmware has switched AMD-V off");
	else
		set(i, HOST_OK, NULL, "%s", name);
}

static void check_paging(const struct host *h, struct host_item *i)
{
	bool intel = !strcmp(h->vendor, "GenuineIntel");
	const char *flag = intel ? "ept" : "npt";

	if (has_flag(h->flags, flag) || has_flag(h->vmx_flags, flag))
		set(i, HOST_OK, NULL, "%s", flag);
	else if (!has_flag(h->flags, intel ? "vmx" : "svm"))
		set(i, HOST_UNKNOWN, NULL, "to be seen when virtualization is on");
	else
		set(i, HOST_MISSING, NULL, "the CPU has no %s: it is too old for Keel", flag);
}

static void check_iommu(const struct host *h, struct host_item *iommu, struct host_item *remaps)
{
	bool dmar = exists(h, ACPI_TABLES "/DMAR"), ivrs = exists(h, ACPI_TABLES "/IVRS");
	unsigned char flags;

	if (!dmar && !ivrs) {
		if (h->below)
			set(iommu, HOST_UNKNOWN, NULL, "hidden: a hypervisor runs below");
		else if (!exists(h, ACPI_TABLES))
			set(iommu, HOST_UNKNOWN, NULL, "Linux shows no tables of the firmware");
		else
			set(iommu, HOST_MISSING, MENU_IOMMU, "the firmware has no table of one (DMAR, IVRS)");
		set(remaps, HOST_UNKNOWN, NULL, "to be seen when the IOMMU is on");
		return;
	}
	set(iommu, HOST_OK, NULL, dmar ? "VT-d (DMAR)" : "AMD-Vi (IVRS)");
	if (!dmar)
		set(remaps, HOST_OK, NULL, "part of AMD-Vi");
	else if (!read_at(h, ACPI_TABLES "/DMAR", DMAR_FLAGS, &flags, 1))
		set(remaps, HOST_UNKNOWN, AS_ROOT, "the table DMAR cannot be read");
	else if (flags & 1)
		set(remaps, HOST_OK, NULL, "on");
	else
		set(remaps, HOST_LIMITED, MENU_REMAPPING, "off: no guest can have a PCI function");
}

/* Those of virtual functions begin at the eighth line. One that ends behind 0 has addresses. */
static bool vfs_have_room(const struct host *h, const char *name)
{
	char text[2048], *rest = text, *line;
	unsigned long long start, end;

	if (sysfs_read(text, sizeof(text), "%s" SYSFS_PCI "/%s/resource", h->root, name))
		return true;
	for (int i = 0; (line = strsep(&rest, "\n")) && i < 13; i++)
		if (i >= 7 && sscanf(line, "%llx %llx", &start, &end) == 2 && end)
			return true;
	return false;
}

static uint32_t word(const unsigned char *config, unsigned int at)
{
	uint32_t v;

	memcpy(&v, config + at, 4);
	return v;
}

/* Where the capability is in the first 256 bytes; 0: it is not there. */
static unsigned int find_capability(const unsigned char *config, unsigned int id)
{
	unsigned int at = config[0x34] & 0xfc;

	for (int n = 0; at >= 0x40 && at <= 0xfc && n < 48; n++, at = config[at + 1] & 0xfc)
		if (config[at] == id)
			return at;
	return 0;
}

static bool has_extended(const unsigned char *config, unsigned int id)
{
	unsigned int at = 0x100;

	for (int n = 0; at >= 0x100 && at <= 0xffc && n < 256; n++, at = word(config, at) >> 20 & 0xffc)
		if ((word(config, at) & 0xffff) == id)
			return true;
	return false;
}

/* A port of PCI Express: can it keep apart what is below, and address many functions there? */
static void look_at_bridge(struct host *h, const char *name)
{
	unsigned char config[4096];
	char path[SYSFS_PATH_MAX];
	unsigned int at, type;

	snprintf(path, sizeof(path), SYSFS_PCI "/%s/config", name);
	if (!read_at(h, path, 0, config, 256)) {
		h->short_config = true;
		return;
	}
	at = find_capability(config, 0x10);
	type = at && at <= 0xd8 ? config[at + 2] >> 4 : 0;
	if (type != 4 && type != 6)
		return;
	h->ports++;
	h->no_ari += !(word(config, at + 0x24) & 1u << 5);
	h->no_acs += !read_at(h, path, 0, config, sizeof(config)) || !has_extended(config, 0xd);
}

static void read_pci(struct host *h)
{
	char **names, text[32];
	int n = sysfs_list(&names, "%s" SYSFS_PCI, h->root);

	for (int i = 0; i < n; i++) {
		if (!sysfs_read(text, sizeof(text), "%s" SYSFS_PCI "/%s/sriov_totalvfs", h->root, names[i]) &&
		    atoi(text) > 0) {
			h->vfs++;
			h->no_room += !vfs_have_room(h, names[i]);
		}
		if (!sysfs_read(text, sizeof(text), "%s" SYSFS_PCI "/%s/class", h->root, names[i]) &&
		    !strncmp(text, "0x0604", 6))
			look_at_bridge(h, names[i]);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void check_vfs(const struct host *h, struct host_item *i)
{
	if (h->no_room)
		set(i, HOST_LIMITED, MENU_4G, "%d of %d functions have no addresses for their virtual ones",
		    h->no_room, h->vfs);
	else if (h->vfs)
		set(i, HOST_OK, NULL, "%d function%s can have virtual ones", h->vfs, h->vfs == 1 ? "" : "s");
	else
		set(i, HOST_LIMITED, MENU_SRIOV, "no function here has virtual ones");
}

static void check_ports(const struct host *h, struct host_item *i, int without, const char *advice,
			const char *effect)
{
	if (h->short_config)
		set(i, HOST_UNKNOWN, AS_ROOT, "the ports' configuration cannot be read");
	else if (!h->ports)
		set(i, HOST_UNKNOWN, NULL, "there are no ports of PCI Express");
	else if (without)
		set(i, HOST_LIMITED, advice, "%d of %d ports are without it: %s", without, h->ports, effect);
	else
		set(i, HOST_OK, NULL, "all %d ports", h->ports);
}

static void check_window(const struct host *h, struct host_item *i)
{
	unsigned long long start, end, highest = 0;
	char path[SYSFS_PATH_MAX], line[256];
	bool high = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/iomem", h->root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %llx-%llx :", &start, &end) != 2)
			continue;
		highest = end > highest ? end : highest;
		high |= strstr(line, "PCI Bus") && start >> 32;
	}
	if (f)
		fclose(f);
	if (!highest)	/* other users see zeros */
		set(i, HOST_UNKNOWN, AS_ROOT, "/proc/iomem has no addresses");
	else if (high)
		set(i, HOST_OK, NULL, "PCI has room above 4 GiB");
	else
		set(i, HOST_LIMITED, MENU_4G, "PCI has no room above 4 GiB: many virtual functions, and large cards, need it");
}

static void check_boot(const struct host *h, struct host_item *i)
{
	unsigned char on = 0;

	if (h->below && !exists(h, "/sys/firmware/efi"))
		set(i, HOST_UNKNOWN, NULL, "BIOS, or UEFI that the hypervisor below hides");
	else if (!exists(h, "/sys/firmware/efi"))
		set(i, HOST_OK, NULL, "BIOS: GRUB starts Keel");
	else if (read_at(h, SECURE_BOOT, 4, &on, 1) && on == 1)
		set(i, HOST_LIMITED, "switch Secure Boot off in the firmware's setup, or use `keel install --sign`",
		    "UEFI with Secure Boot: GRUB does not start Keel then");
	else
		set(i, HOST_OK, NULL, "UEFI: GRUB starts Keel");
}

/* What Dom0's kernel must be built with, and what it should. */
static const struct kernel_option {
	const char *name;
	bool needed;
} kernel_options[] = {
	{ "XEN_DOM0", true }, { "XEN_PVH", true }, { "PVH", true }, { "XENFS", true },
	{ "XEN_PRIVCMD", true }, { "XEN_DEV_EVTCHN", true }, { "XEN_GNTDEV", true }, { "HVC_XEN", false },
	{ "XEN_BLKDEV_BACKEND", false }, { "XEN_NETDEV_BACKEND", false }, { "XEN_BALLOON", false },
	{ "XEN_SYS_HYPERVISOR", false }, { "PCI_IOV", false },
};
#define KERNEL_OPTIONS (sizeof(kernel_options) / sizeof(*kernel_options))

/* The configuration is plain in /boot, or packed in /proc; gzopen() reads both. */
static bool read_config(const struct host *h, const char *release, bool *there)
{
	char path[SYSFS_PATH_MAX], line[256];
	gzFile f;

	snprintf(path, sizeof(path), "%s/boot/config-%s", h->root, release);
	f = gzopen(path, "re");
	if (!f) {
		snprintf(path, sizeof(path), "%s/proc/config.gz", h->root);
		f = gzopen(path, "re");
	}
	while (f && gzgets(f, line, sizeof(line)))
		for (size_t n = 0; n < KERNEL_OPTIONS; n++) {
			size_t len = strlen(kernel_options[n].name);

			there[n] |= !strncmp(line, "CONFIG_", 7) && !strncmp(line + 7, kernel_options[n].name, len) &&
				    line[7 + len] == '=' && (line[8 + len] == 'y' || line[8 + len] == 'm');
		}
	if (f)
		gzclose(f);
	return f;
}

static void check_kernel(const struct host *h, struct host_item *i)
{
	bool there[KERNEL_OPTIONS] = { false };
	char release[65], lacks[160] = "";
	enum host_state state = HOST_OK;
	size_t used = 0;

	if (sysfs_read(release, sizeof(release), "%s/proc/sys/kernel/osrelease", h->root) ||
	    !read_config(h, release, there)) {
		set(i, HOST_UNKNOWN, NULL, "its configuration is neither in /boot nor in /proc/config.gz");
		return;
	}
	for (size_t n = 0; n < KERNEL_OPTIONS; n++) {
		if (there[n])
			continue;
		if (state != HOST_MISSING)
			state = kernel_options[n].needed ? HOST_MISSING : HOST_LIMITED;
		if (used < sizeof(lacks))
			used += snprintf(lacks + used, sizeof(lacks) - used, " CONFIG_%s", kernel_options[n].name);
	}
	set(i, state, state == HOST_OK ? NULL : "use Debian's kernel linux-image-amd64, or build yours with them",
	    "Linux %s%s%s", release, state == HOST_OK ? "" : " lacks", lacks);
}

void host_check(struct host_report *r, const char *root)
{
	static const char *const names[HOST_ITEMS][2] = {
		{ "virtualization", "CPU virtualization" }, { "nested-paging", "Nested paging" },
		{ "iommu", "IOMMU" }, { "interrupt-remapping", "Interrupt remapping" }, { "sr-iov", "SR-IOV" },
		{ "acs", "ACS" }, { "ari", "ARI" }, { "above-4g", "PCI above 4 GiB" }, { "boot", "Boot" },
		{ "kernel", "Kernel for Dom0" },
	};
	struct host h = { .root = root };
	struct host_item *i = r->item;

	memset(r, 0, sizeof(*r));
	for (int n = 0; n < HOST_ITEMS; n++) {
		i[n].name = names[n][0];
		i[n].title = names[n][1];
	}
	h.below = exists(&h, "/sys/hypervisor/type");
	read_cpu(&h);
	read_pci(&h);
	check_cpu(&h, &i[0]);
	check_paging(&h, &i[1]);
	check_iommu(&h, &i[2], &i[3]);
	check_vfs(&h, &i[4]);
	check_ports(&h, &i[5], h.no_acs, MENU_ACS, "what is below one belongs together");
	check_ports(&h, &i[6], h.no_ari, MENU_ARI, "a card below has at most 8 functions");
	check_window(&h, &i[7]);
	check_boot(&h, &i[8]);
	check_kernel(&h, &i[9]);
	free(h.flags);
	free(h.vmx_flags);
}
