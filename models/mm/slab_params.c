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
#define ROW(name_, type_, def_, min_, max_, choices_, unit_, doc_)                                 \
	{ .name = #name_, .type = TYPE_##type_, .def = def_, .min = min_, .max = max_,             \
	  .choices = CHOICES_##type_(choices_), .unit = unit_, .doc = doc_ },

#define SLAB_PARAM(group, ...) SLAB_PARAM_##group(__VA_ARGS__)

/* SLUB's come first: a layer on top of it heeds all. */
const struct slab_param slab_param_table[NR_SHEAVES_PARAMS] = {
#define SLAB_PARAM_SLUB(...) ROW(__VA_ARGS__)
#define SLAB_PARAM_SHEAF(...)
#include "models/mm/slab_params.def"
#undef SLAB_PARAM_SLUB
#undef SLAB_PARAM_SHEAF
#define SLAB_PARAM_SLUB(...)
#define SLAB_PARAM_SHEAF(...) ROW(__VA_ARGS__)
#include "models/mm/slab_params.def"
#undef SLAB_PARAM_SLUB
#undef SLAB_PARAM_SHEAF
};

#define COUNT(...) +1
#define SLAB_PARAM_SLUB COUNT
#define SLAB_PARAM_SHEAF(...)
_Static_assert(0
#include "models/mm/slab_params.def"
	       == NR_SLUB_PARAMS, "SLUB's parameters are counted wrong");
_Static_assert(sizeof(slab_param_table) == NR_SHEAVES_PARAMS * sizeof(struct slab_param),
	       "the parameters of sheaves are counted wrong");
