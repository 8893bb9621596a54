/* SPDX-License-Identifier: GPL-2.0-only */
/* From settings to a guest: every setting with good and bad values; the JSON form. */
#include "test/check.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/guest.h"

static struct keel_error e;
static char warned[512];

static void note(void *arg, const char *text)
{
	snprintf(warned, sizeof(warned), "%s", text);
}

static int read_guest(struct guest_config *g, const char *text)
{
	struct cfg c;
	int rc;

	warned[0] = 0;
	memset(&e, 0, sizeof(e));
	rc = cfg_parse(&c, text, strlen(text), "f", &e);
	if (rc)
		return rc;
	rc = guest_from_cfg(g, &c, "f", note, NULL, &e);
	cfg_free(&c);
	return rc;
}

/* Messages distinguish settings of the command line from those of the file. */
static void settings_of_the_command_line(void **state)
{
	static const char file[] =
		"name='web'\nkernel='/k'\ntype='pvh'\nextra='a'\nmemory=64\npci=['01:00.1']";
	static const struct {
		const char *words, *says;
	} cases[] = {
		{ "\npci=['01:00.1,vlan=5000']", "command line:2: pci: vlan '5000'" },
		{ "memory='x'", "command line:1: memory must be an integer, not 'x'" },
		{ "vcpu=2", "command line:1: unknown setting 'vcpu'" },
		{ "cmdline='b'", "f:4: 'cmdline' is set, so 'root'" },
		{ "\nvnc=1", "command line:2: 'vnc' has no effect" },
		{ "memory=64\nmemory=32", "command line:2: 'memory' is there twice" },
		{ "vcpus=2\nmaxvcpus=1", "f: maxvcpus = 1 is less" },
	};
	struct guest_config g;
	struct cfg c, over;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		warned[0] = 0;
		memset(&e, 0, sizeof(e));
		assert_int_equal(cfg_parse(&c, file, strlen(file), "f", &e), 0);
		assert_int_equal(cfg_parse(&over, cases[i].words, strlen(cases[i].words), "command line", &e), 0);
		assert_int_equal(cfg_replace(&c, &over, &e), 0);
		if (!guest_from_cfg(&g, &c, "f", note, NULL, &e))
			guest_free(&g);
		assert_contains(*warned ? warned : e.text, cases[i].says);
		cfg_free(&c);
		cfg_free(&over);
	}
}

#define BASE "name='web';type='pvh'\nkernel='/k'\nmemory=64\n"

static void complete(void **state)
{
	struct guest_config g;

	assert_int_equal(read_guest(&g,
		"name = \"web-1\"\nuuid='00112233-4455-6677-8899-aabbccddeeff'\ntype='pvh'\n"
		"kernel = '/boot/vmlinuz'\nramdisk = '/boot/initrd'\nroot='/dev/xvda1'\nextra='ro quiet'\n"
		"memory = 256\nmaxmem = 512\nvcpus = 2\nmaxvcpus = 4\ncpu_weight = 512\ncap = 50\n"
		"tsc_mode = 'native'\nmax_event_channels = 255\nmax_grant_frames = 32\n"
		"on_poweroff = 'preserve'\non_reboot = 'rename-restart'\non_crash = 'restart'\n"
		"disk = ['/a.img,raw,xvda,rw', 'format=raw, vdev=xvdb1, access=ro, target=/b,c.img']\n"
		"vif = ['bridge=br1,mac=00:16:3e:01:02:03,vifname=web0', '']\n"), 0);
	assert_string_equal(warned, "");
	assert_string_equal(g.name, "web-1");
	assert_true(g.has_uuid);
	assert_int_equal(g.uuid[15], 0xff);
	assert_string_equal(g.cmdline, "root=/dev/xvda1 ro quiet");
	assert_int_equal(g.memory_mib, 256);
	assert_int_equal(g.maxmem_mib, 512);
	assert_int_equal(g.vcpus, 2);
	assert_int_equal(g.maxvcpus, 4);
	assert_int_equal(g.weight, 512);
	assert_int_equal(g.cap, 50);
	assert_int_equal(g.tsc_mode, 2);
	assert_int_equal(g.max_event_channels, 255);
	assert_int_equal(g.max_grant_frames, 32);
	assert_int_equal(g.on_poweroff, ACTION_PRESERVE);
	assert_int_equal(g.on_reboot, ACTION_RENAME_RESTART);
	assert_int_equal(g.on_crash, ACTION_RESTART);
	assert_int_equal(g.disks, 2);
	assert_string_equal(g.disk[0].path, "/a.img");
	assert_int_equal(g.disk[0].number, 51712);
	assert_false(g.disk[0].readonly);
	assert_string_equal(g.disk[1].path, "/b,c.img");
	assert_int_equal(g.disk[1].number, 51729);
	assert_true(g.disk[1].readonly);
	assert_int_equal(g.vifs, 2);
	assert_string_equal(g.vif[0].bridge, "br1");
	assert_string_equal(g.vif[0].name, "web0");
	assert_int_equal(g.vif[0].mac[5], 3);
	assert_string_equal(g.vif[1].bridge, "xenbr0");
	assert_false(g.vif[1].has_mac);
	guest_free(&g);
}

