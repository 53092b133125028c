/* The table of data sets, opening and drawing. */
#include "data/data.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/random.h"
#include "base/real.h"
#include "base/spelling.h"
#include "data/source.h"
#include "io/file.h"

/* A new set by formula is a row here and its law in law.c; one made of files has the folder below data/. */
#define SETS(ROW)                                                                                                      \
    ROW("checkerboard", &drift_law_checkerboard, NULL)                                                                 \
    ROW("swiss_roll", &drift_law_swiss_roll, NULL)                                                                     \
    ROW("two_moons", &drift_law_two_moons, NULL)                                                                       \
    ROW("gaussians8", &drift_law_gaussians8, NULL)                                                                     \
    ROW("gaussians8_wide", &drift_law_gaussians8_wide, NULL)                                                           \
    ROW("gaussians25", &drift_law_gaussians25, NULL)                                                                   \
    ROW("spiral", &drift_law_spiral, NULL)                                                                             \
    ROW("pinwheel", &drift_law_pinwheel, NULL)                                                                         \
    ROW("digits", NULL, "digits")

#define LISTED(name, law, folder) ", " name
#define SET(name, law, folder) {name, law, folder},

static const char listed[] = SETS(LISTED);

static const struct named {
    const char *name;
    const struct drift_data_law *law;
    const char *folder;
} sets[] = {SETS(SET)};

enum { COUNT = sizeof sets / sizeof *sets };

static const struct named *find_set(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (!strcmp(sets[i].name, name))
            return &sets[i];
    return NULL;
}

/* ---- opening ---- */

static drift_status fail_unknown(const char *name, int error)
{
    const char *nearest = NULL;
    for (int i = 0; i < COUNT; i++)
        drift_nearest_word(name, sets[i].name, &nearest);
    return drift_fail(DRIFT_INVALID, "%s: neither a file (%s) nor a data set%s%s%s; the sets are %s", name,
                      strerror(error), nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
                      listed + 2);
}

/* Opens a file by what its first bytes say it is. */
static drift_status open_path(const char *path, enum drift_data_split split, struct drift_data *data)
{
    unsigned char head[4] = {0};
    struct stat info;
    if (stat(path, &info))
        return fail_unknown(path, errno);
    if (drift_data_is_cifar(path))
        return drift_data_open_cifar(path, split, data);
    if (S_ISDIR(info.st_mode))
        return drift_data_open_idx(path, split, data);
    gzFile file = gzopen(path, "rb"); /* reads files that are not gzip as they are */
    if (!file)
        return drift_fail(DRIFT_IO, "%s: %s", path, strerror(errno));
    int got = gzread(file, head, sizeof head);
    gzclose(file);
    if (got == sizeof head && !memcmp(head, "\x89PNG", 4))
        return drift_data_open_density(path, data);
    if (got == sizeof head && !memcmp(head, "\0\0\x08", 3))
        return drift_data_open_idx(path, split, data);
    return drift_data_open_points(path, split, data);
}

static drift_status open_set(const struct named *set, enum drift_data_split split, struct drift_data *data)
{
    char *path;
    if (set->law) {
        data->law = set->law;
        data->by_batch = set->law->by_batch;
        data->classes = set->law->classes;
        data->dim = 2;
        return DRIFT_OK;
    }
    drift_status status = drift_data_find(set->folder, &path);
    if (status)
        return status;
    status = drift_data_open_idx(path, split, data);
    free(path);
    return status;
}

drift_status drift_data_open(const char *name, enum drift_data_split split, struct drift_data **data)
{
    *data = NULL;
    if (!*name)
        return drift_fail(DRIFT_INVALID, "no data set is named: --data NAME|FILE, or dataset.name in a recipe");
    const struct named *set = find_set(name);
    struct drift_data *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->name = strdup(name))) {
        free(opened);
        return drift_fail_memory(name, sizeof *opened);
    }
    drift_status status = set ? open_set(set, split, opened) : open_path(name, split, opened);
    if (status)
        drift_data_close(opened);
    else
        *data = opened;
    return status;
}

void drift_data_close(struct drift_data *data)
{
    if (!data)
        return;
    drift_data_density_free(data->density);
    free((void *)data->labels);
    free((void *)data->rows);
    free(data->name);
    free(data);
}

