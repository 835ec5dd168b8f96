/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Pages of files: of which file, and where in it. They are found by addresses, so their fields are read by helper. */
#ifndef IOTQ_PAGES_H
#define IOTQ_PAGES_H

#include "identity.h"

#define PAGE_SHIFT 12

/* Pages that lie together in a file. */
struct pages {
	__u64 inode;
	__u64 index; /* of the first one, counted in pages */
	__u64 mapping;
	__u64 host;   /* the inode itself */
	__u64 inside; /* of a bio: where it begins, in bytes from the first page on */
	__u32 dev;    /* of the filesystem; a block device is its own */
	__u32 flags;  /* enum pageflags */
};

/*
 * The first page of those that lie together. The second word of all others is odd: one more than its address, or, on newer
 * kernels, the mask that makes it from theirs.
 */
static __always_inline __u64 head_page(__u64 page)
{
	__u64 word = READ(__u64, page + sizeof(word));

	if (!(word & 1))
		return page;
	return word >> 32 == IOTQ_NULL32 ? page & word : word - 1;
}

/* The file of an address space; false if it is none. */
static __always_inline bool describe_mapping(__u64 mapping, struct pages *pages)
{
	struct inode *host = BPF_CORE_READ((struct address_space *)mapping, host);

	if (!host)
		return false;
	pages->mapping = mapping;
	pages->host = (__u64)host;
	pages->inode = BPF_CORE_READ(host, i_ino);
	pages->dev = inode_dev(host, BPF_CORE_READ(host, i_mode));
	return true;
}

/* Those that begin with this one; false if they are not a file's. */
static __always_inline bool describe_pages(__u64 head, struct pages *pages)
{
	struct folio *folio = (void *)head;
	struct page *page = (void *)head;
	__u64 mapping;

	pages->flags = READ(__u64, head); /* the first word */
	if (bpf_core_field_exists(folio->mapping)) {
		mapping = (__u64)BPF_CORE_READ(folio, mapping);
		pages->index = BPF_CORE_READ(folio, index);
	} else {
		mapping = (__u64)BPF_CORE_READ(page, mapping);
		pages->index = BPF_CORE_READ(page, index);
	}
	/* Memory of processes has its owner there, and marks in the lowest bits. */
	return mapping && !(mapping & 3) && describe_mapping(mapping, pages);
}

static __always_inline bool have_flag(const struct pages *pages, __u32 flag)
{
	return pages->flags >> flag & 1;
}

/* How many lie together. */
static __always_inline __u64 page_count(__u64 head, const struct pages *pages)
{
	struct folio___folio_nr *older = (void *)head;
	struct folio *folio = (void *)head;
	struct page___tail *second = (void *)head + bpf_core_type_size(struct page);

	if (!have_flag(pages, bpf_core_enum_value(enum pageflags, PG_head)))
		return 1;
	if (bpf_core_field_exists(folio->_nr_pages))
		return BPF_CORE_READ(folio, _nr_pages);
	if (bpf_core_field_exists(older->_folio_nr_pages))
		return BPF_CORE_READ(older, _folio_nr_pages);
	return BPF_CORE_READ(second, compound_nr);
}

/* The name of a file, by the first of the directory entries that it has in memory. */
static __always_inline void name_of(__u64 host, char *name)
{
	struct hlist_node *alias = BPF_CORE_READ((struct inode *)host, i_dentry.first);
	struct dentry___d_u *older = (void *)alias;
	struct dentry *dentry = (void *)alias;

	name[0] = 0;
	if (!alias)
		return;
	if (bpf_core_field_exists(older->d_u))
		dentry = (void *)alias - bpf_core_field_offset(older->d_u);
	else
		dentry = (void *)alias - bpf_core_field_offset(dentry->d_alias);
	bpf_probe_read_kernel_str(name, IOTQ_NAME_LEN, BPF_CORE_READ(dentry, d_name.name));
}

/* The first page that a bio writes back from the page cache; false if it does something else. */
static __always_inline bool writes_back(struct bio *bio, struct pages *pages)
{
	struct bio_vec *vector;
	__u64 page, head;

	if ((BPF_CORE_READ(bio, bi_opf) & 0xff) != 1 || !BPF_CORE_READ(bio, bi_iter.bi_size))
		return false;
	vector = BPF_CORE_READ(bio, bi_io_vec) + BPF_CORE_READ(bio, bi_iter.bi_idx);
	page = (__u64)BPF_CORE_READ(vector, bv_page);
	head = head_page(page);
	if (!describe_pages(head, pages))
		return false;
	pages->inside = (page - head) / bpf_core_type_size(struct page) << PAGE_SHIFT;
	pages->inside += BPF_CORE_READ(vector, bv_offset);
	return have_flag(pages, bpf_core_enum_value(enum pageflags, PG_writeback));
}

#endif