static void defaults(void **state)
{
	struct guest_config g;

	assert_int_equal(read_guest(&g, BASE), 0);
	assert_string_equal(g.cmdline, "");
	assert_null(g.ramdisk);
	assert_int_equal(g.vcpus, 1);
	assert_int_equal(g.maxvcpus, 1);
	assert_int_equal(g.maxmem_mib, 64);
	assert_int_equal(g.on_poweroff, ACTION_DESTROY);
	assert_int_equal(g.on_reboot, ACTION_RESTART);
	assert_int_equal(g.on_crash, ACTION_DESTROY);
	guest_free(&g);
	assert_int_equal(read_guest(&g, BASE "cmdline='a'\nextra='b'"), 0);
	assert_string_equal(g.cmdline, "a");
	assert_contains(warned, "'root' and 'extra' have no effect");
	guest_free(&g);
}

#define LONG "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"

static void bad_values(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "name='web'\nmemory=1", "f: there is no 'kernel'" },
		{ "kernel='/k'\nmemory=1", "there is no 'name'" },
		{ "name='a'\nkernel='/k'", "there is no 'memory'" },
		{ BASE "memroy=3", "f:4: unknown setting 'memroy'; did you mean 'memory'?" },
		{ BASE "zzzzzzzz=3", "unknown setting 'zzzzzzzz' (" },
		{ "name=3", "f:1: name: the name '3' would be taken for a domain id" },
		{ "name=['a']", "f:1: name must be a string, not a list" },
		{ "memory=['64']", "memory must be an integer, not a list" },
		{ "memory='64k'", "memory must be an integer, not '64k'" },
		{ "memory=''", "must be an integer, not ''" },
		{ "memory='99999999999999999999'", "must be an integer" },
		{ "memory='0'", "memory = 0 is out of range" }, { "memory=1f", "must be an integer, not '1f'" },
		{ "memory=0", "memory = 0 is out of range" },
		{ "memory=-5", "out of range" },
		{ "memory=99999999", "out of range" },
		{ "maxmem=0", "out of range" },
		{ BASE "maxmem=32", "maxmem = 32 is less than memory = 64" },
		{ "vcpus=0", "vcpus = 0 is out of range" },
		{ "vcpus=129", "out of range: 1 to 128" },
		{ "maxvcpus=0", "out of range" },
		{ BASE "vcpus=3\nmaxvcpus=2", "maxvcpus = 2 is less than vcpus = 3" },
		{ "cpu_weight=0", "out of range" }, { "cpu_weight=65536", "out of range" },
		{ "cap=-1", "out of range" },
		{ "max_event_channels=5", "out of range" },
		{ "max_grant_frames=65", "out of range" },
		{ "name=''", "1 to 80 characters" },
		/* Text of a file cannot send control sequences to the terminal. */
		{ "name='a\\x1b[2J\\x7fb\\n'", "the name 'a?[2J?b?' may hold" },
		{ "name='\xc3\xa4'", "'\xc3\xa4'" },
		{ "name='17'", "would be taken for a domain id" },
		{ "name='a b'", "letters, digits" },
		{ "uuid='x'", "'x' is no UUID" },
		{ "uuid='00112233-4455-6677-8899-aabbccddeeff0'", "no UUID" },
		{ "type='hvm'", "PVH guests only" }, { "type='pv'", "PVH guests only" },
		{ "kernel=''", "f:1: kernel is empty" }, { "ramdisk=''", "ramdisk is empty" },
		{ BASE "type='pv'\nbuilder='hvm'", "f:4: type 'pv'" },
		{ "name='a'\nkernel='/k'\nmemory=1\nbuilder='hvm'", "f: builder = \"hvm\"" },
		{ "on_crash='coredump-destroy'", "keeld dumps no cores; \"preserve\" keeps the guest" },
		{ "on_watchdog='soft-reset'", "is not supported" },
		{ "on_reboot='dance'", "is no action" },
		{ "on_poweroff=''", "is no action" },
		{ "tsc_mode='fast'", "not one of" },
		{ BASE "acpi=0", "acpi = 0: a PVH guest" },
		{ BASE "extra='quiet acpi=off'", "f: 'acpi=off' on the kernel's command line" },
		{ BASE "cmdline=' nolapic  x'", "'nolapic' on" },
		{ BASE "root='/dev/xvda disableapic'", "'disableapic' on" },
		{ "disk='x'", "disk must be a list, not a string" },
		{ "disk=[1]", "each disk is a string" },
		{ "disk=['']", "the target is empty" }, { "disk=[',raw,hdc,ro,cdrom']", "an empty CD drive" },
		{ "disk=['/a']", "f:1: disk: the disk has no vdev" },
		{ "disk=['/a,qcow3,xvda,w']", "format 'qcow3' is none of raw, qcow2" },
		{ "disk=['/a,raw,xvda,w,format=vhd']", "two formats, 'raw' and 'vhd'" },
		{ "disk=['qcow2:/a,raw,xvda,w']", "two formats, 'qcow2' and 'raw'" },
		{ "disk=['/a,qcow2,xvda,w!']", "access 'w!' does not go with format 'qcow2'" },
		{ "disk=['/a,raw,xvda,x']", "access 'x'" },
		{ "disk=['/a,raw,xvda,w,bps=fast']", "bps 'fast' is no number, or one with k, m or g" },
		{ "disk=['/a,raw,xvda,w,bps=-1']", "bps '-1' is no number" },
		{ "disk=['/a,raw,xvda,w,bps=1mb']", "bps '1mb' is no number" },
		{ "disk=['/a,raw,xvda,w,iops=']", "iops '' is no number" },
		{ "disk=['/a,raw,xvda,w,iops=0']", "iops '0' is no number" },
		{ "disk=['/a,raw,xvda,w,iops=18446744073709551617']", "is no number" },
		{ "disk=['/a,raw,xvda,w,bps=4095']", "bps '4095' is not between 4096 and 1000000000000000" },
		{ "disk=['/a,raw,xvda,w,iops=1000000000000001']", "is not between 1 and 1000000000000000" },
		{ "disk=['/a,raw,xvda,w,bps=20000000000g']", "is not between 4096" },
		{ "disk=['/a,raw,xvda,w!,iops=100']", "access 'w!' does not go with bps and iops" },
		{ "disk=['/a,raw,foo,w']", "'foo' is no virtual device" },
		{ "disk=['/a,raw,xvda,w,more']", "unknown disk option 'more'" },
		{ "disk=['vdev=xvda,target=']", "the target is empty" },
		{ "disk=['/a,vdev=xvda,vdev=xvdb']", "two virtual devices" },
		{ "disk=['vdev=xvda']", "no target" },
		{ "disk=['/a,vdev=xvda,color=red']", "unknown disk option 'color'" },
		{ "disk=['/a,vdev=xvda,backendtype=9p']", "only phy" },
		{ "disk=['/a,vdev=xvda,specification=virtio']", "a guest's disks are Xen's" },
		{ "disk=['iscsi:iqn.x,xvda,w']", "the script 'iscsi:iqn.x' is not run; attach" },
		{ "disk=['script=block-nbd,vdev=xvda,target=x']", "the script 'block-nbd' is not run" },
		{ "disk=['file:/a,hdb:tape,r']", "devtype 'tape' is none of disk and cdrom" },
		{ "disk=['/a,raw,xvda,w,colo']", "of xl is refused" },
		{ "disk=['/a,raw,xvda,w!!']", "none of r, w and w!" },
		{ "disk=['/a,vdev=xvda,backend=other']", "only Dom0" },
		{ "disk=['/a,vdev=xvda,target=/b']", "two targets" },
		{ "disk=['/a,raw,xvda,w',\n'/b,raw,xvda,w']", "f:2: two disks are xvda" },
		{ "vif='x'", "vif must be a list" }, { "vif=[3]", "each vif is a string" },
		{ "vif=['mac=1']", "is not six bytes" },
		{ "vif=['mac=00:16:3e:00:00:00:00']", "is not six bytes" },
		{ "vif=['mac=-1:16:3e:00:00:00']", "is not six bytes" },
		{ "vif=['mac=00: 6:3e:00:00:00']", "is not six bytes" },
		{ "vif=['mac=01:00:00:00:00:00']", "multicast" },
		{ "vif=['bridge=']", "no name of an interface" },
		{ "vif=['bridge=a/b']", "no name of an interface" },
		{ "vif=['bridge=abcdefghijklmnop']", "no name of an interface" },
		{ "vif=['speed=1']", "unknown vif option 'speed'" },
		{ "vif=['word']", "not of the form key=value" },
		{ "vif=['devid=256']", "devid '256' is no number from 0 to 255" },
		{ "vif=['devid=']", "is no number" }, { "vif=['devid=3','','devid=3']", "two have devid 3" },
		{ "vif=['mtu=67']", "from 68 to 65535" }, { "vif=['rate=10']", "rate '10' is not of the form" },
		{ "vif=['rate=0Mb/s']", "is not of the form" }, { "vif=['rate=1b/s']", "is not of the form" },
		{ "vif=['rate=1Mb/s@']", "is not of the form" },
		{ "vif=['rate=1MB/s@0ms']", "is not of the form" },
		{ "vif=['rate=-1MB/s']", "is not of the form" },
		{ "vif=['rate=1MB/s@5000s']", "is not of the form" },
		{ "vif=['ip=$(id)']", "do not belong there" }, { "vif=['script=a b']", "do not belong there" },
		{ "vif=['script=/" LONG LONG "']", "script '/" LONG LONG "' is too long" },
		{ "vif=['backend=net']", "only Dom0" }, { "vif=['trusted=0']", "xen_netfront.trusted=0" },
		{ "vif=['colo_x=1']", "of xl is refused" },
		{ BASE "vfb=['vnc=1']", "f:4: 'vfb' of xl is refused: a guest has no screen" },
		{ BASE "nestedhvm=1", "f:4: 'nestedhvm' of xl with this value is refused" },
		{ BASE "hap='0'", "'hap' of xl with this value" },
		{ BASE "vtpm=['backend=t']", "'vtpm' of xl is refused" }, { BASE "cpuid='host'", "clearcpuid=" },
		{ BASE "nomigrate=1", "keel moves no guest" },
		{ BASE "timer_mode='delay'", "'timer_mode' of xl with this value" },
		{ BASE "cpus='x'", "f:4: cpus: 'x' is no list of CPUs" }, { BASE "cpus='3-1'", "is no range" },
		{ BASE "cpus='1-'", "is no range" }, { BASE "cpus='0,^0'", "no CPU is left in '0,^0'" },
		{ BASE "cpus='node:64'", "'node:64': nodes are 0 to 63" },
		{ BASE "cpus_soft=['0',['1']]", "each entry is a text" },
		{ BASE "cpus='1024'", "CPUs are 0 to 1023" },
		{ BASE "cpus='0 1 2'", "'0 1 2' is no range" }, { BASE "cpus='0-3 ^2'", "'0-3 ^2' is no range" },
		{ BASE "cpus='all ^0'", "'all ^0' is no list" }, { BASE "cpus='  '", "'' is no list" },
		{ BASE "cpus=['0','']", "f:4: cpus: '' is no list" },
		{ BASE "bootloader='mine'", "f:4: bootloader 'mine' is not run" },
		{ BASE "firmware='ovmf'", "has no firmware" },
		{ BASE "bootloader_args=['--entry=1']", "'bootloader_args' of xl is refused" },
		{ BASE "rtc_timeoffset='x'", "must be an integer" },
		{ BASE "max_maptrack_frames=5000", "out of range" },
		{ "pci='01:00.1'", "pci must be a list, not a string" }, { "pci=[1]", "each pci is a string" },
		{ "pci=['']", "'' is no PCI function" },
		{ "pci=['01:00']", "is no PCI function" },
		{ "pci=['01:00.1x']", "is no PCI function" },
		{ "pci=['-1:00.1']", "is no PCI function" },
		{ "pci=[' 01:00.1']", "is no PCI function" },
		{ "pci=['10000:01:00.1']", "is no PCI function" },
		{ "pci=['01:00.1,']", "'' behind a PCI function is not of the form key=value" },
		{ "pci=['01:00.1,mac']", "'mac' behind a PCI function is not of the form" },
		{ "pci=[',vlan=1']", "'' is no PCI function" },
		{ "pci=['vlan=1,01:00.1']", "'vlan=1' is no PCI function" },
		{ "pci=['01:00.1,speed=1']", "f:1: pci: unknown pci option 'speed' (there are mac," },
		{ "pci=['01:00.1,=1']", "unknown pci option ''" },
		{ "pci=['01:00.1,vlan=1,vlan=1']", "vlan is there twice" },
		{ "pci=['01:00.1,mac=']", "mac '' is not six bytes" },
		{ "pci=['01:00.1,mac=02:00:00:00:00']", "is not six bytes" },
		{ "pci=['01:00.1,mac=02:00:00:00:00:00:00']", "is not six bytes" },
		{ "pci=['01:00.1,mac=02:00:00:00:00:000']", "is not six bytes" },
		{ "pci=['01:00.1,mac=-2:00:00:00:00:00']", "is not six bytes" },
		{ "pci=['01:00.1,mac=02: 0:00:00:00:00']", "is not six bytes" },
		{ "pci=['01:00.1,mac=03:00:00:00:00:00']", "a multicast address" },
		{ "pci=['01:00.1,mac=0:0:0:0:0:0']", "and one of zeros" },
		{ "pci=['01:00.1,vlan=']", "vlan '' is no number from 0 to 4094" },
		{ "pci=['01:00.1,vlan=4095']", "vlan '4095' is no number from 0 to 4094" },
		{ "pci=['01:00.1,vlan=-1']", "is no number" }, { "pci=['01:00.1,vlan= 1']", "is no number" },
		{ "pci=['01:00.1,vlan=0x1']", "is no number" }, { "pci=['01:00.1,vlan=1 ']", "is no number" },
		{ "pci=['01:00.1,rate=1000001']", "rate '1000001' is no number from 0 to 1000000" },
		{ "pci=['01:00.1,rate=18446744073709551617']", "is no number" },
		{ "pci=['01:00.1,rate=10Mb/s']", "is no number" },
		{ "pci=['01:00.1,trust=yes']", "trust 'yes' is neither on nor off" },
		{ "pci=['01:00.1,spoofchk=']", "spoofchk '' is neither on nor off" },
		{ "pci=['01:00.1,trust=on,\\x01=']", "unknown pci option" },
		{ "pci=['0000:01:20.0']", "a device is 00 to 1f" },
		{ "pci=['01:00.8']", "a function 0 to 7" },
		{ "pci=['01:00.1',\n'0000:01:00.1']", "f:2: '0000:01:00.1' is there twice" },
		{ BASE "pci=['01:00.1']\npassthrough='disabled'", "pci needs passthrough = \"enabled\"" },
		{ BASE "passthrough='0'\npci=['01:00.1']", "pci needs passthrough = \"enabled\"" },
		{ "passthrough=2", "passthrough '2' is neither" }, { "passthrough=[]", "must be a string" },
		{ "passthrough=''", "passthrough '' is neither enabled nor disabled" },
		{ "passthrough='maybe'", "neither enabled nor disabled" },
	};
	struct guest_config g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (read_guest(&g, cases[i].text) != -EINVAL)
			fail_msg("taken: %s", cases[i].text);
		assert_contains(e.text, cases[i].says);
		assert_null(g.name);
	}
}

