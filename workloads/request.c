/*
 * request.c - names and classes of the requests of request.h.
 */
#include "workloads/request.h"

const char *const kms_request_names[NR_REQUESTS] = {
#define REQUEST_NAME(id, name, class, doc) [id] = name,
	KMS_REQUESTS(REQUEST_NAME)
#undef REQUEST_NAME
};

const char kms_request_classes[NR_REQUESTS] = {
#define REQUEST_CLASS(id, name, class, doc) [id] = class,
	KMS_REQUESTS(REQUEST_CLASS)
#undef REQUEST_CLASS
};
