/* schema.c - the tables of the ledger */
#include "policy/schema.h"

static const char version_1[] =
    /* One run of a job: job ids repeat, a requeue is another run. */
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, job_id INTEGER NOT NULL,"
    " submit_s INTEGER NOT NULL, restart INTEGER NOT NULL, job_text TEXT NOT NULL,"
    " uid INTEGER NOT NULL, user TEXT NOT NULL, account TEXT NOT NULL,"
    " partition TEXT NOT NULL, name TEXT NOT NULL, start_s INTEGER NOT NULL,"
    " end_s INTEGER, slurm_state TEXT NOT NULL, node_count INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('running','ended','settled')),"
    " reasons TEXT NOT NULL DEFAULT '',"
    " UNIQUE (cluster, job_id, submit_s, restart));"
    "CREATE INDEX runs_text ON runs (job_text);"
    "CREATE INDEX runs_job ON runs (job_id);"
    "CREATE INDEX runs_open ON runs (state) WHERE state <> 'settled';"
    /* What one node calls its part of a run; run_id is null until it is bound. */
    "CREATE TABLE tokens ("
    " token TEXT PRIMARY KEY, run_id INTEGER REFERENCES runs(id), node TEXT NOT NULL,"
    " job_id INTEGER NOT NULL, start_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,"
    " final INTEGER NOT NULL, cpu_ns INTEGER NOT NULL, reasons TEXT NOT NULL,"
    " simulated INTEGER NOT NULL, refused INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE INDEX tokens_run ON tokens (run_id);"
    "CREATE INDEX tokens_unbound ON tokens (job_id) WHERE run_id IS NULL;"
    /* The node's cumulative counts of a run; uj null: unknown. */
    "CREATE TABLE run_domains ("
    " token TEXT NOT NULL REFERENCES tokens(token), domain TEXT NOT NULL,"
    " kind TEXT NOT NULL, uj INTEGER, PRIMARY KEY (token, domain)) WITHOUT ROWID;"
    /* When it was used. posted_mj is what the roll-ups have of it. */
    "CREATE TABLE run_quarters ("
    " token TEXT NOT NULL REFERENCES tokens(token), quarter_s INTEGER NOT NULL,"
    " kind TEXT NOT NULL, mj INTEGER NOT NULL, posted_mj INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (token, quarter_s, kind)) WITHOUT ROWID;"
    "CREATE INDEX run_quarters_open ON run_quarters (token) WHERE mj <> posted_mj;"
    "CREATE TABLE entries ("
    " id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs(id),"
    " kind TEXT NOT NULL CHECK (kind IN ('charge','adjustment')), mj INTEGER NOT NULL,"
    " time_s INTEGER NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL);"
    "CREATE UNIQUE INDEX entries_charge ON entries (run_id) WHERE kind = 'charge';"
    "CREATE INDEX entries_run ON entries (run_id);"
    "CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    "CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    /* Settled energy by quarter-hour; runs counts those that ended in it. */
    "CREATE TABLE rollups ("
    " quarter_s INTEGER NOT NULL, cluster TEXT NOT NULL, account TEXT NOT NULL,"
    " user TEXT NOT NULL, partition TEXT NOT NULL, cpu_mj INTEGER NOT NULL DEFAULT 0,"
    " dram_mj INTEGER NOT NULL DEFAULT 0, gpu_mj INTEGER NOT NULL DEFAULT 0,"
    " other_mj INTEGER NOT NULL DEFAULT 0, runs INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (quarter_s, cluster, account, user, partition)) WITHOUT ROWID;"
    "CREATE TABLE nodes ("
    " node TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL,"
    " last_report_ms INTEGER NOT NULL, simulated INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE node_domains ("
    " node TEXT NOT NULL, epoch TEXT NOT NULL, domain TEXT NOT NULL, kind TEXT NOT "
    "NULL,"
    " source TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, total_uj INTEGER NOT "
    "NULL,"
    " jobs_uj INTEGER NOT NULL, node_uj INTEGER NOT NULL, gap_ms INTEGER NOT NULL,"
    " PRIMARY KEY (node, epoch, domain)) WITHOUT ROWID;"
    /* How far ended.journal has been read. */
    "CREATE TABLE journal_place (inode INTEGER NOT NULL, offset INTEGER NOT NULL);"
    "PRAGMA user_version = 1;";

