/*
 * sizes.c - sizes.h: asking for sizes, and the rule they should follow.
 */
#include "sim/labs/sizes.h"

int sizes_measure(struct kit *k, u64 from, u64 step, bool keep_refused, struct size_point *points, u32 max, u32 *n,
		  struct kms_error *err)
{
	u64 bytes = from;

	for (*n = 0; *n < max; bytes += step) {
		struct size_point *p = &points[*n];
		void *memory;
		int rc = kit_kmalloc(k, bytes, KIT_GFP_KERNEL, &memory, err);

		if (rc)
			return rc;
		*p = (struct size_point){.asked = bytes, .got = memory ? kit_ksize(k, memory) : 0};
		*n += memory || keep_refused;
		if (!memory)
			return 0;
		rc = kit_kfree(k, memory, err);
		if (rc)
			return rc;
	}
	return kms_fail(err, KMS_EUSAGE, "more than %u steps: the step of %llu bytes is too small", max,
			(unsigned long long)step);
}

u64 sizes_rule(u64 bytes)
{
	u64 size = 8;

	if (bytes > 64 && bytes <= 96)
		return 96;
	if (bytes > 128 && bytes <= 192)
		return 192;
	while (size < bytes)
		size *= 2;
	return size <= 4 << 20 ? size : 0;
}
