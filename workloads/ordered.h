/*
 * ordered.h - a stream's requests in their global order, one at a time.
 */
#ifndef WORKLOADS_ORDERED_H
#define WORKLOADS_ORDERED_H

#include "workloads/request.h"

struct ordered {
	struct kms_stream *stream;
	struct kms_request *heads; /* by CPU: the next request */
	bool *done;
	s32 current; /* CPU whose request was handed out last; -1 none */
};

int ordered_open(struct ordered *o, struct kms_stream *stream, struct kms_error *err);
/* 1: *rq is the next request, valid until the next call; 0 end; < 0 error. */
int ordered_next(struct ordered *o, const struct kms_request **rq, struct kms_error *err);
void ordered_close(struct ordered *o); /* the stream stays open */
/* visit() for every request; ends early when that returns an error. */
int ordered_each(struct kms_stream *stream,
		 int (*visit)(void *arg, const struct kms_request *rq, struct kms_error *err), void *arg,
		 struct kms_error *err);

#endif
