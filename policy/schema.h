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

#endif