static const char version_2[] =
    /* When kwotad learnt that it was over. */
    "ALTER TABLE runs ADD COLUMN over_seen_s INTEGER;"
    /* uid: whose the node says the job is. cpus, memory_mb: what the job holds there.
     * next_ask_s: when Slurm is next asked whose token it is. */
    "ALTER TABLE tokens ADD COLUMN uid INTEGER;"
    "ALTER TABLE tokens ADD COLUMN cpus INTEGER;"
    "ALTER TABLE tokens ADD COLUMN memory_mb INTEGER;"
    "ALTER TABLE tokens ADD COLUMN next_ask_s INTEGER NOT NULL DEFAULT 0;"
    /* Divided among jobs; made of power over time. What was so once stays so. */
    "ALTER TABLE run_domains ADD COLUMN apportioned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE run_domains ADD COLUMN integrated INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE node_domains ADD COLUMN integrated INTEGER NOT NULL DEFAULT 0;"
    /* As slurmctld knows the node; null: unknown. next_s: when it is next asked. */
    "CREATE TABLE node_facts ("
    " node TEXT PRIMARY KEY, cpus INTEGER, memory_mb INTEGER, next_s INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    /* A node's cumulative counts of a run's steps; end_ms null: it runs. */
    "CREATE TABLE run_steps ("
    " token TEXT NOT NULL REFERENCES tokens(token), step TEXT NOT NULL,"
    " start_ms INTEGER NOT NULL, end_ms INTEGER, cpu_ns INTEGER NOT NULL,"
    " PRIMARY KEY (token, step)) WITHOUT ROWID;"
    "CREATE TABLE run_step_counts ("
    " token TEXT NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL, uj INTEGER,"
    " PRIMARY KEY (token, step, kind),"
    " FOREIGN KEY (token, step) REFERENCES run_steps(token, step)) WITHOUT ROWID;"
    /* What a token's counts grew by from one report to the next; null: unknown. */
    "CREATE TABLE run_points ("
    " token TEXT NOT NULL REFERENCES tokens(token), from_ms INTEGER NOT NULL,"
    " to_ms INTEGER NOT NULL, cpu_mj INTEGER, dram_mj INTEGER, gpu_mj INTEGER,"
    " other_mj INTEGER, PRIMARY KEY (token, to_ms)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

