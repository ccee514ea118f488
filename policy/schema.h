/* schema.h - the tables of the ledger
 *
 * Times end in _s or _ms (since 1970), energy in _uj or _mj. entries is append-only: a
 * trigger refuses anything else. See schema.c for what each table holds.
 */
#ifndef KWOTA_SCHEMA_H
#define KWOTA_SCHEMA_H

#define SCHEMA_VERSION 3

/* schema_steps[n] makes version n + 1 of version n; 0 is an empty database. */
extern const char *const schema_steps[SCHEMA_VERSION];

/* Made anew whenever a ledger is opened, and never on disk: which runs the worker has
 * to look at, so that it need not look at all of them. Kept by triggers; a row that is
 * not there any more has been looked at.
 *
 * news: something was heard of the run: a report, its binding, a change of its state.
 * seen: the worker's round that goes on looks at it; what is heard meanwhile is news.
 * finals: a node has given its final, and the run was not seen to be over since. */
extern const char schema_news[];

#endif
