/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame allocator: buddies, owners and reference counts. */
#include "common/heap.h"

#include "common/domain.h"
#include "common/printk.h"
#include <public/errno.h>

#define NIL 0xffffffffu
#define CHUNK 512		/* frames between two checks for interrupts */
#define MAX_RETIRED 64
#define POISON 0xd5d5d5d5d5d5d5d5ull

static spinlock_t heap_lock = SPINLOCK_INIT(RANK_HEAP);
/* L: heap_lock, as all below */
static u32 free_list[MAX_NODES][MAX_ORDER + 1] = {
	[0 ... MAX_NODES - 1] = { [0 ... MAX_ORDER] = NIL } };
static u64 nr_free_pages, nr_total_pages, nr_claimed;
static const struct heap_span *spans;
static unsigned int nr_spans;
unsigned int nr_nodes = 1;
u64 node_free[MAX_NODES], node_pages[MAX_NODES];
u8 node_distance[MAX_NODES][MAX_NODES];
static mfn_t retired[MAX_RETIRED];	/* frames whose memory is broken */
static unsigned int nr_retired;
bool heap_poisons;

static unsigned int node_of(mfn_t mfn)
{
	unsigned int i = nr_spans;

	while (i-- > 0)
		if (mfn >= spans[i].first)
			return spans[i].node;
	return 0;
}

static void list_push(mfn_t mfn, unsigned int order)
{
	struct page_info *pg = mfn_to_page(mfn);
	unsigned int node = node_of(mfn);

	pg->order = (u8)order;
	pg->flags = PGF_ORDER_HEAD;
	pg->prev = NIL;
	pg->next = free_list[node][order];
	if (pg->next != NIL)
		mfn_to_page(pg->next)->prev = (u32)mfn;
	free_list[node][order] = (u32)mfn;
	WRITE_ONCE(node_free[node], node_free[node] + BIT(order));
}

static void list_remove(mfn_t mfn, unsigned int order)
{
	struct page_info *pg = mfn_to_page(mfn);
	unsigned int node = node_of(mfn);

	if (pg->prev != NIL)
		mfn_to_page(pg->prev)->next = pg->next;
	else
		free_list[node][order] = pg->next;
	WRITE_ONCE(node_free[node], node_free[node] - BIT(order));
	if (pg->next != NIL)
		mfn_to_page(pg->next)->prev = pg->prev;
	pg->flags = 0;
}

static bool is_free_block(mfn_t mfn, unsigned int order)
{
	struct page_info *pg;

	if (!mfn_valid(mfn))
		return false;
	pg = mfn_to_page(mfn);
	return pg->owner == OWNER_FREE && pg->flags & PGF_ORDER_HEAD && pg->order == order;
}

/*
 * Merges with free buddies of its node as far as possible. Lock held; the frames' owner is
 * OWNER_FREE already.
 */
static void free_block(mfn_t mfn, unsigned int order)
{
	nr_free_pages += BIT(order);
	while (order < MAX_ORDER && is_free_block(mfn ^ BIT(order), order) &&
	       node_of(mfn ^ BIT(order)) == node_of(mfn)) {
		list_remove(mfn ^ BIT(order), order);
		mfn &= ~BIT(order);
		order++;
	}
	list_push(mfn, order);
}

/* Lock held. The lowest fitting order; INVALID_MFN if the node has no such block. */
static mfn_t take_block(unsigned int node, unsigned int order)
{
	for (unsigned int o = order; o <= MAX_ORDER; o++) {
		u32 m = free_list[node][o];

		if (m == NIL)
			continue;
		list_remove(m, o);
		while (o > order) {
			o--;
			list_push(m + BIT(o), o);
		}
		nr_free_pages -= BIT(order);
		return m;
	}
	return INVALID_MFN;
}

