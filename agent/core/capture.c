// Somebody reads what an instance captures while it is written: the shell has the files.
#include "agent/core/state.h"

void agent_read_capture(struct agent_core *core, const Pb__ReadCapture *read)
{
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_READ_CAPTURE);
    effect->capture.session = core->session.id;
    effect->capture.read = MESSAGE_COPY(read, core->out->arena);
}

void agent_capture_read(struct agent_core *core, const struct agent_input *input)
{
    if (core->session.state != SESSION_LIVE || core->session.id != input->capture.session)
        return; // who asked is gone
    agent_envelope(core, PB__ENVELOPE__BODY_CAPTURE_READ)->capture_read = MESSAGE_COPY(input->capture.read, core->out->arena);
}
