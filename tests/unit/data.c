/* Data sets: the laws of those made by formula, reading of the others, and which rows a batch takes. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "data/augment.h"
#include "data/data.h"
#include "io/png.h"

#define OK(call) ck_assert_msg((call) == DRIFT_OK, "%s", drift_message())
#define FAILS(call, line)                                                                                              \
    do {                                                                                                               \
        ck_assert_int_eq(call, DRIFT_INVALID);                                                                         \
        ck_assert_msg(strstr(drift_message(), line) != NULL, "got: %s", drift_message());                              \
    } while (0)

enum { N = 20000 };
static float x[2 * N];
static const char *const formulas[] = {"checkerboard", "swiss_roll", "two_moons", "gaussians8",
                                       "gaussians25",  "spiral",     "pinwheel"};
enum { FORMULAS = sizeof formulas / sizeof *formulas };

static struct drift_data *open_set(const char *name, enum drift_data_split split)
{
    struct drift_data *data;
    OK(drift_data_open(name, split, &data));
    ck_assert_str_eq(data->name, name);
    return data;
}

static void draw(const char *name, size_t n, uint64_t seed, uint32_t step, uint32_t purpose, float *out)
{
    struct drift_data *data = open_set(name, DRIFT_DATA_ALL);
    OK(drift_data_draw(data, n, seed, step, purpose, out));
    drift_data_close(data);
}

/* ---- by formula ---- */

START_TEST(bounds)
{
    float largest = 0;
    draw(formulas[_i], N, 1, 0, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < 2 * N; i++) {
        ck_assert_msg(fabsf(x[i]) <= 1.4F, "%s: %g", formulas[_i], x[i]);
        largest = fmaxf(largest, fabsf(x[i]));
    }
    ck_assert_float_ge(largest, 0.8F);
}
END_TEST

START_TEST(same_arguments_same_points)
{
    static float y[2 * 1000];
    draw(formulas[_i], 1000, 3, 4, 5, x);
    draw(formulas[_i], 1000, 3, 4, 5, y);
    ck_assert_mem_eq(x, y, sizeof y);
    draw(formulas[_i], 1000, 3, 4, 6, y);
    ck_assert_mem_ne(x, y, sizeof y);
    draw(formulas[_i], 1000, 3, 5, 5, y);
    ck_assert_mem_ne(x, y, sizeof y);
    draw(formulas[_i], 1000, 4, 4, 5, y);
    ck_assert_mem_ne(x, y, sizeof y);
    struct drift_data *data = open_set(formulas[_i], DRIFT_DATA_ALL);
    ck_assert_int_eq(data->by_batch, !strcmp(formulas[_i], "swiss_roll"));
    if (!data->by_batch) { /* a smaller batch is the head of a larger */
        OK(drift_data_draw(data, 77, 3, 4, 5, y));
        ck_assert_mem_eq(x, y, 77 * 2 * sizeof *y);
    }
    drift_data_close(data);
}
END_TEST

/* The noise of 0.05 aside, a point lies in one of eight squares of side 1/2, each as likely. */
START_TEST(checkerboard_squares)
{
    int count[16] = {0}, outside = 0;
    draw("checkerboard", N, 0, 0, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < N; i++) {
        int column = (int)floorf(2 * x[2 * i] + 2), row = (int)floorf(2 * x[2 * i + 1] + 2);
        if (column < 0 || column > 3 || row < 0 || row > 3)
            outside++;
        else
            count[4 * row + column]++;
    }
    for (int k = 0; k < 16; k++) {
        int dark = (k % 4 + k / 4) % 2 == 0;
        /* A coordinate leaves its square by a share of 2 * 0.05 * 0.399 / 0.5 = 0.080, a point by 0.153. */
        if (dark)
            ck_assert_double_eq_tol(count[k], N / 8.0 * (1 - 0.153), 5 * sqrt(N / 8.0));
        else
            ck_assert_int_lt(count[k], N / 8 * 0.16 + 5 * sqrt(N / 8 * 0.16));
    }
    ck_assert_int_lt(outside, N / 10);
}
END_TEST

