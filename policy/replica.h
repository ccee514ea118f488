/* replica.h - the ledger of record is in a MariaDB, and SQLite's file a copy of it
 *
 * All that kwotad reads and works out is SQLite's still. What a group of transactions
 * changed is recorded (SQLite's session extension), and when the group is to reach the
 * disk it goes to MariaDB first, in one transaction: row by row into the tables, and
 * whole into kwota_changes, under the next number. Only then SQLite commits, and
 * whoever waits is told. So the copy is never ahead; where it is behind (killed in
 * between, or another kwotad acts) it is brought up to date from kwota_changes, or, if
 * what it lacks is no longer kept there, copied anew.
 *
 * Of several kwotad on one database the one acts that holds a lock of the server's by
 * name, for as long as its connection lives. Each that takes the lock also raises the
 * fence: a number that each transaction compares with its own, so that one who lost
 * the lock and does not know it cannot commit. The others follow, every second.
 *
 * While MariaDB is away nothing is written, as with a full disk: ledger_commit() says
 * so, and what was read last can be read. Nobody waits for it, but for the one group
 * during which it went: whose fate is asked for as soon as MariaDB answers, for some
 * seconds.
 */
#ifndef KWOTA_REPLICA_H
#define KWOTA_REPLICA_H

#include "policy/ledger.h"
#include "policy/mariadb_place.h"

/* `ledger` was opened by ledger_open_copy(), and nobody uses it yet. `name` is what the
 * other kwotad are to call this one: "ctl1:6828". 0: from now on the ledger is
 * MariaDB's, until ledger_close(); it acts, stands by, or waits for a MariaDB that is
 * away. -1 with the reason in the log: there is none and no copy either, or that one is
 * of another ledger, or of a newer kwotad. */
int replica_start(struct ledger *ledger, const struct mariadb_place *place,
                  const char *name);

#endif
