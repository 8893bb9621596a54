/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole configuration files, modelled on files that people have. The second line of each says what
 * keel makes of it: taken, taken warns "TEXT", or refused "TEXT". Debian's libxlutil reads the same
 * files, entries and rates: keel must store what it accepts in the same way, and may accept what
 * libxlutil refuses only in known cases.
 */
#include "test/check.h"

#include <dirent.h>
#include <libxlutil.h>
#include <unistd.h>

#include "lib/guest.h"

#define CORPUS "dom0-tools/test/corpus"

static struct keel_error e;
static char warned[4096];
static FILE *silent;

static void note(void *arg, const char *text)
{
	size_t n = strlen(warned);

	snprintf(warned + n, sizeof(warned) - n, "%s\n", text);
}

/* Reads what the file's second line expects. The text in its outer quotes goes to @says. */
static bool expected(const char *path, char *says, size_t size, bool *warns)
{
	char line[512];
	FILE *f = fopen(path, "r");
	char *quote;
	bool taken;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	taken = !strncmp(line, "# taken", 7);
	if (!taken && strncmp(line, "# refused \"", 11))
		fail_msg("%s: the second line does not say what is expected", path);
	*warns = strstr(line, " warns \"");
	quote = strchr(line, '"');
	snprintf(says, size, "%s", quote ? quote + 1 : "");
	if (quote)
		*strrchr(says, '"') = 0;
	return taken;
}

/* Conversion to JSON or lines and back gives the same guest. */
static void goes_round(const char *path, const struct guest_config *g)
{
	struct json_object *first = guest_to_json(g), *second;
	char *lines = guest_to_text(g);
	struct guest_config h;
	struct cfg c;

	assert_int_equal(guest_from_json(&h, first, &e), 0);
	second = guest_to_json(&h);
	if (!json_object_equal(first, second))
		fail_msg("%s: %s\nbecomes %s", path, json_object_to_json_string(first),
			 json_object_to_json_string(second));
	json_object_put(second);
	guest_free(&h);
	assert_int_equal(cfg_parse(&c, lines, strlen(lines), "lines", &e), 0);
	assert_int_equal(guest_from_cfg(&h, &c, "lines", NULL, NULL, &e), 0);
	second = guest_to_json(&h);
	if (!json_object_equal(first, second))
		fail_msg("%s: %s\nbecomes %s", path, lines, json_object_to_json_string(second));
	json_object_put(second);
	json_object_put(first);
	guest_free(&h);
	cfg_free(&c);
	free(lines);
}

static void one_file(const char *path)
{
	struct guest_config g;
	char says[512];
	bool warns, taken = expected(path, says, sizeof(says), &warns);
	int rc;

	warned[0] = 0;
	rc = guest_from_file(&g, path, note, NULL, &e);
	if (taken && rc)
		fail_msg("%s is refused: %s", path, e.text);
	if (!taken && !rc)
		fail_msg("%s is taken", path);
	if (!taken) {
		assert_contains(e.text, says);
		return;
	}
	if (warns)
		assert_contains(warned, says);
	else
		assert_string_equal(warned, "");
	goes_round(path, &g);
	guest_free(&g);
}

static unsigned int each_file(void (*what)(const char *path))
{
	struct dirent **names;
	int n = scandir(CORPUS, &names, NULL, alphasort);
	unsigned int done = 0;
	char path[600];

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (strstr(names[i]->d_name, ".cfg")) {
			snprintf(path, sizeof(path), CORPUS "/%s", names[i]->d_name);
			what(path);
			done++;
		}
		free(names[i]);
	}
	free(names);
	return done;
}

static void corpus(void **state)
{
	assert_true(each_file(one_file) >= 40);
}

/* Compares one value of both. */
static void same_value(const char *path, XLU_Config *xlu, const struct cfg_setting *s)
{
	const char *text;
	long number;
	XLU_ConfigList *list;
	int n;

	if (s->value->type == CFG_LIST) {
		if (xlu_cfg_get_list(xlu, s->name, &list, &n, 1) || n != (int)s->value->items)
			fail_msg("%s: the list %s is another one to libxlutil", path, s->name);
		for (int i = 0; i < n; i++) {
			text = xlu_cfg_get_listitem(list, i);
			if (!text || strcmp(text, s->value->item[i]->string))
				fail_msg("%s: %s, entry %d, is '%s' to libxlutil", path, s->name, i, text);
		}
		return;
	}
	if (xlu_cfg_get_string(xlu, s->name, &text, 1) || strcmp(text, s->value->string))
		fail_msg("%s: %s is '%s' to libxlutil", path, s->name, text);
	if (s->value->type == CFG_INTEGER &&
	    (xlu_cfg_get_long(xlu, s->name, &number, 1) || number != s->value->integer))
		fail_msg("%s: the number %s is another one to libxlutil", path, s->name);
}

