/*
 * slub_debug_letters.c - the letters of the boot parameter slub_debug; alone here,
 * because the check of configurations needs nothing else of the run time.
 */
#include <string.h>

#include "models/mm/mm_types.h"
#include "models/mm/tunables.h"
#include "sim/engine/base.h"

static const struct {
	char letter;
	u32 flag;
} letters[] = {
	{ 'F', SLAB_CONSISTENCY_CHECKS }, { 'Z', SLAB_RED_ZONE }, { 'P', SLAB_POISON },
	{ 'U', SLAB_STORE_USER },	      { 'O', SLUB_DEBUG_SAME_ORDER },
};

bool kms_slub_debug_flags(const char *text, u32 *flags)
{
	*flags = 0;
	if (!text || !strcmp(text, "-"))
		return true;
	for (; *text; text++) {
		u32 flag = 0;

		for (u32 i = 0; i < KMS_ARRAY_SIZE(letters); i++)
			if (letters[i].letter == (*text & ~0x20))
				flag = letters[i].flag;
		if (!flag)
			return false;
		*flags |= flag;
	}
	return true;
}
