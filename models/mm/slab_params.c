/*
 * slab_params.c - the parameter tables of the policies' descriptors.
 */
#include "models/mm/slab_common.h"

#define TYPE_BOOL "bool"
#define TYPE_UINT "uint"
#define TYPE_INT "int"
#define TYPE_ENUM "enum"
#define TYPE_STRING "string"
#define CHOICES_BOOL(choices) NULL
#define CHOICES_UINT(choices) NULL
#define CHOICES_INT(choices) NULL
#define CHOICES_STRING(choices) NULL
#define CHOICES_ENUM(choices) JOIN choices
#define JOIN(a, b) a ", " b

const struct slab_param slab_param_table[NR_SLAB_PARAMS] = {
#define SLAB_PARAM(group, name_, type_, def_, min_, max_, choices_, unit_, doc_)                   \
	{ .name = #name_, .type = TYPE_##type_, .def = def_, .min = min_, .max = max_,             \
	  .choices = CHOICES_##type_(choices_), .unit = unit_, .doc = doc_ },
#include "models/mm/slab_params.def"
#undef SLAB_PARAM
};