/* Only words that the kernel knows, and only whole words. */
static void harmless_words(void **state)
{
	static const char *const texts[] = {
		BASE "acpi=1\nextra='acpi=offline noapic xacpi=off acpi=of'", BASE "extra='quiet -- acpi=off'",
		BASE "extra=''", BASE "cmdline='   '",
	};
	struct guest_config g;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (read_guest(&g, texts[i]))
			fail_msg("%s: %s", texts[i], e.text);
		guest_free(&g);
	}
}

static void too_many(void **state)
{
	char text[4096] = BASE "disk=[";
	struct guest_config g;

	for (int i = 0; i < GUEST_MAX_DISKS + 1; i++)
		sprintf(text + strlen(text), "'/d%d,raw,xvd%c,w',", i, 'a' + i);
	strcat(text, "]");
	assert_int_equal(read_guest(&g, text), -EINVAL);
	assert_contains(e.text, "more than 16 disks");
	strcpy(text, BASE "vif=[");
	for (int i = 0; i < GUEST_MAX_VIFS + 1; i++)
		strcat(text, "'',");
	strcat(text, "]");
	assert_int_equal(read_guest(&g, text), -EINVAL);
	assert_contains(e.text, "more than 8 vifs");
	strcpy(text, BASE "pci=[");
	for (int i = 0; i < GUEST_MAX_PCI + 1; i++)
		sprintf(text + strlen(text), "'01:%02x.0',", i);
	strcat(text, "]");
	assert_int_equal(read_guest(&g, text), -EINVAL);
	assert_contains(e.text, "more than 23 PCI functions");
}

