/* SPDX-License-Identifier: MIT */
/* grant_table_op: pages that one domain lets another map or copy. */
#ifndef XEN_PUBLIC_GRANT_TABLE_H
#define XEN_PUBLIC_GRANT_TABLE_H

#include <public/xen.h>

typedef uint32_t grant_ref_t;
typedef uint32_t grant_handle_t;
typedef uint16_t grant_status_t;

struct grant_entry_v1 {
	uint16_t flags; /* GTF_* */
	domid_t domid;
	uint32_t frame; /* gfn */
};
XEN_ASSERT_SIZE(struct grant_entry_v1, 8);
XEN_ASSERT_OFFSET(struct grant_entry_v1, domid, 2);
XEN_ASSERT_OFFSET(struct grant_entry_v1, frame, 4);

struct grant_entry_header {
	uint16_t flags;
	domid_t domid;
};
XEN_ASSERT_SIZE(struct grant_entry_header, 4);

union grant_entry_v2 {
	struct grant_entry_header hdr;
	struct {
		struct grant_entry_header hdr;
		uint32_t pad0;
		uint64_t frame;
	} full_page;
	struct {
		struct grant_entry_header hdr;
		uint16_t page_off;
		uint16_t length;
		uint64_t frame;
	} sub_page;
	struct {
		struct grant_entry_header hdr;
		domid_t trans_domid;
		uint16_t pad0;
		grant_ref_t gref;
	} transitive;
	uint32_t __spacer[4];
};
XEN_ASSERT_SIZE(union grant_entry_v2, 16);

/* References that the toolstack fills. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* grant_entry_v1.flags: the type, what the granter allows, what the hypervisor reports. */
#define GTF_invalid            (0u << 0)
#define GTF_permit_access      (1u << 0)
#define GTF_accept_transfer    (2u << 0)
#define GTF_transitive         (3u << 0)
#define GTF_type_mask          (3u << 0)
#define GTF_readonly           (1u << 2)
#define GTF_reading            (1u << 3)
#define GTF_writing            (1u << 4)
#define GTF_PWT                (1u << 5)
#define GTF_PCD                (1u << 6)
#define GTF_PAT                (1u << 7)
#define GTF_sub_page           (1u << 8)
#define GTF_transfer_committed (1u << 2)
#define GTF_transfer_completed (1u << 3)

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

/* gnttab_map_grant_ref.flags. */
#define GNTMAP_device_map       (1 << 0)
#define GNTMAP_host_map         (1 << 1)
#define GNTMAP_readonly         (1 << 2)
#define GNTMAP_application_map  (1 << 3)
#define GNTMAP_contains_pte     (1 << 4)
#define _GNTMAP_guest_avail0    16
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0)

struct gnttab_map_grant_ref {
	uint64_t host_addr; /* IN: guest physical address */
	uint32_t flags;     /* IN: GNTMAP_* */
	grant_ref_t ref;    /* IN */
	domid_t dom;        /* IN: the granter */
	int16_t status;     /* OUT: GNTST_* */
	grant_handle_t handle; /* OUT */
	uint64_t dev_bus_addr; /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_map_grant_ref, 32);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, flags, 8);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, ref, 12);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, dom, 16);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, status, 18);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, handle, 20);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, dev_bus_addr, 24);

struct gnttab_unmap_grant_ref {
	uint64_t host_addr;    /* IN */
	uint64_t dev_bus_addr; /* IN */
	grant_handle_t handle; /* IN */
	int16_t status;        /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_unmap_grant_ref, 24);
XEN_ASSERT_OFFSET(struct gnttab_unmap_grant_ref, handle, 16);
XEN_ASSERT_OFFSET(struct gnttab_unmap_grant_ref, status, 20);

struct gnttab_setup_table {
	domid_t dom;        /* IN */
	uint32_t nr_frames; /* IN */
	int16_t status;     /* OUT */
	XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_setup_table, 24);
XEN_ASSERT_OFFSET(struct gnttab_setup_table, nr_frames, 4);
XEN_ASSERT_OFFSET(struct gnttab_setup_table, status, 8);
XEN_ASSERT_OFFSET(struct gnttab_setup_table, frame_list, 16);

struct gnttab_dump_table {
	domid_t dom;    /* IN */
	int16_t status; /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_dump_table, 4);

struct gnttab_transfer {
	xen_pfn_t mfn;   /* IN */
	domid_t domid;   /* IN */
	grant_ref_t ref; /* IN */
	int16_t status;  /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_transfer, 24);

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
XEN_ASSERT_SIZE(struct gnttab_copy_ptr, 16);
XEN_ASSERT_OFFSET(struct gnttab_copy_ptr, domid, 8);
XEN_ASSERT_OFFSET(struct gnttab_copy_ptr, offset, 10);

struct gnttab_copy {
	struct gnttab_copy_ptr source, dest; /* IN */
	uint16_t len;                        /* IN */
	uint16_t flags;                      /* IN: GNTCOPY_* */
	int16_t status;                      /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_copy, 40);
XEN_ASSERT_OFFSET(struct gnttab_copy, dest, 16);
XEN_ASSERT_OFFSET(struct gnttab_copy, len, 32);
XEN_ASSERT_OFFSET(struct gnttab_copy, status, 36);

struct gnttab_query_size {
	domid_t dom;            /* IN */
	uint32_t nr_frames;     /* OUT */
	uint32_t max_nr_frames; /* OUT */
	int16_t status;         /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_query_size, 16);
XEN_ASSERT_OFFSET(struct gnttab_query_size, status, 12);

struct gnttab_unmap_and_replace {
	uint64_t host_addr;    /* IN */
	uint64_t new_addr;     /* IN */
	grant_handle_t handle; /* IN */
	int16_t status;        /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_unmap_and_replace, 24);

struct gnttab_set_version {
	uint32_t version; /* IN and OUT */
};
XEN_ASSERT_SIZE(struct gnttab_set_version, 4);

struct gnttab_get_status_frames {
	uint32_t nr_frames; /* IN */
	domid_t dom;        /* IN */
	int16_t status;     /* OUT */
	XEN_GUEST_HANDLE(uint64_t) frame_list; /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_get_status_frames, 16);

struct gnttab_get_version {
	domid_t dom; /* IN */
	uint16_t pad;
	uint32_t version; /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_get_version, 8);
XEN_ASSERT_OFFSET(struct gnttab_get_version, version, 4);

struct gnttab_swap_grant_ref {
	grant_ref_t ref_a; /* IN */
	grant_ref_t ref_b; /* IN */
	int16_t status;    /* OUT */
};
XEN_ASSERT_SIZE(struct gnttab_swap_grant_ref, 12);

#define GNTTAB_CACHE_CLEAN       (1u << 0)
#define GNTTAB_CACHE_INVAL       (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)

struct gnttab_cache_flush {
	union {
		uint64_t dev_bus_addr;
		grant_ref_t ref;
	} a;
	uint16_t offset;
	uint16_t length;
	uint32_t op; /* GNTTAB_CACHE_* */
};
XEN_ASSERT_SIZE(struct gnttab_cache_flush, 16);

#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)

#endif
