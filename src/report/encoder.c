/* From an encoder's trainer to its report: reconstructions, curves, settings. */
#include "report/encoder.h"

#include <jansson.h>
#include <math.h> /* fmaxf, fminf */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/json.h"
#include "kernel/kernel.h"
#include "report/report.h"
#include "report/run.h"

enum {
    COLUMNS = 16, /* images of a row of the picture */
    GROUPS = 5,   /* of three rows: images, what is seen of them, filled in */
    CURVES = 7,
    PATH = 4096
};

struct record {
    struct drift_mae_trainer *trainer;
    const char *folder;
    struct drift_mae_report measured; /* on the pictured images */
    size_t n, dim;
    float *mask, *recon, *picture; /* [n, h, w]; [n, h, w, channels of the grid]; [3 n, dim] */
    double *columns[DRIFT_MAE_COLUMNS];
    drift_curve curves[CURVES];
    char values[DRIFT_REPORT_SETTINGS][2 * DRIFT_RECIPE_TEXT];
    drift_setting settings[DRIFT_REPORT_SETTINGS];
    size_t setting_count;
    char summary[512], version[128];
};

static void record_free(struct record *record)
{
    for (int i = 0; i < DRIFT_MAE_COLUMNS; i++)
        free(record->columns[i]);
    free(record->mask);
    free(record->recon);
    free(record->picture);
    free(record);
}

/* ---- the picture ---- */

/* Image i, what its mask leaves (hidden cells at mid grey), and that filled in from the reconstruction. */
static void draw_image(struct record *record, size_t i, const float *image)
{
    const struct drift_mae_trainer *trainer = record->trainer;
    const struct drift_data *data = trainer->data;
    const size_t p = trainer->state.mae.config.input_patch_size, c = data->channels, depth = p * p * c;
    const size_t group = i / COLUMNS, column = i % COLUMNS;
    float *row[3];
    for (size_t k = 0; k < 3; k++)
        row[k] = record->picture + ((3 * group + k) * COLUMNS + column) * record->dim;
    for (size_t k = 0; k < record->dim; k++) {
        const size_t y = k / c / data->width, x = k / c % data->width;
        const size_t location = (i * trainer->h + y / p) * trainer->w + x / p;
        const float recon = record->recon[location * depth + (y % p * p + x % p) * c + k % c];
        const int hidden = record->mask[location] != 0;
        row[0][k] = image[k];
        row[1][k] = hidden ? 0 : image[k];
        row[2][k] = hidden ? fmaxf(-1, fminf(1, recon)) : image[k];
    }
}

static drift_status write_picture(struct record *record, const char *path)
{
    struct drift_mae_trainer *trainer = record->trainer;
    const struct drift_data *data = drift_mae_trainer_held_out(trainer);
    const size_t grid = trainer->h * trainer->w, most = COLUMNS * GROUPS;
    record->dim = data->dim;
    record->n = (data->size < most ? data->size : most) / COLUMNS * COLUMNS;
    record->mask = malloc(record->n * grid * sizeof *record->mask + 1);
    record->recon = malloc(record->n * record->dim * sizeof *record->recon + 1);
    record->picture = malloc(3 * record->n * record->dim * sizeof *record->picture + 1);
    if (!record->mask || !record->recon || !record->picture)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a picture of %zu images", record->n);
    if (!record->n)
        return DRIFT_OK;
    drift_status status = drift_mae_trainer_measure(trainer, record->n, record->mask, record->recon, &record->measured);
    if (status)
        return status;
    for (size_t i = 0; i < record->n; i++)
        draw_image(record, i, data->rows + i * record->dim);
    const drift_report picture = {.dim = record->dim,
                                  .image_width = data->width,
                                  .image_height = data->height,
                                  .image_channels = data->channels,
                                  .low = -1,
                                  .high = 1,
                                  .samples_n = 3 * record->n,
                                  .samples = record->picture};
    return drift_report_samples(&picture, path);
}

/* ---- the page ---- */

