/* policy_file.h - a folder with configuration files for one test */
#ifndef KWOTA_POLICY_FILE_H
#define KWOTA_POLICY_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/policy.h"

#define POLICY_FILES 48

struct policy_files {
    char folder[64];
    char paths[POLICY_FILES][128];
    int count;
};

static inline void policy_files_make(struct policy_files *files)
{
    *files = (struct policy_files){.folder = "/tmp/kwota-policy-XXXXXX"};
    if (!mkdtemp(files->folder))
        abort();
}

static inline void policy_files_remove(struct policy_files *files)
{
    for (int i = 0; i < files->count; i++)
        unlink(files->paths[i]);
    rmdir(files->folder);
}

/* Writes a file, again if need be; returns its path. */
static inline const char *policy_files_write(struct policy_files *files,
                                             const char *name, const char *text)
{
    char path[128];
    FILE *out;
    int i = 0;

    snprintf(path, sizeof path, "%s/%s", files->folder, name);
    while (i < files->count && strcmp(files->paths[i], path) != 0)
        i++;
    if (i == POLICY_FILES)
        abort();
    if (i == files->count)
        snprintf(files->paths[files->count++], sizeof files->paths[0], "%s", path);
    out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out) != 0)
        abort();
    return files->paths[i];
}

/* Reads a file; *complaints, without the folder before each file, is to be freed. */
static inline struct policy *policy_files_read(struct policy_files *files,
                                               const char *path, char **complaints)
{
    size_t size, folder = strlen(files->folder) + 1;
    char prefix[80], *at;
    FILE *out = open_memstream(complaints, &size);
    struct policy *policy = policy_read(path, out);

    fclose(out);
    snprintf(prefix, sizeof prefix, "%s/", files->folder);
    while ((at = strstr(*complaints, prefix)))
        memmove(at, at + folder, strlen(at + folder) + 1);
    return policy;
}

#endif
