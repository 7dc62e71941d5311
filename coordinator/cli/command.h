// panther-coord's subcommands: one file each, behind one table (command.c). Every command parses its own options with argp, so `--help`
// works everywhere, and returns the exit status of the program.
#ifndef PANTHER_COORDINATOR_CLI_COMMAND_H
#define PANTHER_COORDINATOR_CLI_COMMAND_H

// Exit statuses, the same for every command (submit --wait: over cells).
enum {
    EXIT_PASS = 0,        // done; submit --wait: all cells pass (or none)
    EXIT_FAIL = 1,        // submit --wait: some cell failed; else: the coordinator refused
    EXIT_USAGE = 2,       // wrong flags, invalid file
    EXIT_INCONC = 3,      // submit --wait: inconc or error without a fail
    EXIT_UNREACHABLE = 4, // no coordinator
    EXIT_VIOLATED = 5,    // audit: the store does not hold what was promised
};

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); // argv[0] is the command's name
};
extern const struct command commands[]; // ends with a NULL name

int command_main(int argc, char **argv);

int cli_serve(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_submit(int argc, char **argv);
int cli_rerun(int argc, char **argv);
int cli_note(int argc, char **argv);
int cli_tag(int argc, char **argv);
int cli_pin(int argc, char **argv);
int cli_unpin(int argc, char **argv);
int cli_retention(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_schema(int argc, char **argv);
int cli_runs(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_watch(int argc, char **argv);
int cli_results(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_timeline(int argc, char **argv);
int cli_compare(int argc, char **argv);
int cli_history(int argc, char **argv);
int cli_findings(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_events(int argc, char **argv);
int cli_capture(int argc, char **argv);
int cli_artifacts(int argc, char **argv);
int cli_bundle(int argc, char **argv);
int cli_open(int argc, char **argv);
int cli_agents(int argc, char **argv);
int cli_drain(int argc, char **argv);
int cli_resume(int argc, char **argv);
int cli_ps(int argc, char **argv);
int cli_plugins(int argc, char **argv);
int cli_cancel(int argc, char **argv);
int cli_release(int argc, char **argv);
int cli_shell(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_audit(int argc, char **argv);

#endif