static void ignored(void **state)
{
	struct guest_config g;

	assert_int_equal(read_guest(&g, BASE "vnc = 1"), 0);
	assert_string_equal(warned, "f:4: 'vnc' has no effect on Keel");
	guest_free(&g);
	assert_int_equal(read_guest(&g, BASE "vif=['model=e1000']"), 0);
	assert_string_equal(warned, "f:4: the vif option 'model' has no effect here");
	guest_free(&g);
	/* No message about settings that match what a Keel guest has anyway. */
	assert_int_equal(read_guest(&g,
				    BASE "nestedhvm=0\nhap=1\nvfb=[]\nseclabel=''\nbootloader=''\npool=''"), 0);
	assert_string_equal(warned, "");
	guest_free(&g);
	assert_int_equal(read_guest(&g, BASE "disk=['phy:/dev/x,xvda,w', '/y,raw,xvdb,r,direct-io-safe']"),
			 0);
	assert_string_equal(g.disk[0].path, "/dev/x");
	assert_string_equal(warned, "f:4: the disk option 'direct-io-safe' has no effect here");
	guest_free(&g);
}

static void without_a_type(void **state)
{
	static const char text[] = "name='web'\nkernel='/k'\nmemory='64'\n";
	struct guest_config g;

	assert_int_equal(read_guest(&g, text), 0);
	assert_contains(warned,
			"f: there is no 'type': keel makes a PVH guest, where xl would make a PV one");
	guest_free(&g);
}

