/* SPDX-License-Identifier: MIT */
/* grant_table_op: pages that one domain lets another map or copy. */
#ifndef XEN_PUBLIC_GRANT_TABLE_H
#define XEN_PUBLIC_GRANT_TABLE_H

#include <public/xen.h>

typedef uint32_t grant_ref_t;
typedef uint32_t grant_handle_t;

struct grant_entry_v1 {
	uint16_t flags; /* GTF_* */
	domid_t domid;
	uint32_t frame; /* gfn */
};

/* References that the toolstack fills. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* grant_entry_v1.flags: the type, what the granter allows, what the hypervisor reports. */
#define GTF_permit_access      (1u << 0)
#define GTF_type_mask          (3u << 0)
#define GTF_readonly           (1u << 2)
#define GTF_reading            (1u << 3)
#define GTF_writing            (1u << 4)

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

/* gnttab_map_grant_ref.flags. */
#define GNTMAP_device_map       (1 << 0)
#define GNTMAP_host_map         (1 << 1)
#define GNTMAP_readonly         (1 << 2)

struct gnttab_map_grant_ref {
	uint64_t host_addr; /* IN: guest physical address */
	uint32_t flags;     /* IN: GNTMAP_* */
	grant_ref_t ref;    /* IN */
	domid_t dom;        /* IN: the granter */
	int16_t status;     /* OUT: GNTST_* */
	grant_handle_t handle; /* OUT */
	uint64_t dev_bus_addr; /* OUT */
};

struct gnttab_unmap_grant_ref {
	uint64_t host_addr;    /* IN */
	uint64_t dev_bus_addr; /* IN */
	grant_handle_t handle; /* IN */
	int16_t status;        /* OUT */
};

struct gnttab_setup_table {
	domid_t dom;        /* IN */
	uint32_t nr_frames; /* IN */
	int16_t status;     /* OUT */
	XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT */
};

#define GNTCOPY_source_gref (1 << 0)
#define GNTCOPY_dest_gref   (1 << 1)

struct gnttab_copy_ptr {
	union {
		grant_ref_t ref;
		xen_pfn_t gmfn;
	} u;
	domid_t domid;
	uint16_t offset;
};

struct gnttab_copy {
	struct gnttab_copy_ptr source, dest; /* IN */
	uint16_t len;                        /* IN */
	uint16_t flags;                      /* IN: GNTCOPY_* */
	int16_t status;                      /* OUT */
};

struct gnttab_query_size {
	domid_t dom;            /* IN */
	uint32_t nr_frames;     /* OUT */
	uint32_t max_nr_frames; /* OUT */
	int16_t status;         /* OUT */
};

struct gnttab_set_version {
	uint32_t version; /* IN and OUT */
};

struct gnttab_get_version {
	domid_t dom; /* IN */
	uint16_t pad;
	uint32_t version; /* OUT */
};

struct gnttab_unmap_and_replace {
	uint64_t host_addr, new_addr; /* IN */
	grant_handle_t handle;        /* IN */
	int16_t status;               /* OUT */
};

struct gnttab_swap_grant_ref {
	grant_ref_t ref_a, ref_b; /* IN */
	int16_t status;           /* OUT */
};

#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)

#endif
