/* Opening the data of an evaluation. */
#include "judge/reference.h"

#include <stdlib.h>

#include "base/random.h"

static drift_status draw(struct drift_reference *r, size_t n, drift_evaluation *e)
{
    const size_t count = n * e->dim;
    drift_status status = DRIFT_OK;
    r->drawn = malloc(3 * count * sizeof *r->drawn);
    if (!r->drawn)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", 3 * n);
    for (uint32_t i = 0; i < 3 && !status; i++)
        status = drift_data_draw(r->data, n, e->seed, i, DRIFT_RANDOM_EVAL, r->drawn + i * count);
    e->data_n = e->floor_n = n;
    e->data = r->drawn;
    e->floor_x = r->drawn + count;
    e->floor_y = r->drawn + 2 * count;
    return status;
}

drift_status drift_reference_open(struct drift_reference *r, const char *data, size_t n, drift_evaluation *e)
{
    drift_status status = drift_data_open(data, DRIFT_DATA_ALL, &r->data);
    if (status)
        return status;
    e->dim = r->data->dim;
    if (!r->data->size)
        return draw(r, n, e);
    e->data_n = r->data->size;
    e->data = r->data->rows;
    if ((status = drift_data_open(data, DRIFT_DATA_TRAIN, &r->train)) ||
        (status = drift_data_open(data, DRIFT_DATA_TEST, &r->test)))
        return status;
    e->train_n = r->train->size, e->train = r->train->rows;
    e->test_n = r->test->size, e->test = r->test->rows;
    return DRIFT_OK;
}

void drift_reference_close(struct drift_reference *r)
{
    struct drift_data *all[] = {r->data, r->train, r->test};
    for (int i = 0; i < 3; i++)
        if (all[i])
            drift_data_close(all[i]);
    free(r->drawn);
}
