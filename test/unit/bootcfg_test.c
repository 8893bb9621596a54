/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/bootcfg.c common/bootcfg_links.c common/bootfiles.c common/boot_info.c */
/* The boot configuration: the documented example, each property's errors, broken trees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/unit.h"

#include "common/bootcfg.h"
#include "common/bootfiles.h"

static struct boot_info bi;
static struct bootcfg cfg;
static char err[BOOTCFG_ERR_LEN];
static int guard_depth;

void arch_libfdt_begin(struct libfdt_guard *g)
{
	assert_int_equal(guard_depth++, 0);
}

void arch_libfdt_end(const struct libfdt_guard *g)
{
	assert_int_equal(guard_depth--, 1);
}

/* Compile device tree source; the blob is in an allocation of just its size. */
static void *compile(const char *source, size_t *size)
{
	char name[] = "/tmp/bootcfg-test-XXXXXX", command[128];
	int fd = mkstemp(name);
	void *blob;
	FILE *f;

	assert_true(fd >= 0);
	snprintf(command, sizeof(command), "dtc -q -I dts -O dtb -o %s -", name);
	f = popen(command, "w");
	assert_non_null(f);
	fputs(source, f);
	if (pclose(f))
		fail_msg("dtc refuses the source:\n%s", source);
	*size = lseek(fd, 0, SEEK_END);
	blob = malloc(*size);
	assert_int_equal(pread(fd, blob, *size, 0), *size);
	close(fd);
	unlink(name);
	return blob;
}

static int setup(void **state)
{
	memset(&bi, 0, sizeof(bi));
	boot_info_add_module(&bi, 0x1000000, 1000, "/boot/vmlinux", "from=loader");
	boot_info_add_module(&bi, 0x2000000, 1000, "/boot/initrd.img", "");
	boot_info_add_module(&bi, 0x3000000, 1000, "guest-vmlinux", "");
	return 0;
}

static int parse_source(const char *source)
{
	size_t size;
	void *blob = compile(source, &size);
	int rc;

	bi.fdt = 0x9000000;
	bi.fdt_size = size;
	memset(&cfg, 0xa5, sizeof(cfg));
	err[0] = '\0';
	rc = bootcfg_parse(&bi, blob, &cfg, err, sizeof(err));
	free(blob);
	assert_int_equal(guard_depth, 0);
	return rc;
}

/* The body of /chosen/hypervisor. */
static int parse_body(const char *body)
{
	char source[8192];

	snprintf(source, sizeof(source),
		 "/dts-v1/; / { chosen { hypervisor { compatible = \"hypervisor,xen\"; %s }; }; };", body);
	return parse_source(source);
}

#define KERNEL "kernel { compatible = \"module,kernel\"; path = \"guest-vmlinux\"; };"
#define DOMAIN(name, body) \
	name " { compatible = \"xen,domain\"; memory = <65536>; " body KERNEL "};"

static void expect_error(const char *body, const char *words)
{
	char copy[256], *word, *save;

	if (!parse_body(body))
		fail_msg("accepted: %s", body);
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save))
		if (!strstr(err, word))
			fail_msg("%s\n  gives: %s\n  which lacks: %s", body, err, word);
}

static void test_no_tree(void **state)
{
	assert_int_equal(bootcfg_parse(&bi, NULL, &cfg, err, sizeof(err)), 0);
	assert_int_equal(cfg.nr_domains, 1);
	assert_int_equal(cfg.domains[0].domid, 0);
	assert_int_equal(cfg.domains[0].flags, BOOTCFG_CONTROL | BOOTCFG_HARDWARE);
	assert_int_equal(cfg.domains[0].kernel, 0);
	assert_int_equal(cfg.domains[0].ramdisk, 1);
	assert_string_equal(cfg.domains[0].cmdline, "from=loader");
	assert_ptr_equal(bootcfg_dom0(&cfg), &cfg.domains[0]);

	bi.nr_modules = 1;
	assert_int_equal(bootcfg_parse(&bi, NULL, &cfg, err, sizeof(err)), 0);
	assert_int_equal(cfg.domains[0].ramdisk, BOOTCFG_NO_MODULE);

	bi.nr_modules = 0;
	assert_int_equal(bootcfg_parse(&bi, NULL, &cfg, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "no Dom0 kernel"));
}

