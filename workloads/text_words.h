/*
 * text_words.h - what text.c writes and text_read.c reads: the keys of a
 * request's line, with the values that are not written.
 */
#ifndef WORKLOADS_TEXT_WORDS_H
#define WORKLOADS_TEXT_WORDS_H

#include "workloads/request.h"

#define TEXT_FIRST_LINE "# kmemsim trace as text, version 1"

enum text_key { KEY_SIZE, KEY_ORDER, KEY_GFP, KEY_NODE, KEY_CACHE, KEY_SITE, KEY_PART, KEY_CONTEXT, KEY_NODEMASK,
		NR_TEXT_KEYS };

struct text_key_word {
	const char *name;
	s64 usual, min, max;
	bool hex;
};

extern const struct text_key_word text_keys[NR_TEXT_KEYS];

s64 text_key_get(const struct kms_request *rq, u32 key);
void text_key_set(struct kms_request *rq, u32 key, s64 value);

#endif
