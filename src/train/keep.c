/* Links to checkpoints, by step. */
#include "train/keep.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"

/* The step of "checkpoint-STEP.safetensors"; 0 for any other name. */
static int64_t step_of(const char *name)
{
    static const char before[] = "checkpoint-";
    char *end;
    if (strncmp(name, before, strlen(before)))
        return 0;
    const char *digits = name + strlen(before);
    errno = 0;
    const long long step = strtoll(digits, &end, 10);
    return *digits >= '1' && *digits <= '9' && !errno && !strcmp(end, ".safetensors") ? step : 0;
}

static int downwards(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* The steps of the folder's files up to `step`, the latest first; free *steps. */
static drift_status list_steps(const char *folder, int64_t step, int64_t **steps, size_t *count)
{
    DIR *entries = opendir(folder);
    size_t room = 0;
    *steps = NULL;
    *count = 0;
    if (!entries)
        return drift_fail(DRIFT_IO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(entries));) {
        const int64_t found = step_of(entry->d_name);
        if (!found || found > step)
            continue;
        if (*count == room) {
            int64_t *more = realloc(*steps, (room = 2 * room + 16) * sizeof *more);
            if (!more) {
                closedir(entries);
                return drift_fail_memory(folder, room * sizeof *more);
            }
            *steps = more;
        }
        (*steps)[(*count)++] = found;
    }
    closedir(entries);
    if (*count)
        qsort(*steps, *count, sizeof **steps, downwards);
    return DRIFT_OK;
}

/* `path` has room for the folder's name and 64 bytes more. */
static char *path_of(const char *folder, int64_t step, char *path)
{
    sprintf(path, "%s/checkpoint-%lld.safetensors", folder, (long long)step);
    return path;
}

static drift_status add_name(const char *folder, int64_t step, char *path)
{
    char *now = malloc(strlen(folder) + 64);
    if (!now)
        return drift_fail_memory(folder, 64);
    sprintf(now, "%s/checkpoint.safetensors", folder);
    unlink(path_of(folder, step, path)); /* of a run that was gone on with from an earlier step */
    const int failed = link(now, path);
    free(now);
    return failed ? drift_fail(DRIFT_IO, "%s: cannot be kept: %s", path, strerror(errno)) : DRIFT_OK;
}

drift_status drift_checkpoints_keep(const char *folder, int64_t step, int64_t every, int64_t last)
{
    char *path = malloc(strlen(folder) + 64);
    int64_t *steps = NULL;
    size_t count = 0;
    drift_status status = path ? DRIFT_OK : drift_fail_memory(folder, 64);
    if (!status && step > 0 && (last > 1 || (every && step % every == 0)))
        status = add_name(folder, step, path);
    if (!status)
        status = list_steps(folder, step, &steps, &count);
    for (size_t i = 0; i < count && !status; i++)
        if ((int64_t)i >= last && !(every && steps[i] % every == 0))
            unlink(path_of(folder, steps[i], path));
    free(steps);
    free(path);
    return status;
}