/* The code must accept the example of the manual. */
static void test_example_of_the_manual(void **state)
{
	static char doc[32768], source[16384];
	FILE *f = fopen("docs/boot-configuration.md", "r");
	const struct bootcfg_domain *d;
	char *from, *to;

	assert_non_null(f);
	doc[fread(doc, 1, sizeof(doc) - 1, f)] = '\0';
	fclose(f);
	from = strstr(doc, "/dts-v1/;");
	assert_non_null(from);
	to = strstr(from, "```");
	assert_non_null(to);
	snprintf(source, sizeof(source), "%.*s", (int)(to - from), from);
	if (parse_source(source))
		fail_msg("%s", err);
	assert_int_equal(cfg.nr_domains, 3);

	d = &cfg.domains[0];
	assert_string_equal(d->name, "dom0");
	assert_int_equal(d->domid, 0);
	assert_int_equal(d->flags, BOOTCFG_CONTROL | BOOTCFG_HARDWARE);
	assert_int_equal(d->memory_kb, 0x100000);
	assert_int_equal(d->cpus, 2);
	assert_int_equal(d->kernel, 0);
	assert_int_equal(d->ramdisk, 1);
	assert_string_equal(d->cmdline, "console=hvc0");

	d = &cfg.domains[1];
	assert_string_equal(d->name, "sensor");
	assert_int_equal(d->domid, 1);
	assert_int_equal(d->memory_kb, 65536);
	assert_int_equal(d->cpus, 1);
	assert_int_equal(d->kernel, 2);
	assert_int_equal(d->ramdisk, BOOTCFG_NO_MODULE);
	assert_true(d->has_affinity);
	assert_int_equal(d->affinity[0], 0x102);
	assert_int_equal(d->nr_evtchns, 1);
	assert_int_equal(d->evtchns[0].port, 10);
	assert_int_equal(d->evtchns[0].peer, 2);
	assert_int_equal(d->evtchns[0].peer_port, 11);
	assert_int_equal(d->nr_grants, 1);
	assert_int_equal(d->grants[0].ref, 2);
	assert_int_equal(d->grants[0].peer, 2);
	assert_int_equal(d->grants[0].gpa, 0x200000);
	assert_false(d->grants[0].readonly);

	d = &cfg.domains[2];
	assert_int_equal(d->domid, 7);
	assert_int_equal(d->nr_grants, 0);
	assert_int_equal(d->evtchns[0].port, 11);
	assert_int_equal(d->evtchns[0].peer, 1);
	assert_int_equal(d->evtchns[0].peer_port, 10);
}

static void test_no_dom0_and_ids(void **state)
{
	assert_int_equal(parse_body(DOMAIN("a", "") DOMAIN("b", "domid = <1>;") DOMAIN("c", "")), 0);
	assert_int_equal(cfg.domains[0].domid, 2);
	assert_int_equal(cfg.domains[1].domid, 1);
	assert_int_equal(cfg.domains[2].domid, 3);
	assert_null(bootcfg_dom0(&cfg));
	assert_int_equal(cfg.domains[0].cpus, 1);
	assert_false(cfg.domains[0].has_affinity);
}

static void test_dom0_defaults(void **state)
{
	assert_int_equal(parse_body("d { compatible = \"xen,domain\"; permissions = <3>; "
				    "k { compatible = \"module,kernel\", \"multiboot,module\"; mb-index = <0>; }; };"),
			 0);
	assert_int_equal(cfg.domains[0].memory_kb, 0);
	assert_int_equal(cfg.domains[0].cpus, 0);
	assert_string_equal(cfg.domains[0].cmdline, "from=loader");
}

static void test_capabilities_in_words(void **state)
{
	assert_int_equal(parse_body(DOMAIN("d", "capabilities = \"hardware\", \"control\";")), 0);
	assert_int_equal(cfg.domains[0].flags, BOOTCFG_CONTROL | BOOTCFG_HARDWARE);
	assert_int_equal(parse_body(DOMAIN("d", "capabilities = \"xenstore\";")), 0);
	assert_int_equal(cfg.domains[0].flags, BOOTCFG_XENSTORE);
	assert_int_equal(parse_body(DOMAIN("d", "capabilities = <0 3>;")), 0);
	assert_int_equal(cfg.domains[0].flags, BOOTCFG_CONTROL | BOOTCFG_HARDWARE);
	assert_int_equal(parse_body(DOMAIN("d", "capabilities = <0>;")), 0);
	assert_int_equal(cfg.domains[0].flags, 0);
}

