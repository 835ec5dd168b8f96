/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Places that belong to a thread, or to another key, while it does something: values of an array, found by keys in a
 * second one. A key is in one of so many places, whose keys lie in one cache line. It stays there when the place is
 * given back, so a thread finds the one that it had before.
 */
#ifndef IOTQ_PLACES_H
#define IOTQ_PLACES_H

#include "config.h"

struct place_keys {
	__u64 key[IOTQ_PLACE_KEYS];
};

/* Part of each value. */
struct place {
	__u64 holder; /* the key of whose this place is, from its claim to its release */
	__u32 claims;
	__u32 pad;
};

/* The two arrays, sized by the installer; `mask`: how many lines of keys there are, less one, of a power of two. */
struct places {
	void *keys, *values;
	__u32 mask;
	__u32 offset; /* of the place in its value */
};

static __always_inline struct place *place_at(struct places all, __u32 index)
{
	void *value = bpf_map_lookup_elem(all.values, &index);

	return value ? value + all.offset : NULL;
}

static __always_inline __u32 key_line(struct places all, __u64 key)
{
	return (__u32)(key * 0x9e3779b97f4a7c15ull >> 40) & all.mask;
}

/* The index of the place with this key, which is not zero; IOTQ_NULL32 without one. */
static __always_inline __u32 find_place(struct places all, __u64 key)
{
	__u32 line = key_line(all, key);
	struct place_keys *keys = bpf_map_lookup_elem(all.keys, &line);

	if (!keys || !key)
		return IOTQ_NULL32;
#pragma unroll
	for (__u32 i = 0; i < IOTQ_PLACE_KEYS; i++) {
		if (keys->key[i] == key)
			return line * IOTQ_PLACE_KEYS + i;
	}
	return IOTQ_NULL32;
}

/*
 * A place belongs to one key from its claim to its release. Without locks, which older kernels do not have here: of two
 * that add themselves to the claims, at most one finds itself alone.
 */
static __always_inline bool claim(struct place *place, __u64 key)
{
	__sync_fetch_and_add(&place->claims, 1);
	if (*(volatile __u32 *)&place->claims == 1) {
		place->holder = key;
		return true;
	}
	__sync_fetch_and_add(&place->claims, -1);
	return false;
}

static __always_inline void release(struct place *place)
{
	place->holder = 0;
	__sync_fetch_and_add(&place->claims, -1);
}

/* A place that nobody uses now, for this key; IOTQ_NULL32 where there is none. */
static __always_inline __u32 make_place(struct places all, __u64 key)
{
	__u32 line = key_line(all, key);
	struct place_keys *keys = bpf_map_lookup_elem(all.keys, &line);

	if (!keys)
		return IOTQ_NULL32;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_PLACE_KEYS; i++) {
		struct place *place = place_at(all, line * IOTQ_PLACE_KEYS + i);

		if (!place)
			return IOTQ_NULL32;
		if (place->holder || !claim(place, key))
			continue;
		keys->key[i] = key;
		return line * IOTQ_PLACE_KEYS + i;
	}
	return IOTQ_NULL32;
}

/* The place that the key had before, if nobody else has taken it. */
static __always_inline __u32 retake_place(struct places all, __u64 key)
{
	__u32 index = find_place(all, key);
	struct place *place = place_at(all, index);

	if (!place || !claim(place, key))
		return IOTQ_NULL32;
	/* Somebody else may have had it in between. */
	if (find_place(all, key) == index)
		return index;
	release(place);
	return IOTQ_NULL32;
}

#endif
