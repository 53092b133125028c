/* The nearest known word, to propose where a name is unknown. */
#ifndef DRIFT_BASE_SPELLING_H
#define DRIFT_BASE_SPELLING_H

#include <stddef.h>

/* How many letters must be inserted, left out, replaced or swapped with their neighbour to make `b` of `a`. */
int drift_edit_distance(const char *a, const char *b);

/* Tells whether `known` is closer to `word` than `*best` (start it with NULL), and keeps it there if so. Words that
 * have little in common with `word` are never kept. */
void drift_nearest_word(const char *word, const char *known, const char **best);

#endif