static void test_memory_in_two_cells(void **state)
{
	assert_int_equal(parse_body("d { compatible = \"xen,domain\"; memory = <1 4>; " KERNEL "};"), 0);
	assert_int_equal(cfg.domains[0].memory_kb, (1ull << 32) + 4);
}

static void test_bootargs_precedence(void **state)
{
	assert_int_equal(parse_body("d { compatible = \"xen,domain\"; memory = <4096>; "
				    "bootargs = \"domain\"; k { compatible = \"module,kernel\"; "
				    "path = \"vmlinux\"; bootargs = \"module\"; }; };"), 0);
	assert_string_equal(cfg.domains[0].cmdline, "domain");
	assert_int_equal(parse_body("d { compatible = \"xen,domain\"; memory = <4096>; "
				    "k { compatible = \"module,kernel\"; "
				    "path = \"\\\\EFI\\\\vmlinux\"; bootargs = \"module\"; }; };"), 0);
	assert_string_equal(cfg.domains[0].cmdline, "module");
	assert_int_equal(cfg.domains[0].kernel, 0);
}

static void test_pci(void **state)
{
	assert_int_equal(parse_body(DOMAIN("a", "pci = \"0000:00:05.0\", \"fFff:Ff:1f.7\";") DOMAIN("b",
			"")), 0);
	assert_int_equal(cfg.domains[0].nr_pci, 2);
	assert_int_equal(cfg.domains[0].pci[0], 5 << 3);
	assert_int_equal(cfg.domains[0].pci[1], 0xffffffff);
	assert_int_equal(cfg.domains[1].nr_pci, 0);
	expect_error(DOMAIN("d", "pci = \"0000:00:20.0\";"), "d|pci|0000:00:20.0");
	expect_error(DOMAIN("d", "pci = \"0000:00:05.8\";"), "d|pci|0000:00:05.8");
	expect_error(DOMAIN("d", "pci = \"00:05.0\";"), "d|pci|00:05.0");
	expect_error(DOMAIN("d", "pci = \"0000:00:05.0 \";"), "d|pci|0000:00:05.0");
	expect_error(DOMAIN("d", "pci = \"0000:00:g5.0\";"), "d|pci|g5");
	expect_error(DOMAIN("d", "pci = \"\";"), "d|pci");
	expect_error(DOMAIN("d", "pci = <5 6>;"), "d|pci");
	expect_error(DOMAIN("d", "pci;"), "d|pci|list");
	expect_error(DOMAIN("d", "pci = \"0:\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\";"),
		     "d|more than 8 PCI functions");
	expect_error(DOMAIN("d", "capabilities = <3>; pci = \"0000:00:05.0\";"), "d|pci|Dom0 has all");
	expect_error(DOMAIN("d", "pci = \"0000:00:05.0\";") DOMAIN("e", "capabilities = <3>;"),
		     "d|pci|e has all");
}

