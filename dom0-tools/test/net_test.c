/* SPDX-License-Identifier: GPL-2.0-only */
/* Networks, on a machine whose interfaces are a list, and whose nft and dnsmasq only say so. */
#include "test/check.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/autostart.h"
#include "lib/files.h"
#include "lib/net.h"
#include "lib/netlink.h"
#include "lib/program.h"
#include "lib/sysfs.h"

static struct keel k;
static char dir[] = "/tmp/keel-net.XXXXXX", define[64], run[64], proc[64], automatic[64];
static char history[65536], links[16][16];
static int ops, fail_at;

static int op(void)
{
	return ++ops == fail_at ? -EPERM : 0;
}

static void did(const char *what, const char *name)
{
	snprintf(history + strlen(history), sizeof(history) - strlen(history), "%s %s\n", what, name);
}

static char *find_link(const char *name)
{
	for (size_t i = 0; i < 16; i++)
		if (!strcmp(links[i], name))
			return links[i];
	return NULL;
}

unsigned int if_nametoindex(const char *name)
{
	char *l = *name ? find_link(name) : NULL;

	return l ? (l - links[0]) / 16 + 1 : 0;
}

ssize_t netlink_talk(int protocol, void *request, size_t size, void *answer, size_t room)
{
	struct nlmsghdr *h = request;
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(struct ifinfomsg)));
	const char *name = (h->nlmsg_type == RTM_NEWADDR) ? "" : RTA_DATA(a);

	assert_int_equal(h->nlmsg_len, size);
	if (op())
		return -EPERM;
	if (h->nlmsg_type == RTM_DELLINK) {
		did("delete", name);
		if (find_link(name))
			*find_link(name) = 0;
	} else if (h->nlmsg_type == RTM_NEWLINK && h->nlmsg_flags & NLM_F_CREATE) {
		did("make", name);
		assert_null(find_link(name));
		strcpy(find_link(""), name);
		/* {IFLA_LINK 1}, {IFLA_INFO_KIND vlan}, {IFLA_VLAN_ID 5}: all that makes a VLAN */
		if (memmem(request, size, "vlan", 4)) {
			assert_non_null(memmem(request, size, "\x08\0\x05\0\x01\0\0\0", 8));
			assert_non_null(memmem(request, size, "\x08\0\x01\0vlan", 8));
			assert_non_null(memmem(request, size, "\x06\0\x01\0\x05\0", 6));
		}
	} else if (h->nlmsg_type == RTM_NEWADDR) {
		did("address", "");
	} else {
		did("set", name);
	}
	return 0;
}