static void loaders(void **state)
{
	static const char *const ask[] = {
		"bootloader='pygrub'", "bootloader='/usr/lib/xen-4.17/bin/pygrub'", "bootloader='pvgrub'",
			"firmware='pvgrub32'",
		"firmware='pvgrub64'", "kernel='/usr/lib/grub-xen/grub-x86_64-xen.bin'",
	};
	struct guest_config g;
	char text[256];

	for (size_t i = 0; i < sizeof(ask) / sizeof(ask[0]); i++) {
		snprintf(text, sizeof(text), "name='web'\ntype='pvh'\nmemory=64\n%s\n", ask[i]);
		guest_pvh_grub = "/nowhere/grub";
		assert_int_equal(read_guest(&g, text), -EINVAL);
		assert_contains(e.text, "f:4: ");
		assert_contains(e.text, "the package grub-xen-host has it");
		guest_pvh_grub = "/dev/null";
		assert_int_equal(read_guest(&g, text), 0);
		assert_string_equal(g.kernel, "/dev/null");
		assert_contains(warned, "f:4: '");
		assert_contains(warned, "is answered with GRUB for PVH guests, /dev/null");
		guest_free(&g);
	}
	/* Other settings do not change which line the message names. */
	guest_pvh_grub = "/nowhere/grub";
	assert_int_equal(read_guest(&g, "name='web'\nbootloader='pygrub'\ntype='pvh'\nmemory=64\nbuilder='hvm'"),
			 -EINVAL);
	assert_contains(e.text, "f:2: bootloader: there is no GRUB");
	guest_pvh_grub = "/dev/null";
	assert_int_equal(read_guest(&g, BASE "ramdisk='/r'\nbootloader='pygrub'\nextra='quiet'"), 0);
	assert_contains(warned, "f:5: 'cmdline', 'root' and 'extra' do not reach the kernel");
	assert_null(g.ramdisk);
	guest_free(&g);
}

