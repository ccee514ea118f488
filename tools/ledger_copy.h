/* ledger_copy.h - kwota ledger copy: a whole ledger from SQLite to a MariaDB, or back
 */
#ifndef KWOTA_LEDGER_COPY_H
#define KWOTA_LEDGER_COPY_H

/* argv[0] is "kwota ledger copy". An exit status. */
int ledger_copy(int argc, char **argv);

#endif