static void test_domain_errors(void **state)
{
	expect_error("", "/chosen/hypervisor|no domain");
	expect_error("x { };", "x|xen,domain");
	expect_error("bootarg = \"x\";", "hypervisor|bootarg|not supported");
	expect_error("d { compatible = \"xen,domain\"; memory = <4096>; };", "d|no kernel");
	expect_error("d { compatible = \"xen,domain\"; " KERNEL "};", "d|memory");
	expect_error(DOMAIN("d", "memroy = <1>;"), "d|memroy|not supported");
	expect_error(DOMAIN("d", "cpus = <0>;"), "d|cpus = 0");
	expect_error(DOMAIN("d", "cpus = <129>;"), "d|cpus = 129|128");
	expect_error(DOMAIN("d", "cpus = \"two\\0\";"), "d|cpus|5 bytes");
	expect_error(DOMAIN("d", "domid = <0x7ff0>;"), "d|domid = 32752");
	expect_error(DOMAIN("d", "capabilities = <8>;"), "d|capabilities = 8");
	expect_error(DOMAIN("d", "capabilities = \"control\", \"root\";"), "d|root");
	expect_error(DOMAIN("d", "capabilities = \"hardware\";"), "d|capabilities = 2");
	expect_error(DOMAIN("d", "capabilities = <6>;"), "d|capabilities = 6");
	expect_error(DOMAIN("d", "capabilities = <3>; domid = <5>;"), "d|domid = 5");
	expect_error(DOMAIN("a", "capabilities = <3>;") DOMAIN("b", "capabilities = <3>;"),
		     "b|second domain with hardware");
	expect_error(DOMAIN("a", "domid = <4>;") DOMAIN("b", "domid = <4>;"), "b|domid = 4|a");
	expect_error(DOMAIN("d", "extra { };"), "d/extra|unknown kind");
	expect_error(DOMAIN("a-name-that-is-far-too-long-for-us", ""), "a-name-that|31");
	expect_error("d { compatible = \"xen,domain\"; memory = <4097>; " KERNEL "};", "d|memory = 4097");
	expect_error("d { compatible = \"xen,domain\"; memory = <0xffffffff 0>; " KERNEL "};",
		     "d|memory = 18446744069414584320");
}

/* Domains beside Dom0 may have control; in all else they are guests. */
static void test_control_beside_dom0(void **state)
{
	assert_int_equal(parse_body(DOMAIN("a", "capabilities = <1>;") DOMAIN("b", "")
				    "d { compatible = \"xen,domain\"; capabilities = <3>; " KERNEL "};"
				    DOMAIN("c", "capabilities = \"control\", \"xenstore\"; domid = <2>;")), 0);
	assert_int_equal(cfg.domains[0].flags, BOOTCFG_CONTROL);
	assert_int_equal(cfg.domains[0].domid, 1);
	assert_int_equal(cfg.domains[0].cpus, 1);
	assert_int_equal(cfg.domains[1].domid, 3);
	assert_int_equal(cfg.domains[2].domid, 0);
	assert_ptr_equal(bootcfg_dom0(&cfg), &cfg.domains[2]);
	assert_int_equal(cfg.domains[3].flags, BOOTCFG_CONTROL | BOOTCFG_XENSTORE);
	assert_int_equal(cfg.domains[3].domid, 2);
}

#define DOM0 DOMAIN("dom0", "capabilities = <3>;")

static void test_control_errors(void **state)
{
	expect_error(DOMAIN("d", "capabilities = <1>;"), "d|capabilities = 1|beside Dom0");
	expect_error(DOMAIN("d", "permissions = <1>;"), "d|capabilities = 1|beside Dom0");
	expect_error(DOMAIN("d", "capabilities = \"control\", \"xenstore\";"),
		     "d|capabilities = 5|beside Dom0");
	expect_error(DOMAIN("a", "") DOMAIN("b", "capabilities = <1>;"), "b|capabilities = 1|beside Dom0");
	expect_error(DOM0 DOMAIN("d", "capabilities = <2>;"), "d|capabilities = 2");
	expect_error(DOM0 DOMAIN("d", "capabilities = <1>; cpus = <0>;"), "d|cpus = 0");
	expect_error(DOM0 "d { compatible = \"xen,domain\"; capabilities = <1>; " KERNEL "};", "d|memory");
	expect_error(DOM0 DOMAIN("d", "capabilities = <1>; pci = \"0000:00:05.0\";"),
		     "d|pci|dom0 has all");
	expect_error(DOM0 DOMAIN("d", "capabilities = <1>; domid = <0x7ff0>;"), "d|domid = 32752");
	expect_error(DOM0 DOMAIN("d", "capabilities = <1>; domid = <3>;") DOMAIN("e",
			"capabilities = <1>; domid = <3>;"),
		     "e|domid = 3|d");
	expect_error(DOM0 DOMAIN("dom1",
				 "capabilities = <1>;") "dom0@1 { compatible = \"xen,domain\"; memory = <4096>; "
		     "capabilities = <3>; " KERNEL "};", "second domain with hardware");
	expect_error(DOM0 DOMAIN("d", "capabilities = <0xffffffff 1>;"),
		     "d|capabilities = 18446744069414584321");
}

