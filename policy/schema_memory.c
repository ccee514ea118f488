/* schema_memory.c - what is kept of the open runs in memory, beside the ledger */
#include "policy/schema.h"

#include <stddef.h>

#define RUN_OF "(SELECT run_id FROM tokens WHERE token = NEW.token)"

/* What all of a token's quarter-hours come to. */
#define QUARTERS                                                                       \
    " FROM (SELECT SUM(mj) AS mj, SUM(mj - posted_mj) AS open_mj,"                     \
    "  MIN(quarter_s) AS from_s, MAX(quarter_s) AS until_s FROM run_quarters WHERE "   \
    "token = NEW.token) q WHERE q.mj IS NOT NULL"

/* An upsert: INSERT OR would be overridden by the statement that fires the trigger. */
#define NEWS_OF_TOKEN                                                                  \
    " INSERT INTO news VALUES (NEW.run_id, 0)"                                         \
    " ON CONFLICT (run_id) DO UPDATE SET seen = 0;"
#define NEWS_OF_RUN                                                                    \
    " INSERT INTO news VALUES (NEW.id, 0)"                                             \
    " ON CONFLICT (run_id) DO UPDATE SET seen = 0;"
#define CAPS_DUE " INSERT INTO caps_due VALUES (NEW.id) ON CONFLICT DO NOTHING;"

