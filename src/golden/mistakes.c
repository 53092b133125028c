/* The table of mistakes, the backend that makes them, and those that are no ops: weights, gradients, orders. */
#include "golden/mistakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"

const struct drift_golden_mistake drift_golden_mistakes[DRIFT_MISTAKES] = {
#define MISTAKE(bit, name, what, kinds, needs) {name, what, kinds, needs},
#include "golden/mistakes.def"
#undef MISTAKE
};

/* Whether one of the words, which are separated by spaces, is `word`. */
static int has_word(const char *words, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
            return 1;
    return 0;
}

/* "a.b" is true, "!a.b" false; "?a.b" is no false one: true, or a config without it. */
static int flag_holds(const char *flag, size_t length, const json_t *config)
{
    char path[64];
    const int sign = *flag == '!' || *flag == '?';
    snprintf(path, sizeof path, "%.*s", (int)(length - (size_t)sign), flag + sign);
    const json_t *node = drift_golden_setting(config, path);
    return *flag == '!' ? !json_is_true(node) : *flag == '?' ? !json_is_false(node) : json_is_true(node);
}

int drift_golden_mistake_applies(int i, const char *kind, const json_t *config)
{
    const struct drift_golden_mistake *m = &drift_golden_mistakes[i];
    if (!has_word(m->kinds, kind))
        return 0;
    for (const char *flag = m->needs; *flag;) {
        const size_t length = strcspn(flag, "&");
        if (!flag_holds(flag, length, config))
            return 0;
        flag += length + (flag[length] == '&');
    }
    return 1;
}

void drift_golden_wrong_backend(struct drift_golden_wrong *wrong, uint64_t mistakes, int forward)
{
    wrong->backend = *drift_cpu_backend(DRIFT_F64);
    wrong->backend.state = wrong;
    wrong->mistakes = mistakes;
    wrong->forward = forward;
    wrong->tape = NULL;
    wrong->backend.drift_field = drift_golden_wrong_field;
    drift_golden_wrong_ops(wrong);
    drift_golden_wrong_norms(wrong);
}

void drift_golden_wrong_free(struct drift_golden_wrong *wrong) { drift_tape_free(wrong->tape); }

double drift_golden_weight(const drift_golden *golden, double alpha, size_t generated, size_t negatives)
{
    if (golden->mistakes & DRIFT_MISTAKE(GUIDANCE_COUNTS))
        return alpha - 1;
    if (golden->mistakes & DRIFT_MISTAKE(GUIDANCE_N))
        return (alpha - 1) * ((double)generated - 1);
    return drift_guidance_weight(alpha, generated, negatives);
}

void drift_golden_encode(const void *context, drift_tape *tape, drift_tensor *images, drift_features *features)
{
    const struct drift_golden_encoder *encoder = context;
    const size_t first = features->count;
    encoder->encoder.encode(encoder->encoder.context, tape, images, features);
    const uint64_t mistakes = encoder->golden->mistakes;
    for (size_t i = first; i < features->count; i++)
        if (mistakes & DRIFT_MISTAKE(FEATURES_DETACHED) ||
            (mistakes & DRIFT_MISTAKE(ENCODER_DETACHED) && strcmp(features->list[i].name, "global")))
            features->list[i].x = drift_stop_gradient(tape, features->list[i].x);
}

/* ---- orders ---- */

/* Rows (row, column, channel) of a matrix [p p c, width], or columns of [height, p p c], go to (channel, row, column).
 */
static void transpose_patch(size_t p, size_t c, size_t outer, size_t inner, double *x, int back)
{
    const size_t area = p * p, row = area * c;
    double *old = malloc(row * inner * sizeof *old + 1);
    for (size_t o = 0; o < outer && old; o++) {
        double *block = x + o * row * inner;
        memcpy(old, block, row * inner * sizeof *old);
        for (size_t place = 0; place < area; place++)
            for (size_t ch = 0; ch < c; ch++) {
                const size_t last = (place * c + ch) * inner, first = (ch * area + place) * inner;
                memcpy(block + (back ? first : last), old + (back ? last : first), inner * sizeof *old);
            }
    }
    free(old);
}

void drift_golden_reorder(const drift_golden *golden, const char *name, size_t n, double *x, int back)
{
    static const char in[] = "/LightningDiT_0/TorchLinear_0/Dense_0/kernel",
                      out[] = "/LightningDiT_0/FinalLayer_0/TorchLinear_1/Dense_0/";
    const json_t *model = json_object_get(golden->config, "model");
    const size_t p = (size_t)json_integer_value(json_object_get(model, "patch_size")),
                 from = (size_t)json_integer_value(json_object_get(model, "in_channels")),
                 to = (size_t)json_integer_value(json_object_get(model, "out_channels"));
    const char *end = strchr(name, '/');
    if (golden->mistakes & DRIFT_MISTAKE(PATCH_IN) && end && !strcmp(end, in))
        transpose_patch(p, from, 1, n / (p * p * from), x, back);
    if (golden->mistakes & DRIFT_MISTAKE(PATCH_OUT) && end && !strncmp(end, out, sizeof out - 1))
        transpose_patch(p, to, n / (p * p * to), 1, x, back);
}
