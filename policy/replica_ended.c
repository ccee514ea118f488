/* replica_ended.c - jobs whose end a kwotad hears of that stands by
 *
 * Its own slurmctld writes the journal while that one controls the cluster, and the
 * kwotad that acts cannot read it: MariaDB has a table in which the one puts job
 * numbers, and from which the other takes them. It is no part of the ledger.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/log.h"
#include "policy/replica_inside.h"

int replica_ended_make(struct replica *r)
{
    if (mariadb_format(&r->m, "CREATE TABLE IF NOT EXISTS kwota_ended"
                              " (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
                              " job BIGINT NOT NULL) ENGINE=InnoDB") == 0)
        return 0;
    log_line("ledger: another kwotad cannot tell this one of jobs that have ended, "
             "which are found by the sweep: %s",
             r->m.error);
    return r->m.is_lost ? -1 : 0;
}

/* Of a statement without which the ledger is none the worse. Wants the wire. */
static int give_up(struct replica *r)
{
    if (r->m.is_lost)
        replica_hang_up(r, r->m.error);
    return -1;
}

int replica_pass_ended(void *of, const uint32_t *jobs, int count)
{
    struct mariadb_text sql = {NULL, 0, 0, false};
    struct replica *r = of;
    int rc = -1;

    mariadb_text_add(&sql, "INSERT INTO kwota_ended (job) VALUES ");
    for (int i = 0; i < count; i++) {
        mariadb_text_add(&sql, i > 0 ? ",(" : "(");
        mariadb_text_number(&sql, jobs[i]);
        mariadb_text_add(&sql, ")");
    }
    pthread_mutex_lock(&r->wire);
    if (r->m.wire && replica_state(r) == REPLICA_STANDS_BY && !sql.failed)
        rc = mariadb_do(&r->m, sql.text, sql.len) < 0 ? give_up(r) : 0;
    pthread_mutex_unlock(&r->wire);
    mariadb_text_free(&sql);
    return rc;
}

void replica_listen(struct replica *r)
{
    int64_t count = 0;

    if (mariadb_number(&r->m, "SELECT COUNT(*) FROM kwota_ended", &count) < 0)
        give_up(r);
    atomic_store(&r->heard, count > 0);
}

/* Wants the wire. */
static int read_heard(struct replica *r, struct ledger_heard *heard)
{
    MYSQL_RES *rows;
    MYSQL_ROW row;
    char sql[96];

    snprintf(sql, sizeof sql, "SELECT id, job FROM kwota_ended ORDER BY id LIMIT %d",
             LEDGER_HEARD);
    rows = mariadb_rows(&r->m, sql);
    if (!rows)
        return give_up(r);
    while (heard->count < LEDGER_HEARD && (row = mysql_fetch_row(rows))) {
        heard->ids[heard->count] = strtoll(row[0], NULL, 10);
        heard->jobs[heard->count++] = (uint32_t)strtoul(row[1], NULL, 10);
    }
    mysql_free_result(rows);
    return heard->count;
}

int replica_heard(void *of, struct ledger_heard *heard)
{
    struct replica *r = of;
    int rc = 0;

    heard->count = 0;
    if (!atomic_load(&r->heard))
        return 0;
    pthread_mutex_lock(&r->wire);
    if (r->m.wire && r->locked)
        rc = read_heard(r, heard);
    pthread_mutex_unlock(&r->wire);
    return rc;
}

int replica_forget_heard(void *of, int64_t up_to)
{
    struct replica *r = of;
    int rc = -1;

    pthread_mutex_lock(&r->wire);
    if (r->m.wire && r->locked)
        rc = mariadb_format(&r->m, "DELETE FROM kwota_ended WHERE id <= %lld",
                            (long long)up_to) < 0
                 ? give_up(r)
                 : 0;
    pthread_mutex_unlock(&r->wire);
    return rc;
}
