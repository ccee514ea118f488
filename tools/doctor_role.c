/* doctor_role.c - which part of the cluster a host is, by slurm.conf */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor.h"

/* Whether the digits after `prefix` are in "1-3,007]". */
static bool in_ranges(const char *ranges, const char *digits, size_t len)
{
    long number = strtol(digits, NULL, 10);

    while (*ranges && *ranges != ']') {
        char *end;
        long first = strtol(ranges, &end, 10), last = first;
        size_t width = (size_t)(end - ranges);

        if (end == ranges)
            return false;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        if (number >= first && number <= last && (len == width || width == 1))
            return true;
        ranges = *end == ',' ? end + 1 : end;
    }
    return false;
}

/* Whether a name is one of "n[1-3,7],gpu07", with one bracket a name. */
static bool in_list(const char *list, const char *name)
{
    while (*list) {
        size_t plain = strcspn(list, "[,"), digits, after;
        const char *close;

        if (list[plain] != '[') {
            if (plain == strlen(name) && strncmp(list, name, plain) == 0)
                return true;
            list += plain + (list[plain] == ',');
            continue;
        }
        close = strchr(list + plain, ']');
        if (!close)
            return false;
        after = strcspn(close + 1, ",");
        if (strncmp(list, name, plain) == 0) {
            digits = strspn(name + plain, "0123456789");
            if (digits > 0 && strlen(name + plain + digits) == after &&
                strncmp(name + plain + digits, close + 1, after) == 0 &&
                in_ranges(list + plain + 1, name + plain, digits))
                return true;
        }
        list = close + 1 + after + (close[1 + after] == ',');
    }
    return false;
}

static bool is_host(const char *value, const char *host)
{
    size_t len = strcspn(value, "(.");

    return len == strlen(host) && strncasecmp(value, host, len) == 0;
}

/* A NodeName that is this host, by its own name or its NodeHostname. */
static bool is_node(struct doctor_facts *facts, size_t record, const char *node)
{
    const char *name = facts->conf->pairs[record].value;
    const char *host = slurm_conf_of(facts->conf, record, "NodeHostname");

    if (strcasecmp(name, "DEFAULT") == 0)
        return false;
    if (node) {
        if (!in_list(name, node))
            return false;
        snprintf(facts->node, sizeof facts->node, "%s", node);
    } else if (host && in_list(host, facts->host)) {
        /* Of several names at one host the one that stands for itself. */
        snprintf(facts->node, sizeof facts->node, "%s",
                 strpbrk(name, "[,") ? facts->host : name);
    } else if (!host && in_list(name, facts->host)) {
        snprintf(facts->node, sizeof facts->node, "%s", facts->host);
    } else {
        return false;
    }
    facts->node_pair = record;
    return true;
}

void doctor_role(struct doctor_facts *facts, const char *node)
{
    facts->roles = 0;
    facts->node[0] = '\0';
    for (size_t i = 0; i < facts->conf->pair_count; i++) {
        const struct slurm_pair *pair = &facts->conf->pairs[i];

        if (strcasecmp(pair->key, "SlurmctldHost") == 0 ||
            strcasecmp(pair->key, "ControlMachine") == 0 ||
            strcasecmp(pair->key, "BackupController") == 0) {
            if (is_host(pair->value, facts->host))
                facts->roles |= DOCTOR_CONTROLLER;
        } else if (pair->record == i && strcasecmp(pair->key, "NodeName") == 0 &&
                   !facts->node[0] && is_node(facts, i, node)) {
            facts->roles |= DOCTOR_NODE;
        }
    }
    if (facts->roles == 0)
        facts->roles = DOCTOR_LOGIN;
}
