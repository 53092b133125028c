/* From a trainer to its report: final evaluation, curves, settings, and the files. */
#include "report/run.h"

#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "eval/eval.h"
#include "io/json.h"
#include "io/npy.h"
#include "kernel/kernel.h"
#include "report/guided.h"
#include "report/report.h"
#include "train/plan.h"

enum {
    MANY = 10000, /* rows of a finite set that are compared with as they are; of more, a random part */
    CURVES = 5,
    PATH = 4096
};

/* Everything a report points to. */
struct record {
    struct drift_trainer *trainer;
    const char *folder;
    size_t n, dim;
    float *memory; /* samples, and of an endless or a large set: data, floor_x, floor_y; n each */
    const float *samples, *data;
    size_t data_n, metric_count;
    drift_metric metrics[DRIFT_METRICS];
    drift_frame *frames;
    drift_arrows *arrows;
    double *columns[DRIFT_LOG_COLUMNS];
    drift_curve curves[CURVES];
    drift_level level;
    struct drift_guided_list guided;
    struct drift_sweep sweep;
    double planned; /* bytes of a training step, counted */
    char values[DRIFT_REPORT_SETTINGS][2 * DRIFT_RECIPE_TEXT];
    drift_setting settings[DRIFT_REPORT_SETTINGS];
    size_t setting_count;
    char summary[512], version[128], title[DRIFT_RECIPE_TEXT];
};

static void record_free(struct record *record)
{
    for (int i = 0; i < DRIFT_LOG_COLUMNS; i++)
        free(record->columns[i]);
    free(record->frames);
    free(record->arrows);
    free(record->memory);
    drift_guided_close(&record->guided);
    drift_sweep_free(&record->sweep);
    free(record);
}

/* data, floor_x and floor_y, n each: three draws of an endless set, or different rows of a finite one. */
static drift_status draw_data(const struct drift_data *all, size_t n, uint64_t seed, float *x)
{
    drift_status status = DRIFT_OK;
    if (all->size)
        return drift_data_draw(all, 3 * n, seed, 1, DRIFT_RANDOM_EVAL, x);
    for (uint32_t i = 0; i < 3 && !status; i++)
        status = drift_data_draw(all, n, seed, 1 + i, DRIFT_RANDOM_EVAL, x + i * n * all->dim);
    return status;
}

static drift_status evaluate(struct record *record)
{
    struct drift_trainer *trainer = record->trainer;
    const struct drift_data *all = trainer->all;
    uint64_t seed = (uint64_t)trainer->recipe.train.seed;
    size_t n = (size_t)trainer->recipe.train.eval_samples, dim = all->dim;
    if (all->size && n > all->size)
        n = all->size;
    record->n = n;
    record->dim = dim;
    const int drawn = !all->size || (all->size > MANY && all->size / 3 >= n);
    record->memory = malloc((drawn ? 4 : 1) * n * dim * sizeof(float));
    if (!record->memory)
        return drift_fail(DRIFT_NO_MEMORY, "no memory to evaluate %zu samples", n);
    float *samples = record->memory;
    drift_evaluation evaluation = {.dim = dim, .n = n, .samples = samples, .seed = seed};
    drift_status status = drift_trainer_sample(trainer, n, samples);
    if (!status && drawn)
        status = draw_data(all, n, seed, samples + n * dim);
    if (status)
        return status;
    record->samples = samples;
    record->data_n = evaluation.data_n = drawn ? n : all->size;
    record->data = evaluation.data = drawn ? samples + n * dim : all->rows;
    if (drawn) {
        evaluation.floor_n = n;
        evaluation.floor_x = samples + 2 * n * dim;
        evaluation.floor_y = samples + 3 * n * dim;
    }
    if (trainer->test) {
        evaluation.train_n = trainer->data->size;
        evaluation.train = trainer->data->rows;
        evaluation.test_n = trainer->test->size < n ? trainer->test->size : n;
        evaluation.test = trainer->test->rows;
    }
    return drift_evaluate(&evaluation, &record->metric_count, record->metrics);
}

/* ---- filling the report ---- */

static drift_status fill_pictures(struct record *record)
{
    const struct drift_snapshots *s = &record->trainer->snapshots;
    size_t frame = s->points * record->dim, field = s->arrows * record->dim;
    record->frames = calloc(s->count + 1, sizeof *record->frames);
    record->arrows = calloc(s->field_count + 1, sizeof *record->arrows);
    if (!record->frames || !record->arrows)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for the report");
    for (size_t i = 0; i < s->count; i++)
        record->frames[i] = (drift_frame){(long)s->steps[i], s->points, s->frames + i * frame};
    for (size_t i = 0; i < s->field_count; i++)
        record->arrows[i] =
            (drift_arrows){(long)s->field_steps[i], s->arrows, s->field_x + i * field, s->field_v + i * field};
    return DRIFT_OK;
}