static void paths(void **state)
{
	char here[512], want[600];
	struct guest_config g;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(read_guest(&g, "name='w'\ntype='pvh'\nmemory=1\nkernel='./boot/k'\nramdisk='r'\n"
				    "disk=['a.img,raw,xvda,w','phy:vg/x,xvdb,w','file:b,ioemu:sda,w!']"), 0);
	snprintf(want, sizeof(want), "%s/boot/k", here);
	assert_string_equal(g.kernel, want);
	snprintf(want, sizeof(want), "%s/r", here);
	assert_string_equal(g.ramdisk, want);
	snprintf(want, sizeof(want), "%s/a.img", here);
	assert_string_equal(g.disk[0].path, want);
	assert_string_equal(g.disk[1].path, "/dev/vg/x");
	assert_string_equal(g.disk[2].vdev, "sda");
	assert_true(g.disk[2].shared);
	assert_false(g.disk[0].shared);
	guest_free(&g);
	/* The target is everything behind the = sign. */
	assert_int_equal(read_guest(&g, BASE "disk=['vdev=xvda,target=/img/a , b.img']"), 0);
	assert_string_equal(g.disk[0].path, "/img/a , b.img");
	guest_free(&g);
	assert_int_equal(guest_read_cfg(&(struct cfg){ 0 }, "/nowhere/x.cfg", &e), -ENOENT);
	assert_contains(e.text, "/nowhere/x.cfg");
	assert_int_equal(guest_read_cfg(&(struct cfg){ 0 }, "/", &e), -EISDIR);
	assert_int_equal(guest_read_cfg(&(struct cfg){ 0 }, "/dev/null", &e), -EINVAL);
}

