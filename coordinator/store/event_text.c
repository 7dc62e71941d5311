// One line per event of an instance.
#define _GNU_SOURCE // sigabbrev_np
#include "coordinator/store/event_text.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/store/record_text.h"

// Cuts before a UTF-8 character, not within one.
static size_t cut_at(const char *text, size_t limit)
{
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

void text_make_line(struct text *line, size_t start)
{
    CLEANUP_FREE char *raw = memory_string(line->data + start);
    line->length = start;
    line->data[start] = '\0';
    size_t length = strlen(raw);
    while (length && (raw[length - 1] == '\n' || raw[length - 1] == '\r'))
        raw[--length] = '\0';
    if (length > RECORD_TEXT_MAX_BYTES - 16)
        raw[cut_at(raw, RECORD_TEXT_MAX_BYTES - 16)] = '\0';
    for (const char *byte = raw; *byte && line->length - start < RECORD_TEXT_MAX_BYTES - 8; byte++) {
        if (*byte == '\n')
            text_append(line, " | ");
        else if ((unsigned char)*byte < ' ' || *byte == 127)
            text_append(line, "?");
        else
            text_append_bytes(line, byte, 1);
    }
    if (length > RECORD_TEXT_MAX_BYTES - 16)
        text_append(line, "...");
}

static void append_duration(struct text *line, uint64_t duration_ns)
{
    char duration[32];
    duration_format_ms(duration_ns / 1000000, duration, sizeof duration);
    if (duration_ns)
        text_printf(line, " in %s", duration);
}

static const char *status_name(Pb__CommandStatus status)
{
    static const char *const names[] = {"answered", "done", "failed", "timed out", "failed: the plugin host died", "refused"};
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "answered";
}

static void command_done(const Pb__Event *event, struct text *line)
{
    const Pb__CommandDone *done = event->command_done;
    text_printf(line, "%s %s", done->phase[0] ? done->phase : "command", status_name(done->status));
    append_duration(line, done->duration_ns);
    for (size_t i = 0; i < done->n_endpoints; i++)
        text_printf(line, "%s %s at %s port %u", i ? "," : ":", done->endpoints[i]->name, done->endpoints[i]->address,
                    done->endpoints[i]->port);
    if (done->text[0])
        text_printf(line, ": %s", done->text);
    if (done->outcome) {
        text_append(line, ", verdict ");
        text_outcome(line, done->outcome);
    }
}

static void process_started(const Pb__Event *event, struct text *line)
{
    const Pb__ProcessStarted *process = event->process_started;
    text_printf(line, "process %s (pid %u):", process->name, process->pid);
    for (size_t i = 0; i < process->n_argv; i++)
        text_printf(line, " %s", process->argv[i]);
}

static void append_end(struct text *line, int status, int signal)
{
    if (signal)
        text_printf(line, "killed by signal %d (SIG%s)", signal, sigabbrev_np(signal) ? sigabbrev_np(signal) : "?");
    else
        text_printf(line, "exited with status %d", status);
}

static void process_exited(const Pb__Event *event, struct text *line)
{
    const Pb__ProcessExited *process = event->process_exited;
    text_printf(line, "process %s ", process->name);
    append_end(line, process->status, process->signal);
    if (process->core_dumped)
        text_append(line, ", core dumped");
    if (process->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED)
        text_append(line, ", unexpected");
    if (process->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED && process->tail[0])
        text_printf(line, "; last lines: %s", process->tail);
}

static void case_started(const Pb__Event *event, struct text *line)
{
    char since[32];
    text_printf(line, "case %s is running", event->case_started->name);
    if (event->case_started->running_ns) {
        duration_format_ms(event->case_started->running_ns / 1000000, since, sizeof since);
        text_printf(line, " since %s", since);
    }
}

static void case_result(const Pb__Event *event, struct text *line)
{
    const Pb__CaseResult *result = event->case_result;
    text_printf(line, "case %s: ", result->name);
    text_outcome(line, result->outcome);
    append_duration(line, result->duration_ns);
    for (size_t i = 0; i < result->n_metrics; i++)
        text_printf(line, "%s%s=%.6g%s%s", i ? " " : "; ", result->metrics[i]->name, result->metrics[i]->value,
                    result->metrics[i]->unit[0] ? " " : "", result->metrics[i]->unit);
    for (size_t i = 0; i < result->n_findings; i++)
        text_printf(line, "; finding: %s", result->findings[i]->signature);
}

static void metric(const Pb__Event *event, struct text *line)
{
    text_printf(line, "%s = %.6g %s", event->metric->name, event->metric->value, event->metric->unit);
}

static void output_match(const Pb__Event *event, struct text *line)
{
    const Pb__OutputMatch *match = event->output_match;
    text_printf(line, "output rule %u matched in %s at %" PRIu64 " (%" PRIu64 " so far): %s", match->rule, match->stream, match->offset,
                match->count, match->line);
}

static void stream_end(const Pb__Event *event, struct text *line)
{
    const Pb__StreamEnd *end = event->stream_end;
    text_printf(line, "stream %s ended after %" PRIu64 " B", end->stream, end->length_bytes);
    if (end->dropped_bytes)
        text_printf(line, ", of which %" PRIu64 " B were not kept", end->dropped_bytes);
}

static void artifact_ready(const Pb__Event *event, struct text *line)
{
    const Pb__ArtifactReady *artifact = event->artifact_ready;
    text_printf(line, "artifact %s (%s, %" PRIu64 " B)", artifact->path, artifact->kind, artifact->size_bytes);
}

static void host_died(const Pb__Event *event, struct text *line)
{
    const Pb__HostDied *died = event->host_died;
    text_append(line, died->hung ? "plugin host hung in " : "plugin host died in ");
    text_printf(line, "%s: ", died->phase);
    append_end(line, died->status, died->signal);
    if (died->tail[0])
        text_printf(line, "; last lines: %s", died->tail);
}

static void gap(const Pb__Event *event, struct text *line)
{
    const Pb__Gap *lost = event->gap;
    if (lost->artifact)
        text_printf(line, "artifact %s, %" PRIu64 " B, is not kept: %s", lost->stream, lost->bytes, lost->reason);
    else
        text_printf(line, "stream %s lacks %" PRIu64 " B at %" PRIu64 ": %s", lost->stream, lost->bytes, lost->offset, lost->reason);
}

static void instance_ended(const Pb__Event *event, struct text *line)
{
    static const char *const causes[] = {
        "ended", "was cleaned up", "ended with its lease", "ended: its guard was killed", "ended: the host was rebooted", "was refused"};
    const Pb__InstanceEnded *ended = event->instance_ended;
    text_printf(line, "instance %s", (unsigned)ended->cause < 6 ? causes[ended->cause] : "ended");
    if (ended->killed_processes)
        text_printf(line, ", %u process%s had to be killed", ended->killed_processes, ended->killed_processes == 1 ? "" : "es");
    if (ended->text[0])
        text_printf(line, ": %s", ended->text);
}

static void fault_began(const Pb__Event *event, struct text *line)
{
    const Pb__FaultBegan *began = event->fault_began;
    text_printf(line, "fault %s (%s) holds%s%s", began->id, began->kind, began->text[0] ? ": " : "", began->text);
}

static void fault_ended(const Pb__Event *event, struct text *line)
{
    const Pb__FaultEnded *ended = event->fault_ended;
    text_printf(line, "fault %s %s%s%s", ended->id, ended->failed ? "could not be taken back" : "is over", ended->text[0] ? ": " : "",
                ended->text);
}

static void note(const Pb__Event *event, struct text *line)
{
    text_append(line, event->note->text);
}

void event_text(const Pb__Event *event, struct text *line)
{
    static void (*const table[])(const Pb__Event *event, struct text *line) = {
        [PB__EVENT__BODY_COMMAND_DONE] = command_done,
        [PB__EVENT__BODY_PROCESS_STARTED] = process_started,
        [PB__EVENT__BODY_PROCESS_EXITED] = process_exited,
        [PB__EVENT__BODY_CASE_STARTED] = case_started,
        [PB__EVENT__BODY_CASE_RESULT] = case_result,
        [PB__EVENT__BODY_METRIC] = metric,
        [PB__EVENT__BODY_OUTPUT_MATCH] = output_match,
        [PB__EVENT__BODY_STREAM_END] = stream_end,
        [PB__EVENT__BODY_ARTIFACT_READY] = artifact_ready,
        [PB__EVENT__BODY_HOST_DIED] = host_died,
        [PB__EVENT__BODY_GAP] = gap,
        [PB__EVENT__BODY_INSTANCE_ENDED] = instance_ended,
        [PB__EVENT__BODY_NOTE] = note,
        [PB__EVENT__BODY_FAULT_BEGAN] = fault_began,
        [PB__EVENT__BODY_FAULT_ENDED] = fault_ended,
    };
    size_t kind = (size_t)event->body_case;
    if (kind < sizeof table / sizeof *table && table[kind])
        table[kind](event, line);
}