/* Lock held. Of these nodes the one at the least distance, or of such ones with the most memory. */
static unsigned int best_node(u64 nodes, const u8 *distance)
{
	unsigned int best = ffs64(nodes);

	for (u64 m = nodes & (nodes - 1); m; m &= m - 1) {
		unsigned int n = ffs64(m);

		if (distance[n] < distance[best] ||
		    (distance[n] == distance[best] && node_free[n] > node_free[best]))
			best = n;
	}
	return best;
}

/*
 * Lock held. A block of one of these nodes, or else of the others, the nearer the better. A
 * gigabyte that a node has in smaller pieces only is not taken elsewhere: the caller asks for
 * smaller ones.
 */
static mfn_t take_near(u64 nodes, u64 others, unsigned int near, unsigned int order)
{
	u64 set[] = { nodes & all_nodes(), others & ~nodes & all_nodes() };

	for (unsigned int i = 0; i < 2; i++)
		while (set[i]) {
			unsigned int node = best_node(set[i], node_distance[near]);
			mfn_t mfn = take_block(node, order);

			if (mfn != INVALID_MFN || (order == MAX_ORDER && node_free[node] >= BIT(order)))
				return mfn;
			set[i] &= ~BIT(node);
		}
	return INVALID_MFN;
}

static void set_owner(mfn_t mfn, u64 n, u16 owner, u32 ref)
{
	for (u64 i = 0; i < n; i++) {
		struct page_info *pg = mfn_to_page(mfn + i);

		pg->owner = owner;
		pg->flags = 0;
		__atomic_store_n(&pg->ref, ref, __ATOMIC_RELEASE);
	}
}

/* Lock held. From now on the frame is Keel's, for ever, if it is in a free block. */
static void take_out(mfn_t mfn)
{
	unsigned int order = 0;

	while (order <= MAX_ORDER && !is_free_block(mfn & ~(BIT(order) - 1), order))
		order++;
	if (order > MAX_ORDER)
		return;
	list_remove(mfn & ~(BIT(order) - 1), order);
	while (order--) /* the half without it */
		list_push((mfn ^ BIT(order)) & ~(BIT(order) - 1), order);
	nr_free_pages--;
	set_owner(mfn, 1, OWNER_KEEL, 1);
}

/* The largest block of one node that begins at m, up to last. */
static unsigned int block_order(mfn_t m, mfn_t last)
{
	unsigned int order = m ? min_t(unsigned int, ffs64(m), MAX_ORDER) : MAX_ORDER;

	while (m + BIT(order) > last || (order && node_of(m) != node_of(m + BIT(order) - 1)))
		order--;
	return order;
}

/* Lock held, or at boot: frees frames [m, last), in as few blocks as possible. */
static void free_range(mfn_t m, mfn_t last)
{
	mfn_t first = m;

	while (m < last) {
		unsigned int order = block_order(m, last);

		set_owner(m, BIT(order), OWNER_FREE, 0);
		free_block(m, order);
		m += BIT(order);
	}
	for (unsigned int i = 0; unlikely(i < nr_retired); i++)
		if (retired[i] >= first && retired[i] < last)
			take_out(retired[i]);
}

bool heap_retire(mfn_t mfn)
{
	unsigned int i = 0;

	spin_lock(&heap_lock);
	while (i < nr_retired && retired[i] != mfn)
		i++;
	if (i == nr_retired && i < MAX_RETIRED)
		retired[nr_retired++] = mfn;
	if (i < MAX_RETIRED)
		take_out(mfn);
	spin_unlock(&heap_lock);
	return i < MAX_RETIRED;
}

static void poison(mfn_t mfn, u64 n)
{
	if (heap_poisons)
		memset(mfn_to_virt(mfn), (u8)POISON, n << PAGE_SHIFT);
}

static void check_poison(mfn_t mfn, u64 n)
{
	const u64 *word = mfn_to_virt(mfn), *end = word + (n << PAGE_SHIFT) / sizeof(*word);

	if (!heap_poisons)
		return;
	while (word < end && *word == POISON)
		word++;
	if (word < end)
		panic("a free frame was written to: %#lx at %#lx", *word, virt_to_pa(word));
}