int program_run(struct keel *q, const char *const argv[], const char *package, const char *input)
{
	did(argv[0] == net_nft ? "nft" : "dnsmasq", input);
	return op() ? keel_fail(&q->err, EIO, "%s failed", argv[0]) : 0;
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

static void put(const char *text, const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", proc, path);
	*strrchr(full, '/') = 0;
	assert_int_equal(keel_make_dirs(&k, full), 0);
	full[strlen(full)] = '/';
	assert_true(keel_write_file(full, text));
}

static void holds(const char *path, const char *want)
{
	char text[16];

	assert_int_equal(sysfs_read(text, sizeof(text), "%s/%s", proc, path), 0);
	assert_string_equal(text, want);
}

static int reset(void **state)
{
	memset(links, 0, sizeof(links));
	strcpy(links[0], "eth9");
	*history = 0;
	ops = fail_at = 0;
	put("0", "ipv4/ip_forward");
	put("0", "ipv6/conf/all/forwarding");
	put("1", "ipv6/conf/eth9/accept_ra");
	return 0;
}

/* Neither interfaces, nor files, nor settings. */
static void nothing_left(void)
{
	assert_int_equal(access(define, F_OK), -1);
	assert_int_equal(access(run, F_OK), -1);
	for (size_t i = 1; i < 16; i++)
		assert_string_equal(links[i], "");
	holds("ipv4/ip_forward", "0");
	holds("ipv6/conf/all/forwarding", "0");
	holds("ipv6/conf/eth9/accept_ra", "1");
}

static int settings(struct net *n, const char *name, const char *words)
{
	char copy[256], *rest = copy, *word, *value;
	int rc = 0;

	*n = (struct net){ 0 };
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(copy, sizeof(copy), "%s", words);
	while (!rc && (word = strsep(&rest, " ")) && *word) {
		value = strchr(word, '=');
		*value++ = 0;
		rc = net_set(n, word, value, &k.err);
	}
	return rc ? rc : net_whole(n, &k.err);
}

#define NAT "kind=nat ipv4=10.254.77.0/24 ipv6=fd77:1::/64"

static void make(const char *name, const char *words)
{
	struct net n;

	assert_int_equal(settings(&n, name, words), 0);
	if (net_create(&k, &n))
		fail_msg("%s", k.err.text);
}

static void bad_settings(void **state)
{
	static const struct { const char *words, *why; } bad[] = {
		{ "", "has no kind" }, { "kind=x", "none of bridge" }, { "kind=nat", "needs a subnet" },
		{ "kind=host-only", "needs a subnet" }, { "x=y", "no setting 'x'" },
		{ "kind=nat ipv4=10.0.0.1/24", "is no subnet" }, { "kind=nat ipv4=10.0.0.0/30", "is no subnet" },
		{ "kind=nat ipv4=10.0.0.0", "is no subnet" }, { "kind=nat ipv4=127.0.0.0/8", "is no subnet" },
		{ "kind=nat ipv4=224.0.0.0/24", "is no subnet" }, { "kind=nat ipv6=fe80::/64", "is no subnet" },
		{ "kind=nat ipv6=fd00::/48", "is no subnet" }, { "kind=nat ipv6=fd00::1/64", "is no subnet" },
		{ NAT " uplink=eth9", "has no uplink" }, { NAT " bridge=b", "has no bridge" },
		{ NAT " vlan=5", "has no tag" }, { NAT " mtu=1279", "no number from 1280" },
		{ NAT " spoofing=x", "neither true nor false" },
		{ "kind=bridge", "needs either" }, { "kind=bridge bridge=a uplink=b", "needs either" },
		{ "kind=bridge bridge=a\"b", "no name of an interface" }, { "kind=bridge uplink=a/b", "no name" },
		{ "kind=bridge bridge=a ipv4=10.0.0.0/24", "has no subnet" },
		{ "kind=vlan vlan=5", "needs an uplink" }, { "kind=vlan uplink=eth9", "needs an uplink" },
		{ "kind=vlan uplink=eth9 vlan=4095", "no number from 1" },
		{ "kind=vlan uplink=eth9 vlan=0", "no number from 1" },
	};
	static const char *const names[] = { "", "abcdefghijklm", "a b", "a;b", "../a", "-a", "a.b",
					     "a\"" };
	struct net n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(settings(&n, "a", bad[i].words), -EINVAL);
		assert_contains(k.err.text, bad[i].why);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(net_name_check(names[i], &k.err), -EINVAL);
	assert_int_equal(net_name_check("a-b_C9", &k.err), 0);
}

static void stored(void **state)
{
	struct net n, back;
	char path[128];

	make("web", NAT " mtu=1400 spoofing=true");
	assert_int_equal(settings(&n, "web", NAT " mtu=1400 spoofing=true"), 0);
	assert_int_equal(net_read(&k, "web", &back), 0);
	assert_memory_equal(&n, &back, sizeof(n));
	assert_int_equal(net_create(&k, &n), -EEXIST);
	assert_int_equal(settings(&n, "b", "kind=nat ipv4=10.254.0.0/16"), 0);
	assert_int_equal(net_create(&k, &n), -EEXIST);
	assert_contains(k.err.text, "would share addresses with 'web'");
	assert_int_equal(net_delete(&k, "web", false), 0);
	nothing_left();
	assert_int_equal(net_read(&k, "web", &n), -ENOENT);
	assert_int_equal(net_read(&k, "../web", &n), -EINVAL);
	assert_int_equal(keel_make_dirs(&k, define), 0);
	snprintf(path, sizeof(path), "%s/web.json", define);
	for (const char *const *text = (const char *const[]){ "{", "[]", "{\"kind\":\"nat\"}", "{\"x\":1}",
	     "{\"name\":\"b\",\"kind\":\"bridge\",\"bridge\":\"b\"}",
	     "{\"kind\":null}", NULL }; *text; text++) {
		assert_true(keel_write_file(path, *text));
		assert_int_equal(net_read(&k, "web", &n), -EINVAL);
		assert_contains(k.err.text, path);
	}
	unlink(path);
	rmdir(define);
}

/* Whichever step fails, what came before is undone. */
static void undone(void **state)
{
	static const char *const kinds[] = { NAT, "kind=vlan uplink=eth9 vlan=5",
					     "kind=bridge uplink=eth9",
					     "kind=host-only ipv4=10.254.77.0/24" };
	struct net n;
	int all;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_int_equal(settings(&n, "web", kinds[i]), 0);
		reset(NULL);
		assert_int_equal(net_create(&k, &n), 0);
		all = ops;
		assert_true(net_is_up("web"));
		assert_true(if_nametoindex("br-web"));
		assert_int_equal(net_stop(&k, "web", false), 0);
		assert_false(net_is_up("web"));
		assert_int_equal(net_stop(&k, "web", false), -EINVAL);
		assert_int_equal(net_start(&k, "web"), 0);
		assert_int_equal(net_delete(&k, "web", false), 0);
		nothing_left();
		assert_true(all >= 4);
		for (int at = 1; at <= all; at++) {
			reset(NULL);
			fail_at = at;
			assert_true(net_create(&k, &n) < 0);
			nothing_left();
		}
	}
}

