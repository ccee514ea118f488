/* node_facts.c - what slurmctld knows of the nodes that report */
#include "policy/node_facts.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/slurm_lookup.h"

/* A few milliseconds each; the next round has the rest. */
#define BATCH 32

#define REFRESH_S 600
#define UNKNOWN_S 60
#define FAILED_S 10

/* A node that has been silent for so long is not asked about. */
#define SILENT_S 86400

static int due_nodes(struct ledger *ledger, int64_t now_s, char names[][256])
{
    sqlite3_stmt *stmt;
    int count = 0;

    if (ledger_begin(ledger) < 0)
        return 0;
    stmt =
        ledger_query(ledger,
                     "SELECT n.node FROM nodes n LEFT JOIN node_facts f USING (node)"
                     " WHERE COALESCE(f.next_s, 0) <= ? AND n.last_report_ms > ? * 1000"
                     " ORDER BY COALESCE(f.next_s, 0) LIMIT ?",
                     "iii", now_s, now_s - SILENT_S, (int64_t)BATCH);
    while (stmt && count < BATCH && sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(names[count++], sizeof names[0], "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
    ledger_done(ledger, stmt);
    ledger_commit_soon(ledger);
    return count;
}

/* What was known stands while slurmctld cannot be asked. */
static void keep(struct ledger *ledger, const char *node, int found,
                 const struct lookup_node *facts, int64_t now_s)
{
    int rc;

    if (ledger_begin(ledger) < 0)
        return;
    if (found < 0)
        rc = ledger_do(ledger,
                       "INSERT INTO node_facts (node, next_s) VALUES (?,?)"
                       " ON CONFLICT DO UPDATE SET next_s = excluded.next_s",
                       "si", node, now_s + FAILED_S);
    else
        rc = ledger_do(ledger,
                       "INSERT OR REPLACE INTO node_facts (node, cpus, memory_mb,"
                       " next_s) VALUES (?,NULLIF(?,0),NULLIF(?,0),?)",
                       "siii", node, facts->cpus, facts->memory_mb,
                       now_s + (found ? REFRESH_S : UNKNOWN_S));
    if (rc < 0)
        ledger_rollback(ledger);
    else
        ledger_commit_soon(ledger);
}

void node_facts_refresh(struct ledger *ledger, int64_t now_s)
{
    char(*names)[256] = calloc(BATCH, sizeof *names);
    int count = names ? due_nodes(ledger, now_s, names) : 0, found = 0;

    for (int i = 0; i < count && found >= 0; i++) {
        struct lookup_node facts = {0};

        found = lookup_node(names[i], &facts);
        keep(ledger, names[i], found, &facts, now_s);
    }
    free(names);
}

void node_facts_of(struct ledger *ledger, const char *node, int64_t *cpus,
                   int64_t *memory_mb)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger, "SELECT cpus, memory_mb FROM node_facts WHERE node = ?", "s", node);

    *cpus = *memory_mb = 0;
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        *cpus = sqlite3_column_int64(stmt, 0);
        *memory_mb = sqlite3_column_int64(stmt, 1);
    }
    ledger_done(ledger, stmt);
}