void heap_add_range(paddr_t base, paddr_t end)
{
	mfn_t m = PFN_UP(base), last = PFN_DOWN(end);

	if (m < last) {
		nr_total_pages += last - m;
		poison(m, last - m);
	}
	free_range(m, last);
}

void heap_set_nodes(unsigned int nodes, const struct heap_span *s, unsigned int n)
{
	u32 old[MAX_ORDER + 1], next;

	memcpy(old, free_list[0], sizeof(old));
	memset(free_list[0], 0xff, sizeof(old));
	node_free[0] = 0;
	nr_nodes = nodes;
	spans = s;
	nr_spans = n;
	for (unsigned int order = 0, piece; order <= MAX_ORDER; order++)
		for (u32 m = old[order]; m != NIL; m = next) {
			next = mfn_to_page(m)->next;
			for (mfn_t p = m; p < m + BIT(order); p += BIT(piece)) {
				piece = block_order(p, m + BIT(order));
				list_push(p, piece);
			}
		}
}

void heap_place(struct domain *d, u64 nodes)
{
	static const u8 anywhere[MAX_NODES];

	spin_lock(&heap_lock);
	d->nodes = nodes;
	if (!d->tot_pages || !(nodes & BIT(d->home)))
		d->home = (u8)best_node(nodes, anywhere);
	spin_unlock(&heap_lock);
}

void heap_add_used(u64 pages)
{
	nr_total_pages += pages;
}

void *alloc_pages(unsigned int order)
{
	return alloc_pages_near(this_cpu()->node, order);
}

void *alloc_pages_near(unsigned int node, unsigned int order)
{
	mfn_t mfn = INVALID_MFN;

	spin_lock(&heap_lock);
	/* Claims are promises to domains: Keel's own allocations must not use them up. */
	if (nr_free_pages >= nr_claimed + BIT(order))
		mfn = take_near(~0ull, 0, node, order);
	if (mfn != INVALID_MFN)
		set_owner(mfn, BIT(order), OWNER_KEEL, 1);
	spin_unlock(&heap_lock);
	if (mfn == INVALID_MFN)
		return NULL;
	check_poison(mfn, BIT(order));
	return memset(mfn_to_virt(mfn), 0, PAGE_SIZE << order);
}

static void free_frames(mfn_t mfn, u64 n)
{
	poison(mfn, n);
	spin_lock(&heap_lock);
	free_range(mfn, mfn + n);
	spin_unlock(&heap_lock);
}

void free_pages(void *va, unsigned int order)
{
	if (va)
		free_frames(virt_to_mfn(va), BIT(order));
}

unsigned int size_to_order(size_t size)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

void *array_room(void *array, unsigned int n, size_t size)
{
	unsigned int had = size_to_order(n * size), order = size_to_order((n + 1) * size);
	void *to = array;

	if (!array || order > had) {
		to = alloc_pages(order);
		if (!to)
			panic("No memory for %lu KiB that the firmware's tables need; give the machine more RAM",
			      PAGE_SIZE >> 10 << order);
	}
	if (array && to != array) {
		memcpy(to, array, n * size);
		free_pages(array, had);
	}
	return to;
}

struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	return alloc_domain_pages_on(d, order, d->nodes, ~0ull);
}

struct page_info *alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes, u64 others)
{
	mfn_t mfn = INVALID_MFN;
	u64 n = BIT(order), from_claim;

	spin_lock(&heap_lock);
	from_claim = min(d->claimed, n);
	/* A dying domain gets none: the last page that it gives up ends it. */
	if (READ_ONCE(d->state) == DOMAIN_ALIVE && d->tot_pages + n <= d->max_pages &&
	    nr_free_pages + from_claim >= nr_claimed + n)
		mfn = take_near(nodes, others, d->home, order);
	if (mfn != INVALID_MFN) {
		d->claimed -= from_claim;
		nr_claimed -= from_claim;
		__atomic_fetch_add(&d->tot_pages, n, __ATOMIC_SEQ_CST);
	}
	spin_unlock(&heap_lock);
	if (mfn == INVALID_MFN)
		return NULL;
	/*
	 * The frames are in no list, and nobody else can find them, so interrupts may come in while
	 * a gigabyte is marked.
	 */
	for (u64 i = 0; i < n; i += CHUNK) {
		check_poison(mfn + i, min(n - i, (u64)CHUNK));
		set_owner(mfn + i, min(n - i, (u64)CHUNK), d->id, 1);
		if (n > CHUNK)
			irq_window();
	}
	return mfn_to_page(mfn);
}