/* The error is about the folder, not about memory. */
static void no_directory(void **state)
{
	char dir[] = "/tmp/guest-test-XXXXXX";
	int here = open(".", O_RDONLY | O_DIRECTORY);
	struct guest_config g;

	assert_true(here >= 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(read_guest(&g, "kernel='k'"), -ENOENT);
	assert_contains(e.text, "cannot tell the current directory, in which k is: No such file");
	assert_int_equal(read_guest(&g, BASE), 0);
	guest_free(&g);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

static void interfaces(void **state)
{
	struct guest_config g;

	assert_int_equal(read_guest(&g,
				    BASE "vif=['','devid=0,mtu=9000,rate=100KB/s@20ms','ip=10.0.0.1 fe80::1','devid=2,rate=8Kb/s@1s',"
				    "'script=vif-route,gatewaydev=eth0','script=vif-bridge','script=/opt/mine,bridge=b']"), 0);
	assert_string_equal(warned, "");
	assert_int_equal(g.vif[0].devid, 1);
	assert_int_equal(g.vif[1].devid, 0);
	assert_int_equal(g.vif[2].devid, 3);
	assert_int_equal(g.vif[3].devid, 2);
	assert_int_equal(g.vif[4].devid, 4);
	assert_int_equal(g.vif[1].mtu, 9000);
	assert_int_equal(g.vif[1].rate_bytes, 2000);
	assert_int_equal(g.vif[1].rate_us, 20000);
	assert_int_equal(g.vif[3].rate_bytes, 1000);
	/* Only a script can use the address. */
	assert_string_equal(g.vif[2].script, "/etc/xen/scripts/vif-bridge");
	assert_string_equal(g.vif[2].bridge, "xenbr0");
	assert_string_equal(g.vif[4].script, "/etc/xen/scripts/vif-route");
	assert_string_equal(g.vif[4].bridge, "");
	assert_string_equal(g.vif[4].gatewaydev, "eth0");
	assert_string_equal(g.vif[5].script, "");
	assert_string_equal(g.vif[6].script, "/opt/mine");
	guest_free(&g);
	assert_int_equal(read_guest(&g, BASE "vif=['devid=1','devid=0','','']"), 0);
	assert_int_equal(g.vif[2].devid, 2);
	assert_int_equal(g.vif[3].devid, 3);
	guest_free(&g);
}

static void cpus(void **state)
{
	static struct guest_nodes nodes = { .n = 2 };
	struct guest_cpus c;
	struct guest_config g;
	char text[64];

	assert_int_equal(guest_parse_cpus(&c, "0-3 , ^2,8\t ", NULL, &e), 0);
	guest_cpus_text(&c, 16, text, sizeof(text));
	assert_string_equal(text, "0-1,3,8");
	guest_cpus_text(&c, 2, text, sizeof(text));
	assert_string_equal(text, "all");
	assert_int_equal(guest_parse_cpus(&c, "all,^0", NULL, &e), 0);
	guest_cpus_text(&c, 4, text, sizeof(text));
	assert_string_equal(text, "1-1023");
	nodes.node[0].cpus.bits[0] = 0xf;
	nodes.node[1].cpus.bits[1] = 0xf;
	assert_int_equal(guest_parse_cpus(&c, "node:1,2", &nodes, &e), 0);
	guest_cpus_text(&c, GUEST_MAX_CPUS, text, sizeof(text));
	assert_string_equal(text, "2,8-11");
	assert_int_equal(guest_parse_cpus(&c, "nodes:0-1,^node:1,^3", &nodes, &e), 0);
	guest_cpus_text(&c, GUEST_MAX_CPUS, text, sizeof(text));
	assert_string_equal(text, "0-2");
	assert_int_equal(guest_parse_cpus(&c, "nodes:0-2", &nodes, &e), -EINVAL);
	assert_string_equal(e.text, "'nodes:0-2': the machine has no node 2, the last one is 1");
	assert_int_equal(guest_parse_cpus(&c, "node:0,^node:0", &nodes, &e), -EINVAL);
	assert_string_equal(e.text, "no CPU is left in 'node:0,^node:0'");
	/* Without the machine, this may leave some. */
	assert_int_equal(guest_parse_cpus(&c, "nodes:63,^node:62", NULL, &e), 0);
	guest_cpus_text(&c, 4, text, 2);
	assert_string_equal(text, "a");
	assert_int_equal(read_guest(&g, BASE "cpus='0-1'\ncpus_soft=['2',3]"), 0);
	assert_string_equal(guest_affinity_of(&g.cpus, 7), "0-1");
	assert_string_equal(guest_affinity_of(&g.cpus_soft, 1), "3");
	assert_null(guest_affinity_of(&g.cpus_soft, 2));
	guest_free(&g);
	assert_int_equal(read_guest(&g, BASE "cpus=2"), 0);
	assert_string_equal(guest_affinity_of(&g.cpus, 0), "2");
	guest_free(&g);
}

static char refused[1024];

static void note_refused(void *arg, const char *text)
{
	snprintf(refused + strlen(refused), sizeof(refused) - strlen(refused), "%s\n", text);
}

/* A check reports all errors, and not errors that follow from another one. */
static void all_errors(void **state)
{
	static const char text[] = "name='a b'\nkernel='/k'\nmemory='x'\nvfb=[1]\nfoo=1\n";
	struct guest_config g;
	struct cfg c;

	refused[0] = 0;
	assert_int_equal(cfg_parse(&c, text, strlen(text), "f", &e), 0);
	assert_int_equal(guest_check_cfg(&g, &c, "f", note, note_refused, NULL, &e), -EINVAL);
	assert_contains(e.text, "f:1: name: the name");
	assert_contains(refused, "f:1: name: the name");
	assert_contains(refused, "f:3: memory must be");
	assert_contains(refused, "f:4: 'vfb'");
	assert_contains(refused, "f:5: unknown setting 'foo'");
	assert_null(strstr(refused, "there is no"));
	assert_null(g.name);
	cfg_free(&c);
}

static void virtual_function(void **state)
{
	struct guest_config g;
	char text[VF_SETTINGS_TEXT];

	assert_int_equal(read_guest(&g,
				    BASE "pci=['01:00.1', '0001:fF:1f.7,mac=2:0:0:aB:0:9, vlan=4094,rate=1000000,"
				    "trust=on,spoofchk=off', '2:0.0,vlan=0']"), 0);
	assert_true(g.passthrough);
	assert_int_equal(g.pcis, 3);
	assert_int_equal(g.pci[0].sbdf, 0x101);
	assert_int_equal(g.pci[0].vf.set, 0);
	vf_settings_text(&g.pci[0].vf, text);
	assert_string_equal(text, "");
	assert_int_equal(g.pci[1].sbdf, 0x1ffff);
	assert_int_equal(g.pci[1].vf.set, VF_ALL);
	assert_true(g.pci[1].vf.trust);
	assert_false(g.pci[1].vf.spoofchk);
	vf_settings_text(&g.pci[1].vf, text);
	assert_string_equal(text, "mac=02:00:00:ab:00:09,vlan=4094,rate=1000000,trust=on,spoofchk=off");
	vf_settings_text(&g.pci[2].vf, text);
	assert_string_equal(text, "vlan=0");
	guest_free(&g);
	/* Options that xl knows. */
	assert_int_equal(read_guest(&g, BASE "pci=['01:00.1,permissive=1,vlan=3']"), 0);
	assert_string_equal(warned, "f:4: the pci option permissive has no effect here");
	assert_int_equal(g.pci[0].vf.vlan, 3);
	guest_free(&g);
}

static void vdevs(void **state)
{
	assert_int_equal(guest_vdev_number("xvda"), 51712);
	assert_int_equal(guest_vdev_number("xvdp15"), 202 << 8 | 15 << 4 | 15);
	assert_int_equal(guest_vdev_number("xvdq"), 1 << 28 | 16 << 8);
	assert_int_equal(guest_vdev_number("xvdaa"), 1 << 28 | 26 << 8);
	assert_int_equal(guest_vdev_number("xvda16"), 1 << 28 | 16);
	assert_int_equal(guest_vdev_number("sda1"), 8 << 8 | 1);
	assert_int_equal(guest_vdev_number("hdb"), 3 << 8 | 64);
	assert_int_equal(guest_vdev_number("hdc"), 22 << 8);
	assert_int_equal(guest_vdev_number("hdd63"), 22 << 8 | 64 | 63);
	assert_int_equal(guest_vdev_number("hde"), 0);
	assert_int_equal(guest_vdev_number("sdq"), 0);
	assert_int_equal(guest_vdev_number("xvd"), 0);
	assert_int_equal(guest_vdev_number("xvda0"), 0);
	assert_int_equal(guest_vdev_number("xvda256"), 0);
	assert_int_equal(guest_vdev_number("vda"), 0);
	assert_int_equal(guest_vdev_number(""), 0);
	assert_int_equal(guest_vdev_number("x"), 0);
}

static void json_and_back(void **state)
{
	struct guest_config g, h;
	struct json_object *j, *k;
	char first[4096], *lines;

	assert_int_equal(read_guest(&g, BASE "uuid='00112233-4455-6677-8899-aabbccddeeff'\n"
		"ramdisk='/r'\nextra='a \"b\" \\\\ \\n\\x01'\nvcpus=2\nmaxvcpus=3\ncpu_weight=100\ncap=20\n"
		"tsc_mode='native'\non_crash='preserve'\nmax_maptrack_frames=7\nshadow_memory=9\nrtc_timeoffset='-60'\n"
		"localtime=1\npool='p'\ncpus='0-3'\ncpus_soft=['0','1']\non_watchdog='restart'\n"
		"disk=['/a,raw,xvda,w','/b c,raw,xvdb,r','/c,raw,xvdc,w!,no-discard','/d,vpc,xvdd,w,bps=2m',"
		"'/e,raw,hdc,w,cdrom,iops=7']\n"
		"vif=['mac=00:16:3e:0:0:1,vifname=x','devid=5,bridge=b,mtu=1400,rate=1MB/s,ip=10.0.0.1,script=vif-x,gatewaydev=e']\n"
		"pci=['01:00.1','01:00.2,mac=2:0:0:0:0:1,vlan=7']"), 0);
	j = guest_to_json(&g);
	snprintf(first, sizeof(first), "%s", json_object_to_json_string(j));
	k = json_tokener_parse(first);
	assert_non_null(k);
	assert_int_equal(guest_from_json(&h, k, &e), 0);
	json_object_put(k);
	json_object_put(j);
	j = guest_to_json(&h);
	assert_string_equal(json_object_to_json_string(j), first);
	json_object_put(j);
	/* The same as lines, which are read back. */
	lines = guest_to_text(&h);
	guest_free(&h);
	assert_int_equal(read_guest(&h, lines), 0);
	free(lines);
	j = guest_to_json(&h);
	assert_string_equal(json_object_to_json_string(j), first);
	assert_int_equal(h.time_offset, -60);
	assert_true(h.disk[2].shared);
	assert_true(h.disk[2].no_discard);
	assert_false(h.disk[1].no_discard);
	assert_null(h.disk[1].format);
	assert_string_equal(h.disk[3].format, "vhd");
	assert_string_equal(guest_format_qemu(h.disk[3].format), "vpc");
	assert_true(h.disk[4].readonly);
	assert_int_equal(h.disk[3].bps, 2 << 20);
	assert_int_equal(h.disk[3].iops, 0);
	assert_int_equal(h.disk[4].iops, 7);
	assert_false(guest_disk_served(&h.disk[0]));
	assert_true(guest_disk_served(&h.disk[4]));
	assert_int_equal(h.vif[1].devid, 5);
	assert_contains(first, "\"memory\": 64");
	assert_contains(first, "\"readonly\": true");
	assert_contains(first, "\"0000:01:00.2,mac=02:00:00:00:00:01,vlan=7\"");
	json_object_put(j);
	guest_free(&g);
	guest_free(&h);
}

static void bad_json(void **state)
{
	static const char *const texts[] = {
		"[]", "3", "{\"name\":null}", "{\"name\":\"a\"}", "{\"name\":{}}", "{\"disk\":[1]}",
		"{\"name\":\"a\",\"kernel\":\"/k\",\"memory\":\"x\"}", "{\"what\":1}",
	};
	struct guest_config g;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_object *j = json_tokener_parse(texts[i]);

		assert_true(guest_from_json(&g, j, &e) < 0);
		assert_null(g.name);
		json_object_put(j);
	}
}

static void no_memory(void **state)
{
	struct guest_config g;
	struct cfg c;
	static const char text[] = BASE "ramdisk='/r'\ncmdline='x'\n"
		"disk=['/a,raw,xvda,w','vdev=xvdb,target=b']\nvif=['bridge=b']\npci=['01:00.1,vlan=1']\npool='p'\ncpus=['0','1']";
	long n = 0;

	assert_int_equal(cfg_parse(&c, text, strlen(text), "f", &e), 0);
	do {
		alloc_failed = 0;
		alloc_countdown = ++n;
		if (!guest_from_cfg(&g, &c, "f", note, NULL, &e))
			guest_free(&g);
		else
			assert_int_equal(e.code, ENOMEM);
	} while (alloc_failed);
	alloc_countdown = 0;
	assert_true(n > 6);
	cfg_free(&c);
}

static void uuids(void **state)
{
	unsigned char u[16];
	char text[37];

	assert_int_equal(guest_uuid_parse("00112233445566778899AABBCCDDEEFF", u), 0);
	guest_uuid_text(u, text);
	assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
	assert_int_equal(guest_uuid_parse("0011", u), -EINVAL);
	assert_int_equal(guest_uuid_parse("", u), -EINVAL);
	assert_int_equal(guest_uuid_parse("0-0112233-4455-6677-8899-aabbccddeeff", u), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete), cmocka_unit_test(defaults), cmocka_unit_test(bad_values),
		cmocka_unit_test(harmless_words), cmocka_unit_test(too_many), cmocka_unit_test(ignored),
		cmocka_unit_test(without_a_type), cmocka_unit_test(loaders), cmocka_unit_test(paths),
		cmocka_unit_test(no_directory), cmocka_unit_test(interfaces), cmocka_unit_test(cpus),
		cmocka_unit_test(all_errors),
		cmocka_unit_test(virtual_function), cmocka_unit_test(vdevs), cmocka_unit_test(json_and_back),
		cmocka_unit_test(bad_json), cmocka_unit_test(no_memory), cmocka_unit_test(uuids),
		cmocka_unit_test(settings_of_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