static void in_advance(void **state)
{
	struct net n;

	strcpy(links[1], "br-web");
	assert_int_equal(settings(&n, "web", NAT), 0);
	assert_int_equal(net_create(&k, &n), -EEXIST);
	assert_string_equal(links[1], "br-web");
	links[1][0] = 0;
	assert_int_equal(settings(&n, "web", "kind=bridge uplink=none"), 0);
	assert_int_equal(net_create(&k, &n), -ENODEV);
	assert_int_equal(settings(&n, "web", "kind=bridge bridge=eth9"), 0);
	assert_int_equal(net_create(&k, &n), -ENODEV);
	k.dry_run = true;
	assert_int_equal(settings(&n, "web", NAT), 0);
	assert_int_equal(net_create(&k, &n), 0);
	k.dry_run = false;
	assert_int_equal(ops, 0);
	nothing_left();
}

static void forwarding(void **state)
{
	make("web", NAT);
	holds("ipv4/ip_forward", "1");
	holds("ipv6/conf/all/forwarding", "1");
	holds("ipv6/conf/eth9/accept_ra", "2");
	make("b", "kind=nat ipv4=10.254.78.0/24");
	assert_int_equal(net_delete(&k, "web", false), 0);
	holds("ipv4/ip_forward", "1");
	assert_int_equal(net_delete(&k, "b", false), 0);
	nothing_left();
	make("c", "kind=host-only ipv4=10.254.78.0/24");
	holds("ipv4/ip_forward", "0");
	assert_int_equal(net_delete(&k, "c", false), 0);
}

static char *text_of(const struct net *n, bool dnsmasq)
{
	static char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	if (dnsmasq)
		net_rules_dnsmasq(f, n, "/run/x");
	else
		net_rules_make(f, n, NULL, 0);
	fclose(f);
	return text;
}

static void rules(void **state)
{
	struct net n;

	assert_int_equal(settings(&n, "web", NAT " mtu=1400"), 0);
	assert_contains(text_of(&n, false), "oifname != \"br-web\" ip saddr 10.254.77.0/24 masquerade");
	assert_contains(text_of(&n, false), "ip6 saddr fd77:1::/64 masquerade");
	assert_contains(text_of(&n, false), "iifname \"br-web\" drop");
	assert_contains(text_of(&n, false), "iifname vmap @vifs");
	assert_contains(text_of(&n, true), "dhcp-range=10.254.77.0,static,255.255.255.0,12h\n");
	assert_contains(text_of(&n, true), "option:mtu,1400\n");
	assert_contains(text_of(&n, true), "dhcp-range=fd77:1::,static,64,12h\nenable-ra\n");
	assert_null(strstr(text_of(&n, true), "no-resolv"));
	n.kind = NET_HOST_ONLY;
	assert_null(strstr(text_of(&n, false), "masquerade"));
	assert_null(strstr(text_of(&n, false), "saddr"));
	assert_contains(text_of(&n, true), "no-resolv\n");
	assert_contains(text_of(&n, true), "option:router\n");
	assert_contains(text_of(&n, true), "ra-param=br-web,0,0\n");
	n.spoofing = true;
	assert_null(strstr(text_of(&n, false), "vmap"));
}