/*
 * The syntax of a text: 0 if it is accepted. What both accept must have the same value. @more: keel
 * may accept more.
 */
static void same_syntax(const char *name, const char *text, bool more)
{
	XLU_Config *xlu = xlu_cfg_init(silent, name);
	struct cfg c;
	int rc = xlu_cfg_readdata(xlu, text, strlen(text)),
		 mine = cfg_parse(&c, text, strlen(text), name, &e);

	if (mine && !rc)
		fail_msg("%s: libxlutil takes it, and keel says: %s", name, e.text);
	if (!mine && rc && !more)
		fail_msg("%s: keel takes it, libxlutil does not", name);
	for (size_t i = 0; !mine && !rc && i < c.settings; i++)
		same_value(name, xlu, &c.setting[i]);
	if (!mine)
		cfg_free(&c);
	xlu_cfg_destroy(xlu);
}

static void file_as_xlu(const char *path)
{
	char text[8192];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	fclose(f);
	same_syntax(path, text, false);
}

static void files_as_libxlutil(void **state)
{
	each_file(file_as_xlu);
}

static void texts_as_libxlutil(void **state)
{
	static const char *const same[] = {
		"a='1024'\n", "a=1024\n", "a=0x10\n", "a=010\n", "a=12k\n", "a=yes\n", "a=1\na=2\n",
			"a=1\na='x'\na=['y']\n",
		"a='x'\na+='y'\n", "a=1\na+=2\n", "a='x'\na+=1\n", "a=['x']\na+='y'\n", "a='x'\na+=['y']\n",
			"a+=['x']\n",
		"a=['x',\n'y',\n]\n", "a=[]\n", "a=[,]\n", "a=[1 2]\n", "a=['x' 'y']\n", "a=1 b=2\n",
			"a='x\ny'\n",
		"a='it''s'\n", "a=[\n'x' # c\n,'y']\n", "a\n=1\n", "a=\n1\n", "a='\\'x'\n", "a=\"x'y\"\n",
			"a=1f\n", "a=' 1'\n",
		"a='1x'\n", "a=''\n", "a='\\t\\n\\\\'\n", "a=[1,2]\n", "a\n", "a='x\n", "a=1\n+=2\n",
			"import os\na=1\n", "a=True\n",
		"a=1+2\n", "a='x' 'y'\n", "a=('x')\n", ";a=1;;\n", "a=1;b=2\n", "\ta = 1 \n", "# only\n", "",
			"a='#'\n", "a==1\n",
		"a=[[\n", "a=['x'\n", "a=1]\n", "a='\\q'\n", "a='\\x00'\n",
		"a=0512\n", "a='0512'\n", "a=08\n", "a=512\na+=512\n",
	};
	static const char *const more[] = {	/* that no file for xl can have */
		"a=-3\n", "A=1\n", "a-b=1\n", "_a=1\n", "a=1\r\nb=2\r\n", "a=1#c\n", "a='\\x41'\n",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		same_syntax(same[i], same[i], false);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		same_syntax(more[i], more[i], true);
}

/* Entries of `disk`. 's': both accept it, 'n': neither, 'x': only xl, 'k': only keel. */
static const struct entry {
	char who;
	const char *text;
} disks[] = {
	{ 's', "/a,raw,xvda,rw" }, { 's', "phy:/dev/x,xvda,w" }, { 's', "phy:/dev/x,xvda1,r" },
	{ 's', "file:/a,xvda,ro" }, { 's', "/a,,xvda" }, { 's', "/a,,xvda," }, { 's', "/a,raw,xvda" },
	{ 's', "tap:aio:/a,xvda,w" }, { 's', "tap2:aio:/a,xvda,w" }, { 's', "raw:/a,xvda,w" },
	{ 's', "aio:/a,xvda,w" }, { 's', "/a,ioemu:hda,w" }, { 's', "ioemu:/a,hda,w" },
	{ 's', "file:/a,ioemu:hda,w" }, { 's', "/a,raw,xvda,rw,backendtype=qdisk" },
	{ 's', "/a,raw,xvda,rw,backendtype=tap" }, { 's', "/a,raw,xvda,rw,backendtype=phy" },
	{ 's', "vdev=xvda,target=/a , b" },
	{ 's', "vdev=xvda,target=/a,b" }, { 's', "vdev=xvda,format=raw,access=ro,target=/a" },
	{ 's', "/a,raw,xvda,rw,discard" }, { 's', "/a,raw,xvda,rw,no-discard" },
	{ 's', "/a,raw,xvda,rw,direct-io-safe" }, { 's', "/a, raw, xvda, rw" }, { 's', " /a,raw,xvda,rw" },
	{ 's', "/a,raw,xvda,w,devtype=disk" }, { 's', "format=raw,vdev=xvda,access=w,target=/dev/vg/a b" },
	{ 's', "/a,raw,xvda,w," }, { 's', "/a,raw,sda1,w" }, { 's', "/a,raw,xvda,w,access=r" },
	{ 'n', "/a" }, { 'n', "" }, { 'n', "target=/a,vdev=xvda" }, { 'n', "/a,raw,xvda,x" },
	{ 'n', "/a,raw,xvda,RW" }, { 'n', "/a,aio,xvda,w" }, { 'k', "/a,vmdk,xvda,w" },
	{ 'k', "/a,vhdx,xvda,w" },
	{ 'n', "/a,raw,xvda,w,more" }, { 'n', "/a,vdev=xvda,target=/b" },
	{ 'n', "/a,raw,xvda,w,vdev=xvdb" }, { 'n', "vdev=xvda,vdev=xvdb,target=/x" },
	{ 'n', "/a,raw,xvda,w,removable=1" }, { 'n', "/a,raw,xvda,w,format=qcow2" },
	{ 's', "/a,qcow2,xvda,w" }, { 's', "tap:qcow2:/a,xvda,w" }, { 's', "/a,raw,hdc,cdrom" },
	{ 's', "file:/a,hdc:cdrom,r" }, { 's', "/a,raw,hdd,w,devtype=cdrom" }, { 's', "/a,qed,xvda,w" },
	{ 'x', "script=block-nbd,vdev=xvda,target=x" },
	{ 'x', "iscsi:x,xvda,w" }, { 'x', "drbd:r0,xvda,w" }, { 'x', "/a,raw,foo,w" },
	{ 'x', "/a,raw,xvda,w,backend=dom1" }, { 'x', ",raw,hdc,ro,cdrom" }, { 's', "/a,vhd,xvda,w" },
	{ 's', "vdev=xvda,format=qcow2,target=/a" },
	{ 's', "qcow2:/a,xvda,w" }, { 's', "vhd:/a,xvda,r" },
	{ 'k', "/a,xvda,w" }, { 'k', "/a,raw,xvda,w!" },
};

static void same_disk(const struct entry *d)
{
	XLU_Config *xlu = xlu_cfg_init(silent, "disk");
	libxl_device_disk theirs;
	struct guest_disk mine;
	int rc, my;

	libxl_device_disk_init(&theirs);
	rc = xlu_disk_parse(xlu, 1, &d->text, &theirs);
	my = guest_parse_disk(&mine, d->text, NULL, NULL, &e);
	if (!rc != (d->who == 's' || d->who == 'x'))
		fail_msg("disk '%s': libxlutil %s it", d->text, rc ? "refuses" : "takes");
	if (!my != (d->who == 's' || d->who == 'k'))
		fail_msg("disk '%s': keel %s it: %s", d->text, my ? "refuses" : "takes", my ? e.text : "");
	if (d->who == 's') {
		if (strcmp(theirs.pdev_path, mine.path) || mine.readonly != !theirs.readwrite ||
		    strcmp(theirs.vdev, mine.vdev) ||
		    strcmp(libxl_disk_format_to_string(theirs.format), mine.format ? mine.format : "raw"))
			fail_msg("disk '%s' is %s, %s, %s to libxlutil", d->text, theirs.pdev_path, theirs.vdev,
				 theirs.readwrite ? "w" : "r");
	}
	if (!my)
		free(mine.path);
	libxl_device_disk_dispose(&theirs);
	xlu_cfg_destroy(xlu);
}

static void disks_as_libxlutil(void **state)
{
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++)
		same_disk(&disks[i]);
}