void share_keel_page(void *va, struct domain *d)
{
	struct page_info *pg = virt_to_page(va);

	pg->flags |= PGF_XEN_HEAP;
	WRITE_ONCE(pg->owner, d->id);
}

void unshare_keel_page(void *va)
{
	if (!va)
		return;
	/* others may still hold it, and the id may be reused */
	WRITE_ONCE(virt_to_page(va)->owner, OWNER_KEEL);
	put_page(virt_to_page(va));
}

bool get_page(struct page_info *pg, u16 owner)
{
	u32 ref = READ_ONCE(pg->ref);

	do {
		if (!ref || ref == ~0u)
			return false;
	} while (!__atomic_compare_exchange_n(&pg->ref, &ref, ref + 1, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (owner != OWNER_NONE && READ_ONCE(pg->owner) != owner) {
		put_page(pg);
		return false;
	}
	return true;
}

/* n consecutive frames of one owner, whose last references are gone. */
static void frames_unused(struct page_info *pg, u64 n)
{
	struct domain *d = pg->owner < DOMID_FIRST_RESERVED ? domain_find(pg->owner) : NULL;
	u64 *count = d && !(pg->flags & PGF_XEN_HEAP) ? &d->tot_pages : NULL;

	if (pg->flags & PGF_PINNED_GFN) { /* a hole in Dom0's identity map: its frame waits for its gfn */
		__atomic_fetch_sub(&d->tot_pages, n, __ATOMIC_SEQ_CST);
		return;
	}
	free_frames(page_to_mfn(pg), n);
	if (count && !__atomic_sub_fetch(count, n, __ATOMIC_SEQ_CST) &&
	    READ_ONCE(d->state) == DOMAIN_ZOMBIE)
		domain_last_page_put(d);
}

void put_page(struct page_info *pg)
{
	if (!__atomic_sub_fetch(&pg->ref, 1, __ATOMIC_SEQ_CST))
		frames_unused(pg, 1);
}

void put_pages(struct page_info *pg, unsigned int order)
{
	u64 first = 0, n = BIT(order);

	/* The frames of a superpage have one owner, and either all are pinned or none. */
	for (u64 i = 0; i < n; i++) {
		if (!__atomic_sub_fetch(&pg[i].ref, 1, __ATOMIC_SEQ_CST))
			continue;
		if (i > first)
			frames_unused(pg + first, i - first);
		first = i + 1;
	}
	if (n > first)
		frames_unused(pg + first, n - first);
}

int claim_pages(struct domain *d, u64 pages)
{
	int rc = 0;
	u64 want = pages > d->tot_pages ? pages - d->tot_pages : 0;

	spin_lock(&heap_lock);
	nr_claimed -= d->claimed;
	d->claimed = 0;
	/* Under the lock under which destruction releases the claim, so that no claim remains. */
	if (pages && READ_ONCE(d->state) != DOMAIN_ALIVE)
		rc = -EINVAL;
	else if (nr_free_pages < nr_claimed + want)
		rc = -ENOMEM;
	else
		d->claimed = want;
	nr_claimed += d->claimed;
	spin_unlock(&heap_lock);
	return rc;
}

u64 heap_free_pages(void)
{
	return READ_ONCE(nr_free_pages);
}

u64 heap_total_pages(void)
{
	return nr_total_pages;
}

u64 heap_claimed_pages(void)
{
	return READ_ONCE(nr_claimed);
}
