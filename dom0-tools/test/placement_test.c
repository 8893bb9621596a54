/* SPDX-License-Identifier: GPL-2.0-only */
/* Where guests are placed, on a simulated machine of nodes with four CPUs each. */
#include "test/check.h"

#include "lib/hyper.h"
#include "lib/placement.h"

#define GIB (1ULL << 30)

static unsigned int nr_nodes, no_cpu, pinned_to[3], nr_pinned, nr_domains;
static uint64_t free_of[GUEST_MAX_NODES], near, nodes_set;
static int error_of_numa, error_of_topology, error_of_set;
static struct guest_cpus pool;
static char did[400];
static struct keel k;

void *hyper_buffer(struct keel *q, size_t size)
{
	return calloc(1, size);
}

void hyper_buffer_free(struct keel *q, void *p)
{
	free(p);
}

#define HANDLE(field) ({ uint64_t h_; memcpy(&h_, &(field), sizeof(h_)); (void *)h_; })

/* Nodes @near (a bit each) are near to each other. */
static int numainfo(struct xen_sysctl_numainfo *n)
{
	struct xen_sysctl_meminfo *m = HANDLE(n->meminfo);
	uint32_t *distance = HANDLE(n->distance);

	assert_int_equal(n->num_nodes, GUEST_MAX_NODES);
	n->num_nodes = nr_nodes;
	for (unsigned int i = 0; i < nr_nodes && nr_nodes <= GUEST_MAX_NODES; i++) {
		m[i] = (struct xen_sysctl_meminfo){ 4 * GIB, free_of[i] };
		if (free_of[i] == ~0ULL)
			m[i].memsize = ~0ULL;
		for (unsigned int j = 0; j < nr_nodes; j++)
			distance[i * nr_nodes + j] = i == j ? 10 : near >> i & near >> j & 1 ? 15 : 20;
	}
	return error_of_numa;
}

int hyper_sysctl(struct keel *q, struct xen_sysctl *s)
{
	struct xen_sysctl_cputopo *t;

	if (s->cmd == XEN_SYSCTL_numainfo)
		return numainfo(&s->u.numainfo);
	assert_int_equal(s->cmd, XEN_SYSCTL_cputopoinfo);
	assert_int_equal(s->u.cputopoinfo.num_cpus, GUEST_MAX_CPUS);
	t = HANDLE(s->u.cputopoinfo.cputopo);
	s->u.cputopoinfo.num_cpus = nr_nodes * 4;
	for (unsigned int i = 0; i < nr_nodes * 4 && i < GUEST_MAX_CPUS; i++)
		t[i].node = i == no_cpu ? ~0u : i / 4;
	return error_of_topology;
}

int hyper_domctl(struct keel *q, struct xen_domctl *d)
{
	assert_int_equal(d->cmd, XEN_DOMCTL_setnodeaffinity);
	assert_int_equal(d->domain, 5);
	assert_int_equal(d->u.nodeaffinity.nodemap.nr_bits, GUEST_MAX_NODES);
	memcpy(&nodes_set, HANDLE(d->u.nodeaffinity.nodemap.bitmap), sizeof(nodes_set));
	return error_of_set;
}

/* Domains 0, 100, 101, ...; the one that is placed; none has a name. */
int hyper_list(struct keel *q, unsigned int first, struct xen_domctl_getdomaininfo *out,
	       unsigned int max)
{
	unsigned int n = 0;

	for (unsigned int id = first; n < max && id < 100 + nr_domains; id++)
		if (!id || id == 5 || id >= 100)
			out[n++].domain = id;
	return n;
}

/* Dom0 has two vCPUs that run anywhere, others one that prefers its node: pinned_to[]. */
int hyper_get_affinity(struct keel *q, unsigned int domid, unsigned int vcpu, struct guest_cpus *h,
		       struct guest_cpus *s)
{
	memset(h, 0xff, sizeof(*h));
	memset(s, 0xff, sizeof(*s));
	assert_int_not_equal(domid, 5);
	if (domid >= 100 && !vcpu) {
		unsigned int node = pinned_to[(domid - 100) % nr_pinned];

		memset(domid & 1 ? h : s, 0, sizeof(*h));
		(domid & 1 ? h : s)->bits[node / 2] = 1 << node % 2 * 4;
	}
	return vcpu > (domid ? 0 : 1) ? -EINVAL : 0;
}

int hyper_set_affinity(struct keel *q, unsigned int domid, unsigned int vcpu,
		       const struct guest_cpus *h, const struct guest_cpus *s)
{
	char text[64];

	assert_null(h);
	guest_cpus_text(s, GUEST_MAX_CPUS, text, sizeof(text));
	sprintf(did + strlen(did), "%u.%u %s;", domid, vcpu, text);
	return 0;
}

int hyper_domain_info(struct keel *q, unsigned int domid, struct xen_domctl_getdomaininfo *i)
{
	assert_int_equal(domid, 5);
	i->cpupool = 2;
	return 0;
}

int hyper_pool_info(struct keel *q, struct hyper_pool *p)
{
	assert_int_equal(p->id, 2);
	p->cpus = pool;
	return 0;
}