static void test_affinity_errors(void **state)
{
	static const char *const bad[] = {
		"", "x", "1-", "-1", "2-1", "512", "0-512", "1,", ",1", "1;2", "1-2-3", "99999999999999999999"
	};
	char body[512];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(body, sizeof(body), DOMAIN("d", "hard-affinity = \"%s\";"), bad[i]);
		expect_error(body, "d|hard-affinity");
	}
	assert_int_equal(parse_body(DOMAIN("d", "hard-affinity = \"0-2,63-64,511\";")), 0);
	assert_int_equal(cfg.domains[0].affinity[0], 7 | 1ull << 63);
	assert_int_equal(cfg.domains[0].affinity[1], 1);
	assert_int_equal(cfg.domains[0].affinity[7], 1ull << 63);
}

static void test_module_errors(void **state)
{
#define MODULE(body) \
	"d { compatible = \"xen,domain\"; memory = <4096>; k { compatible = \"module,kernel\"; " body "}; };"
	expect_error(MODULE(""), "k|neither path nor module-index");
	expect_error(MODULE("module-index = <3>;"), "k|module-index = 3|3 modules");
	expect_error(MODULE("path = \"nowhere\";"), "k|path = nowhere");
	expect_error(MODULE("module-addr = <0 0>;"), "k|module-addr|not supported");
	expect_error(MODULE("path = \"vmlinux\"; bootargs = \"a\", \"b\";"), "k|bootargs|one string");
	expect_error("d { compatible = \"xen,domain\"; memory = <4096>; " KERNEL
		     "k2 { compatible = \"module,kernel\"; path = \"vmlinux\"; }; };", "d|second kernel|k2");
	bi.modules[1].base = 0x9000000;
	expect_error(MODULE("module-index = <1>;"), "k|module 1|device tree itself");
}

static void test_long_bootargs(void **state)
{
	char body[4096], args[BOOT_CMDLINE_LEN + 1];

	memset(args, 'x', sizeof(args));
	args[BOOT_CMDLINE_LEN] = '\0';
	snprintf(body, sizeof(body), DOMAIN("d", "bootargs = \"%s\";"), args);
	expect_error(body, "d|bootargs has 1024 characters|1023");
	args[BOOT_CMDLINE_LEN - 1] = '\0';
	snprintf(body, sizeof(body), DOMAIN("d", "bootargs = \"%s\";"), args);
	assert_int_equal(parse_body(body), 0);
	assert_string_equal(cfg.domains[0].cmdline, args);
}

#define EVTCHN(label, port, peer) \
	label ": " label " { compatible = \"xen,evtchn-v1\"; xen,evtchn = <" port " " peer ">; };"

static void test_evtchn_errors(void **state)
{
	expect_error(DOMAIN("a", "e { compatible = \"xen,evtchn-v1\"; };"), "e|xen,evtchn|two cells");
	expect_error(DOMAIN("a", "e { compatible = \"xen,evtchn-v1\"; xen,evtchn = <1>; };"),
		     "e|two cells");
	expect_error(DOMAIN("a", EVTCHN("e", "0", "&f")) DOMAIN("b", EVTCHN("f", "1", "&e")),
		     "a/e|port 0");
	expect_error(DOMAIN("a", EVTCHN("e", "4096", "&f")) DOMAIN("b", EVTCHN("f", "1", "&e")),
		     "a/e|port 4096");
	expect_error(DOMAIN("a", EVTCHN("e", "1", "0x77")), "a/e|phandle 119");
	expect_error(DOMAIN("a", EVTCHN("e", "1", "&e")), "a/e|no other");
	expect_error(DOMAIN("a", EVTCHN("e", "1", "&f")) DOMAIN("b", EVTCHN("f", "1", "&g"))
		     DOMAIN("c", EVTCHN("g", "1", "&f")), "a/e|b/f|leads elsewhere");
	expect_error(DOMAIN("a", EVTCHN("e", "1", "&f") EVTCHN("e2", "1", "&f2"))
		     DOMAIN("b", EVTCHN("f", "1", "&e") EVTCHN("f2", "2", "&e2")), "a/e2|port 1 is taken");
	expect_error("z: " DOMAIN("a", EVTCHN("e", "1", "&z")), "a/e|no other event channel");
}

