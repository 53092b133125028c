/* npz: a zip archive of npy members, stored or deflated. What numpy.savez and savez_compressed write, zip64 included.
 */
#ifndef DRIFT_IO_NPZ_H
#define DRIFT_IO_NPZ_H

#include "io/array.h"
#include "io/file.h"

struct drift_npz_member {
    char *name; /* without ".npy" */
    struct drift_array array;
};

struct drift_npz {
    size_t count;
    struct drift_npz_member *members; /* in the archive's order */
};

/* Reads, unpacks and checks (CRC) all members; those that are not npy are errors. */
drift_status drift_npz_read(const char *path, struct drift_npz *npz);
void drift_npz_free(struct drift_npz *npz);

/* The member of that name, NULL where absent. */
const struct drift_array *drift_npz_find(const struct drift_npz *npz, const char *name);

/* Writes members ("NAME.npy", deflated where `compress`), atomically; the same arguments give the same bytes (the
 * date is fixed). Members and archive stay below 4 GiB, else DRIFT_INVALID. */
drift_status drift_npz_write(const char *path, size_t count, const char *const *names, const struct drift_array *arrays,
                             int compress);

#endif
