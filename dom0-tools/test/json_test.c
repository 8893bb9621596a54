/* SPDX-License-Identifier: GPL-2.0-only */
/* Configurations in JSON: what is accepted, and that nothing in them is ignored. */
#include "test/check.h"

#include <unistd.h>

#include "lib/guest.h"

#define BASE "\"name\":\"web\",\"type\":\"pvh\",\"kernel\":\"/k\",\"memory\":64"

static struct keel_error e;

static int read_json(struct guest_config *g, const char *text)
{
	struct json_object *j = json_tokener_parse(text);
	int rc;

	assert_non_null(j);
	memset(&e, 0, sizeof(e));
	rc = guest_from_json(g, j, &e);
	json_object_put(j);
	return rc;
}

static void devices(void **state)
{
	struct guest_config g;

	assert_int_equal(read_json(&g, "{" BASE ",\"disk\":[\"/a,raw,xvda,r\",{\"target\":\"/b,c\",\"vdev\":\"xvdb\","
				   "\"readonly\":true,\"discard\":false,\"shared\":false}],\"vif\":[\"\",{},{\"bridge\":\"br0\","
				   "\"mac\":\"00:16:3e:0:0:1\",\"devid\":7,\"mtu\":\"1400\",\"vifname\":\"x\"}],"
				   "\"pci\":[\"01:00.1\"],\"cpus\":[0,\"1\"]}"), 0);
	assert_int_equal(g.disks, 2);
	assert_true(g.disk[1].readonly);
	assert_true(g.disk[1].no_discard);
	assert_string_equal(g.disk[1].path, "/b,c");
	assert_int_equal(g.vifs, 3);
	assert_string_equal(g.vif[1].bridge, "xenbr0");
	assert_string_equal(g.vif[2].bridge, "br0");
	assert_int_equal(g.vif[2].devid, 7);
	assert_int_equal(g.vif[2].mtu, 1400);
	assert_string_equal(guest_affinity_of(&g.cpus, 0), "0");
	assert_string_equal(guest_affinity_of(&g.cpus, 1), "1");
	guest_free(&g);
}

/*
 * An unknown word is refused, not ignored: else a disk that should be read-only could be writable.
 */
static void refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "\"disk\":[{\"target\":\"/a\",\"vdev\":\"xvda\",\"access\":\"r\"}]",
		  "unknown key 'access' in an object of 'disk'" },
		{ "\"disk\":[{\"target\":\"/a\",\"vdev\":\"xvda\",\"bridge\":\"b\"}]", "unknown key 'bridge'" },
		{ "\"disk\":[{\"target\":\"/a\",\"vdev\":\"xvda\",\"readonly\":\"yes\"}]",
		  "'readonly' in an object of 'disk' must be true or false, not a text" },
		{ "\"disk\":[{\"target\":[\"/a\"],\"vdev\":\"xvda\"}]", "must be a text, not a list" },
		{ "\"disk\":[{\"target\":\"/a\",\"vdev\":\"xvda, access=r\"}]",
		  "'vdev' in an object of 'disk' has a" },
		{ "\"disk\":[1]", "entry 1 of 'disk' is an integer, where a text or an object is needed" },
		{ "\"disk\":{}", "'disk' is an object, where" },
		{ "\"vif\":[\"\",5]", "entry 2 of 'vif' is an integer" },
		{ "\"vif\":[null]", "entry 1 of 'vif' is null" },
		{ "\"vif\":[[\"mac=00:16:3e:0:0:1\"]]", "entry 1 of 'vif' is a list" },
		{ "\"vif\":[{\"birdge\":\"br0\"}]", "unknown key 'birdge' in an object of 'vif'" },
		{ "\"vif\":[{\"bridge\":null}]", "must be a text, not null" },
		{ "\"vif\":[{\"bridge\":\"b,mtu=80\"}]", "has a comma" },
		{ "\"vif\":[{\"target\":\"b\"}]", "unknown key 'target'" },
		{ "\"pci\":[{}]", "entry 1 of 'pci' is an object, where a text is needed" },
		{ "\"cpus\":[0.5]", "entry 1 of 'cpus' is a number with a fraction" },
		{ "\"localtime\":true", "'localtime' is true or false, where a text, an integer or a list" },
		{ "\"ramdisk\":null", "'ramdisk' is null" },
	};
	struct guest_config g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "{" BASE ",%s}", cases[i].text);
		if (read_json(&g, text) != -EINVAL)
			fail_msg("taken: %s", text);
		assert_contains(e.text, "stored configuration: ");
		assert_contains(e.text, cases[i].says);
		assert_null(g.name);
	}
}

static char dir[] = "/tmp/json-test-XXXXXX", path[64], warned[512];

static void note(void *arg, const char *text)
{
	snprintf(warned, sizeof(warned), "%s", text);
}

static int read_file(struct guest_config *g, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	warned[0] = 0;
	memset(&e, 0, sizeof(e));
	return guest_from_file(g, path, note, NULL, &e);
}

/* A file is one object and nothing else. Its error messages have no line numbers. */
static void files(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "{" BASE "}\nmemory = 4096", ": there is more behind the JSON object, at byte " },
		{ "{" BASE "} {}", ": there is more behind" },
		{ "{" BASE, ": no JSON: the file ends too early" },
		{ "{" BASE ",}x", ": there is more behind" },
		{ "{" BASE " \"a\"}", ": no JSON: " },
		{ "{" BASE ",\"vcpus\":0}", ": vcpus = 0 is out of range" },
		{ "{" BASE ",\"cpus\":\"x\"}", ": cpus: 'x' is no list" },
		{ "{" BASE ",\"localtime\":true}", ": 'localtime' is true or false, where" },
	};
	struct guest_config g;
	char want[256];

	assert_int_equal(read_file(&g, " {" BASE ",\"vnc\":1}\n\t \n"), 0);
	snprintf(want, sizeof(want), "%s: 'vnc' has no effect on Keel", path);
	assert_string_equal(warned, want);
	guest_free(&g);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_file(&g, bad[i].text) != -EINVAL)
			fail_msg("taken: %s", bad[i].text);
		snprintf(want, sizeof(want), "%s%s", path, bad[i].says);
		assert_memory_equal(e.text, want, strlen(want));
	}
}

static void no_memory(void **state)
{
	struct json_object *j = json_tokener_parse("{" BASE ",\"disk\":[{\"target\":\"/a\",\"vdev\":\"xvda\"}],"
						   "\"vif\":[\"\",{\"bridge\":\"b\",\"mtu\":80}],\"cpus\":[0]}");
	struct guest_config g;
	long n = 0;

	do {
		alloc_failed = 0;
		alloc_countdown = ++n;
		if (!guest_from_json(&g, j, &e))
			guest_free(&g);
		else
			assert_int_equal(e.code, ENOMEM);
	} while (alloc_failed);
	alloc_countdown = 0;
	assert_true(n > 20);
	json_object_put(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices), cmocka_unit_test(refused), cmocka_unit_test(files),
		cmocka_unit_test(no_memory),
	};
	int rc;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/web.json", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return rc;
}
