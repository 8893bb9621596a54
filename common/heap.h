/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine memory: one page_info per frame, a buddy allocator, and the reference
 * counts that decide when a guest's page may go back to it.
 */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

#include <machine/directmap.h>
#include <public/xen.h>

#include "common/lib.h"

#define MAX_ORDER 18 /* 1 GiB */
#define MAX_NODES 64 /* a word has a bit for each */

/* Owners that are not domains (above the range of real ids). */
#define OWNER_FREE 0xffff /* in the heap */
#define OWNER_KEEL 0xfffe /* used by Keel itself */
#define OWNER_NONE 0xfffd /* not RAM that Keel manages */

#define PGF_ORDER_HEAD 0x01 /* first frame of a free block */
/* a hole in Dom0's identity map: stays reserved for its gfn (iommu=off) */
#define PGF_PINNED_GFN 0x02
/* a Keel page that a guest may map (shared_info, grant frames): not counted */
#define PGF_XEN_HEAP   0x04

struct page_info {
	u32 ref;	/* atomic; 0 = free or about to be */
	u16 owner;	/* domid, or OWNER_* */
	u8 order;	/* of a free block */
	u8 flags;	/* PGF_* */
	union {
		u32 next;	/* free lists: frame numbers; L: heap lock */
		u32 entries;	/* a table of a p2m: how many it has. P: lock for writing */
	};
	u32 prev;
};
_Static_assert(sizeof(struct page_info) == 16, "0.4 % of RAM");

struct domain;

extern struct page_info *frame_table; /* indexed by mfn */
extern mfn_t max_mfn;		      /* one above the highest frame of RAM */

static inline struct page_info *mfn_to_page(mfn_t mfn) { return &frame_table[mfn]; }
static inline mfn_t page_to_mfn(const struct page_info *pg) { return (mfn_t)(pg - frame_table); }

static inline void *mfn_to_virt(mfn_t mfn) { return pa_to_virt(mfn << PAGE_SHIFT); }
static inline void *page_to_virt(const struct page_info *pg) { return mfn_to_virt(page_to_mfn(pg));
							       }
static inline mfn_t virt_to_mfn(const void *va) { return virt_to_pa(va) >> PAGE_SHIFT; }
static inline struct page_info *virt_to_page(const void *va) { return mfn_to_page(virt_to_mfn(va));
							       }

/* Is this frame RAM that Keel manages (has a page_info with an owner)? */
bool mfn_valid(mfn_t mfn);

/* Keel's own memory, zeroed: 2^order frames, or NULL. Takes the heap lock. */
void *alloc_pages(unsigned int order);
void free_pages(void *va, unsigned int order);
static inline void *alloc_page(void) { return alloc_pages(0); }
/* The same, of the node or one near to it; alloc_pages() takes the node of the CPU. */
void *alloc_pages_near(unsigned int node, unsigned int order);
static inline void free_page(void *va) { if (va) free_pages(va, 0); }
/* Pages needed for size bytes, as an order. */
unsigned int size_to_order(size_t size);

/*
 * Boot: room for one more element of size bytes after the n that an array has (NULL: there is no
 * array yet). Returns where the array is now. Panics without memory.
 */
void *array_room(void *array, unsigned int n, size_t size);
/* The new last element of such an array. Neither argument has side effects. */
#define array_add(array, n)								\
	(*({ (array) = array_room(array, n, sizeof(*(array))); &(array)[(n)++]; }))

/*
 * A guest's memory: 2^order frames owned by d, each with one reference (of the allocation), NOT
 * cleared, counted in d->tot_pages against d->max_pages and d's claim. NULL: no memory or over the
 * limit. Takes the heap lock. No locks held if order > 9: lets interrupts in.
 */
struct page_info *alloc_domain_pages(struct domain *d, unsigned int order);
/* The same, of these nodes, a bit each, or else of the others. */
struct page_info *alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes,
					u64 others);

/*
 * Marks a Keel page (alloc_page()) as one that d may see mapped: reference 1, owner d, not counted
 * in tot_pages.
 */
void share_keel_page(void *va, struct domain *d);
/* The reverse: drops Keel's reference; the frame is freed when the last mapping goes. */
void unshare_keel_page(void *va);

/*
 * Takes a reference if the frame is in use and (owner != OWNER_NONE) belongs to owner. Any context.
 */
bool get_page(struct page_info *pg, u16 owner);
/*
 * Drops a reference. The last one frees the frame to the heap, uncounts it, and may end a zombie
 * domain. Any context below RANK_HEAP.
 */
void put_page(struct page_info *pg);
/* Drops one reference of each of 2^order frames (0 to 9), and frees adjacent frames together. */
void put_pages(struct page_info *pg, unsigned int order);

/*
 * Reserve pages of the heap for a domain that is being built: -ENOMEM if not free, -EINVAL if it
 * dies. 0 ends the claim.
 */
int claim_pages(struct domain *d, u64 pages);

/*
 * Nodes: memory and the CPUs that are near to it. Without SRAT there is one. Frames from first on
 * belong to node, up to the next span.
 */
struct heap_span { mfn_t first, end; u8 node; };
extern unsigned int nr_nodes;
extern u64 node_free[MAX_NODES];  /* H: heap lock; racy */
extern u64 node_pages[MAX_NODES]; /* RAM of the machine; not counted if there is one node */
extern u8 node_distance[MAX_NODES][MAX_NODES]; /* as in ACPI's SLIT; 0, if there is one node */
static inline u64 all_nodes(void) { return ~0ull >> (MAX_NODES - nr_nodes); }
/*
 * Boot, once: which frames are of which node. Frames that no span names belong to the one before,
 * or else to node 0. The spans are in order, and stay the caller's.
 */
void heap_set_nodes(unsigned int nodes, const struct heap_span *spans, unsigned int nr_spans);
/*
 * d's memory is to come from these nodes (not 0), and from one of them as long as it has some: the
 * one with the most free memory. Takes the heap lock.
 */
void heap_place(struct domain *d, u64 nodes);

u64 heap_free_pages(void);
u64 heap_total_pages(void);
u64 heap_claimed_pages(void);

/*
 * Set at boot by debug builds: free frames are filled with a pattern, which is checked when they
 * are reused: did a device write there?
 */
extern bool heap_poisons;
/*
 * The frame's memory is broken: if it is free it is taken out, else when it is freed. False: so
 * many are broken that there is no room to note it. Takes the heap lock.
 */
bool heap_retire(mfn_t mfn);
/* Boot: gives the frames [base, base+size) to the heap. The caller has excluded reserved ranges. */
void heap_add_range(paddr_t base, paddr_t end);
/* Boot: counts frames that a domain already has as memory of the machine. */
void heap_add_used(u64 pages);

#endif