static const char version_3[] =
    /* As slurmdbd tells it; parent "": the root. Without slurmdbd there is none, and
     * accounts are flat. */
    "CREATE TABLE accounts ("
    " cluster TEXT NOT NULL, account TEXT NOT NULL, parent TEXT NOT NULL,"
    " PRIMARY KEY (cluster, account)) WITHOUT ROWID;"
    "CREATE INDEX accounts_parent ON accounts (parent);"
    /* Who may use which account. is_default: where a job without an account goes. */
    "CREATE TABLE members ("
    " cluster TEXT NOT NULL, account TEXT NOT NULL, user TEXT NOT NULL,"
    " is_default INTEGER NOT NULL, PRIMARY KEY (cluster, account, user)) WITHOUT "
    "ROWID;"
    "CREATE INDEX members_user ON members (user, cluster);"
    /* What may be used in a period. cluster "": all that share the ledger. account "":
     * the user in all accounts; user "": the account and all below it; class: the
     * partition, or class of them, that alone counts; "": all. days: of a rolling one;
     * from_s, until_s: of a fixed one, else null. */
    "CREATE TABLE quotas ("
    " id INTEGER PRIMARY KEY, cluster TEXT NOT NULL DEFAULT '', account TEXT NOT NULL,"
    " user TEXT NOT NULL, class TEXT NOT NULL DEFAULT '', mj INTEGER NOT NULL,"
    " period TEXT NOT NULL CHECK (period IN"
    "  ('month','quarter','year','rolling','fixed')),"
    " days INTEGER, from_s INTEGER, until_s INTEGER,"
    " carry_percent INTEGER NOT NULL DEFAULT 0,"
    " borrow_percent INTEGER NOT NULL DEFAULT 0, since_s INTEGER NOT NULL,"
    " UNIQUE (cluster, account, user, class));"
    /* Everything that was ever done to quotas by hand, append-only. set, remove: mj is
     * the quota's; grant, adjust, refund, transfer: what it gave or took, which counts
     * in the window that time_s lies in. */
    "CREATE TABLE postings ("
    " id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind "
    "IN"
    "  ('set','remove','grant','adjust','refund','transfer','credit')),"
    " cluster TEXT NOT NULL DEFAULT '', account TEXT NOT NULL, user TEXT NOT NULL,"
    " class TEXT NOT NULL DEFAULT '', mj INTEGER NOT NULL,"
    " run_id INTEGER REFERENCES runs(id), actor TEXT NOT NULL, why TEXT NOT NULL);"
    "CREATE INDEX postings_of ON postings (account, user, time_s);"
    "CREATE INDEX postings_run ON postings (run_id) WHERE run_id IS NOT NULL;"
    "CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings"
    " BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;"
    "CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings"
    " BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;"
    /* What is set aside for an open run, used or not; gone when it is settled.
     * licence_wh: how much of it Slurm holds as licence while the job runs. until_s:
     * its time limit's end. */
    "CREATE TABLE liens ("
    " run_id INTEGER PRIMARY KEY REFERENCES runs(id), mj INTEGER NOT NULL,"
    " licence_wh INTEGER NOT NULL, from_s INTEGER NOT NULL, until_s INTEGER NOT NULL,"
    " most_mj INTEGER);"
    /* The part of the energy that is the centre's: used beyond a lien that could not be
     * raised. */
    "ALTER TABLE rollups ADD COLUMN overrun_mj INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE runs ADD COLUMN enforce TEXT NOT NULL DEFAULT 'off';"
    "ALTER TABLE runs ADD COLUMN overrun_mj INTEGER NOT NULL DEFAULT 0;"
    /* Whether its job may run: null until kwotad knows; run; holding, held; ending,
     * ended; spared: it would have been ended. lien_mj: what its lien was when it was
     * settled; null: it had none. */
    "ALTER TABLE runs ADD COLUMN decision TEXT;"
    "ALTER TABLE runs ADD COLUMN decision_why TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX runs_undecided ON runs (start_s)"
    " WHERE state = 'running' AND decision IS NULL;"
    "ALTER TABLE runs ADD COLUMN lien_mj INTEGER;"
    "ALTER TABLE runs ADD COLUMN most_mj INTEGER;"
    "ALTER TABLE runs ADD COLUMN act_text TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE runs ADD COLUMN batch INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE runs ADD COLUMN requeues INTEGER NOT NULL DEFAULT 0;"
    /* What it holds and what it asked for; null: unknown, which gpus are where cpus
     * are. limit_s 0: none. */
    "ALTER TABLE runs ADD COLUMN cpus INTEGER;"
    "ALTER TABLE runs ADD COLUMN gpus INTEGER;"
    "ALTER TABLE runs ADD COLUMN limit_s INTEGER;"
    "ALTER TABLE runs ADD COLUMN asked_nodes INTEGER;"
    "ALTER TABLE runs ADD COLUMN asked_cpus INTEGER;"
    "ALTER TABLE runs ADD COLUMN asked_gpus INTEGER;"
    /* Settled runs from which like ones are estimated, by what they asked for. mw:
     * their mean power, rounded up. */
    "CREATE TABLE history ("
    " cluster TEXT NOT NULL, user TEXT NOT NULL, account TEXT NOT NULL,"
    " name TEXT NOT NULL, partition TEXT NOT NULL, nodes INTEGER NOT NULL,"
    " cpus INTEGER NOT NULL, gpus INTEGER NOT NULL, end_s INTEGER NOT NULL,"
    " run_id INTEGER NOT NULL REFERENCES runs(id), mw INTEGER NOT NULL,"
    " elapsed_s INTEGER NOT NULL, limit_s INTEGER NOT NULL,"
    " timed_out INTEGER NOT NULL, simulated INTEGER NOT NULL,"
    " PRIMARY KEY (cluster, user, account, name, partition, nodes, cpus, gpus, end_s,"
    "  run_id)) WITHOUT ROWID;"
    /* overrun: the part of a run's energy that the centre bears; credit: what its end
     * state gives back. */
    "CREATE TABLE entries_3 ("
    " id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs(id),"
    " kind TEXT NOT NULL CHECK (kind IN ('charge','adjustment','overrun','credit')),"
    " mj INTEGER NOT NULL, time_s INTEGER NOT NULL, actor TEXT NOT NULL,"
    " why TEXT NOT NULL);"
    "INSERT INTO entries_3 SELECT * FROM entries;"
    "DROP TABLE entries;"
    "ALTER TABLE entries_3 RENAME TO entries;"
    "CREATE UNIQUE INDEX entries_charge ON entries (run_id) WHERE kind = 'charge';"
    "CREATE INDEX entries_run ON entries (run_id);"
    "CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    "CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    /* What a quota looks for: use in a time, and runs that go on. */
    "CREATE INDEX rollups_account ON rollups (account, quarter_s);"
    "CREATE INDEX rollups_user ON rollups (user, quarter_s);"
    "CREATE INDEX runs_open_account ON runs (account, user) WHERE state <> 'settled';"
    "CREATE INDEX runs_open_user ON runs (user) WHERE state <> 'settled';"
    /* Every decision that touched or would have touched a job, with its rule. */
    "CREATE TABLE decisions ("
    " id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, cluster TEXT NOT NULL,"
    " job_text TEXT NOT NULL, run_id INTEGER, user TEXT NOT NULL,"
    " account TEXT NOT NULL, partition TEXT NOT NULL, action TEXT NOT NULL CHECK"
    "  (action IN ('hold','release','kill','warn','steer','shadow-hold',"
    "   'shadow-kill','shadow-wait')),"
    " rule TEXT NOT NULL, why TEXT NOT NULL, mj INTEGER);"
    "CREATE INDEX decisions_job ON decisions (job_text, id);"
    "CREATE INDEX decisions_time ON decisions (time_s);"
    /* freeze: every hold, cap and kill is off; breaker: why it went to shadow. */
    "CREATE TABLE switches ("
    " name TEXT PRIMARY KEY, value TEXT NOT NULL, time_s INTEGER NOT NULL,"
    " actor TEXT NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;"
    /* What the site's hook was told of. threshold: subject is the quota, window_s when
     * its window began (0: a rolling one); held, ended: subject is the last decision;
     * breaker, policy-invalid: when that was. */
    "CREATE TABLE notices ("
    " event TEXT NOT NULL, subject INTEGER NOT NULL, window_s INTEGER NOT NULL,"
    " percent INTEGER NOT NULL, time_s INTEGER NOT NULL,"
    " PRIMARY KEY (event, subject, window_s, percent)) WITHOUT ROWID;"
    /* What caps go by. gpu_types: "a100,v100"; user_gpu_mw: its --gpu-power-cap;
     * steer_*: what makes its energy last; null: nothing is said. */
    "ALTER TABLE runs ADD COLUMN qos TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE runs ADD COLUMN gpu_types TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE runs ADD COLUMN user_gpu_mw INTEGER;"
    "ALTER TABLE runs ADD COLUMN steer_gpu_mw INTEGER;"
    "ALTER TABLE runs ADD COLUMN steer_package_mw INTEGER;"
    "ALTER TABLE runs ADD COLUMN steer_cpu_percent INTEGER;"
    "ALTER TABLE runs ADD COLUMN steer_why TEXT NOT NULL DEFAULT '';"
    /* What operators ordered at once. name: of the partition, the account, …; ''. */
    "CREATE TABLE cap_orders ("
    " id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, scope TEXT NOT NULL CHECK (scope"
    "  IN ('cluster','partition','account','user','job')), name TEXT NOT NULL,"
    " gpu_mw INTEGER, package_mw INTEGER, cpu_percent INTEGER,"
    " since_s INTEGER NOT NULL, until_s INTEGER, actor TEXT NOT NULL,"
    " why TEXT NOT NULL, lifted_s INTEGER, lifted_by TEXT, lifted_why TEXT);"
    "CREATE INDEX cap_orders_now ON cap_orders (cluster, id) WHERE lifted_s IS NULL;"
    "CREATE TRIGGER cap_orders_no_delete BEFORE DELETE ON cap_orders"
    " BEGIN SELECT RAISE(ABORT, 'orders of caps are kept'); END;"
    /* What became of a run's caps on a node, one row a change. what: a device, or
     * 'cpu'; value: mW, or percent; null: it is not held any more. capped_ms,
     * caps_told: of the token's last report. */
    "CREATE TABLE run_caps ("
    " token TEXT NOT NULL REFERENCES tokens(token), what TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL, value INTEGER, state TEXT NOT NULL CHECK (state IN"
    "  ('set','shared','foreign','failed','restored')), why TEXT NOT NULL,"
    " PRIMARY KEY (token, what, time_ms)) WITHOUT ROWID;"
    "ALTER TABLE tokens ADD COLUMN capped_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE tokens ADD COLUMN caps_told TEXT;"
    /* Slurm's places of the GPUs that the job holds there, "0-1,3". */
    "ALTER TABLE tokens ADD COLUMN gpus TEXT;"
    /* A node's devices that have a limit. found_mw: before kwota set it; null: kwota
     * does not hold it. */
    "CREATE TABLE node_limits ("
    " node TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, min_mw INTEGER,"
    " max_mw INTEGER, default_mw INTEGER, found_mw INTEGER, now_mw INTEGER,"
    " step_mw INTEGER, why TEXT, PRIMARY KEY (node, device)) WITHOUT ROWID;"
    /* Of running runs that are steered: steer.h's state; and what steer_round.c
     * remembers: done_ms of work at full speed; free_*: used while nothing was held;
     * *_peak_mw; all of it by the reports up to seen_ms, when *_mj had been used.
     * warn_due: a warning is to be carried out, for the reason in why. */
    "CREATE TABLE steering ("
    " run_id INTEGER PRIMARY KEY REFERENCES runs(id), gpu_mw INTEGER NOT NULL,"
    " package_mw INTEGER NOT NULL, cpu_percent INTEGER NOT NULL,"
    " changed_s INTEGER NOT NULL, gpu_full_mw INTEGER NOT NULL,"
    " package_full_mw INTEGER NOT NULL, warned INTEGER NOT NULL,"
    " done_ms INTEGER NOT NULL, free_gpu_mj INTEGER NOT NULL,"
    " free_package_mj INTEGER NOT NULL, free_ms INTEGER NOT NULL,"
    " gpu_peak_mw INTEGER NOT NULL, package_peak_mw INTEGER NOT NULL,"
    " other_peak_mw INTEGER NOT NULL, gpu_mj INTEGER NOT NULL,"
    " package_mj INTEGER NOT NULL, other_mj INTEGER NOT NULL, seen_ms INTEGER NOT NULL,"
    " warn_due INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX steering_warn ON steering (run_id) WHERE warn_due;"
    "CREATE TRIGGER steering_no_more AFTER UPDATE OF state ON runs"
    " WHEN NEW.state <> 'running' BEGIN"
    " DELETE FROM steering WHERE run_id = NEW.id; END;"
    "PRAGMA user_version = 3;";

