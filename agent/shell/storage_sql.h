// The tables of STATE/agent.db. Rows of instances are small, because they change with every group of events; what an instance was
// started with is written once and stands beside.
#ifndef PANTHER_AGENT_SHELL_STORAGE_SQL_H
#define PANTHER_AGENT_SHELL_STORAGE_SQL_H

#define STORAGE_VERSION 1

static const char STORAGE_SCHEMA[] =
    "CREATE TABLE facts (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, store_id TEXT NOT NULL,"
    " incarnation INTEGER NOT NULL, acknowledged INTEGER NOT NULL, tombstone_floor INTEGER NOT NULL);"
    "INSERT INTO facts VALUES (1, '', '', 0, 0, 0);"
    "CREATE TABLE instances (instance INTEGER NOT NULL, generation INTEGER NOT NULL, last_command INTEGER NOT NULL,"
    " spool_offset INTEGER NOT NULL, spool_sequence INTEGER NOT NULL, outbox_last INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " discarded INTEGER NOT NULL, PRIMARY KEY (instance, generation)) WITHOUT ROWID;"
    "CREATE TABLE intents (instance INTEGER NOT NULL, generation INTEGER NOT NULL, spec BLOB NOT NULL,"
    " PRIMARY KEY (instance, generation));"
    "CREATE TABLE tombstones (instance INTEGER PRIMARY KEY, generation INTEGER NOT NULL);"
    "CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, event BLOB NOT NULL);"
    "CREATE TABLE descriptions (file_hash TEXT PRIMARY KEY, description BLOB NOT NULL);";

#endif