/* ---- drawing ---- */

/* Two normals of one block, as base/random.h says. */
static void normal_pair(const uint32_t word[4], double z[2])
{
    double u1 = ((word[0] >> 8) + 1) * 0x1p-24, angle = 6.28318530717958647692 * drift_data_uniform(word[1]);
    double r = sqrt(-2 * drift_log(u1));
    z[0] = r * drift_cos(angle);
    z[1] = r * drift_sin(angle);
}

/* Sample i is made of blocks 2i (the law) and 2i+1 (normals). */
static void draw_law(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step, uint32_t purpose,
                     float *out, int32_t *label, double *points)
{
    const struct drift_data_law *law = data->law;
    double largest = 0;
#pragma omp parallel for schedule(static) reduction(max : largest) if (n >= 256)
    for (size_t i = 0; i < n; i++) {
        uint32_t word[4], noise[4];
        double z[2], p[2];
        drift_philox(seed, 2 * (uint64_t)i, step, purpose, word);
        drift_philox(seed, 2 * (uint64_t)i + 1, step, purpose, noise);
        normal_pair(noise, z);
        const int class = law->point(data, word, z, p);
        if (label)
            label[i] = class;
        for (int k = 0; k < 2; k++) {
            out[2 * i + k] = (float)(p[k] + law->noise * z[k]);
            if (points) {
                points[4 * i + k] = p[k];
                points[4 * i + 2 + k] = law->noise * z[k];
                largest = fabs(p[k]) > largest ? fabs(p[k]) : largest;
            }
        }
    }
    for (size_t i = 0; points && i < 2 * n; i++)
        out[i] = (float)(points[i + i / 2 * 2] / largest + points[i + i / 2 * 2 + 2]);
}

static drift_status draw_endless(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step,
                                 uint32_t purpose, float *out, int32_t *label)
{
    double *points = NULL; /* [n,2,2]: before and of the noise */
    if (data->by_batch && n && (n > SIZE_MAX / (4 * sizeof *points) || !(points = malloc(n * 4 * sizeof *points))))
        return drift_fail_memory(data->name, n * 4 * sizeof *points);
    draw_law(data, n, seed, step, purpose, out, label, points);
    free(points);
    return DRIFT_OK;
}

/* Rounds of Fisher and Yates: round r takes elements r size ... of the stream, as many as it needs. */
drift_status drift_data_draw_indices(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step,
                                     uint32_t purpose, size_t *index)
{
    size_t size = data->size;
    if (!size)
        return drift_fail(DRIFT_INVALID, "%s: an endless set has no rows to draw from", data->name);
    uint32_t *row = malloc(size * sizeof *row);
    if (!row)
        return drift_fail_memory(data->name, size * sizeof *row);
    for (size_t i = 0; i < n; i++) {
        size_t at = i % size;
        for (size_t j = 0; at == 0 && j < size; j++)
            row[j] = (uint32_t)j;
        size_t other = at + drift_random_below(seed, purpose, step, i, (uint32_t)(size - at));
        uint32_t taken = row[other];
        row[other] = row[at];
        row[at] = taken;
        index[i] = taken;
    }
    free(row);
    return DRIFT_OK;
}

drift_status drift_data_draw_labelled(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step,
                                      uint32_t purpose, float *out, int32_t *label)
{
    if (!data->size)
        return draw_endless(data, n, seed, step, purpose, out, label);
    size_t *index = n > SIZE_MAX / sizeof *index ? NULL : malloc((n + 1) * sizeof *index);
    if (!index)
        return drift_fail_memory(data->name, n * sizeof *index);
    drift_status status = drift_data_draw_indices(data, n, seed, step, purpose, index);
    for (size_t i = 0; i < n && !status; i++) {
        memcpy(out + i * data->dim, data->rows + index[i] * data->dim, data->dim * sizeof *out);
        if (label)
            label[i] = data->labels ? data->labels[index[i]] : 0;
    }
    free(index);
    return status;
}

drift_status drift_data_draw(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step, uint32_t purpose,
                             float *out)
{
    return drift_data_draw_labelled(data, n, seed, step, purpose, out, NULL);
}
