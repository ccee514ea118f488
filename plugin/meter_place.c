/* meter_place.c - where this process's meter is, and for whom it asks */
#include "plugin/meter_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN "KWOTA_METER_RUN"
#define NODE "KWOTA_METER_NODE"
#define JOB "KWOTA_METER_JOB"
#define STEP "KWOTA_METER_STEP"

static void put_number(const char *name, uint32_t number)
{
    char text[16];

    snprintf(text, sizeof text, "%u", number);
    setenv(name, text, 1);
}

void meter_place_tell(const struct meter_place *place)
{
    setenv(RUN, place->run, 1);
    setenv(NODE, place->node, 1);
    put_number(JOB, place->job);
    put_number(STEP, place->step);
}

/* The argument behind -N of this process: slurmd's node name where it is not the
 * host's. */
static void name_of_slurmd(char *node, size_t size)
{
    char line[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

    if (fd >= 0)
        close(fd);
    line[len > 0 ? len : 0] = '\0';
    for (ssize_t i = 0; i < len; i += (ssize_t)strlen(line + i) + 1) {
        const char *word = line + i;

        if (strcmp(word, "-N") == 0)
            snprintf(node, size, "%s", line + i + 3);
        else if (strncmp(word, "-N", 2) == 0)
            snprintf(node, size, "%s", word + 2);
    }
}

static void find_node(char *node, size_t size)
{
    const char *told = getenv(NODE);

    if (!told || !*told)
        told = getenv("SLURMD_NODENAME");
    snprintf(node, size, "%s", told ? told : "");
    if (!node[0])
        name_of_slurmd(node, size);
    if (!node[0] && gethostname(node, size) == 0)
        node[strcspn(node, ".")] = '\0';
    node[size - 1] = '\0';
    if (strchr(node, '/'))
        node[0] = '\0';
}

static uint32_t number(const char *name)
{
    const char *text = getenv(name);

    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

void meter_place_find(struct meter_place *place)
{
    const char *run = getenv(RUN);
    struct arguments arguments = {.run = ""};

    snprintf(arguments.run, sizeof arguments.run, "%s", run ? run : "");
    find_node(place->node, sizeof place->node);
    arguments_for_node(&arguments, place->node);
    snprintf(place->run, sizeof place->run, "%s", place->node[0] ? arguments.run : "");
    place->job = number(JOB);
    place->step = number(STEP);
}
