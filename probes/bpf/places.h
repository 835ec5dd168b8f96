/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Places that belong to a thread, or to another key, while it does something: values of an array, found by keys in a
 * second one. A key is in one of so many places, whose keys lie in one cache line. When the place is given back the key
 * stays, but marked: so a thread has the one again that it had before, and what it has now is never taken for what it had.
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
	__u32 index; /* its own, since it was somebody's first */
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

/* A key where it was last. No key is like this: the bit is that of its neighbours in an address, and clear in others. */
#define LEFT(key) ((key) ^ 1ull << 60)

/* The index of the place with these bits in place of its key, in one line; IOTQ_NULL32 without one. */
static __always_inline __u32 find_key(const struct place_keys *keys, __u32 line, __u64 bits)
{
	if (!keys)
		return IOTQ_NULL32;
#pragma unroll
	for (__u32 i = 0; i < IOTQ_PLACE_KEYS; i++) {
		if (keys->key[i] == bits)
			return line * IOTQ_PLACE_KEYS + i;
	}
	return IOTQ_NULL32;
}

/* The index of the place that this key has, which is not zero; IOTQ_NULL32 without one. */
static __always_inline __u32 find_place(struct places all, __u64 key)
{
	__u32 line = key_line(all, key);

	return key ? find_key(bpf_map_lookup_elem(all.keys, &line), line, key) : IOTQ_NULL32;
}

/* Where the key of a place is. */
static __always_inline __u64 *key_of(struct places all, __u32 index)
{
	__u32 line = index / IOTQ_PLACE_KEYS;
	struct place_keys *keys = bpf_map_lookup_elem(all.keys, &line);

	return keys ? &keys->key[index % IOTQ_PLACE_KEYS] : NULL;
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

static __always_inline void unclaim(struct place *place)
{
	place->holder = 0;
	__sync_fetch_and_add(&place->claims, -1);
}

static __always_inline void release(struct places all, struct place *place)
{
	__u64 *key = key_of(all, place->index);

	if (key)
		*key = LEFT(place->holder);
	unclaim(place);
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
		place->index = line * IOTQ_PLACE_KEYS + i;
		keys->key[i] = key;
		return place->index;
	}
	return IOTQ_NULL32;
}

/* The place that the key had before, if nobody else has taken it. */
static __always_inline __u32 retake_place(struct places all, __u64 key)
{
	__u32 line = key_line(all, key);
	struct place_keys *keys = bpf_map_lookup_elem(all.keys, &line);
	__u32 index = find_key(keys, line, LEFT(key));
	struct place *place = place_at(all, index);
	__u64 *at;

	if (!keys || !place || !claim(place, key))
		return IOTQ_NULL32;
	at = &keys->key[index % IOTQ_PLACE_KEYS];
	/* Somebody else may have had it in between. */
	if (*(volatile __u64 *)at != LEFT(key)) {
		unclaim(place);
		return IOTQ_NULL32;
	}
	*at = key;
	return index;
}

/* A place for this key, the same again if it can be; IOTQ_NULL32 where there is none. */
static __always_inline __u32 take_place(struct places all, __u64 key)
{
	__u32 index = retake_place(all, key);

	return index == IOTQ_NULL32 ? make_place(all, key) : index;
}

#endif