static void test_evtchn_within_one_domain(void **state)
{
	assert_int_equal(parse_body(DOMAIN("a", EVTCHN("e", "1", "&f") EVTCHN("f", "4095", "&e"))), 0);
	assert_int_equal(cfg.domains[0].nr_evtchns, 2);
	assert_int_equal(cfg.domains[0].evtchns[0].peer, 0);
	assert_int_equal(cfg.domains[0].evtchns[0].peer_port, 4095);
}

#define GRANT(name, ref, peer, more) \
	name " { compatible = \"keel,grant-v1\"; keel,grant = <" ref " " peer ">; " more " };"

static void test_grants(void **state)
{
	assert_int_equal(parse_body(DOMAIN("a", GRANT("g", "8", "&b", "read-only;")) "b: " DOMAIN("b",
			"")), 0);
	assert_int_equal(cfg.domains[0].grants[0].peer, 1);
	assert_int_equal(cfg.domains[0].grants[0].gpa, 0);
	assert_true(cfg.domains[0].grants[0].readonly);
	expect_error(DOMAIN("a", GRANT("g", "1", "&b", "")) "b: " DOMAIN("b", ""), "a/g|reference 1");
	expect_error(DOMAIN("a", GRANT("g", "512", "&b", "")) "b: " DOMAIN("b", ""), "a/g|reference 512");
	expect_error(DOMAIN("a", GRANT("g", "2", "99", "")), "a/g|phandle 99");
	expect_error(DOMAIN("a", GRANT("g", "2", "&b", "") GRANT("h", "2", "&b", "")) "b: " DOMAIN("b",
			""),
		     "a/h|reference 2 is taken");
	expect_error(DOMAIN("a", GRANT("g", "2", "&b", "keel,address = <0x800>;")) "b: " DOMAIN("b", ""),
		     "a/g|0x800");
	expect_error(DOMAIN("a", GRANT("g", "2", "&b", "keel,address = <0x4000000>;")) "b: " DOMAIN("b",
			""),
		     "a/g|0x4000000");
	expect_error(DOMAIN("a", GRANT("g", "2", "&b", "keel,adress = <0x1000>;")) "b: " DOMAIN("b", ""),
		     "g|keel,adress");
}

static void test_too_many(void **state)
{
	char body[8192], *p = body;
	int i;

	for (i = 0; i <= BOOTCFG_MAX_DOMAINS; i++)
		p += sprintf(p, "d%d { compatible = \"xen,domain\"; memory = <4096>; " KERNEL "};", i);
	expect_error(body, "d16|more than 16");
}

static void test_missing_hypervisor_node(void **state)
{
	assert_int_equal(parse_source("/dts-v1/; / { };"), -1);
	assert_non_null(strstr(err, "/chosen/hypervisor"));
	assert_int_equal(
		parse_source("/dts-v1/; / { chosen { hypervisor { compatible = \"other\"; }; }; };"), -1);
	assert_non_null(strstr(err, "compatible"));
}

/* Cut anywhere, or with any byte changed: an error or a result, never a stray access. */
static void test_broken_blobs(void **state)
{
	size_t size, i;
	unsigned char *blob =
		compile("/dts-v1/; / { chosen { hypervisor { compatible = \"hypervisor,xen\"; "
				      DOMAIN("a", EVTCHN("e", "1", "&f")) DOMAIN("b", EVTCHN("f", "2", "&e"))
				      "}; }; };", &size);
	struct boot_file files[BOOT_MAX_MODULES];

	for (i = 0; i < size; i++) {
		void *copy = malloc(i ? i : 1);

		memcpy(copy, blob, i);
		bi.fdt_size = i;
		assert_int_equal(bootcfg_parse(&bi, copy, &cfg, err, sizeof(err)), -1);
		free(copy);
	}
	bi.fdt_size = size;
	for (i = 0; i < size; i++) {
		unsigned char was = blob[i];

		blob[i] ^= 0xff;
		bootcfg_parse(&bi, blob, &cfg, err, sizeof(err));
		if (!boot_fdt_check(blob, size))
			boot_fdt_files(blob, files);
		blob[i] = was;
	}
	assert_int_equal(bootcfg_parse(&bi, blob, &cfg, err, sizeof(err)), 0);
	free(blob);
}

