// The SQL of the tables. Indexes are few on purpose: a case result pays for each of them. Rows of a run are found by their
// id (a run's rows lie between its first and last record), rows of a trial by an index.
#include "coordinator/store/schema.h"

// run, trial and instance say what a record is about, for readers; they are made from the payload like the projections.
const char STORE_SCHEMA[] =
    "CREATE TABLE journal(sequence INTEGER PRIMARY KEY, run INTEGER NOT NULL, trial INTEGER NOT NULL, instance INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, hash BLOB NOT NULL, payload BLOB NOT NULL);"
    "CREATE INDEX journal_trial ON journal(trial) WHERE trial > 0;"
    "CREATE TABLE projection(version INTEGER NOT NULL);";

const char PROJECTION_SCHEMA[] =
    // last: nothing of the run has a larger id; NULL while it is open
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, run INTEGER NOT NULL UNIQUE, experiment TEXT NOT NULL,"
    " state TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '',"
    " cells INTEGER NOT NULL, started INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, pass INTEGER NOT NULL DEFAULT 0,"
    " fail INTEGER NOT NULL DEFAULT 0, inconc INTEGER NOT NULL DEFAULT 0, error INTEGER NOT NULL DEFAULT 0,"
    " none INTEGER NOT NULL DEFAULT 0, started_wall_ns INTEGER NOT NULL, ended_wall_ns INTEGER,"
    " started_steady_ns INTEGER NOT NULL, ended_steady_ns INTEGER, by TEXT NOT NULL,"
    " labels TEXT NOT NULL, file_name TEXT NOT NULL, gate TEXT NOT NULL DEFAULT '', gate_text TEXT NOT NULL DEFAULT '',"
    " baseline TEXT NOT NULL DEFAULT '', rerun TEXT NOT NULL, is_part INTEGER NOT NULL DEFAULT 0, tags TEXT NOT NULL DEFAULT '',"
    " pinned INTEGER NOT NULL DEFAULT 0, notes INTEGER NOT NULL DEFAULT 0, last INTEGER);"
    "CREATE INDEX runs_changed ON runs(changed);"
    "CREATE TABLE tests(run INTEGER NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(run, test)) WITHOUT ROWID;"

    "CREATE TABLE tags(run INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY(run, tag)) WITHOUT ROWID;"
    // trial: its name; empty: the run is meant
    "CREATE TABLE notes(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, trial TEXT NOT NULL, text TEXT NOT NULL, by TEXT NOT NULL,"
    " written_wall_ns INTEGER NOT NULL);"
    // of experiments: they are in the same place as evidence, and stay
    "CREATE TABLE files(hash TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY(hash, run)) WITHOUT ROWID;"

    // one row of kind 'gate' for each gate, then what it found
    "CREATE TABLE gates(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, test TEXT NOT NULL, gate TEXT NOT NULL, kind TEXT NOT NULL,"
    " name TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', before TEXT NOT NULL DEFAULT '', after TEXT NOT NULL DEFAULT '',"
    " text TEXT NOT NULL DEFAULT '');"

    "CREATE TABLE cells(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, run INTEGER NOT NULL, name TEXT NOT NULL UNIQUE,"
    " test TEXT NOT NULL, combination TEXT NOT NULL, repetition INTEGER NOT NULL, state TEXT NOT NULL,"
    " verdict TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL,"
    " started_wall_ns INTEGER, ended_wall_ns INTEGER, started_steady_ns INTEGER, ended_steady_ns INTEGER, unwanted INTEGER NOT NULL "
    "DEFAULT 0);"
    "CREATE INDEX cells_changed ON cells(changed);"

    "CREATE TABLE trials(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, trial INTEGER NOT NULL UNIQUE, run INTEGER NOT NULL,"
    " name TEXT NOT NULL, cell TEXT NOT NULL, test TEXT NOT NULL, combination TEXT NOT NULL, repetition INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, state TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
    " text TEXT NOT NULL DEFAULT '', hosts TEXT NOT NULL, cases INTEGER NOT NULL DEFAULT 0, done INTEGER,"
    " started_wall_ns INTEGER NOT NULL, ended_wall_ns INTEGER, started_steady_ns INTEGER NOT NULL, ended_steady_ns INTEGER);"
    "CREATE INDEX trials_changed ON trials(changed);"
    "CREATE INDEX trials_cell ON trials(run, test, combination, repetition, attempt);"

    "CREATE TABLE instances(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, instance INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " run INTEGER NOT NULL, trial INTEGER NOT NULL, service TEXT NOT NULL, plugin TEXT NOT NULL, version TEXT NOT NULL DEFAULT '',"
    " agent TEXT NOT NULL, is_tester INTEGER NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL DEFAULT '',"
    " verdict TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', endpoints TEXT NOT NULL DEFAULT '',"
    " cases INTEGER NOT NULL DEFAULT 0, running_case TEXT NOT NULL DEFAULT '',"
    // of the host when it was initialised
    " kernel TEXT NOT NULL DEFAULT '', architecture TEXT NOT NULL DEFAULT '', distribution TEXT NOT NULL DEFAULT '', cpus INTEGER,"
    " memory_bytes INTEGER, governor TEXT NOT NULL DEFAULT '', clock_source TEXT NOT NULL DEFAULT '', clock_sync TEXT NOT NULL DEFAULT '',"
    " clock_error_us INTEGER, interface TEXT NOT NULL DEFAULT '', offloads TEXT NOT NULL DEFAULT '', UNIQUE(instance, generation));"
    "CREATE INDEX instances_changed ON instances(changed);"
    "CREATE INDEX instances_trial ON instances(trial);"

    "CREATE TABLE cases(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, trial INTEGER NOT NULL, instance INTEGER NOT NULL,"
    " number INTEGER NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,"
    " text TEXT NOT NULL, duration_ns INTEGER, metrics TEXT NOT NULL);"
    "CREATE INDEX cases_trial ON cases(trial);"

    "CREATE TABLE metrics(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, trial INTEGER NOT NULL, service TEXT NOT NULL,"
    " case_name TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL, better TEXT NOT NULL);"
    "CREATE INDEX metrics_trial ON metrics(trial);"

    "CREATE TABLE assertions(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, trial INTEGER NOT NULL, service TEXT NOT NULL,"
    " assertion TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL, observed TEXT NOT NULL);"
    "CREATE INDEX assertions_trial ON assertions(trial);"

    // one row a signature and run; its sightings say in which trials
    "CREATE TABLE findings(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, run INTEGER NOT NULL, signature TEXT NOT NULL,"
    " title TEXT NOT NULL, service TEXT NOT NULL, case_name TEXT NOT NULL, sightings INTEGER NOT NULL, first_trial INTEGER NOT NULL,"
    " last_trial INTEGER NOT NULL, UNIQUE(run, signature));"
    "CREATE INDEX findings_changed ON findings(changed);"
    "CREATE TABLE sightings(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, trial INTEGER NOT NULL, signature TEXT NOT NULL);"
    "CREATE INDEX sightings_run ON sightings(run, signature);"

    // hash and size: of what is stored; end_*: what the guard said in StreamEnd
    "CREATE TABLE streams(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, run INTEGER NOT NULL, trial INTEGER NOT NULL,"
    " instance INTEGER NOT NULL, generation INTEGER NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL,"
    " process TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, size_bytes INTEGER, dropped_bytes INTEGER NOT NULL DEFAULT 0,"
    " gaps TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '', end_bytes INTEGER, end_hash TEXT NOT NULL DEFAULT '',"
    " UNIQUE(instance, generation, name));"
    "CREATE INDEX streams_changed ON streams(changed);"
    "CREATE INDEX streams_trial ON streams(trial);"
    "CREATE INDEX streams_kept ON streams(run) WHERE state = 'stored';"
    "CREATE INDEX streams_hash ON streams(hash) WHERE state = 'stored';"

    "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, run INTEGER NOT NULL, trial INTEGER NOT NULL,"
    " instance INTEGER NOT NULL, generation INTEGER NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL,"
    " kind TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, size_bytes INTEGER NOT NULL, hash TEXT NOT NULL,"
    " UNIQUE(instance, generation, name));"
    "CREATE INDEX artifacts_changed ON artifacts(changed);"
    "CREATE INDEX artifacts_trial ON artifacts(trial);"
    "CREATE INDEX artifacts_kept ON artifacts(run) WHERE state = 'stored';"
    "CREATE INDEX artifacts_hash ON artifacts(hash) WHERE state = 'stored';";

const char PROJECTION_DROP[] =
    "DROP TABLE IF EXISTS runs; DROP TABLE IF EXISTS tests; DROP TABLE IF EXISTS cells; DROP TABLE IF EXISTS trials;"
    "DROP TABLE IF EXISTS instances; DROP TABLE IF EXISTS cases; DROP TABLE IF EXISTS metrics; DROP TABLE IF EXISTS assertions;"
    "DROP TABLE IF EXISTS streams; DROP TABLE IF EXISTS artifacts; DROP TABLE IF EXISTS findings; DROP TABLE IF EXISTS sightings;"
    "DROP TABLE IF EXISTS gates; DROP TABLE IF EXISTS tags; DROP TABLE IF EXISTS notes; DROP TABLE IF EXISTS files;";