static drift_status fill_curves(struct record *record)
{
    static const struct {
        const char *figure, *name, *unit;
        int log_scale, column;
    } curves[CURVES] = {
        {"loss", "each step", "", 1, DRIFT_LOG_LOSS},
        {"loss", "running mean", "", 1, DRIFT_LOG_LOSS_EMA},
        {"raw |V|^2", "mean over temperatures", "", 1, DRIFT_LOG_RAW},
        {"energy distance\xc2\xb2", "few samples", "", 1, DRIFT_LOG_ENERGY},
        {"gradient norm", "before clipping", "", 1, DRIFT_LOG_GRAD_NORM},
    };
    const struct drift_log *log = &record->trainer->log;
    for (int c = 0; c < DRIFT_LOG_COLUMNS; c++) {
        record->columns[c] = malloc((log->count + 1) * sizeof(double));
        if (!record->columns[c])
            return drift_fail(DRIFT_NO_MEMORY, "no memory for the report");
        for (size_t i = 0; i < log->count; i++)
            record->columns[c][i] = log->rows[i * log->columns + (size_t)c];
    }
    for (int i = 0; i < CURVES; i++)
        record->curves[i] = (drift_curve){curves[i].figure,
                                          curves[i].name,
                                          curves[i].unit,
                                          curves[i].log_scale,
                                          log->count,
                                          record->columns[DRIFT_LOG_STEP],
                                          record->columns[curves[i].column]};
    record->level = (drift_level){curves[3].figure, "floor", record->metrics[0].floor};
    return DRIFT_OK;
}

size_t drift_report_settings(const struct drift_recipe *recipe, char (*values)[2 * DRIFT_RECIPE_TEXT],
                             drift_setting *settings)
{
    size_t count = 0;
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key && count < DRIFT_REPORT_SETTINGS; key++)
        if (drift_recipe_concerns(recipe, key)) {
            drift_recipe_value(recipe, key, values[count], sizeof *values);
            settings[count] = (drift_setting){key->key, values[count]};
            count++;
        }
    return count;
}

static void fill_texts(struct record *record)
{
    const struct drift_trainer *trainer = record->trainer;
    const struct drift_recipe *recipe = &trainer->recipe;
    record->setting_count = drift_report_settings(recipe, record->values, record->settings);
    snprintf(record->title, sizeof record->title, "%s", *recipe->name ? recipe->name : recipe->dataset.name);
    snprintf(record->version, sizeof record->version, "libdrift %s, %s, %d threads", drift_version(),
             drift_isa_name(drift_kernels_isa()), omp_get_max_threads());
    size_t used =
        (size_t)snprintf(record->summary, sizeof record->summary,
                         "A generator of %zu numbers from %zu numbers of noise, trained for %ld steps (%.1f s) with ",
                         record->dim, trainer->generator.noise_dim, (long)trainer->step, trainer->seconds);
    if (trainer->batch.conditional)
        used += (size_t)snprintf(record->summary + used, sizeof record->summary - used, "%zu classes of ",
                                 trainer->batch.entries);
    snprintf(record->summary + used, sizeof record->summary - used, "%zu generated and %zu data samples each.",
             trainer->batch.generated, trainer->batch.positives);
}

static drift_report report_of(struct record *record, const char *command)
{
    const struct drift_trainer *trainer = record->trainer;
    drift_report report = {
        .title = record->title,
        .summary = record->summary,
        .command = command,
        .version = record->version,
        .normalized_loss = trainer->recipe.train.loss_kwargs.form == DRIFT_NORMALIZED,
        .dim = record->dim,
        .image_width = trainer->data->width,
        .image_height = trainer->data->height,
        .image_channels = trainer->data->channels,
        .low = -1,
        .high = 1,
        .data_n = record->data_n,
        .data = record->data,
        .samples_n = record->n,
        .samples = record->samples,
        .train_n = trainer->data->size,
        .train = trainer->data->rows,
        .frame_count = trainer->snapshots.count,
        .frames = record->frames,
        .arrow_count = trainer->snapshots.field_count,
        .arrows = record->arrows,
        .curve_count = CURVES,
        .curves = record->curves,
        .level_count = 1,
        .levels = &record->level,
        .setting_count = record->setting_count,
        .settings = record->settings,
        .metric_count = record->metric_count,
        .metrics = record->metrics,
        .guided_count = record->guided.count,
        .guided = record->guided.at,
        .sweep = record->sweep.scales ? &record->sweep : NULL,
    };
    return report;
}

/* ---- the files ---- */

static const char *path_of(const struct record *record, const char *name, char path[PATH])
{
    snprintf(path, PATH, "%s/%s", record->folder, name);
    return path;
}