static void addresses(void **state)
{
	static const struct { const char *ip, *why; } bad[] = {
		{ "10.254.77.0", "no address for a guest" }, { "10.254.77.1", "no address for a guest" },
		{ "10.254.77.7", "no address for a guest" }, { "10.254.78.2", "no address for a guest" },
		{ "fd77:1::1", "no address for a guest" }, { "10.254.77.2/29", "no address that" },
		{ "10.254.77.2 10.254.77.3", "two addresses" }, { "x", "no address that" },
	};
	struct net_vif v[6] = { 0 };
	struct net n;

	assert_int_equal(settings(&n, "web", "kind=nat ipv4=10.254.77.0/29 ipv6=fd77:1::/64"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(net_choose(&n, v, bad[i].ip, NULL, 0, &k.err), -EINVAL);
		assert_contains(k.err.text, bad[i].why);
	}
	for (unsigned int i = 0; i < 6; i++) {
		memcpy(v[i].mac, (unsigned char[]){ 0, 0x16, 0x3e, 1, 2, i }, 6);
		assert_int_equal(net_choose(&n, &v[i], "", v, i, &k.err), i < 5 ? 0 : -ENOSPC);
		assert_int_equal(v[i].v4[3] >= 2 && v[i].v4[3] <= 6, i < 5 || v[i].v4[3] <= 6);
	}
	assert_memory_equal(v[3].v6, "\xfd\x77\0\1\0\0\0\0\x02\x16\x3e\xff\xfe\1\2\3", 16);
	assert_int_equal(net_choose(&n, &v[5], "10.254.77.3", v, 5, &k.err), -EEXIST);
	memcpy(v[5].mac, v[0].mac, 6);
	assert_int_equal(net_choose(&n, &v[5], "", v, 1, &k.err), -EEXIST);
	assert_contains(k.err.text, "the same MAC address");
}

static void hosts(void **state)
{
	static const char *const names[][2] = { { "web", "web" }, { "Mail.x", "mail-x" }, { "-a_", "a" },
						{ "\xc3\xa4", "" }, { "", "" }, { "a b\nc", "a-b-c" } };
	char out[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		net_host(out, names[i][0]);
		assert_string_equal(out, names[i][1]);
	}
}

static int join(const char *spec)
{
	struct guest_vif v;
	int rc = guest_parse_vif(&v, spec, NULL, NULL, &k.err);

	v.devid = 0;
	if (!rc)
		rc = net_vif_resolve(&k, &v);
	return rc ? rc : net_vif_add(&k, &v, 7, "vif7.0", "guest");
}

static void interfaces(void **state)
{
	struct net_vif *v;
	char list[128];

	assert_int_equal(join("network=web,mac=00:16:3e:00:00:07"), -ENOENT);
	make("web", NAT);
	strcpy(links[5], "vif7.0");
	assert_int_equal(join("network=web,mac=00:16:3e:00:00:07,ip=10.254.77.9"), 0);
	assert_contains(history, "add rule bridge keel_web vif7.0 ether saddr != 00:16:3e:00:00:07 drop");
	assert_contains(history, "vif7.0 ip saddr != 10.254.77.9 drop");
	assert_contains(history, "vif7.0 arp saddr ip != { 0.0.0.0, 10.254.77.9 } drop");
	assert_contains(history, "ip6 saddr != { ::, fe80::/10, fd77:1::216:3eff:fe00:7 } drop");
	assert_contains(history, "add element bridge keel_web vifs { \"vif7.0\" : goto vif7.0 }");
	assert_int_equal(net_vifs(&k, "web", &v), 1);
	assert_string_equal(v->host, "guest");
	free(v);
	assert_int_equal(sysfs_read(list, sizeof(list), "%s/web/hosts", run), 0);
	assert_string_equal(list, "10.254.77.9 guest\nfd77:1::216:3eff:fe00:7 guest");
	assert_int_equal(sysfs_read(list, sizeof(list), "%s/web/dhcp-hosts", run), 0);
	assert_string_equal(list, "00:16:3e:00:00:07,10.254.77.9,[fd77:1::216:3eff:fe00:7]");
	assert_int_equal(net_delete(&k, "web", false), -EBUSY);
	assert_int_equal(net_stop(&k, "web", false), -EBUSY);
	*history = 0;
	assert_int_equal(net_stop(&k, "web", true), 0);
	assert_int_equal(net_start(&k, "web"), 0);
	assert_contains(history, "goto vif7.0");
	assert_contains(history, "set vif7.0");
	*history = 0;
	net_vif_remove(&k, 7, 0);
	assert_contains(history, "delete chain bridge keel_web vif7.0");
	assert_int_equal(sysfs_read(list, sizeof(list), "%s/web/hosts", run), 0);
	assert_string_equal(list, "");
	*history = 0;
	net_vif_remove(&k, 7, 0);
	assert_string_equal(history, "");
	fail_at = ops + 1;
	assert_true(join("network=web,mac=00:16:3e:00:00:07") < 0);
	assert_int_equal(net_vifs(&k, "web", &v), 0);
	free(v);
	links[5][0] = 0;
	assert_int_equal(net_delete(&k, "web", false), 0);
	nothing_left();
}

/* In a network without subnets it is free, unless its configuration says what it has. */
static void known_addresses(void **state)
{
	make("lan", "kind=bridge uplink=eth9");
	strcpy(links[5], "vif7.0");
	assert_int_equal(join("network=lan,mac=00:16:3e:00:00:07"), 0);
	assert_contains(history, "ether saddr != 00:16:3e:00:00:07 drop");
	assert_null(strstr(history, "ether type"));
	net_vif_remove(&k, 7, 0);
	assert_int_equal(join("network=lan,mac=00:16:3e:00:00:07,ip=192.0.2.7"), 0);
	assert_contains(history, "ether type != { arp, ip } drop");
	assert_int_equal(net_delete(&k, "lan", true), 0);
	links[5][0] = 0;
	nothing_left();
}

static void needed_at_boot(void **state)
{
	char path[128];

	make("web", NAT);
	assert_int_equal(keel_make_dirs(&k, automatic), 0);
	snprintf(path, sizeof(path), "%s/mail.json", automatic);
	assert_true(keel_write_file(path, "{\"name\":\"mail\",\"type\":\"pvh\",\"kernel\":\"/k\",\"memory\":64,"
				    "\"vif\":[{\"network\":\"web\"}]}"));
	assert_int_equal(net_delete(&k, "web", false), -EBUSY);
	assert_contains(k.err.text, "the guest 'mail'");
	assert_int_equal(net_stop(&k, "web", false), 0);
	assert_int_equal(net_delete(&k, "web", true), 0);
	unlink(path);
	nothing_left();
}

static void of_configurations(void **state)
{
	static const char *const bad[] = { "network=a,bridge=b", "network=a,script=/x",
					   "network=a,gatewaydev=e",
					   "network=a,vifname=a\"", "network=", "network=a;b",
					   "network=abcdefghijklm" };
	struct guest_vif v;

	assert_int_equal(guest_parse_vif(&v, "network=a,ip=10.0.0.2,vifname=v-1", NULL, NULL, &k.err), 0);
	assert_string_equal(v.network, "a");
	assert_string_equal(v.bridge, "");
	assert_string_equal(v.script, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(guest_parse_vif(&v, bad[i], NULL, NULL, &k.err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_settings), cmocka_unit_test_setup(stored, reset),
		cmocka_unit_test_setup(undone, reset), cmocka_unit_test_setup(in_advance, reset),
		cmocka_unit_test_setup(forwarding, reset), cmocka_unit_test(rules), cmocka_unit_test(addresses),
		cmocka_unit_test(hosts), cmocka_unit_test_setup(interfaces, reset),
		cmocka_unit_test_setup(known_addresses, reset), cmocka_unit_test_setup(needed_at_boot, reset),
		cmocka_unit_test(of_configurations),
	};
	char command[64];
	int rc;

	if (!mkdtemp(dir))
		return 1;
	snprintf(define, sizeof(define), "%s/etc", dir);
	snprintf(run, sizeof(run), "%s/run", dir);
	snprintf(proc, sizeof(proc), "%s/proc", dir);
	snprintf(automatic, sizeof(automatic), "%s/auto", dir);
	net_define_dir = define;
	net_run_dir = run;
	net_proc = proc;
	keel_autostart_dir = automatic;
	net_nft = "/bin/true";
	net_dnsmasq = "/bin/echo";
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || rc;
}
