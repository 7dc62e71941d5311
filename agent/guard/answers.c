// See answers.h. The verdict of a case whose tester died: inconc when somebody killed it (nothing is known about the IUT), error when
// it crashed (the tester is broken).
#include "agent/guard/answers.h"

#include <signal.h>

#include "agent/guard/events.h"
#include "common/base/memory.h"
#include "common/base/verdict.h"

void answer_done(struct events *events, const struct command *command, Pb__CommandStatus status, const char *text)
{
    Pb__CommandDone done;
    CLEANUP_FREE char *own_text = memory_string(text), *phase = memory_string(command_phase(command));
    pb__command_done__init(&done);
    done.number = command->number;
    done.status = status;
    done.text = own_text;
    done.phase = phase;
    EVENT_ADD(events, COMMAND_DONE, command_done, &done);
}

static void judge(Pb__Outcome *outcome, bool first, const struct host_death *death)
{
    outcome->verdict = PB__VERDICT__VERDICT_INCONC;
    outcome->reason = PB__REASON__REASON_KILLED;
    if (death->hung && first)
        outcome->reason = PB__REASON__REASON_TIMEOUT;
    else if (!death->hung && death->signal != SIGKILL) {
        outcome->verdict = PB__VERDICT__VERDICT_ERROR;
        outcome->reason = PB__REASON__REASON_CRASH;
    }
}

static void answer_case(struct events *events, const struct command *command, bool first, const struct host_death *death)
{
    Pb__CaseResult result;
    Pb__Outcome outcome;
    CLEANUP_FREE char *text = memory_string(death->text);
    pb__case_result__init(&result);
    pb__outcome__init(&outcome);
    judge(&outcome, first, death);
    outcome.text = text;
    result.number = command->number;
    result.name = command->name;
    result.outcome = &outcome;
    EVENT_ADD(events, CASE_RESULT, case_result, &result);
}

void answer_host_died(struct events *events, const struct command *command, bool first, const struct host_death *death)
{
    if (command->kind == PB__COMMAND__BODY_RUN_CASE)
        answer_case(events, command, first, death);
    else
        answer_done(events, command, PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED, death->text);
}