/* Mean 0, variance (1/3 + 0.05^2) per coordinate: every row and column of the board is as likely. */
START_TEST(checkerboard_moments)
{
    double m1 = 0, m2 = 0;
    draw("checkerboard", N, 2, 9, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < 2 * N; i++) {
        m1 += x[i] / (2.0 * N);
        m2 += (double)x[i] * x[i] / (2.0 * N);
    }
    ck_assert_double_eq_tol(m1, 0, 5 * sqrt(0.34 / N));
    ck_assert_double_eq_tol(m2, 1.0 / 3 + 0.0025, 5 * sqrt(0.1 / N));
}
END_TEST

/* Before the noise the largest coordinate of the batch is 1, so radius and angle t / 14.13 and t belong together. Their
 * difference has the noise's variance along the radius, and 1/r^2 of it across: E 1/r^2 = 1 / (pi/2 9pi/2). */
START_TEST(swiss_roll_band)
{
    const double pi = 3.14159265358979323846, end = 14.1372, sigma = 0.03 * end;
    double square = 0;
    draw("swiss_roll", N, 0, 0, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < N; i++) {
        double px = x[2 * i] * end, py = x[2 * i + 1] * end;
        double turns = (sqrt(px * px + py * py) - atan2(py, px)) / (2 * pi);
        square += pow((turns - floor(turns + 0.5)) * 2 * pi, 2) / N;
    }
    ck_assert_double_eq_tol(square, sigma * sigma * 1.045, 0.05 * sigma * sigma);
}
END_TEST

/* Modes as likely as each other, each as wide as its sigma says. */
static void check_modes(const char *name, int modes, void (*centre)(int k, double *p), double sigma)
{
    int count[25] = {0};
    double square = 0;
    draw(name, N, 5, 0, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < N; i++) {
        double best = 1e9;
        int nearest = 0;
        for (int k = 0; k < modes; k++) {
            double p[2];
            centre(k, p);
            double d = pow(x[2 * i] - p[0], 2) + pow(x[2 * i + 1] - p[1], 2);
            if (d < best) {
                best = d;
                nearest = k;
            }
        }
        count[nearest]++;
        square += best / N;
    }
    for (int k = 0; k < modes; k++)
        ck_assert_double_eq_tol(count[k], (double)N / modes, 5 * sqrt((double)N / modes));
    ck_assert_double_eq_tol(square, 2 * sigma * sigma, 5 * 2 * sigma * sigma / sqrt(N));
}

static void ring(int k, double *p)
{
    p[0] = 0.8 * cos(k * 0.78539816339744830962);
    p[1] = 0.8 * sin(k * 0.78539816339744830962);
}

static void grid(int k, double *p)
{
    p[0] = 0.4 * (k % 5 - 2);
    p[1] = 0.4 * (k / 5 - 2);
}

START_TEST(gaussians)
{
    check_modes("gaussians8", 8, ring, 0.05);
    check_modes("gaussians25", 25, grid, 0.03);
}
END_TEST

/* Both halves of what comes as two: (x, y) and its mirror image by the centre, as often. */
START_TEST(symmetry)
{
    static const char *const names[] = {"two_moons", "spiral", "pinwheel"};
    double mean[2] = {0, 0};
    draw(names[_i], N, 6, 0, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < 2 * N; i++)
        mean[i % 2] += x[i] / (double)N;
    ck_assert_double_eq_tol(mean[0], 0, 5 * sqrt(0.5 / N));
    ck_assert_double_eq_tol(mean[1], 0, 5 * sqrt(0.5 / N));
}
END_TEST

/* ---- a picture ---- */

