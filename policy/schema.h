/* schema.h - the tables of the ledger
 *
 * Times end in _s or _ms (since 1970), energy in _uj or _mj. entries is append-only: a
 * trigger refuses anything else. See schema.c for what each table holds.
 */
#ifndef KWOTA_SCHEMA_H
#define KWOTA_SCHEMA_H

#include <sqlite3.h>

#define SCHEMA_VERSION 4

/* schema_steps[n] makes version n + 1 of version n; 0 is an empty database. */
extern const char *const schema_steps[SCHEMA_VERSION];

/* Fills what is new in `version` from what a ledger that was made before has, in the
 * transaction of its step. SQLITE_OK, or what failed. */
int schema_fill(sqlite3 *db, int version);

/* Made anew whenever a ledger is opened, kept by triggers, and never on disk: what
 * would else be worked out of all open runs over and over.
 *
 * news: runs of which something was heard: a report, a binding, another state. seen:
 * the worker's round that goes on looks at it; what is heard meanwhile is news again.
 * finals: running runs of which a node has given its final.
 * fresh_liens: runs whose lien was opened since the budgets' standings were begun to be
 * brought up to date: some of these do not have it off yet.
 * sentences: runs whose decision is to be carried out.
 * used: of each run that is not settled, what it has used by its last report (open_mj:
 * beyond what the roll-ups have), the first and the last quarter-hour of that, and when
 * the report was.
 * live: of each token of a run that goes on, what the ledger has of it (saved_mj, by
 * the report of saved_ms) and what is noted of it beyond that (mj, in `used` too), with
 * the counts themselves (live.h); last_mj: from from_ms to to_ms. live_watched: runs
 * whose counts don't wait.
 * caps: what each running run is held to (cap.h; null: that part is not held); one that
 * is not there is not worked out yet. caps_due: runs whose caps are to be worked out.
 * quota_percents: how much of each quota is used, and where its budget stands, as last
 * worked out. */
extern const char schema_in_memory[];

/* Takes all of that away, to make it anew, or to do without. -1: it is still there. */
int schema_memory_drop(sqlite3 *db);

#endif