static const char version_4[] =
    /* What was charged costs and caused, by the tariff in force when it was used; null:
     * there was none. price_u: millionths of the tariff's currency. unpriced_mj,
     * co2_unknown_mj: the part of what was charged that the two leave out, here and in
     * all sums. */
    "ALTER TABLE entries ADD COLUMN price_u INTEGER;"
    "ALTER TABLE entries ADD COLUMN co2_mg INTEGER;"
    "ALTER TABLE entries ADD COLUMN unpriced_mj INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE entries ADD COLUMN co2_unknown_mj INTEGER NOT NULL DEFAULT 0;"
    "DROP TRIGGER entries_no_update;"
    "UPDATE entries SET unpriced_mj = mj, co2_unknown_mj = mj WHERE kind <> 'overrun';"
    "CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    /* Settled energy as rollups have it, by day and by month (their first second), with
     * what reports are made by beside: so few rows that years are summed at once.
     * overrun_mj and credit_mj are parts of the energy that the centre bears, and
     * price_u and co2_mg are of the rest. runs counts those that ended in it; of those
     * whose use had been estimated there is estimated_mj, how much they used
     * (estimated_used_mj) and how many they are: only these two can be compared. */
    "CREATE TABLE rollup_days ("
    " day_s INTEGER NOT NULL, cluster TEXT NOT NULL, account TEXT NOT NULL,"
    " user TEXT NOT NULL, partition TEXT NOT NULL, qos TEXT NOT NULL,"
    " gpu_types TEXT NOT NULL, cpu_mj INTEGER NOT NULL DEFAULT 0,"
    " dram_mj INTEGER NOT NULL DEFAULT 0, gpu_mj INTEGER NOT NULL DEFAULT 0,"
    " other_mj INTEGER NOT NULL DEFAULT 0, overrun_mj INTEGER NOT NULL DEFAULT 0,"
    " credit_mj INTEGER NOT NULL DEFAULT 0, estimated_mj INTEGER NOT NULL DEFAULT 0,"
    " estimated_used_mj INTEGER NOT NULL DEFAULT 0,"
    " estimated_runs INTEGER NOT NULL DEFAULT 0,"
    " price_u INTEGER NOT NULL DEFAULT 0, co2_mg INTEGER NOT NULL DEFAULT 0,"
    " unpriced_mj INTEGER NOT NULL DEFAULT 0,"
    " co2_unknown_mj INTEGER NOT NULL DEFAULT 0,"
    " runs INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (day_s, cluster, account, user, partition, qos, gpu_types))"
    " WITHOUT ROWID;"
    "CREATE TABLE rollup_months ("
    " month_s INTEGER NOT NULL, cluster TEXT NOT NULL, account TEXT NOT NULL,"
    " user TEXT NOT NULL, partition TEXT NOT NULL, qos TEXT NOT NULL,"
    " gpu_types TEXT NOT NULL, cpu_mj INTEGER NOT NULL DEFAULT 0,"
    " dram_mj INTEGER NOT NULL DEFAULT 0, gpu_mj INTEGER NOT NULL DEFAULT 0,"
    " other_mj INTEGER NOT NULL DEFAULT 0, overrun_mj INTEGER NOT NULL DEFAULT 0,"
    " credit_mj INTEGER NOT NULL DEFAULT 0, estimated_mj INTEGER NOT NULL DEFAULT 0,"
    " estimated_used_mj INTEGER NOT NULL DEFAULT 0,"
    " estimated_runs INTEGER NOT NULL DEFAULT 0,"
    " price_u INTEGER NOT NULL DEFAULT 0, co2_mg INTEGER NOT NULL DEFAULT 0,"
    " unpriced_mj INTEGER NOT NULL DEFAULT 0,"
    " co2_unknown_mj INTEGER NOT NULL DEFAULT 0,"
    " runs INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (month_s, cluster, account, user, partition, qos, gpu_types))"
    " WITHOUT ROWID;"
    "CREATE INDEX rollup_months_user ON rollup_months (user, month_s);"
    /* What a budget looks for: an account's whole days and months. */
    "CREATE INDEX rollup_days_account ON rollup_days (account, day_s);"
    "CREATE INDEX rollup_months_account ON rollup_months (account, month_s);"
    /* The months' roll-ups by account alone: so few rows that a report of all accounts
     * is made while somebody waits. */
    "CREATE TABLE account_months ("
    " month_s INTEGER NOT NULL, cluster TEXT NOT NULL, account TEXT NOT NULL,"
    " cpu_mj INTEGER NOT NULL DEFAULT 0,"
    " dram_mj INTEGER NOT NULL DEFAULT 0, gpu_mj INTEGER NOT NULL DEFAULT 0,"
    " other_mj INTEGER NOT NULL DEFAULT 0, overrun_mj INTEGER NOT NULL DEFAULT 0,"
    " credit_mj INTEGER NOT NULL DEFAULT 0, estimated_mj INTEGER NOT NULL DEFAULT 0,"
    " estimated_used_mj INTEGER NOT NULL DEFAULT 0,"
    " estimated_runs INTEGER NOT NULL DEFAULT 0,"
    " price_u INTEGER NOT NULL DEFAULT 0, co2_mg INTEGER NOT NULL DEFAULT 0,"
    " unpriced_mj INTEGER NOT NULL DEFAULT 0,"
    " co2_unknown_mj INTEGER NOT NULL DEFAULT 0,"
    " runs INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (month_s, cluster, account)) WITHOUT ROWID;"
    /* What of a run was posted to which month: the lines of a statement. */
    "CREATE TABLE run_months ("
    " month_s INTEGER NOT NULL, account TEXT NOT NULL,"
    " run_id INTEGER NOT NULL REFERENCES runs(id), cpu_mj INTEGER NOT NULL DEFAULT 0,"
    " dram_mj INTEGER NOT NULL DEFAULT 0, gpu_mj INTEGER NOT NULL DEFAULT 0,"
    " other_mj INTEGER NOT NULL DEFAULT 0, overrun_mj INTEGER NOT NULL DEFAULT 0,"
    " credit_mj INTEGER NOT NULL DEFAULT 0, price_u INTEGER NOT NULL DEFAULT 0,"
    " co2_mg INTEGER NOT NULL DEFAULT 0, unpriced_mj INTEGER NOT NULL DEFAULT 0,"
    " co2_unknown_mj INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (month_s, account, run_id))"
    " WITHOUT ROWID;"
    "CREATE INDEX run_months_run ON run_months (run_id);"
    /* What the nodes' counters grew by, booked when a node's first report of the next
     * quarter-hour comes, as of the quarter-hour's end between two reports; by cluster
     * and quarter-hour, and by node and day. jobs + node = total. */
    "CREATE TABLE cluster_quarters ("
    " quarter_s INTEGER NOT NULL, cluster TEXT NOT NULL, kind TEXT NOT NULL,"
    " total_mj INTEGER NOT NULL, jobs_mj INTEGER NOT NULL, node_mj INTEGER NOT NULL,"
    " PRIMARY KEY (quarter_s, cluster, kind)) WITHOUT ROWID;"
    "CREATE TABLE node_days ("
    " day_s INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL,"
    " total_mj INTEGER NOT NULL, jobs_mj INTEGER NOT NULL, node_mj INTEGER NOT NULL,"
    " PRIMARY KEY (day_s, node, kind)) WITHOUT ROWID;"
    "ALTER TABLE node_domains ADD COLUMN booked_total_uj INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE node_domains ADD COLUMN booked_jobs_uj INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE node_domains ADD COLUMN booked_node_uj INTEGER NOT NULL DEFAULT 0;"
    /* Each host's own: its file is another. Every table has a primary key, by which a
     * change of it is known (replica.h). */
    "CREATE TABLE journal_place_4 ("
    " id INTEGER PRIMARY KEY, host TEXT NOT NULL DEFAULT '', inode INTEGER NOT NULL,"
    " offset INTEGER NOT NULL);"
    "INSERT INTO journal_place_4 (inode, offset) SELECT inode, offset FROM "
    "journal_place;"
    "DROP TABLE journal_place;"
    "ALTER TABLE journal_place_4 RENAME TO journal_place;"
    /* time_ms: the moment that a node's last counts are as of. gap_ms: how long
     * counters did not say what they counted, added up over them. What was counted
     * before this version is nowhere booked. */
    "ALTER TABLE nodes ADD COLUMN time_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE nodes SET time_ms = last_report_ms;"
    "ALTER TABLE cluster_quarters ADD COLUMN gap_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE node_days ADD COLUMN gap_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE node_domains ADD COLUMN booked_gap_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE node_domains SET booked_total_uj = total_uj, booked_jobs_uj = jobs_uj,"
    " booked_node_uj = node_uj, booked_gap_ms = gap_ms;"
    /* What the run was expected to use when it was let in; null: nobody could tell. */
    "ALTER TABLE runs ADD COLUMN estimated_mj INTEGER;"
    /* Tariffs as the policy had them (tariff.h); a quarter-hour's is the last one kept
     * whose time had come. text "{}": there is none from then on. */
    "ALTER TABLE rollups ADD COLUMN price_u INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollups ADD COLUMN co2_mg INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollups ADD COLUMN unpriced_mj INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rollups ADD COLUMN co2_unknown_mj INTEGER NOT NULL DEFAULT 0;"
    "UPDATE rollups SET"
    " unpriced_mj = cpu_mj + dram_mj + gpu_mj + other_mj - overrun_mj,"
    " co2_unknown_mj = cpu_mj + dram_mj + gpu_mj + other_mj - overrun_mj;"
    "CREATE TABLE tariffs ("
    " id INTEGER PRIMARY KEY, since_s INTEGER NOT NULL, currency TEXT NOT NULL,"
    " text TEXT NOT NULL, time_s INTEGER NOT NULL);"
    "CREATE TRIGGER tariffs_no_update BEFORE UPDATE ON tariffs"
    " BEGIN SELECT RAISE(ABORT, 'tariffs are append-only'); END;"
    "CREATE TRIGGER tariffs_no_delete BEFORE DELETE ON tariffs"
    " BEGIN SELECT RAISE(ABORT, 'tariffs are append-only'); END;"
    /* Closed months, to which nothing is posted any more: what comes late goes to the
     * first quarter-hour of the month that is open. */
    "CREATE TABLE periods ("
    " month_s INTEGER PRIMARY KEY, until_s INTEGER NOT NULL, closed_s INTEGER NOT NULL,"
    " actor TEXT NOT NULL, why TEXT NOT NULL);"
    /* What kwotad looks for when it starts must not take as long as there are runs. */
    "CREATE INDEX runs_sentenced ON runs (decision)"
    " WHERE decision IN ('holding', 'ending');"
    /* Runs whose detail is gone (prune.h), since when, and what is kept of it as JSON:
     * what their counts were. A token of such a run takes no counts any more. */
    "ALTER TABLE runs ADD COLUMN pruned_s INTEGER;"
    "ALTER TABLE runs ADD COLUMN kept TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE tokens ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX runs_unpruned ON runs (end_s)"
    " WHERE state = 'settled' AND pruned_s IS NULL;"
    /* slurmdbd's summaries of settled runs: the last entry that was looked at for them,
     * and the runs that are still to be told. news counts those of the run. */
    "CREATE TABLE summary_place ("
    " cluster TEXT PRIMARY KEY, entry_id INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE summaries_due ("
    " run_id INTEGER PRIMARY KEY REFERENCES runs(id), next_s INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, news INTEGER NOT NULL);"
    "CREATE INDEX summaries_due_next ON summaries_due (next_s, run_id);"
    /* Slurm's own past jobs, from which like ones are estimated where kwota has not
     * measured enough of them. source: where mw comes from, Slurm's ConsumedEnergy or
     * the policy's nameplate; estimated all the same. */
    "CREATE TABLE history_past ("
    " cluster TEXT NOT NULL, user TEXT NOT NULL, account TEXT NOT NULL,"
    " name TEXT NOT NULL, partition TEXT NOT NULL, nodes INTEGER NOT NULL,"
    " cpus INTEGER NOT NULL, gpus INTEGER NOT NULL, end_s INTEGER NOT NULL,"
    " job_id INTEGER NOT NULL, mw INTEGER NOT NULL, elapsed_s INTEGER NOT NULL,"
    " limit_s INTEGER NOT NULL, timed_out INTEGER NOT NULL, source TEXT NOT NULL"
    "  CHECK (source IN ('slurm','nameplate')),"
    " PRIMARY KEY (cluster, user, account, name, partition, nodes, cpus, gpus, end_s,"
    "  job_id)) WITHOUT ROWID;"
    /* What each account used itself in a closed month, numbered through the ledger;
     * quota_mj: what its quota for all partitions allowed, null: it had none. digest:
     * of its run_months (period_close.h). */
    "CREATE TABLE statements ("
    " number INTEGER PRIMARY KEY, month_s INTEGER NOT NULL REFERENCES periods(month_s),"
    " account TEXT NOT NULL, cpu_mj INTEGER NOT NULL, dram_mj INTEGER NOT NULL,"
    " gpu_mj INTEGER NOT NULL, other_mj INTEGER NOT NULL, overrun_mj INTEGER NOT NULL,"
    " credit_mj INTEGER NOT NULL, price_u INTEGER NOT NULL, co2_mg INTEGER NOT NULL,"
    " unpriced_mj INTEGER NOT NULL, co2_unknown_mj INTEGER NOT NULL,"
    " runs INTEGER NOT NULL, currency TEXT, quota_mj INTEGER, digest TEXT NOT NULL,"
    " UNIQUE (month_s, account));"
    "CREATE TRIGGER periods_no_update BEFORE UPDATE ON periods"
    " BEGIN SELECT RAISE(ABORT, 'a closed month stays closed'); END;"
    "CREATE TRIGGER periods_no_delete BEFORE DELETE ON periods"
    " BEGIN SELECT RAISE(ABORT, 'a closed month stays closed'); END;"
    "CREATE TRIGGER statements_no_update BEFORE UPDATE ON statements"
    " BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;"
    "CREATE TRIGGER statements_no_delete BEFORE DELETE ON statements"
    " BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;"
    "PRAGMA user_version = 4;";

const char *const schema_steps[SCHEMA_VERSION] = {version_1, version_2, version_3,
                                                  version_4};