static drift_status fill_curves(struct record *record)
{
    static const struct {
        const char *figure, *name;
        int log_scale, column;
    } curves[CURVES] = {
        {"training loss", "each step", 1, DRIFT_MAE_LOSS},
        {"training loss", "running mean", 1, DRIFT_MAE_LOSS_EMA},
        {"reconstruction", "each step", 1, DRIFT_MAE_RECON_LOSS},
        {"reconstruction", "held out", 1, DRIFT_MAE_EVAL_RECON_LOSS},
        {"accuracy", "each step", 0, DRIFT_MAE_ACCURACY},
        {"accuracy", "held out", 0, DRIFT_MAE_EVAL_ACCURACY},
        {"gradient norm", "before clipping", 1, DRIFT_MAE_GRAD_NORM},
    };
    const struct drift_log *log = &record->trainer->log;
    for (size_t c = 0; c < DRIFT_MAE_COLUMNS; c++) {
        record->columns[c] = malloc((log->count + 1) * sizeof(double));
        if (!record->columns[c])
            return drift_fail(DRIFT_NO_MEMORY, "no memory for the report");
        for (size_t i = 0; i < log->count; i++)
            record->columns[c][i] = log->rows[i * log->columns + c];
    }
    for (int i = 0; i < CURVES; i++)
        record->curves[i] = (drift_curve){curves[i].figure,
                                          curves[i].name,
                                          "",
                                          curves[i].log_scale,
                                          log->count,
                                          record->columns[DRIFT_MAE_STEP],
                                          record->columns[curves[i].column]};
    return DRIFT_OK;
}

static void fill_texts(struct record *record)
{
    const struct drift_mae_trainer *trainer = record->trainer;
    const drift_mae_config *config = &trainer->state.mae.config;
    record->setting_count = drift_report_settings(&trainer->recipe, record->values, record->settings);
    snprintf(record->version, sizeof record->version, "libdrift %s, %s, %d threads", drift_version(),
             drift_isa_name(drift_kernels_isa()), omp_get_max_threads());
    snprintf(record->summary, sizeof record->summary,
             "A masked autoencoder of width %zu with blocks %zu, %zu, %zu, %zu, trained for %ld steps (%.1f s) of %zu "
             "images. samples.png shows held-out images, what the encoder sees of them, and the hidden cells filled "
             "in; params_ema is the encoder.",
             config->base_channels, config->layers[0], config->layers[1], config->layers[2], config->layers[3],
             (long)trainer->step, trainer->seconds, trainer->batch);
}

static const char *title_of(const struct drift_recipe *recipe)
{
    return *recipe->name ? recipe->name : recipe->dataset.name;
}

static void put(json_t *json, const char *key, double value)
{
    json_object_set_new(json, key, drift_json_number(value));
}

static drift_status write_json(const struct record *record, const char *command, const char *path)
{
    const struct drift_mae_trainer *trainer = record->trainer;
    json_t *json = json_object(), *settings = json_object();
    json_object_set_new(json, "title", json_string(title_of(&trainer->recipe)));
    json_object_set_new(json, "command", json_string(command));
    json_object_set_new(json, "version", json_string(record->version));
    json_object_set_new(json, "steps", json_integer(trainer->step));
    put(json, "seconds", trainer->seconds);
    for (int i = 1; i < DRIFT_MAE_COLUMNS; i++)
        put(json, trainer->log.names[i], trainer->last[i]);
    for (size_t i = 0; i < record->setting_count; i++)
        json_object_set_new(settings, record->settings[i].key, json_string(record->settings[i].value));
    json_object_set_new(json, "settings", settings);
    return drift_json_write(path, json, 9);
}

static drift_status write_all(struct record *record, const char *command)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/samples.png", record->folder);
    drift_status status = write_picture(record, path);
    if (!status)
        status = fill_curves(record);
    if (status)
        return status;
    fill_texts(record);
    const drift_report report = {.title = title_of(&record->trainer->recipe),
                                 .summary = record->summary,
                                 .command = command,
                                 .version = record->version,
                                 .dim = record->dim,
                                 .curve_count = CURVES,
                                 .curves = record->curves,
                                 .setting_count = record->setting_count,
                                 .settings = record->settings};
    snprintf(path, sizeof path, "%s/report.json", record->folder);
    status = write_json(record, command, path);
    snprintf(path, sizeof path, "%s/report.html", record->folder);
    return status ? status : drift_report_html(&report, path);
}

drift_status drift_report_encoder(struct drift_mae_trainer *trainer, const char *folder, const char *command)
{
    struct record *record = calloc(1, sizeof *record);
    if (!record)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for the report");
    record->trainer = trainer;
    record->folder = folder;
    drift_status status = write_all(record, command);
    record_free(record);
    return status;
}