const char schema_in_memory[] =
    "CREATE TEMP TABLE news (run_id INTEGER PRIMARY KEY, seen INTEGER NOT NULL);"
    "INSERT INTO news SELECT id, 0 FROM runs WHERE state <> 'settled';"
    "INSERT OR IGNORE INTO news SELECT run_id, 0 FROM tokens"
    " WHERE run_id IS NOT NULL AND token IN"
    "  (SELECT token FROM run_quarters WHERE mj <> posted_mj);"
    "CREATE TEMP TRIGGER news_of_run AFTER UPDATE OF state ON runs"
    " BEGIN" NEWS_OF_RUN " END;"

    "CREATE TEMP TABLE finals (run_id INTEGER PRIMARY KEY);"
    "INSERT INTO finals SELECT id FROM runs r WHERE state <> 'settled' AND state = "
    "'running' AND EXISTS"
    " (SELECT 1 FROM tokens t WHERE t.run_id = r.id AND t.final);"
    "CREATE TEMP TRIGGER finals_of_token AFTER UPDATE OF final, run_id ON tokens"
    " WHEN NEW.final AND NEW.run_id IS NOT NULL"
    " BEGIN INSERT INTO finals VALUES (NEW.run_id) ON CONFLICT DO NOTHING; END;"

    "CREATE TEMP TABLE sentences (run_id INTEGER PRIMARY KEY);"
    "INSERT INTO sentences SELECT id FROM runs WHERE decision IN ('holding', 'ending');"
    "CREATE TEMP TRIGGER sentence_of_run AFTER UPDATE OF decision ON runs BEGIN"
    " DELETE FROM sentences WHERE run_id = NEW.id;"
    " INSERT INTO sentences SELECT NEW.id WHERE NEW.decision IN ('holding', 'ending');"
    " END;"

    "CREATE TEMP TABLE used (run_id INTEGER PRIMARY KEY, mj INTEGER NOT NULL DEFAULT 0,"
    " open_mj INTEGER NOT NULL DEFAULT 0, from_s INTEGER, until_s INTEGER, last_ms "
    "INTEGER);"
    "INSERT INTO used SELECT r.id, COALESCE(SUM(q.mj), 0),"
    " COALESCE(SUM(q.mj - q.posted_mj), 0), MIN(q.quarter_s),"
    " MAX(q.quarter_s), (SELECT MAX(last_ms) FROM tokens WHERE run_id = r.id)"
    " FROM runs r INDEXED BY runs_open LEFT JOIN tokens t ON t.run_id = r.id LEFT JOIN "
    "run_quarters q"
    " ON q.token = t.token WHERE r.state <> 'settled' GROUP BY r.id;"
    "CREATE TEMP TRIGGER used_of_run AFTER INSERT ON runs WHEN NEW.state <> 'settled'"
    " BEGIN INSERT INTO used (run_id) VALUES (NEW.id); END;"
    "CREATE TEMP TRIGGER used_no_more AFTER UPDATE OF state ON runs"
    " WHEN NEW.state = 'settled' BEGIN DELETE FROM used WHERE run_id = NEW.id; END;"
    "CREATE TEMP TRIGGER used_of_quarter AFTER INSERT ON run_quarters BEGIN"
    " UPDATE used SET mj = mj + NEW.mj, open_mj = open_mj + NEW.mj - NEW.posted_mj,"
    "  from_s = MIN(COALESCE(from_s, NEW.quarter_s), NEW.quarter_s),"
    "  until_s = MAX(COALESCE(until_s, NEW.quarter_s), NEW.quarter_s)"
    "  WHERE run_id = " RUN_OF "; END;"
    /* What a quarter-hour grows by, report_run.c adds by itself, once for all kinds. */
    "CREATE TEMP TRIGGER used_posted AFTER UPDATE OF posted_mj ON run_quarters BEGIN"
    " UPDATE used SET open_mj = open_mj - NEW.posted_mj + OLD.posted_mj"
    "  WHERE run_id = " RUN_OF "; END;"
    "CREATE TEMP TRIGGER used_of_token AFTER UPDATE OF run_id ON tokens"
    " WHEN NEW.run_id IS NOT OLD.run_id BEGIN"
    " UPDATE used SET mj = used.mj - q.mj, open_mj = used.open_mj - q.open_mj" QUARTERS
    " AND run_id = OLD.run_id;"
    " UPDATE used SET mj = used.mj + q.mj, open_mj = used.open_mj + q.open_mj,"
    "  from_s = MIN(COALESCE(used.from_s, q.from_s), q.from_s),"
    "  until_s = MAX(COALESCE(used.until_s, q.until_s), q.until_s)" QUARTERS
    "  AND run_id = NEW.run_id; END;"

    "CREATE TEMP TRIGGER heard_of_token AFTER UPDATE OF last_ms, final, run_id ON "
    "tokens"
    " WHEN NEW.run_id IS NOT NULL BEGIN" NEWS_OF_TOKEN
    " UPDATE used SET last_ms = MAX(COALESCE(last_ms, NEW.last_ms), NEW.last_ms)"
    "  WHERE run_id = NEW.run_id; END;"

    "CREATE TEMP TABLE live_pace (wait_ms INTEGER NOT NULL);"
    "INSERT INTO live_pace VALUES (0);"
    "CREATE TEMP TABLE live_watched (run_id INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE live (token TEXT PRIMARY KEY, run_id INTEGER NOT NULL,"
    " saved_mj INTEGER NOT NULL, saved_ms INTEGER NOT NULL, shape INTEGER NOT NULL,"
    " mj INTEGER NOT NULL DEFAULT 0, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    " last_mj INTEGER, cpu_ns INTEGER NOT NULL DEFAULT 0, counts TEXT) WITHOUT ROWID;"
    "CREATE INDEX temp.live_run ON live (run_id);"
    "CREATE TEMP TRIGGER used_of_live AFTER UPDATE OF mj ON live BEGIN"
    " UPDATE used SET mj = mj + NEW.mj - OLD.mj, open_mj = open_mj + NEW.mj - OLD.mj,"
    "  last_ms = MAX(COALESCE(last_ms, NEW.to_ms), NEW.to_ms)"
    "  WHERE run_id = NEW.run_id;" NEWS_OF_TOKEN " END;"
    "CREATE TEMP TRIGGER live_no_more AFTER UPDATE OF state ON runs"
    " WHEN NEW.state = 'settled' BEGIN DELETE FROM live WHERE run_id = NEW.id;"
    " DELETE FROM live_watched WHERE run_id = NEW.id; END;"
    /* Its run's it was. */
    "CREATE TEMP TRIGGER live_of_other AFTER UPDATE OF run_id ON tokens"
    " WHEN NEW.run_id IS NOT OLD.run_id BEGIN"
    " UPDATE live SET mj = 0 WHERE token = NEW.token;"
    " DELETE FROM live WHERE token = NEW.token; END;"

    "CREATE TEMP TABLE fresh_liens (run_id INTEGER PRIMARY KEY);"
    "CREATE TEMP TRIGGER lien_is_fresh AFTER INSERT ON liens BEGIN"
    " INSERT INTO fresh_liens VALUES (NEW.run_id) ON CONFLICT DO NOTHING; END;"

    "CREATE TEMP TABLE quota_percents (quota_id INTEGER PRIMARY KEY,"
    " percent INTEGER NOT NULL, quota_mj INTEGER NOT NULL DEFAULT 0,"
    " granted_mj INTEGER NOT NULL DEFAULT 0, used_mj INTEGER NOT NULL DEFAULT 0,"
    " reserved_mj INTEGER NOT NULL DEFAULT 0,"
    " available_mj INTEGER NOT NULL DEFAULT 0);"
    "CREATE TEMP TABLE caps (run_id INTEGER PRIMARY KEY, gpu_mw INTEGER,"
    " package_mw INTEGER, cpu_percent INTEGER, why TEXT NOT NULL);"
    "CREATE TEMP TABLE caps_due (run_id INTEGER PRIMARY KEY);"
    "INSERT INTO caps_due SELECT id FROM runs WHERE state <> 'settled'"
    " AND state = 'running';"
    "CREATE TEMP TRIGGER caps_of_new AFTER INSERT ON runs WHEN NEW.state = 'running'"
    " BEGIN" CAPS_DUE " END;"
    "CREATE TEMP TRIGGER caps_of_other AFTER UPDATE OF state, account, user, partition,"
    " qos, gpu_types, user_gpu_mw, steer_gpu_mw, steer_package_mw, steer_cpu_percent "
    "ON runs"
    " WHEN NEW.state = 'running' AND (OLD.state <> 'running'"
    "  OR NEW.account IS NOT OLD.account OR NEW.user IS NOT OLD.user"
    "  OR NEW.partition IS NOT OLD.partition OR NEW.qos IS NOT OLD.qos"
    "  OR NEW.gpu_types IS NOT OLD.gpu_types"
    "  OR NEW.user_gpu_mw IS NOT OLD.user_gpu_mw"
    "  OR NEW.steer_gpu_mw IS NOT OLD.steer_gpu_mw"
    "  OR NEW.steer_package_mw IS NOT OLD.steer_package_mw"
    "  OR NEW.steer_cpu_percent IS NOT OLD.steer_cpu_percent) BEGIN" CAPS_DUE " END;"
    "CREATE TEMP TRIGGER caps_no_more AFTER UPDATE OF state ON runs"
    " WHEN NEW.state <> 'running' AND OLD.state = 'running' BEGIN"
    " DELETE FROM caps WHERE run_id = NEW.id;"
    " DELETE FROM caps_due WHERE run_id = NEW.id; END;";

int schema_memory_drop(sqlite3 *db)
{
    /* Triggers first. */
    static const char drops[] =
        "SELECT group_concat('DROP ' || type || ' temp.\"' || name || '\"', ';') FROM"
        " (SELECT type, name FROM sqlite_temp_schema WHERE type IN ('table', 'trigger')"
        "  ORDER BY type DESC)";
    sqlite3_stmt *row;
    char *sql = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(db, drops, -1, &row, NULL) != SQLITE_OK)
        return -1;
    if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_text(row, 0))
        sql = sqlite3_mprintf("%s", sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    if (sql)
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
    sqlite3_free(sql);
    return rc;
}
