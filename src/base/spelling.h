/* Words: the nearest known one, to propose where a name is unknown; and how a name ends. */
#ifndef DRIFT_BASE_SPELLING_H
#define DRIFT_BASE_SPELLING_H

#include <stddef.h>

/* Tells whether `known` is closer to `word` than `*best` (start it with NULL), and keeps it there if so. Words that
 * have little in common with `word` are never kept. */
void drift_nearest_word(const char *word, const char *known, const char **best);

/* 1 where text ends with `end` and is longer: a file name with that ending. */
int drift_ends_with(const char *text, const char *end);

#endif