/* Trees that libfdt 1.6.1 mishandles: an old version, and a property whose length goes back. */
static void test_libfdt_is_spared(void **state)
{
	char err[BOOTCFG_ERR_LEN];
	struct bootcfg cfg;
	size_t size, i;
	unsigned char *blob = compile("/dts-v1/; / { p = <0x12345678>; };", &size);

	memset(&bi, 0, sizeof(bi));
	bi.fdt_size = size;
	assert_int_equal(boot_fdt_check(blob, size), 0);
	blob[23] = 11; /* its version, and the last one that it is compatible with */
	blob[27] = 11;
	assert_int_not_equal(boot_fdt_check(blob, size), 0);
	assert_int_equal(bootcfg_parse(&bi, blob, &cfg, err, sizeof(err)), -1);
	blob[23] = 17;
	blob[27] = 16;
	for (i = 8; memcmp(blob + i, "\x12\x34\x56\x78", 4); i++)
		;
	memcpy(blob + i - 8, "\xff\xff\xff\xf4", 4);
	assert_int_not_equal(boot_fdt_check(blob, size), 0);
	assert_int_equal(bootcfg_parse(&bi, blob, &cfg, err, sizeof(err)), -1);
	free(blob);
}

static void test_files(void **state)
{
	struct boot_file files[BOOT_MAX_MODULES];
	size_t size;
	void *blob = compile("/dts-v1/; / { chosen { hypervisor { compatible = \"hypervisor,xen\"; "
			     DOMAIN("a", "r { compatible = \"module,ramdisk\"; path = \"initrd\"; };")
			     DOMAIN("b", "r { compatible = \"multiboot,ramdisk\"; xen,uefi-binary = \"/x/i\"; };")
			     "}; }; };", &size);

	assert_int_equal(boot_fdt_check(blob, size), 0);
	assert_int_equal(boot_fdt_files(blob, files), 3);
	assert_string_equal(files[0].path, "initrd");
	assert_false(files[0].kernel);
	assert_string_equal(files[1].path, "guest-vmlinux");
	assert_true(files[1].kernel);
	assert_string_equal(files[2].path, "/x/i");
	free(blob);
}

static void test_command_line(void **state)
{
	char line[64];
	size_t size;
	void *blob = compile("/dts-v1/; / { chosen { hypervisor { compatible = \"xen,keel\"; "
			     "bootargs = \"iommu=off sched=null\"; }; }; };", &size);

	bi.fdt_size = size;
	bootcfg_command_line(&bi, blob, line, sizeof(line));
	assert_string_equal(line, "iommu=off sched=null");
	strcpy(bi.cmdline, "sched=credit2");
	bootcfg_command_line(&bi, blob, line, sizeof(line));
	assert_string_equal(line, "iommu=off sched=null sched=credit2");
	bootcfg_command_line(&bi, blob, line, 22);
	assert_string_equal(line, "iommu=off sched=null ");
	bootcfg_command_line(&bi, blob, line, 10);
	assert_string_equal(line, "iommu=off");
	bootcfg_command_line(&bi, NULL, line, sizeof(line));
	assert_string_equal(line, "sched=credit2");
	bi.fdt_size = size - 1;
	bootcfg_command_line(&bi, blob, line, sizeof(line));
	assert_string_equal(line, "sched=credit2");
	free(blob);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

static const struct CMUnitTest tests[] = {
	TEST(test_no_tree),
	TEST(test_example_of_the_manual),
	TEST(test_no_dom0_and_ids),
	TEST(test_dom0_defaults),
	TEST(test_capabilities_in_words), TEST(test_pci),
	TEST(test_memory_in_two_cells),
	TEST(test_bootargs_precedence),
	TEST(test_domain_errors), TEST(test_control_beside_dom0), TEST(test_control_errors),
	TEST(test_affinity_errors),
	TEST(test_module_errors),
	TEST(test_long_bootargs),
	TEST(test_evtchn_errors),
	TEST(test_evtchn_within_one_domain),
	TEST(test_grants),
	TEST(test_too_many),
	TEST(test_missing_hypervisor_node),
	TEST(test_broken_blobs),
	TEST(test_libfdt_is_spared),
	TEST(test_files),
	TEST(test_command_line),
};

UNIT_MAIN(tests)