/* null where the number is none. */
static json_t *json_of(const struct record *record, const char *command)
{
    const struct drift_trainer *trainer = record->trainer;
    json_t *json = json_object(), *settings = json_object();
    char key[64];
    json_object_set_new(json, "title", json_string(record->title));
    json_object_set_new(json, "command", json_string(command));
    json_object_set_new(json, "version", json_string(record->version));
    json_object_set_new(json, "steps", json_integer(trainer->step));
    json_object_set_new(json, "seconds", drift_json_number(trainer->seconds));
    json_object_set_new(json, "steps_per_second", drift_json_number((double)trainer->step / trainer->seconds));
    json_object_set_new(json, "memory_planned", drift_json_number(record->planned));
    json_object_set_new(json, "memory_step", trainer->step_memory ? json_real(trainer->step_memory) : json_null());
    json_object_set_new(json, "memory_peak", drift_json_number(drift_peak_memory()));
    json_object_set_new(json, "loss", drift_json_number(trainer->last[DRIFT_LOG_LOSS]));
    json_object_set_new(json, "loss_ema", drift_json_number(trainer->last[DRIFT_LOG_LOSS_EMA]));
    json_object_set_new(json, "raw_v2", drift_json_number(trainer->last[DRIFT_LOG_RAW]));
    for (size_t i = 0; i < record->metric_count; i++) {
        const drift_metric *metric = &record->metrics[i];
        json_object_set_new(json, metric->key, drift_json_number(metric->value));
        snprintf(key, sizeof key, "%s_n", metric->key);
        json_object_set_new(json, key, json_integer((json_int_t)metric->n));
        snprintf(key, sizeof key, "%s_floor", metric->key);
        if (metric->floor_n)
            json_object_set_new(json, key, drift_json_number(metric->floor));
    }
    if (record->guided.count)
        json_object_set_new(json, "guidance", drift_guided_json(&record->guided));
    for (size_t i = 0; i < record->setting_count; i++)
        json_object_set_new(settings, record->settings[i].key, json_string(record->settings[i].value));
    if (record->sweep.scales)
        json_object_set_new(json, "judged", drift_sweep_json(&record->sweep));
    json_object_set_new(json, "settings", settings);
    return json;
}

static drift_status write_samples(const struct record *record)
{
    char path[PATH];
    const struct drift_data *data = record->trainer->data;
    struct drift_array array =
        drift_array_view(DRIFT_ARRAY_F32, 2, (size_t[]){record->n, record->dim}, record->samples);
    if (data->height)
        array = drift_array_view(DRIFT_ARRAY_F32, 4, (size_t[]){record->n, data->height, data->width, data->channels},
                                 record->samples);
    return drift_npy_write(path_of(record, "samples.npy", path), &array);
}

static drift_status plan(struct record *record)
{
    const struct drift_trainer *trainer = record->trainer;
    struct drift_plan plan;
    drift_status status = drift_plan_step(&trainer->recipe, &trainer->generator.shape, trainer->all->size, &plan);
    record->planned = drift_plan_bytes(&plan);
    return status;
}

static drift_status write_all(struct record *record, const char *command, drift_sweep_progress *progress, void *context)
{
    char path[PATH];
    drift_status status = evaluate(record);
    if (!status && drift_sweep_concerns(record->trainer))
        status = drift_sweep_run(record->trainer, progress, context, &record->sweep);
    if (!status)
        status = plan(record);
    if (!status)
        status = drift_guided_make(record->trainer, record->n, &record->guided);
    if (!status)
        status = fill_pictures(record);
    if (!status)
        status = fill_curves(record);
    if (status)
        return status;
    fill_texts(record);
    drift_report report = report_of(record, command);
    status = write_samples(record);
    if (!status)
        status = drift_json_write(path_of(record, "report.json", path), json_of(record, command), 9);
    if (!status)
        status = drift_report_samples(&report, path_of(record, "samples.png", path));
    if (!status)
        status = drift_report_evolution(&report, path_of(record, "evolution.png", path));
    if (!status && report.guided_count)
        status = drift_report_guided(&report, path_of(record, "guidance.png", path));
    if (!status)
        status = drift_report_curves(&report, "step", path_of(record, "curves.svg", path));
    return status ? status : drift_report_html(&report, path_of(record, "report.html", path));
}

drift_status drift_report_run(struct drift_trainer *trainer, const char *folder, const char *command,
                              drift_sweep_progress *progress, void *context)
{
    struct record *record = calloc(1, sizeof *record);
    if (!record)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for the report");
    record->trainer = trainer;
    record->folder = folder;
    drift_status status = write_all(record, command, progress, context);
    record_free(record);
    return status;
}
