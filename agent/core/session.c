// One session with the coordinator after the other. A session is a socket: each loss makes a new one, after a back-off with jitter.
#include "agent/core/state.h"

static const char *const names[] = {"disconnected", "connecting", "greeting", "live", "refused", "backing off", "clearing", "leaving"};
static const uint32_t next[] = {
    [SESSION_DISCONNECTED] = LIFECYCLE_TO(SESSION_CONNECTING) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_CONNECTING] = LIFECYCLE_TO(SESSION_GREETING) | LIFECYCLE_TO(SESSION_BACKING_OFF) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_GREETING] = LIFECYCLE_TO(SESSION_LIVE) | LIFECYCLE_TO(SESSION_REFUSED) | LIFECYCLE_TO(SESSION_BACKING_OFF) |
                         LIFECYCLE_TO(SESSION_CLEARING) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_LIVE] = LIFECYCLE_TO(SESSION_REFUSED) | LIFECYCLE_TO(SESSION_BACKING_OFF) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_REFUSED] = LIFECYCLE_TO(SESSION_DISCONNECTED) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_BACKING_OFF] = LIFECYCLE_TO(SESSION_DISCONNECTED) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_CLEARING] = LIFECYCLE_TO(SESSION_DISCONNECTED) | LIFECYCLE_TO(SESSION_LEAVING),
    [SESSION_LEAVING] = 0,
};
const struct lifecycle agent_session_table = {
    .noun = "session", .count = SESSION_LEAVING + 1, .names = names, .next = next, .final = LIFECYCLE_TO(SESSION_LEAVING)};

const struct lifecycle *agent_session_lifecycle(void)
{
    return &agent_session_table;
}

static bool has_link(const struct session *session)
{
    return session->state == SESSION_CONNECTING || session->state == SESSION_GREETING || session->state == SESSION_LIVE;
}

void agent_session_end(struct agent_core *core)
{
    core->session.id = 0;
    core->session.sent = 0;
    core->session.answered_ns = 0;
    core->session.hello_ns = 0;
    pb__heartbeat__init(&core->session.previous);
}

static void back_off(struct agent_core *core)
{
    struct session *session = &core->session;
    agent_session_end(core);
    uint64_t half_ns = session->backoff_ms * NS_PER_MS / 2;
    session->until_ns = core->input->now_ns + half_ns + core->input->random % (half_ns + 1);
    session->backoff_ms = session->backoff_ms * 2 < AGENT_BACKOFF_MOST_MS ? session->backoff_ms * 2 : AGENT_BACKOFF_MOST_MS;
    lifecycle_move(&agent_session_table, &session->state, SESSION_BACKING_OFF);
}

void agent_session_try(struct agent_core *core)
{
    struct session *session = &core->session;
    if (session->state != SESSION_DISCONNECTED || !core->catalogue_known)
        return;
    if (core->adopting > 0 && core->input->now_ns < core->adoption_until_ns)
        return;
    lifecycle_move(&agent_session_table, &session->state, SESSION_CONNECTING);
    agent_effect_add(core, AGENT_EFFECT_OPEN_LINK);
}

void agent_session_up(struct agent_core *core)
{
    if (core->session.state != SESSION_CONNECTING)
        return; // a link that was given up meanwhile
    lifecycle_move(&agent_session_table, &core->session.state, SESSION_GREETING);
    core->session.until_ns = core->input->now_ns + AGENT_GREETING_MS * NS_PER_MS;
    core->session.heard_ns = core->input->now_ns;
    agent_greet(core);
}

void agent_session_lost(struct agent_core *core, const char *why)
{
    if (!has_link(&core->session))
        return;
    bool was_live = core->session.state == SESSION_LIVE;
    agent_log(core, was_live ? AGENT_LOG_WARNING : AGENT_LOG_DEBUG, "%s: %s",
              was_live ? "the coordinator is lost" : "no session with the coordinator", why);
    back_off(core);
}

static void give_up_link(struct agent_core *core, const char *why)
{
    agent_effect_add(core, AGENT_EFFECT_CLOSE_LINK);
    agent_session_lost(core, why);
}

static void say_goodbye(struct agent_core *core, const char *why)
{
    Pb__Goodbye *goodbye = ARENA_NEW(core->out->arena, Pb__Goodbye);
    pb__goodbye__init(goodbye);
    goodbye->why = arena_string(core->out->arena, why);
    agent_envelope(core, PB__ENVELOPE__BODY_GOODBYE)->goodbye = goodbye;
}

void agent_session_fail(struct agent_core *core, const char *why)
{
    if (!has_link(&core->session))
        return;
    core->counters.messages_impossible++;
    agent_log(core, AGENT_LOG_ERROR, "the coordinator broke the protocol: %s; the session is given up", why);
    say_goodbye(core, why);
    give_up_link(core, why);
}

void agent_session_resume(struct agent_core *core, const char *why)
{
    if (core->session.state == SESSION_LIVE)
        give_up_link(core, why);
}

static void stay_away(struct agent_core *core, uint32_t ms)
{
    agent_effect_add(core, AGENT_EFFECT_CLOSE_LINK);
    agent_session_end(core);
    uint64_t jitter_ns = core->input->random % (ms * NS_PER_MS / 4 + 1);
    core->session.until_ns = core->input->now_ns + ms * NS_PER_MS + jitter_ns;
    lifecycle_move(&agent_session_table, &core->session.state, SESSION_REFUSED);
}

