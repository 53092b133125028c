/* Kind dit_init: shapes and laws of the generator's first parameters, and the position embedding's values. */
#include <stdint.h>
#include <stdlib.h>

#include "golden/golden.h"
#include "nn/position.h"

static drift_status compare_model(drift_golden *golden, drift_dit *dit, drift_params *params)
{
    drift_dit_config config;
    drift_status status = drift_golden_dit_config(golden, &config);
    if (!status)
        status = drift_dit_new(dit, &config, params);
    if (!status)
        status = drift_golden_init(golden, params);
    return status ? status : drift_golden_output_tensor(golden, "out/pos_embed", &dit->pos_embed->tensor);
}

/* Some rows of a table, without a model. */
static drift_status compare_rows(drift_golden *golden)
{
    size_t grid, width, count = SIZE_MAX;
    float *cell, *rows = NULL;
    drift_status status = drift_golden_count(golden, "grid", &grid);
    if (!status)
        status = drift_golden_count(golden, "hidden_size", &width);
    if (!status && (width % 4 || grid < 1 || width > 1 << 20 || grid > 1 << 14))
        status = drift_fail(DRIFT_INVALID, "%s: config: hidden_size %zu, grid %zu", golden->file->path, width, grid);
    if (status || (status = drift_golden_input(golden, "in/row", 1, &count, NULL, &cell)))
        return status;
    rows = malloc(count * width * sizeof *rows + 1);
    if (!rows)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", count * width);
    for (size_t i = 0; i < count && !status; i++)
        if (!(cell[i] >= 0 && cell[i] < (float)(grid * grid)))
            status = drift_fail(DRIFT_INVALID, "%s: in/row: %g is not below %zu", golden->file->path, (double)cell[i],
                                grid * grid);
        else
            drift_position_row(grid, width, (size_t)cell[i], rows + i * width);
    if (!status)
        status = drift_golden_output_floats(golden, "out/rows", 2, (const size_t[]){count, width}, rows);
    free(cell);
    free(rows);
    return status;
}

static drift_status compute_dit_init(drift_golden *golden)
{
    drift_params params;
    drift_dit dit;
    if (!json_object_get(golden->config, "model"))
        return compare_rows(golden);
    drift_params_new(&params, golden->backend);
    drift_status status = compare_model(golden, &dit, &params);
    drift_params_free(&params);
    return status;
}

const struct drift_golden_kind drift_golden_kind_dit_init = {
    .name = "dit_init",
    .what = "shapes and laws of the generator's first parameters",
    .compute = compute_dit_init,
};