/*
 * Entries of `pci`. Only Keel has settings for virtual functions, and only xl has groups of
 * functions.
 */
static void functions_as_libxlutil(void **state)
{
	static const struct entry functions[] = {
		{ 's', "01:00.1" }, { 's', "0000:01:00.1" }, { 's', "0001:ff:1f.7" },
		{ 's', "0000:01:00.1,permissive=1" }, { 's', "01:00.1,msitranslate=0,power_mgmt=1" },
		{ 's', "01:00.1,seize=1" }, { 'n', "" }, { 'n', "01:00" }, { 'n', "01:00.1x" }, { 'n', "x:00.1" },
		{ 'n', "01:00.8" }, { 'n', "01:20.0" }, { 'n', "01:00.1,speed=1" }, { 'x', "01:00.*" },
		{ 'x', "01:00.1@5" }, { 'k', "01:00.1,vlan=5" },
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		XLU_Config *xlu = xlu_cfg_init(silent, "pci");
		libxl_device_pci theirs;
		struct guest_pci mine;
		int rc, my;

		libxl_device_pci_init(&theirs);
		warned[0] = 0;
		rc = xlu_pci_parse_spec_string(xlu, &theirs, functions[i].text);
		my = guest_parse_pci(&mine, functions[i].text, note, NULL, &e);
		if (!rc != (functions[i].who == 's' || functions[i].who == 'x') ||
		    !my != (functions[i].who == 's' || functions[i].who == 'k'))
			fail_msg("pci '%s': keel %d, libxlutil %d", functions[i].text, my, rc);
		if (functions[i].who == 's' &&
		    mine.sbdf != ((uint32_t)theirs.domain << 16 | theirs.bus << 8 | theirs.dev << 3 |
							     theirs.func))
			fail_msg("pci '%s' is another function to libxlutil", functions[i].text);
		libxl_device_pci_dispose(&theirs);
		xlu_cfg_destroy(xlu);
	}
}

