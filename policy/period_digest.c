/* period_digest.c - what a statement is made of, as one number */
#include "policy/period_digest.h"

#include <gcrypt.h>
#include <stdio.h>

#define SHA256_BYTES 32
#define COLUMNS 11

static void take_line(gcry_md_hd_t sha, sqlite3_stmt *stmt)
{
    char line[256];
    size_t len = 0;

    for (int i = 0; i < COLUMNS; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%lld%c",
                                (long long)sqlite3_column_int64(stmt, i),
                                i < COLUMNS - 1 ? ' ' : '\n');
    gcry_md_write(sha, line, len);
}

int period_digest(struct ledger *ledger, int64_t month_s, const char *account,
                  char digest[PERIOD_DIGEST])
{
    sqlite3_stmt *stmt;
    gcry_md_hd_t sha;
    int rc = SQLITE_NOMEM;

    /* libgcrypt wants to be asked for before it is used. */
    if (!gcry_check_version(NULL) || gcry_md_open(&sha, GCRY_MD_SHA256, 0) != 0)
        return -1;
    stmt = ledger_query(
        ledger,
        "SELECT run_id, cpu_mj, dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj,"
        " price_u, co2_mg, unpriced_mj, co2_unknown_mj FROM run_months WHERE month_s = "
        "? AND account = ?"
        " ORDER BY run_id",
        "is", month_s, account);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        take_line(sha, stmt);
    ledger_done(ledger, stmt);
    for (int i = 0; i < SHA256_BYTES; i++)
        snprintf(digest + 2 * i, 3, "%02x", gcry_md_read(sha, GCRY_MD_SHA256)[i]);
    gcry_md_close(sha);
    return rc == SQLITE_DONE ? 0 : -1;
}
