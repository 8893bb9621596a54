/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's stored configuration, with a simulated xenstore: a transaction takes effect only when
 * it ends without an error.
 */
#include "test/check.h"

#include <unistd.h>

#include "lib/autostart.h"
#include "lib/domain.h"
#include "lib/store.h"

#define PIECES "/tool/keel/3/config"

static struct node {
	char path[64], value[2100];
} nodes[16], before[16];
static int failing_writes, again;	/* the next writes in a transaction fail; it ends with EAGAIN */
static bool inside, held, changed_unheld;
static bool meddle;	/* the configuration changes while it is read */
static struct keel k;

static struct node *find(const char *path)
{
	for (int i = 0; i < 16; i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	memcpy(before, nodes, sizeof(nodes));
	inside = true;
	return 7;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	bool fail = again && again--;

	inside = false;
	if (abort || fail)
		memcpy(nodes, before, sizeof(nodes));
	errno = EAGAIN;
	return !fail;
}

/* A configuration of two pieces. */
static void store_config(const char *name)
{
	char text[3000];

	snprintf(text, sizeof(text),
		 "{\"name\":\"%s\",\"kernel\":\"/k\",\"memory\":64,\"cmdline\":\"%02050d\"}", name, 0);
	xs_write(NULL, XBT_NULL, PIECES "/0", text, 2048);
	xs_write(NULL, XBT_NULL, PIECES "/1", text + 2048, strlen(text + 2048));
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	struct node *n;

	if (meddle && !strcmp(path, PIECES "/1")) {
		meddle = false;
		store_config("mail");
		memcpy(before, nodes, sizeof(nodes));
		again = 1;
	}
	n = find(path);
	return n ? strdup(n->value) : NULL;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	struct node *n = find(path);

	changed_unheld |= !held;
	if (t != XBT_NULL && failing_writes && failing_writes--) {
		errno = ENOSPC;
		return false;
	}
	if (!n)
		n = find("");
	assert_non_null(n);
	snprintf(n->path, sizeof(n->path), "%s", path);
	snprintf(n->value, sizeof(n->value), "%.*s", (int)len, (const char *)data);
	return true;
}

/* Removes what is below, too. Outside a transaction others would see that at once. */
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	changed_unheld |= !held;
	assert_true(t == XBT_NULL || inside);
	for (int i = 0; i < 16; i++)
		if (!strncmp(nodes[i].path, path, strlen(path)))
			memset(&nodes[i], 0, sizeof(nodes[i]));
	if (t == XBT_NULL)
		memcpy(before, nodes, sizeof(nodes));
	return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return true;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *p, unsigned int n)
{
	return true;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *n)
{
	return NULL;
}

void keel_hold_signals(sigset_t *old)
{
	held = true;
}

void keel_release_signals(const sigset_t *old)
{
	held = false;
}

/* A guest named web. */
static void reset(void)
{
	memset(nodes, 0, sizeof(nodes));
	held = true;
	store_config("web");
	xs_write(NULL, XBT_NULL, "/local/domain/3/vm", "/vm/u", 5);
	held = changed_unheld = false;
	failing_writes = again = 0;
	memset(&k.err, 0, sizeof(k.err));
}

static void name_is(const char *name)
{
	struct guest_config g;

	assert_true(skeleton_config(&k, 3, &g));
	assert_string_equal(g.name, name);
	guest_free(&g);
}

static void renamed(void **state)
{
	reset();
	assert_int_equal(keel_domain_rename_config(&k, 3, "shop"), 0);
	name_is("shop");
	assert_string_equal(find("/local/domain/3/name")->value, "shop");
	assert_string_equal(find("/vm/u/name")->value, "shop");
	assert_false(held);
	/* No signal can interrupt it between the names and the configuration. */
	assert_false(changed_unheld);
	/* Others wrote at the same time: it starts again. */
	reset();
	again = 2;
	assert_int_equal(keel_domain_rename_config(&k, 3, "shop"), 0);
	name_is("shop");
}

/*
 * keeld restarts a guest from the stored configuration: if a rename fails, the old one must stay.
 */
static void not_renamed(void **state)
{
	reset();
	failing_writes = 1;
	assert_int_equal(keel_domain_rename_config(&k, 3, "shop"), -ENOSPC);
	name_is("web");
	assert_null(find("/local/domain/3/name"));
	assert_null(find("/vm/u/name"));
	assert_false(held);
}

/* Of another toolstack's guest there are only names. */
static void of_another(void **state)
{
	reset();
	held = true;
	xs_rm(NULL, XBT_NULL, PIECES);
	held = false;
	assert_int_equal(keel_domain_rename_config(&k, 3, "shop"), 0);
	assert_string_equal(find("/local/domain/3/name")->value, "shop");
	assert_string_equal(find("/vm/u/name")->value, "shop");
	assert_null(find(PIECES "/0"));
}

/* The old configuration may have had more pieces. */
static void shorter(void **state)
{
	reset();
	held = true;
	xs_write(NULL, XBT_NULL, PIECES "/1", "\"}", 2);
	strcpy(find(PIECES "/0")->value,
	       "{\"name\":\"web\",\"kernel\":\"/k\",\"memory\":64,\"cmdline\":\"short");
	held = false;
	assert_int_equal(keel_domain_rename_config(&k, 3, "shop"), 0);
	assert_null(find(PIECES "/1"));
	assert_contains(find(PIECES "/0")->value, "}");
	name_is("shop");
}

/* What is stored for the next boot follows, under the guest's name. */
static void followed(void **state)
{
	static char dir[] = "/tmp/skeleton-test-XXXXXX";
	struct guest_config g;
	char **names;

	reset();
	assert_non_null(mkdtemp(dir));
	keel_autostart_dir = dir;
	assert_true(skeleton_config(&k, 3, &g));
	assert_int_equal(keel_domain_rename_config(&k, 3, "shop"), 0);
	assert_int_equal(autostart_names(&k, &names), 0);
	free(names);
	free(g.name);
	g.name = strdup("shop");
	assert_int_equal(autostart_set(&k, &g), 0);
	guest_free(&g);
	assert_int_equal(keel_domain_rename_config(&k, 3, "mail"), 0);
	assert_int_equal(autostart_names(&k, &names), 1);
	assert_string_equal(names[0], "mail");
	free(names[0]);
	free(names);
	assert_int_equal(autostart_read(&k, "mail", &g), 0);
	assert_string_equal(g.name, "mail");
	assert_string_equal(g.kernel, "/k");
	guest_free(&g);
	assert_int_equal(autostart_clear(&k, "mail"), 0);
	assert_int_equal(rmdir(dir), 0);
	keel_autostart_dir = "/proc/none";
}

/* A reader gets one whole configuration. */
static void changed_meanwhile(void **state)
{
	reset();
	meddle = true;
	name_is("mail");
	assert_false(inside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renamed), cmocka_unit_test(not_renamed), cmocka_unit_test(shorter),
		cmocka_unit_test(changed_meanwhile), cmocka_unit_test(followed),
		cmocka_unit_test(of_another),
	};

	keel_autostart_dir = "/proc/none";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