static int reset(void **state)
{
	nr_nodes = 2;
	nr_domains = 0;
	nr_pinned = 1;
	no_cpu = ~0u;
	near = nodes_set = 0;
	error_of_numa = error_of_topology = error_of_set = 0;
	memset(&pool, 0xff, sizeof(pool));
	for (int i = 0; i < GUEST_MAX_NODES; i++)
		free_of[i] = 2 * GIB;
	return 0;
}

static void place(unsigned int vcpus, uint64_t mib, uint64_t nodes, const char *what)
{
	const struct guest_config g = { .maxvcpus = vcpus, .memory_mib = mib };

	did[0] = 0;
	nodes_set = 0;
	assert_int_equal(placement_set(&k, 5, &g), 0);
	assert_string_equal(did, what);
	assert_int_equal(nodes_set, nodes);
}

/* The node with more free memory, or the one whose CPUs have less to do. */
static void one_node(void **state)
{
	place(1, 2048, 1, "5.0 0-3;");
	free_of[1]++;
	place(2, 512, 2, "5.0 4-7;5.1 4-7;");
	nr_domains = 1;
	pinned_to[0] = 1;
	place(1, 2048, 1, "5.0 0-3;");
	place(1, 2049, 0, "");		/* both nodes are all: nothing to choose */
	free_of[0]--;
	place(1, 2048, 2, "5.0 4-7;");	/* the other one is too small */
	place(5, 1, 0, "");
	/* Forty domains are more than one list has. */
	nr_domains = 40;
	nr_pinned = 2;
	pinned_to[0] = 0;
	pinned_to[1] = 1;
	free_of[0] = 3 * GIB;
	place(1, 512, 1, "5.0 0-3;");
	nr_domains = 41;
	place(1, 512, 2, "5.0 4-7;");
}

/* Loads are compared by CPU; a pool has some of the CPUs; one is off line. */
static void fewer_cpus(void **state)
{
	pool.bits[0] = 0x71;
	place(2, 512, 2, "5.0 4-6;5.1 4-6;");
	place(1, 512, 1, "5.0 0;");
	nr_domains = 3;
	nr_pinned = 3;
	pinned_to[0] = 0;
	pinned_to[1] = pinned_to[2] = 1;
	place(1, 512, 2, "5.0 4-6;");	/* two on three CPUs, one on one */
	no_cpu = 5;
	place(3, 512, 0, "");
	place(2, 512, 2, "5.0 4,6;5.1 4,6;");
}

static void several_nodes(void **state)
{
	nr_nodes = 4;
	near = 0xa;
	place(4, 512, 1, "5.0 0-3;5.1 0-3;5.2 0-3;5.3 0-3;");
	free_of[1] = 3 * GIB;
	place(1, 4096, 0xa, "5.0 4-7,12-15;");
	place(5, 64, 0xa, "5.0 4-7,12-15;5.1 4-7,12-15;5.2 4-7,12-15;5.3 4-7,12-15;5.4 4-7,12-15;");
	place(1, 6144, 0xb, "5.0 0-7,12-15;");
	/* One without memory, and a number without a node. */
	free_of[1] = 0;
	free_of[3] = ~0ULL;
	place(1, 2048, 1, "5.0 0-3;");
	place(1, 4096, 5, "5.0 0-3,8-11;");
	nr_nodes = GUEST_MAX_NODES;
	free_of[63] = 8 * GIB;
	place(1, 8192, 1ULL << 63, "5.0 252-255;");
}

static void left_alone(void **state)
{
	struct guest_config g = { .maxvcpus = 1, .memory_mib = 64, .cpus.n = 1 };

	assert_int_equal(placement_set(&k, 5, &g), 0);
	g.cpus.n = 0;
	g.cpus_soft.n = 1;
	assert_int_equal(placement_set(&k, 5, &g), 0);
	assert_int_equal(nodes_set, 0);
	nr_nodes = 1;
	place(1, 64, 0, "");
	nr_nodes = 2;
	error_of_numa = -ENOSYS;
	place(1, 64, 0, "");
	error_of_numa = 0;
	error_of_topology = -ENOSYS;
	place(1, 64, 0, "");
	error_of_topology = 0;
	nr_nodes = GUEST_MAX_NODES + 1;
	place(1, 64, 0, "");
	nr_nodes = 2;
	error_of_set = -EPERM;
	g.cpus_soft.n = 0;
	assert_int_equal(placement_set(&k, 5, &g), -EPERM);
	assert_contains(k.err.text, "does not place domain 5 on a node: Operation not permitted");
}

static void lists(void **state)
{
	struct guest_cpus c;
	char text[64];

	assert_int_equal(hyper_parse_cpus(&k, &c, "node:1,^4"), 0);
	guest_cpus_text(&c, GUEST_MAX_CPUS, text, sizeof(text));
	assert_string_equal(text, "5-7");
	assert_int_equal(hyper_parse_cpus(&k, &c, "node:2"), -EINVAL);
	assert_contains(k.err.text, "no node 2");
	error_of_numa = -EPERM;
	assert_int_equal(hyper_parse_cpus(&k, &c, "0-1"), 0);
	assert_int_equal(hyper_parse_cpus(&k, &c, "node:0"), -EPERM);
	assert_contains(k.err.text, "cannot ask for the machine's nodes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_node, reset), cmocka_unit_test_setup(fewer_cpus, reset),
		cmocka_unit_test_setup(several_nodes, reset), cmocka_unit_test_setup(left_alone, reset),
		cmocka_unit_test_setup(lists, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
