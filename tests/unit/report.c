/* The report: files are written, the page is well formed and self-contained, odd data break nothing. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "report/axis.h"
#include "report/sweep.h"
#include "report/report.h"
#include "report/text.h"

static char folder[] = "/tmp/drift-report-XXXXXX", path[64];

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The page of a report; also writes both pictures and checks their signature. Free the result. */
static char *page_of(const drift_report *r)
{
    struct drift_bytes bytes;
    ck_assert_msg(!drift_report_evolution(r, in_folder("evolution.png")), "%s", drift_message());
    ck_assert(!drift_file_read(path, 1 << 24, &bytes));
    ck_assert(bytes.size > 60 && !memcmp(bytes.data, "\x89PNG", 4));
    drift_bytes_free(&bytes);
    unlink(path);
    ck_assert_msg(!drift_report_samples(r, in_folder("samples.png")), "%s", drift_message());
    ck_assert(!drift_file_read(path, 1 << 24, &bytes));
    ck_assert(bytes.size > 60 && !memcmp(bytes.data, "\x89PNG", 4));
    drift_bytes_free(&bytes);
    unlink(path);
    ck_assert_msg(!drift_report_html(r, in_folder("report.html")), "%s", drift_message());
    ck_assert(!drift_file_read(path, 1 << 24, &bytes));
    unlink(path);
    return (char *)bytes.data;
}

static int times(const char *page, const char *word)
{
    int n = 0;
    for (const char *p = page; (p = strstr(p, word)); p++)
        n++;
    return n;
}

static int is_void(const char *tag)
{
    return !strcmp(tag, "meta") || !strcmp(tag, "img") || !strcmp(tag, "input") || !strcmp(tag, "!DOCTYPE");
}

/* Every tag that opens closes, in order; style and script hold no markup. */
static void check_balance(const char *page)
{
    char stack[64][16], tag[16];
    int depth = 0;
    for (const char *p = strchr(page, '<'); p; p = strchr(p, '<')) {
        int closing = p[1] == '/';
        ck_assert_int_eq(sscanf(p + 1 + closing, "%15[A-Za-z0-9!]", tag), 1);
        const char *end = strchr(p, '>');
        ck_assert_ptr_nonnull(end);
        if (closing) {
            ck_assert_msg(depth > 0 && !strcmp(stack[depth - 1], tag), "</%s> closes <%s>", tag,
                          depth ? stack[depth - 1] : "");
            depth--;
        } else if (end[-1] != '/' && !is_void(tag)) {
            ck_assert(depth < 64);
            strcpy(stack[depth++], tag);
            if (!strcmp(tag, "script") || !strcmp(tag, "style"))
                end = strstr(end, strcmp(tag, "style") ? "</script" : "</style") - 1;
        }
        p = end + 1;
    }
    ck_assert_int_eq(depth, 0);
}

static void check_page(const char *page)
{
    check_balance(page);
    ck_assert(!strstr(page, "http:") && !strstr(page, "https:") && !strstr(page, "url("));
    ck_assert(!strstr(page, "nan\"") && !strstr(page, "nan ") && !strstr(page, "inf "));
    ck_assert(strlen(page) < 3000000);
}

