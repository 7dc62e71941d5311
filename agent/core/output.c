// Filling the output of a step: records, effects, log lines.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/state.h"

struct agent_record *agent_record_add(struct agent_core *core, enum agent_record_kind kind)
{
    struct agent_output *out = core->out;
    struct agent_record *record = &APPEND(out->records, out->record_count, out->record_capacity);
    memset(record, 0, sizeof *record);
    record->kind = kind;
    return record;
}

struct agent_effect *agent_effect_add(struct agent_core *core, enum agent_effect_kind kind)
{
    struct agent_output *out = core->out;
    struct agent_effect *effect = &APPEND(out->effects, out->effect_count, out->effect_capacity);
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

struct agent_effect *agent_effect_later(struct agent_core *core, enum agent_effect_kind kind)
{
    struct agent_effect *effect = agent_effect_add(core, kind);
    effect->after_commit = true;
    core->out->urgent = true;
    return effect;
}

void agent_log(struct agent_core *core, enum agent_log_level level, const char *format, ...)
{
    char line[TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_LOG);
    effect->log.level = level;
    effect->log.text = arena_string(core->out->arena, line);
}

Pb__Envelope *agent_envelope(struct agent_core *core, Pb__Envelope__BodyCase body)
{
    Pb__Envelope *envelope = ARENA_NEW(core->out->arena, Pb__Envelope);
    pb__envelope__init(envelope);
    envelope->version = PROTOCOL_VERSION;
    envelope->session = core->session.id;
    envelope->body_case = body;
    agent_effect_add(core, AGENT_EFFECT_SEND)->envelope = envelope;
    return envelope;
}

void agent_facts_changed(struct agent_core *core)
{
    agent_record_add(core, AGENT_RECORD_FACTS)->facts = core->facts;
}

void agent_output_clear(struct agent_output *output)
{
    free(output->records);
    free(output->effects);
    *output = (struct agent_output){.arena = output->arena};
}
