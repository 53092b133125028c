/* The backend's op `drift_field`: shapes of tensors to the field on raw arrays. */
#include "cpu/field.h"
#include "cpu/cpu.h"

static const void *data_of(const drift_tensor *x) { return x ? x->data : NULL; }

static size_t samples_of(const drift_tensor *x) { return x ? x->size[x->dims - 2] : 0; }

drift_status CPU(drift_field)(const drift_backend *backend, const drift_field_config *config, const drift_tensor *gen,
                              const drift_tensor *pos, const drift_tensor *neg, const drift_tensor *w_gen,
                              const drift_tensor *w_pos, const drift_tensor *w_neg, drift_tensor *v,
                              drift_field_report *report)
{
    const drift_field_shape shape = {.batches = gen->dims == 3 ? gen->size[0] : 1,
                                     .generated = samples_of(gen),
                                     .positives = samples_of(pos),
                                     .negatives = samples_of(neg),
                                     .dim = drift_tensor_row_size(gen)};
    (void)backend;
    return CPU(field)(config, &shape, gen->data, pos->data, data_of(neg), data_of(w_gen), data_of(w_pos),
                      data_of(w_neg), v->data, report);
}