START_TEST(points_with_everything)
{
    float x[400], v[400];
    double step[50], y[50];
    for (int i = 0; i < 400; i++) {
        x[i] = (float)((i * 37 % 101) / 50.0 - 1);
        v[i] = (float)((i * 17 % 13) / 100.0);
    }
    for (int i = 0; i < 50; i++) {
        step[i] = i;
        y[i] = i % 10 ? 1.0 / (i + 1) : NAN;
    }
    drift_frame frames[9];
    for (int i = 0; i < 9; i++)
        frames[i] = (drift_frame){100 * i, 200, x};
    drift_arrows arrows = {300, 200, x, v};
    drift_curve curves[] = {{"loss", "each step", "1", 1, 50, step, y}, {"loss", "mean", "1", 1, 50, step, y}};
    drift_level level = {"loss", "floor", 0.01};
    drift_setting setting = {"<key>", "a & b \"c\""};
    drift_metric metric = {"k", "label", "good", 1e-5, 12345, NAN, 0};
    drift_report r = {.title = "<script>alert(1)</script>",
                      .summary = "a < b",
                      .command = "drift toy 'x' && y",
                      .version = "v",
                      .dim = 2,
                      .data_n = 200,
                      .data = x,
                      .samples_n = 200,
                      .samples = x,
                      .frame_count = 9,
                      .frames = frames,
                      .arrow_count = 1,
                      .arrows = &arrows,
                      .curve_count = 2,
                      .curves = curves,
                      .level_count = 1,
                      .levels = &level,
                      .setting_count = 1,
                      .settings = &setting,
                      .metric_count = 1,
                      .metrics = &metric};
    char *page = page_of(&r);
    check_page(page);
    ck_assert(!strstr(page, "<script>alert"));
    ck_assert(strstr(page, "&lt;script&gt;alert(1)") && strstr(page, "&lt;key&gt;") &&
              strstr(page, "a &amp; b &quot;c&quot;"));
    ck_assert(strstr(page, "12,345") && strstr(page, "step 300") && strstr(page, "id=\"player\""));
    free(page);
}
END_TEST

START_TEST(images)
{
    static float x[20 * 12];
    for (int i = 0; i < 240; i++)
        x[i] = (float)(i % 7) / 3 - 1;
    drift_frame frame = {0, 20, x};
    drift_arrows arrows = {0, 20, x, x};
    drift_report r = {.title = "images",
                      .dim = 12,
                      .image_width = 2,
                      .image_height = 2,
                      .image_channels = 3,
                      .low = -1,
                      .high = 1,
                      .data_n = 20,
                      .data = x,
                      .samples_n = 20,
                      .samples = x,
                      .frame_count = 1,
                      .frames = &frame,
                      .arrow_count = 1,
                      .arrows = &arrows,
                      .normalized_loss = 1};
    char *page = page_of(&r);
    check_page(page);
    ck_assert(strstr(page, "data:image/png;base64,iVBOR") && strstr(page, "nearest training image"));
    free(page);
}
END_TEST

/* Nothing; one point; NaN and infinities everywhere; one dimension. */
START_TEST(odd_data)
{
    drift_report empty = {.dim = 2};
    char *page = page_of(&empty);
    check_page(page);
    free(page);
    float points[][2] = {{3, 3}, {NAN, INFINITY}};
    double values[] = {NAN, INFINITY, -1, 0, 5};
    for (size_t first = 0; first < 2; first++)
        for (size_t dim = 1; dim < 3; dim++)
            for (size_t k = 0; k < 5; k++) {
                const float *x = points[first];
                drift_frame frame = {0, 1, x};
                drift_arrows arrows = {0, 1, x, x};
                drift_curve curve = {"loss", "", "", (int)(k % 2), 1, values + 4, values + k};
                drift_level level = {"loss", "floor", values[k]};
                drift_report r = {.dim = dim,
                                  .data_n = 1,
                                  .data = x,
                                  .samples_n = 1,
                                  .samples = x,
                                  .frame_count = 1,
                                  .frames = &frame,
                                  .arrow_count = 1,
                                  .arrows = &arrows,
                                  .curve_count = 1,
                                  .curves = &curve,
                                  .level_count = 1,
                                  .levels = &level};
                page = page_of(&r);
                check_page(page);
                free(page);
            }
}
END_TEST

