/* SPDX-License-Identifier: GPL-2.0-only */
/* What a machine offers to Keel: machines that are folders, which lack one thing or another. */
#include "test/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/host.h"

#define SECURE_BOOT "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define PORT "sys/bus/pci/devices/0000:00:01.0/"
#define CARD "sys/bus/pci/devices/0000:01:00.0/"
#define CPU_OF(vendor, flags, more)							\
	"processor\t: 0\nvendor_id\t: " vendor "\nflags\t\t: fpu " flags "\n" more	\
	"\nprocessor\t: 1\nvendor_id\t: Other\nflags\t\t: svm vmx npt ept\n"

#define NONE "0x0 0x0 0x0\n"

static char root[] = "/tmp/keel-host.XXXXXX";
static struct host_report r;

static void put_at(const char *name, off_t at, const void *data, size_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *p = path + sizeof(root); (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0755);
	}
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, at), size);
	close(fd);
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(remove(path), 0);
}

static void put(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	remove(path);
	put_at(name, 0, text, strlen(text));
}

static int drop_one(const char *path, const struct stat *s, int type, struct FTW *f)
{
	return remove(path);
}

static int end_machine(void **state)
{
	return nftw(root, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_port(unsigned int ext_id, unsigned int device_caps2)
{
	unsigned char config[4096] = { 0 };

	config[0x34] = 0x40;
	config[0x40] = 0x01;	/* power management, then PCI Express */
	config[0x41] = 0x80;
	config[0x80] = 0x10;
	config[0x82] = 0x42;	/* a root port */
	memcpy(config + 0xa4, &device_caps2, 4);
	memcpy(config + 0x100, &(uint32_t){ 0x1 | 1 << 16 | 0x140u << 20 }, 4);
	memcpy(config + 0x140, &(uint32_t){ ext_id | 1 << 16 }, 4);
	put_at(PORT "config", 0, config, sizeof(config));
}

#define DEBIAN									\
	"CONFIG_XEN=y\nCONFIG_XEN_DOM0=y\nCONFIG_XEN_PVH=y\nCONFIG_PVH=y\n"		\
	"CONFIG_XENFS=m\nCONFIG_XEN_PRIVCMD=m\nCONFIG_XEN_DEV_EVTCHN=m\n"		\
	"CONFIG_XEN_GNTDEV=m\nCONFIG_HVC_XEN=y\nCONFIG_XEN_BLKDEV_BACKEND=m\n"		\
	"CONFIG_XEN_NETDEV_BACKEND=m\nCONFIG_XEN_BALLOON=y\nCONFIG_XEN_SYS_HYPERVISOR=y\n"

/* An AMD server that has everything. */
static int new_machine(void **state)
{
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	assert_non_null(mkdtemp(root));
	put("proc/cpuinfo", CPU_OF("AuthenticAMD", "svm npt", ""));
	put("sys/firmware/acpi/tables/IVRS", "IVRS");
	put("sys/firmware/efi/fw_platform_size", "64\n");
	put("proc/iomem", "00001000-0009ffff : System RAM\n4000000000-7fffffffff : PCI Bus 0000:00\n");
	put("proc/sys/kernel/osrelease", "6.1.0-9\n");
	put("boot/config-6.1.0-9", DEBIAN "CONFIG_PCI_IOV=y\n");
	put(PORT "class", "0x060400\n");
	put_port(0xd, 1 << 5);
	put(CARD "class", "0x020000\n");
	put(CARD "sriov_totalvfs", "7\n");
	put(CARD "resource", NONE NONE NONE NONE NONE NONE NONE
	    "0x4000000000 0x400000ffff 0x140204\n" NONE);
	return 0;
}

static const struct host_item *item(const char *name)
{
	for (int i = 0; i < HOST_ITEMS; i++)
		if (!strcmp(r.item[i].name, name))
			return &r.item[i];
	fail_msg("there is no item %s", name);
	return NULL;
}

/* The machine as it is now: that item is in that state, and says so. */
static void expect(const char *name, enum host_state state, const char *found, const char *advice)
{
	host_check(&r, root);
	if (item(name)->state != state)
		fail_msg("%s is %s: %s", name, host_state_name(item(name)->state), item(name)->found);
	assert_contains(item(name)->found, found);
	if (advice)
		assert_contains(item(name)->advice ?: "", advice);
	else
		assert_null(item(name)->advice);
}

static void all_is_there(void **state)
{
	host_check(&r, root);
	for (int i = 0; i < HOST_ITEMS; i++) {
		if (r.item[i].state != HOST_OK)
			fail_msg("%s is %s: %s", r.item[i].name, host_state_name(r.item[i].state),
				 r.item[i].found);
		assert_null(r.item[i].advice);
		assert_true(*r.item[i].title);
	}
	expect("virtualization", HOST_OK, "AMD-V", NULL);
	expect("sr-iov", HOST_OK, "1 function can", NULL);
	expect("boot", HOST_OK, "UEFI", NULL);
}

static void cpus(void **state)
{
	put("proc/cpuinfo", CPU_OF("AuthenticAMD", "svm", ""));
	expect("nested-paging", HOST_MISSING, "npt", NULL);
	put("proc/cpuinfo", CPU_OF("HygonGenuine", "npt svms", ""));
	expect("virtualization", HOST_MISSING, "no AMD-V", "SVM Mode");
	put("proc/cpuinfo", CPU_OF("GenuineIntel", "vmx", "vmx flags\t: vnmi ept vpid\n"));
	expect("virtualization", HOST_OK, "VT-x", NULL);
	expect("nested-paging", HOST_OK, "ept", NULL);
	put("proc/cpuinfo", CPU_OF("GenuineIntel", "sse", ""));
	expect("virtualization", HOST_MISSING, "no VT-x", "Intel Virtualization Technology");
	expect("nested-paging", HOST_UNKNOWN, "", NULL);
	put("proc/cpuinfo", CPU_OF("CentaurHauls", "vmx", ""));
	expect("virtualization", HOST_MISSING, "CentaurHauls", NULL);
	put("proc/cpuinfo", "");
	expect("virtualization", HOST_UNKNOWN, "", NULL);
}

/* The flag may be there, and the firmware have locked it. */
static void msrs(void **state)
{
	put_at("dev/cpu/0/msr", 0xc0010114, &(uint64_t){ 0x10 }, 8);
	expect("virtualization", HOST_MISSING, "switched AMD-V off", "AMD-V");
	put_at("dev/cpu/0/msr", 0xc0010114, &(uint64_t){ 0x08 }, 8);
	expect("virtualization", HOST_OK, "AMD-V", NULL);
	put("proc/cpuinfo", CPU_OF("GenuineIntel", "vmx ept", ""));
	put_at("dev/cpu/0/msr", 0x3a, &(uint64_t){ 1 }, 8);
	expect("virtualization", HOST_MISSING, "switched VT-x off", "VMX");
	put_at("dev/cpu/0/msr", 0x3a, &(uint64_t){ 5 }, 8);
	expect("virtualization", HOST_OK, "VT-x", NULL);
	put_at("dev/cpu/0/msr", 0x3a, &(uint64_t){ 0 }, 8);	/* Keel locks it itself */
	expect("virtualization", HOST_OK, "VT-x", NULL);
}

static void iommus(void **state)
{
	unsigned char dmar[48] = "DMAR";

	drop("sys/firmware/acpi/tables/IVRS");
	expect("iommu", HOST_MISSING, "no table", "VT-d");
	expect("interrupt-remapping", HOST_UNKNOWN, "", NULL);
	drop("sys/firmware/acpi/tables");
	expect("iommu", HOST_UNKNOWN, "no tables", NULL);
	put_at("sys/firmware/acpi/tables/DMAR", 0, dmar, 37);
	expect("iommu", HOST_OK, "VT-d", NULL);
	expect("interrupt-remapping", HOST_UNKNOWN, "cannot be read", "root");
	dmar[37] = 2;
	put_at("sys/firmware/acpi/tables/DMAR", 0, dmar, sizeof(dmar));
	expect("interrupt-remapping", HOST_LIMITED, "off", "Interrupt Remapping");
	dmar[37] = 1;
	put_at("sys/firmware/acpi/tables/DMAR", 0, dmar, sizeof(dmar));
	expect("interrupt-remapping", HOST_OK, "on", NULL);
}

static void functions(void **state)
{
	put(CARD "resource", "0xe0000000 0xe000ffff 0x1\n" NONE NONE NONE NONE NONE
	    "0xe1000000 0xe10fffff 0x1\n" NONE NONE);
	expect("sr-iov", HOST_LIMITED, "1 of 1 functions have no addresses", "Above 4G");
	put(CARD "sriov_totalvfs", "0\n");
	expect("sr-iov", HOST_LIMITED, "no function", "SR-IOV");
	drop(CARD "sriov_totalvfs");
	expect("sr-iov", HOST_LIMITED, "no function", "SR-IOV");
}

static void ports(void **state)
{
	put_port(0xe, 1 << 5);
	expect("acs", HOST_LIMITED, "1 of 1 ports", "ACS");
	expect("ari", HOST_OK, "all 1 ports", NULL);
	put_port(0xd, ~(1u << 5));
	expect("acs", HOST_OK, "all 1 ports", NULL);
	expect("ari", HOST_LIMITED, "1 of 1 ports", "ARI");
	put(PORT "config", "what another user may read");
	expect("acs", HOST_UNKNOWN, "cannot be read", "root");
	expect("ari", HOST_UNKNOWN, "cannot be read", "root");
	put(PORT "class", "0x060100\n");
	expect("acs", HOST_UNKNOWN, "no ports", NULL);
}

static void windows(void **state)
{
	put("proc/iomem", "00001000-0009ffff : System RAM\nc0000000-febfffff : PCI Bus 0000:00\n"
	    "100000000-1ffffffff : System RAM\n");
	expect("above-4g", HOST_LIMITED, "no room above", "Above 4G Decoding");
	put("proc/iomem", "00000000-00000000 : System RAM\n00000000-00000000 : PCI Bus 0000:00\n");
	expect("above-4g", HOST_UNKNOWN, "no addresses", "root");
}

static void boots(void **state)
{
	put_at(SECURE_BOOT, 0, "\6\0\0\0\1", 5);
	expect("boot", HOST_LIMITED, "Secure Boot", "Secure Boot off");
	put_at(SECURE_BOOT, 0, "\6\0\0\0\0", 5);
	expect("boot", HOST_OK, "UEFI", NULL);
	drop(SECURE_BOOT);
	drop("sys/firmware/efi/efivars");
	drop("sys/firmware/efi/fw_platform_size");
	drop("sys/firmware/efi");
	expect("boot", HOST_OK, "BIOS", NULL);
}

static void kernels(void **state)
{
	put("boot/config-6.1.0-9", DEBIAN);
	expect("kernel", HOST_LIMITED, "6.1.0-9 lacks CONFIG_PCI_IOV", "linux-image-amd64");
	put("boot/config-6.1.0-9", DEBIAN "CONFIG_PCI_IOV=y\n# CONFIG_XEN_PVH is not set\n");
	expect("kernel", HOST_OK, "6.1.0-9", NULL);
	put("boot/config-6.1.0-9", "CONFIG_XEN_DOM0=y\nCONFIG_XEN_PVH_m=y\nCONFIG_PVH=n\n");
	expect("kernel", HOST_MISSING, "lacks CONFIG_XEN_PVH CONFIG_PVH CONFIG_XENFS", "linux-image");
	drop("boot/config-6.1.0-9");
	expect("kernel", HOST_UNKNOWN, "", NULL);
	put("proc/config.gz", DEBIAN "CONFIG_PCI_IOV=y\n");
	expect("kernel", HOST_OK, "6.1.0-9", NULL);
}

/* In Dom0, the hypervisor hides what it owns. */
static void below(void **state)
{
	put("sys/hypervisor/type", "xen\n");
	put("proc/cpuinfo", CPU_OF("AuthenticAMD", "sse", ""));
	drop("sys/firmware/acpi/tables/IVRS");
	expect("virtualization", HOST_UNKNOWN, "hypervisor", NULL);
	expect("nested-paging", HOST_UNKNOWN, "", NULL);
	expect("iommu", HOST_UNKNOWN, "hypervisor", NULL);
	expect("boot", HOST_OK, "UEFI", NULL);
	drop("sys/firmware/efi/fw_platform_size");
	drop("sys/firmware/efi");
	expect("boot", HOST_UNKNOWN, "UEFI that the hypervisor below hides", NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, new_machine, end_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_there), TEST(cpus), TEST(msrs), TEST(iommus), TEST(functions), TEST(ports),
		TEST(windows), TEST(boots), TEST(kernels), TEST(below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
