/* quote_wish.c - the job that somebody wants a quote for */
#include "policy/quote_wish.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "policy/watts.h"

/* More than any cluster has of anything, and seconds for thirty years. */
#define MOST INT64_C(1000000000)

static int take_text(const json_t *body, const char *key, char *to, size_t size,
                     char why[QUOTE_WHY])
{
    const json_t *value = json_object_get(body, key);

    to[0] = '\0';
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) || json_string_length(value) >= size) {
        snprintf(why, QUOTE_WHY, "\"%s\" is a text of less than %zu characters", key,
                 size);
        return -1;
    }
    snprintf(to, size, "%s", json_string_value(value));
    return 0;
}

/* Left as it is if it is not given. */
static int take_number(const json_t *body, const char *key, int64_t *to,
                       char why[QUOTE_WHY])
{
    const json_t *value = json_object_get(body, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > MOST) {
        snprintf(why, QUOTE_WHY, "\"%s\" is a whole number from 0 to %" PRId64, key,
                 MOST);
        return -1;
    }
    *to = json_integer_value(value);
    return 0;
}

static int take_counts(const json_t *body, struct request *r, char why[QUOTE_WHY])
{
    const struct {
        const char *key;
        int64_t *to;
    } counts[] = {{"nodes", &r->nodes},
                  {"cpus", &r->cpus},
                  {"ntasks", &r->tasks},
                  {"cpus_per_task", &r->cpus_per_task},
                  {"ntasks_per_node", &r->tasks_per_node},
                  {"cpus_per_node", &r->cpus_per_node},
                  {"sockets_per_node", &r->sockets_per_node}};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (take_number(body, counts[i].key, counts[i].to, why) < 0)
            return -1;
    return 0;
}

static int take_gpus(const json_t *body, struct quote_wish *wish, char why[QUOTE_WHY])
{
    struct request *r = &wish->request;
    const struct {
        const char *key, **to;
    } ways[] = {{"gpus", &r->tres_per_job},
                {"gpus_per_node", &r->tres_per_node},
                {"gpus_per_socket", &r->tres_per_socket},
                {"gpus_per_task", &r->tres_per_task}};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int64_t count = 0;

        if (take_number(body, ways[i].key, &count, why) < 0)
            return -1;
        snprintf(wish->gpus[i], sizeof wish->gpus[i], "gpu:%" PRId64, count);
        if (count > 0)
            *ways[i].to = wish->gpus[i];
    }
    return 0;
}

/* Slurm counts limits in whole minutes, rounded up; 0 is none. */
static int take_limit(const json_t *body, struct request *r, char why[QUOTE_WHY])
{
    int64_t limit_s = -1;

    if (take_number(body, "limit_s", &limit_s, why) < 0)
        return -1;
    if (limit_s == 0)
        r->limit_min = REQUEST_UNLIMITED;
    else if (limit_s > 0)
        r->limit_min = (limit_s + 59) / 60;
    return 0;
}

/* Slurm compares accounts without regard to case, and keeps them in small letters. */
static void make_small(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

int quote_wish_read(const json_t *body, struct quote_wish *wish, char why[QUOTE_WHY])
{
    struct request *r = &wish->request;

    memset(wish, 0, sizeof *wish);
    wish->tasks = 1;
    if (!json_is_object(body)) {
        snprintf(why, QUOTE_WHY,
                 "a quote is for a JSON object, such as {\"nodes\": 1}");
        return -1;
    }
    if (take_text(body, "user", wish->user, sizeof wish->user, why) < 0 ||
        take_text(body, "account", wish->account, sizeof wish->account, why) < 0 ||
        take_text(body, "partition", wish->partition, sizeof wish->partition, why) <
            0 ||
        take_text(body, "name", wish->name, sizeof wish->name, why) < 0 ||
        take_counts(body, r, why) < 0 || take_gpus(body, wish, why) < 0 ||
        take_limit(body, r, why) < 0 ||
        take_number(body, "tasks", &wish->tasks, why) < 0)
        return -1;
    if (wish->tasks < 1)
        wish->tasks = 1;
    make_small(wish->account);
    r->exclusive = json_is_true(json_object_get(body, "whole_nodes"));
    r->overcommit = json_is_true(json_object_get(body, "overcommit"));
    r->budget = json_string_value(json_object_get(body, "energy_budget"));
    r->gpu_power_cap = json_string_value(json_object_get(body, "gpu_power_cap"));
    if (r->gpu_power_cap && watts_parse_cap(r->gpu_power_cap, &wish->gpu_cap_mw) < 0) {
        snprintf(
            why, QUOTE_WHY,
            "gpu_power_cap is a power of a GPU, from 10W to 10kW, such as \"250W\"");
        return -1;
    }
    r->partition = wish->partition;
    return 0;
}
