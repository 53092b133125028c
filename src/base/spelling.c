/* Edit distance with transpositions of neighbours, over three rows of the table. */
#include "base/spelling.h"

#include <string.h>

enum { LONGEST = 63 };

/* How many letters must be inserted, left out, replaced or swapped with their neighbour to make `b` of `a`. */
static int edit_distance(const char *a, const char *b)
{
    int rows[3][LONGEST + 1]; /* rows i, i-1 and i-2, in turn */
    int m = (int)strlen(a), n = (int)strlen(b);
    if (m > LONGEST || n > LONGEST)
        return LONGEST;
    for (int j = 0; j <= n; j++)
        rows[0][j] = j;
    for (int i = 1; i <= m; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int d = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < d)
                d = above[j] + 1;
            if (row[j - 1] + 1 < d)
                d = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && second[j - 2] + 1 < d)
                d = second[j - 2] + 1;
            row[j] = d;
        }
    }
    return rows[m % 3][n];
}

void drift_nearest_word(const char *word, const char *known, const char **best)
{
    int distance = edit_distance(word, known);
    int longer = (int)(strlen(word) > strlen(known) ? strlen(word) : strlen(known));
    if (2 * distance <= longer && (!*best || distance < edit_distance(word, *best)))
        *best = known;
}

int drift_ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length > tail && !strcmp(text + length - tail, end);
}
