/* Where the built-in data lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/data.h"
#include "io/file.h"

enum { PATH_ROOM = 4096 };

/* The folder of the running program; 0 where the system does not tell. */
static int program_folder(char *folder, size_t room)
{
    ssize_t n = readlink("/proc/self/exe", folder, room - 1);
    if (n <= 0)
        return 0;
    folder[n] = 0;
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    return slash != NULL;
}

static char *try_folder(const char *folder, const char *below, const char *name)
{
    size_t room = strlen(folder) + strlen(below) + strlen(name) + 2;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, "%s%s/%s", folder, below, name);
    if (path && !access(path, F_OK))
        return path;
    free(path);
    return NULL;
}

drift_status drift_data_find(const char *name, char **path)
{
    static const char *const beside[] = {"/../data", "/../share/libdrift", "/../../data"};
    const char *forced = getenv("DRIFT_DATA");
    char folder[PATH_ROOM] = "";
    if (forced && *forced) {
        *path = try_folder(forced, "", name);
        return *path ? DRIFT_OK : drift_fail(DRIFT_INVALID, "%s: not found in DRIFT_DATA=%.500s", name, forced);
    }
    *path = try_folder(".", "/data", name);
    int known = program_folder(folder, sizeof folder);
    for (int i = 0; known && !*path && i < 3; i++)
        *path = try_folder(folder, beside[i], name);
    if (*path)
        return DRIFT_OK;
    return drift_fail(DRIFT_INVALID, "%s: not found in ./data%s%.500s; set DRIFT_DATA to the folder that holds it",
                      name, known ? ", nor in ../data, ../share/libdrift, ../../data from " : "", folder);
}

static drift_status copy_path(const char *name, char **path)
{
    *path = strdup(name);
    return *path ? DRIFT_OK : drift_fail_memory(name, strlen(name));
}

drift_status drift_data_find_named(const char *folder, const char *name, char **path)
{
    char file[256];
    if (strchr(name, '/') || strchr(name, '.'))
        return copy_path(name, path);
    snprintf(file, sizeof file, "%s/%s.yaml", folder, name);
    const drift_status status = drift_data_find(file, path);
    if (!status)
        return DRIFT_OK;
    FILE *there = fopen(name, "rb");
    const int is_file = there && fgetc(there) != EOF;
    if (there)
        fclose(there);
    return is_file ? copy_path(name, path) : status;
}