/*
 * Rates. libxlutil also accepts rates below one byte for each interval, which would be no limit to
 * netback.
 */
static void rates_as_libxlutil(void **state)
{
	static const struct entry rates[] = {
		{ 's', "10Mb/s" }, { 's', "1GB/s" }, { 's', "100KB/s@20ms" }, { 's', "1Mb/s@1s" },
		{ 's', "1MB/s@5us" }, { 's', "10Kb/s" }, { 's', "1Mb/s@4000s" }, { 's', "10Mb/s@50" },
		{ 's', "5000B/s" }, { 's', "10MB/s@10m" }, { 'n', "5" }, { 'n', "10mb/s" }, { 'n', "1MB/s@" },
		{ 'n', "0Mb/s" }, { 'n', "1.5Mb/s" }, { 'n', "10Mb" }, { 'n', " 10Mb/s" },
		{ 'n', "99999999GB/s" }, { 'n', "1Mb/s@0ms" }, { 'n', "1Mb/s@10ns" }, { 'n', "" },
		{ 'n', "-1Mb/s" }, { 'n', "1Mb/s@-1s" }, { 'x', "10b/s" }, { 'x', "10B/s" },
	};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		XLU_Config *xlu = xlu_cfg_init(silent, "rate");
		struct guest_vif mine = { 0 };
		libxl_device_nic theirs;
		int rc, my;

		libxl_device_nic_init(&theirs);
		rc = xlu_vif_parse_rate(xlu, rates[i].text, &theirs);
		my = guest_parse_rate(&mine, rates[i].text, &e);
		if (!rc != (rates[i].who != 'n') || !my != (rates[i].who == 's'))
			fail_msg("rate '%s': keel %d, libxlutil %d", rates[i].text, my, rc);
		if (!my && (mine.rate_bytes != theirs.rate_bytes_per_interval ||
			    mine.rate_us != theirs.rate_interval_usecs))
			fail_msg("rate '%s' is %llu each %u us to libxlutil, %llu each %u to keel", rates[i].text,
				 (unsigned long long)theirs.rate_bytes_per_interval, theirs.rate_interval_usecs,
				 (unsigned long long)mine.rate_bytes, mine.rate_us);
		libxl_device_nic_dispose(&theirs);
		xlu_cfg_destroy(xlu);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corpus), cmocka_unit_test(files_as_libxlutil),
			cmocka_unit_test(texts_as_libxlutil),
		cmocka_unit_test(disks_as_libxlutil), cmocka_unit_test(functions_as_libxlutil),
		cmocka_unit_test(rates_as_libxlutil),
	};

	guest_pvh_grub = "/dev/null";
	silent = fopen("/dev/null", "w");
	return silent ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