void agent_session_refuse_store(struct agent_core *core, const char *why)
{
    agent_log(core, AGENT_LOG_ERROR, "%s; running instances go on under their leases, next try in %u s", why, AGENT_STORE_OLDER_MS / 1000);
    say_goodbye(core, why);
    stay_away(core, AGENT_STORE_OLDER_MS);
}

static void refused(struct agent_core *core, const Pb__Refused *refusal)
{
    agent_log(core, refusal->code == PB__REFUSAL_CODE__REFUSAL_CODE_BUSY ? AGENT_LOG_INFO : AGENT_LOG_ERROR,
              "the coordinator refused this agent: %s", refusal->text);
    if (refusal->code == PB__REFUSAL_CODE__REFUSAL_CODE_SESSION)
        give_up_link(core, refusal->text);
    else
        stay_away(core, refusal->retry_after_ms ? refusal->retry_after_ms : AGENT_REFUSED_MS);
}

static void live_message(struct agent_core *core, const Pb__Envelope *envelope)
{
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_COMMANDS:
        agent_take_commands(core, envelope->commands);
        break;
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        agent_outbox_acknowledged(core, envelope->events_acknowledged);
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        agent_heartbeat_reply(core, envelope->heartbeat_reply);
        break;
    case PB__ENVELOPE__BODY_DISCARD:
        agent_take_discard(core, envelope->discard);
        break;
    case PB__ENVELOPE__BODY_DESCRIPTIONS_WANTED:
        agent_plugins_describe(core, envelope->descriptions_wanted->hashes, envelope->descriptions_wanted->n_hashes);
        break;
    case PB__ENVELOPE__BODY_SURVEY:
        agent_take_survey(core, envelope->survey);
        break;
    case PB__ENVELOPE__BODY_READ_CAPTURE:
        agent_read_capture(core, envelope->read_capture);
        break;
    case PB__ENVELOPE__BODY_PLAN_PLUGIN:
        agent_take_plan(core, envelope->plan_plugin);
        break;
    case PB__ENVELOPE__BODY_SHELL_CALL:
        agent_take_shell(core, envelope->shell_call);
        break;
    case PB__ENVELOPE__BODY_PLACE_PLUGIN:
        agent_place_plugin(core, envelope->place_plugin);
        break;
    default:
        agent_session_fail(core, "a message that no coordinator sends to a live agent");
    }
}

void agent_session_message(struct agent_core *core, const Pb__Envelope *envelope)
{
    struct session *session = &core->session;
    session->heard_ns = core->input->now_ns;
    bool greeting = session->state == SESSION_GREETING;
    if (envelope->body_case == PB__ENVELOPE__BODY_REFUSED && (greeting || session->state == SESSION_LIVE))
        refused(core, envelope->refused);
    else if (greeting && envelope->body_case == PB__ENVELOPE__BODY_WELCOME)
        agent_welcomed(core, envelope->welcome);
    else if (session->state == SESSION_LIVE && envelope->session == session->id)
        live_message(core, envelope);
    else
        core->counters.messages_stale++;
}

void agent_session_tick(struct agent_core *core)
{
    struct session *session = &core->session;
    uint64_t now_ns = core->input->now_ns;
    switch (session->state) {
    case SESSION_REFUSED:
    case SESSION_BACKING_OFF:
        if (now_ns >= session->until_ns)
            lifecycle_move(&agent_session_table, &session->state, SESSION_DISCONNECTED);
        break;
    case SESSION_GREETING:
        if (now_ns >= session->until_ns)
            give_up_link(core, "Hello was not answered");
        break;
    case SESSION_LIVE:
        if (now_ns >= session->heard_ns + LOST_MS * NS_PER_MS)
            give_up_link(core, "it has been silent for too long");
        else
            agent_heartbeat_tick(core);
        break;
    default:
        break;
    }
    agent_session_try(core);
}

void agent_session_stop(struct agent_core *core, const char *why)
{
    if (core->session.state == SESSION_LEAVING)
        return;
    if (core->session.state == SESSION_LIVE)
        say_goodbye(core, why);
    if (has_link(&core->session))
        agent_effect_add(core, AGENT_EFFECT_CLOSE_LINK);
    agent_session_end(core);
    lifecycle_move(&agent_session_table, &core->session.state, SESSION_LEAVING);
    agent_effect_later(core, AGENT_EFFECT_STOPPED);
}

uint64_t agent_session_deadline(const struct agent_core *core)
{
    const struct session *session = &core->session;
    switch (session->state) {
    case SESSION_DISCONNECTED:
        // Before the first catalogue no time will do: a deadline that has passed would be due again and again.
        return core->adopting > 0 && core->catalogue_known ? core->adoption_until_ns : 0;
    case SESSION_REFUSED:
    case SESSION_BACKING_OFF:
    case SESSION_GREETING:
        return session->until_ns;
    case SESSION_LIVE: {
        uint64_t silent_ns = session->heard_ns + LOST_MS * NS_PER_MS;
        return silent_ns < session->next_heartbeat_ns ? silent_ns : session->next_heartbeat_ns;
    }
    default:
        return 0;
    }
}
