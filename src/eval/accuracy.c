/* Classes that a classifier says, and how often it is right. */
#include "eval/eval.h"

int drift_most_likely(size_t classes, const float *logits)
{
    size_t best = 0;
    for (size_t j = 1; j < classes; j++)
        if (logits[j] > logits[best])
            best = j;
    return (int)best;
}

double drift_accuracy(size_t n, const int *found, const int32_t *wanted)
{
    size_t right = 0;
    for (size_t i = 0; i < n; i++)
        right += found[i] == wanted[i];
    return (double)right / (double)n;
}