START_TEST(picture)
{
    char folder[] = "/tmp/drift-data-XXXXXX", path[64];
    unsigned char pixels[2 * 4] = {255, 255, 0, 255, 255, 255, 255, 170}; /* 255 dark at (2,0), 85 at (3,1) */
    struct drift_picture picture = {2, 4, 1, pixels};
    int count[2] = {0, 0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/picture", folder);
    OK(drift_png_write(path, &picture));
    draw(path, N, 0, 0, DRIFT_RANDOM_DATA, x);
    for (int i = 0; i < N; i++) { /* the picture is [-1,1] x [-0.5,0.5], y upwards */
        int lower = x[2 * i + 1] < 0;
        ck_assert(lower ? x[2 * i] >= 0.5F && x[2 * i] <= 1 && x[2 * i + 1] >= -0.5F
                        : x[2 * i] >= 0 && x[2 * i] <= 0.5F && x[2 * i + 1] <= 0.5F);
        count[lower]++;
    }
    ck_assert_double_eq_tol(count[0], 0.75 * N, 5 * sqrt(0.1875 * N));
    memset(pixels, 255, sizeof pixels);
    OK(drift_png_write(path, &picture));
    struct drift_data *data;
    FAILS(drift_data_open(path, DRIFT_DATA_ALL, &data), "expected a picture with dark pixels");
    unlink(path);
    rmdir(folder);
}
END_TEST

/* ---- rows ---- */

START_TEST(digits)
{
    struct drift_data *all = open_set("digits", DRIFT_DATA_ALL), *train = open_set("digits", DRIFT_DATA_TRAIN),
                      *test = open_set("digits", DRIFT_DATA_TEST);
    int seen[10] = {0};
    float low = 2, high = -2;
    ck_assert_uint_eq(all->size, 1797);
    ck_assert_uint_eq(all->dim, 64);
    ck_assert(all->height == 8 && all->width == 8 && all->channels == 1 && all->classes == 10);
    for (size_t i = 0; i < all->size; i++)
        seen[all->labels[i]]++;
    for (int k = 0; k < 10; k++)
        ck_assert(seen[k] >= 170 && seen[k] <= 190);
    for (size_t i = 0; i < all->size * all->dim; i++) {
        low = fminf(low, all->rows[i]);
        high = fmaxf(high, all->rows[i]);
    }
    ck_assert(low == -1 && high == 1);
    ck_assert_float_eq(all->rows[2], 5 / 8.0F - 1); /* the first digit is a 0 whose third pixel is 5 */
    ck_assert_int_eq(all->labels[0], 0);
    ck_assert_uint_eq(train->size, 1437);
    ck_assert_uint_eq(test->size, 360);
    ck_assert_mem_eq(train->rows, all->rows, 1437 * 64 * sizeof(float));
    ck_assert_mem_eq(test->rows, all->rows + 1437 * 64, 360 * 64 * sizeof(float));
    ck_assert_mem_eq(test->labels, all->labels + 1437, 360 * sizeof(int));
    drift_data_close(all);
    drift_data_close(train);
    drift_data_close(test);
}
END_TEST

/* Classes of points by formula, all about as frequent; of eight Gaussians the one that is nearest. Of rows, theirs. */
START_TEST(labels)
{
    static int32_t label[N];
    for (size_t f = 0; f < sizeof formulas / sizeof *formulas; f++) {
        struct drift_data *data = open_set(formulas[f], DRIFT_DATA_ALL);
        int seen[32] = {0}, classes = data->classes ? data->classes : 1;
        OK(drift_data_draw_labelled(data, N, 1, 0, DRIFT_RANDOM_DATA, x, label));
        for (int i = 0; i < N; i++) {
            ck_assert(label[i] >= 0 && label[i] < classes);
            seen[label[i]]++;
            if (!strcmp(formulas[f], "gaussians8"))
                ck_assert(hypot(x[2 * i] - 0.8 * cos(0.78539816339744831 * label[i]),
                                x[2 * i + 1] - 0.8 * sin(0.78539816339744831 * label[i])) < 0.3);
        }
        for (int k = 0; k < classes; k++)
            ck_assert_double_eq_tol(seen[k], (double)N / classes, 5 * sqrt((double)N / classes));
        drift_data_close(data);
    }
    struct drift_data *wide = open_set("gaussians8_wide", DRIFT_DATA_ALL);
    double squares = 0;
    OK(drift_data_draw_labelled(wide, N, 1, 0, DRIFT_RANDOM_DATA, x, label));
    for (int i = 0; i < N; i++) {
        const double angle = 0.78539816339744831 * label[i];
        squares += pow(x[2 * i] - 0.8 * cos(angle), 2) + pow(x[2 * i + 1] - 0.8 * sin(angle), 2);
    }
    ck_assert_double_eq_tol(squares / (2 * N), 0.04, 5 * 0.04 / sqrt(N));
    drift_data_close(wide);
    struct drift_data *digits = open_set("digits", DRIFT_DATA_ALL);
    static float images[50 * 64];
    size_t index[50];
    OK(drift_data_draw_labelled(digits, 50, 2, 3, DRIFT_RANDOM_DATA, images, label));
    OK(drift_data_draw_indices(digits, 50, 2, 3, DRIFT_RANDOM_DATA, index));
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(label[i], digits->labels[index[i]]);
    drift_data_close(digits);
}
END_TEST

/* Without repetition; beyond the size in whole rounds; each row as likely at each place. */
START_TEST(draws_of_rows)
{
    struct drift_data *data = open_set("digits", DRIFT_DATA_ALL);
    static size_t index[4000], again[4000];
    static int count[1797];
    static float rows[100 * 64];
    OK(drift_data_draw_indices(data, 4000, 7, 8, DRIFT_RANDOM_DATA, index));
    for (int round = 0; round < 2; round++) {
        memset(count, 0, sizeof count);
        for (size_t i = 0; i < 1797; i++)
            count[index[(size_t)round * 1797 + i]]++;
        for (size_t i = 0; i < 1797; i++)
            ck_assert_int_eq(count[i], 1);
    }
    ck_assert_mem_ne(index, index + 1797, 1797 * sizeof *index);
    OK(drift_data_draw_indices(data, 100, 7, 8, DRIFT_RANDOM_DATA, again));
    ck_assert_mem_eq(index, again, 100 * sizeof *index);
    OK(drift_data_draw(data, 100, 7, 8, DRIFT_RANDOM_DATA, rows));
    for (size_t i = 0; i < 100; i++)
        ck_assert_mem_eq(rows + i * 64, data->rows + index[i] * 64, 64 * sizeof *rows);
    double mean = 0;
    for (uint32_t step = 0; step < 200; step++) {
        OK(drift_data_draw_indices(data, 100, 7, step, DRIFT_RANDOM_DATA, again));
        for (int i = 0; i < 100; i++)
            mean += (double)again[i] / 20000;
    }
    ck_assert_double_eq_tol(mean, 898, 5 * 1797 / sqrt(12 * 20000.0));
    drift_data_close(data);
}
END_TEST

START_TEST(files)
{
    struct drift_data *data = open_set("tests/data/stored.npz", DRIFT_DATA_ALL);
    ck_assert(data->size == 2 && data->dim == 3 && data->height == 0 && data->classes == 4 && data->labels[0] == 3);
    ck_assert_float_eq(data->rows[5], 0.75F);
    drift_data_close(data);
    data = open_set("tests/data/f8.npy", DRIFT_DATA_ALL);
    ck_assert_float_eq(data->rows[0], -0.5F);
    drift_data_close(data);
    data = open_set("tests/data/points.csv", DRIFT_DATA_ALL);
    ck_assert(data->size == 2 && data->dim == 2 && !data->labels);
    drift_data_close(data);
    data = open_set("tests/data/images.idx3-ubyte.gz", DRIFT_DATA_ALL);
    ck_assert(data->size == 3 && data->height == 2 && data->labels[0] == 2);
    ck_assert_float_eq(data->rows[11], (float)(2 * 220 / 255.0 - 1));
    drift_data_close(data);
    data = open_set("tests/data", DRIFT_DATA_TEST); /* a folder with images: the last of three */
    ck_assert(data->size == 1 && data->labels[0] == 1);
    drift_data_close(data);
}
END_TEST

/* Two records in tests/data: planes of one colour, of rising rows, of rising columns. */
START_TEST(cifar)
{
    char folder[] = "/tmp/drift-cifar-XXXXXX", path[96], record[3073] = {7};
    struct drift_data *data = open_set("tests/data/cifar.bin.gz", DRIFT_DATA_ALL);
    ck_assert(data->size == 2 && data->height == 32 && data->width == 32 && data->channels == 3 && data->classes == 10);
    ck_assert(data->labels[0] == 3 && data->labels[1] == 9);
    const float *pixel = data->rows + data->dim + (5 * 32 + 7) * 3; /* of image 1, row 5, column 7 */
    ck_assert_float_eq(pixel[0], (float)(2 * 180 / 255.0 - 1));
    ck_assert_float_eq(pixel[1], (float)(2 * 40 / 255.0 - 1));
    ck_assert_float_eq(pixel[2], (float)(2 * 56 / 255.0 - 1));
    drift_data_close(data);

    ck_assert(mkdtemp(folder) != NULL);
    for (int file = 0; file < 3; file++) { /* two training files of one and two images, a test file of one */
        static const char *const names[] = {"data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"};
        snprintf(path, sizeof path, "%s/%s", folder, names[file]);
        FILE *f = fopen(path, "wb");
        record[0] = (char)(file + 1);
        record[3072] = 100;
        for (int i = 0; i < 1 + (file == 1); i++)
            ck_assert(fwrite(record, 1, sizeof record, f) == sizeof record);
        ck_assert(!fclose(f));
    }
    static const size_t sizes[] = {[DRIFT_DATA_ALL] = 4, [DRIFT_DATA_TRAIN] = 3, [DRIFT_DATA_TEST] = 1};
    for (int split = DRIFT_DATA_ALL; split <= DRIFT_DATA_TEST; split++) {
        data = open_set(folder, (enum drift_data_split)split);
        ck_assert_uint_eq(data->size, sizes[split]);
        ck_assert_int_eq(data->labels[data->size - 1], split == DRIFT_DATA_TRAIN ? 2 : 3);
        ck_assert_float_eq(data->rows[data->dim - 1], (float)(2 * 100 / 255.0 - 1));
        drift_data_close(data);
    }
    ck_assert(!truncate(path, 3000));
    FAILS(drift_data_open(path, DRIFT_DATA_ALL, &data),
          "test_batch.bin: 3000 bytes: expected CIFAR-10's records of 3073");
    FAILS(drift_data_open(folder, DRIFT_DATA_TEST, &data), "3000 bytes");
    ck_assert(!truncate(path, 0));
    FAILS(drift_data_open(path, DRIFT_DATA_ALL, &data), "0 bytes");
    FILE *f = fopen(path, "wb");
    record[0] = 10;
    ck_assert(fwrite(record, 1, sizeof record, f) == sizeof record && !fclose(f));
    FAILS(drift_data_open(path, DRIFT_DATA_ALL, &data), "byte 0: expected a label of 0 to 9, got 10");
    snprintf(path, sizeof path, "rm -r %s", folder);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

START_TEST(errors)
{
    struct drift_data *data;
    FAILS(drift_data_open("checkerbord", DRIFT_DATA_ALL, &data), "did you mean checkerboard?");
    ck_assert_ptr_null(data);
    FAILS(drift_data_open("tests", DRIFT_DATA_ALL, &data), "tests: expected images.idx3-ubyte");
    FAILS(drift_data_open("tests/data/recipe.yaml", DRIFT_DATA_ALL, &data),
          "recipe.yaml:3: column 1: expected a finite");
    setenv("DRIFT_DATA", "/nowhere", 1);
    FAILS(drift_data_open("digits", DRIFT_DATA_ALL, &data), "digits: not found in DRIFT_DATA=/nowhere");
}
END_TEST

/* An unknown name is answered with all that are known. */
START_TEST(unknown_name)
{
    struct drift_data *data;
    ck_assert_int_eq(drift_data_open("chekerboard", DRIFT_DATA_ALL, &data), DRIFT_INVALID);
    ck_assert_ptr_nonnull(strstr(drift_message(), "did you mean checkerboard?"));
    ck_assert_ptr_nonnull(strstr(drift_message(), "the sets are checkerboard, swiss_roll"));
    for (int i = 0; i < FORMULAS; i++)
        ck_assert_msg(strstr(drift_message(), formulas[i]) != NULL, "%s", formulas[i]);
    ck_assert_ptr_nonnull(strstr(drift_message(), "gaussians8_wide"));
    ck_assert_ptr_nonnull(strstr(drift_message(), ", digits"));
}
END_TEST

/* Rectangles lie inside, have the shares of area and the aspects that the spec gives, and differ. */
START_TEST(crops)
{
    enum { H = 32, W = 24, N = 2000 };
    double least = 1, most = 0, mean = 0;
    size_t left = 0, wholes = 0;
    for (size_t i = 0; i < N; i++) {
        const struct drift_crop crop = drift_draw_crop(H, W, 7, 3, i), again = drift_draw_crop(H, W, 7, 3, i);
        ck_assert(!memcmp(&crop, &again, sizeof crop));
        ck_assert(crop.height && crop.width && crop.top + crop.height <= H && crop.left + crop.width <= W);
        if (crop.height == H && crop.width == W) {
            wholes++;
            continue;
        }
        /* sides are rounded: half a pixel each */
        const double h = (double)crop.height, w = (double)crop.width, aspect = w / h;
        ck_assert_msg(aspect >= 0.75 * (w - 0.5) / w * h / (h + 0.5) &&
                          aspect <= 4.0 / 3 * (w + 0.5) / w * h / (h - 0.5),
                      "%zu x %zu", crop.height, crop.width);
        const double share = h * w / (H * W);
        least = share < least ? share : least;
        most = share > most ? share : most;
        mean += share / N;
        left += crop.left * 2 < W - crop.width;
    }
    ck_assert_msg(least > 0.18 && least < 0.23 && most > 0.9 && most < 1, "%g to %g", least, most);
    ck_assert_msg(mean > 0.4 && mean < 0.65 && left > N / 3 && left < 2 * N / 3, "%g, %zu left", mean, left);
    ck_assert(wholes < N / 10);
    /* an image in which no such rectangle of a fifth fits: it stays whole */
    const struct drift_crop thin = drift_draw_crop(1, 100, 7, 3, 0);
    ck_assert(thin.height == 1 && thin.width == 100 && !thin.left);
}
END_TEST

/* The whole image stays as it is; a ramp stays a ramp between pixel centres; a pixel fills the image; another channel
 * does not matter; nothing overshoots. */
START_TEST(cropped_images)
{
    enum { H = 6, W = 8, C = 2 };
    float x[H * W * C], y[H * W * C];
    for (size_t i = 0; i < H; i++)
        for (size_t j = 0; j < W; j++) {
            x[(i * W + j) * C] = (float)(3 * j + 10 * i);
            x[(i * W + j) * C + 1] = j >= 4 ? 1 : -1;
        }
    struct drift_crop crop = {0, 0, H, W};
    ck_assert(!drift_crop_image(&crop, H, W, C, x, y));
    ck_assert(!memcmp(x, y, sizeof x));
    crop = (struct drift_crop){1, 2, 4, 6};
    ck_assert(!drift_crop_image(&crop, H, W, C, x, y));
    for (size_t i = 0; i < H; i++)
        for (size_t j = 0; j < W; j++) {
            const double row = ((double)i + 0.5) * 4 / H - 0.5, column = ((double)j + 0.5) * 6 / W - 0.5;
            const double wanted = 3 * (2 + column) + 10 * (1 + row);
            /* where all four taps lie inside */
            if (row >= 1 && row < 2 && column >= 1 && column < 4)
                ck_assert_msg(fabs((double)y[(i * W + j) * C] - wanted) <= 1e-4, "%zu %zu: %g, expected %g", i, j,
                              (double)y[(i * W + j) * C], wanted);
            ck_assert(fabsf(y[(i * W + j) * C + 1]) <= 1);
        }
    ck_assert(y[1] == -1 && y[(W - 1) * C + 1] == 1);
    crop = (struct drift_crop){5, 3, 1, 1};
    ck_assert(!drift_crop_image(&crop, H, W, C, x, y));
    for (size_t i = 0; i < H * W; i++)
        ck_assert(y[i * C] == 59 && y[i * C + 1] == -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, bounds, 0, FORMULAS);
    tcase_add_loop_test(cases, same_arguments_same_points, 0, FORMULAS);
    tcase_add_test(cases, checkerboard_squares);
    tcase_add_test(cases, checkerboard_moments);
    tcase_add_test(cases, swiss_roll_band);
    tcase_add_test(cases, gaussians);
    tcase_add_loop_test(cases, symmetry, 0, 3);
    tcase_add_test(cases, picture);
    tcase_add_test(cases, digits);
    tcase_add_test(cases, draws_of_rows);
    tcase_add_test(cases, labels);
    tcase_add_test(cases, files);
    tcase_add_test(cases, cifar);
    tcase_add_test(cases, errors);
    tcase_add_test(cases, unknown_name);
    tcase_add_test(cases, crops);
    tcase_add_test(cases, cropped_images);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