START_TEST(axes)
{
    double ends[][2] = {{0, 1}, {5, 5}, {0, 0}, {-1e-9, 1e9}, {1e-7, 3}, {NAN, NAN}, {INFINITY, -INFINITY}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (int log_scale = 0; log_scale < 2; log_scale++) {
            struct drift_axis axis = drift_axis_of(ends[i][0], ends[i][1], log_scale);
            ck_assert(axis.high > axis.low && isfinite(axis.high - axis.low));
            ck_assert(axis.count >= 1);
            for (size_t k = 0; k < axis.count; k++)
                ck_assert(fabs(drift_axis_place(&axis, axis.tick[k]) - 0.5) <= 0.5 + 1e-6);
        }
    ck_assert(isnan(drift_axis_place(&(struct drift_axis){.log_scale = 1, .high = 1}, 0)));
}
END_TEST

START_TEST(texts)
{
    static const char *const wanted[] = {"", "TQ==", "TWE=", "TWFu"};
    for (size_t n = 0; n < 4; n++) {
        struct drift_text text = {0};
        drift_text_base64(&text, (const unsigned char *)"Man", n);
        drift_text_count(&text, 1234567);
        drift_text_number(&text, -0.00012);
        ck_assert(!strncmp(text.data, wanted[n], strlen(wanted[n])));
        ck_assert_str_eq(text.data + strlen(wanted[n]), "1,234,567\xe2\x88\x92"
                                                        "0.00012");
        free(text.data);
    }
}
END_TEST

/* Two running means at three scales: a chart for each figure with axes and floor, a row for each in the table, a
 * picture for each scale. */
START_TEST(guidance)
{
    enum { SIDE = 4, DIM = SIDE * SIDE, CLASSES = 3, SCALES = 3 };
    static float x[SCALES * DRIFT_SWEEP_ROWS * CLASSES * DIM];
    struct drift_sweep sweep = {.n = 1234,
                                .scales = SCALES,
                                .means = 2,
                                .scale = {1, 1.5, 2},
                                .decay = {0.99, NAN},
                                .floor = {0.98, 3.25, 0.9, 0.8, 1},
                                .columns = CLASSES,
                                .grids = x,
                                .one = x};
    for (int i = 0; i < 2 * SCALES; i++)
        sweep.found[i] = (struct drift_judgement){0.9 + 0.01 * i, 5.0 + i, 0.7, 0.6 - 0.1 * i, 1.1};
    sweep.found[4].class_accuracy = NAN;
    drift_report r = {.title = "t",
                      .dim = DIM,
                      .image_width = SIDE,
                      .image_height = SIDE,
                      .image_channels = 1,
                      .low = -1,
                      .high = 1,
                      .sweep = &sweep};
    char *page = page_of(&r);
    check_page(page);
    ck_assert_int_eq(times(page, "guidance scale \xce\xb1</text>"), 4);
    ck_assert_int_eq(times(page, "class=\"curve floor\""), 4);
    ck_assert_int_eq(times(page, "class=\"curve c1\""), 4);
    ck_assert_int_eq(times(page, "<tr><td>running mean 0.99</td>"), SCALES);
    ck_assert_int_eq(times(page, "<tr><td>as trained</td>"), SCALES);
    ck_assert_int_eq(times(page, "data:image/png"), SCALES + 1);
    ck_assert(strstr(page, "judges 1,234 generated images") && strstr(page, "share of the test images"));
    json_t *json = drift_sweep_json(&sweep), *rows = json_object_get(json, "rows");
    ck_assert_uint_eq(json_array_size(rows), 2 * SCALES);
    ck_assert(json_is_null(json_object_get(json_array_get(rows, 4), "class_accuracy")));
    ck_assert(json_is_null(json_object_get(json_array_get(rows, 3), "ema")));
    ck_assert(json_real_value(json_object_get(json_array_get(rows, 1), "cfg")) == 1.5);
    json_decref(json);
    free(page);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    Suite *suite = suite_create("report");
    TCase *all = tcase_create("pages");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, points_with_everything);
    tcase_add_test(all, images);
    tcase_add_test(all, guidance);
    tcase_add_test(all, odd_data);
    tcase_add_test(all, axes);
    tcase_add_test(all, texts);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    rmdir(folder);
    return failed != 0;
}
