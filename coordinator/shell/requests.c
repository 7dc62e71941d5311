// What clients ask the coordinator for and the shell answers: queries, backups and audits go to threads of their own, submissions are
// checked here before the core sees them. reactor.c calls it, in the loop's thread.
#include "common/base/limits.h"
#include "coordinator/shell/reactor_state.h"
#include "coordinator/shell/submission.h"

// Runs that one answer tells of: at 100 bytes each they and the findings fill half a frame.
#define AUDITED_RUNS_MAX 20000

static Pb__Envelope *reply_new(struct reactor *reactor, uint64_t number)
{
    Pb__Envelope *envelope = ARENA_NEW(reactor->scratch, Pb__Envelope);
    pb__envelope__init(envelope);
    envelope->version = PROTOCOL_VERSION;
    envelope->body_case = PB__ENVELOPE__BODY_REPLY;
    envelope->reply = ARENA_NEW(reactor->scratch, Pb__Reply);
    pb__reply__init(envelope->reply);
    envelope->reply->number = number;
    return envelope;
}

void reactor_refuse(struct reactor *reactor, uint64_t route, uint64_t number, int code, const char *text)
{
    Pb__Envelope *envelope = reply_new(reactor, number);
    Pb__Refused *refused = ARENA_NEW(reactor->scratch, Pb__Refused);
    pb__refused__init(refused);
    refused->code = (Pb__RefusalCode)code;
    refused->text = arena_string(reactor->scratch, text);
    refused->request = number;
    if (number) {
        envelope->reply->body_case = PB__REPLY__BODY_REFUSED;
        envelope->reply->refused = refused;
    } else {
        envelope->body_case = PB__ENVELOPE__BODY_REFUSED;
        envelope->refused = refused;
    }
    reactor_say(reactor, route, envelope);
}

int reactor_refusal_of(int code)
{
    switch (code) {
    case PANTHER_ENOTFOUND:
        return PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND;
    case PANTHER_EVERSION:
        return PB__REFUSAL_CODE__REFUSAL_CODE_VERSION;
    case PANTHER_ELIMIT:
        return PB__REFUSAL_CODE__REFUSAL_CODE_BUSY;
    default:
        return PB__REFUSAL_CODE__REFUSAL_CODE_INVALID;
    }
}

// From the reader's thread, called in ours.
void requests_on_rows(void *context, uint64_t route, uint64_t request, Pb__Rows *rows, const struct panther_error *error)
{
    struct reactor *reactor = context;
    arena_reset(reactor->scratch);
    if (!rows) {
        reactor_refuse(reactor, route, request, reactor_refusal_of(error->code), error->message);
        return;
    }
    Pb__Envelope *envelope = reply_new(reactor, request);
    envelope->reply->body_case = PB__REPLY__BODY_ROWS;
    envelope->reply->rows = rows;
    reactor_say(reactor, route, envelope);
}

void requests_on_backed_up(void *context, uint64_t route, uint64_t request, const char *path, uint64_t bytes, uint64_t records,
                           const struct panther_error *error)
{
    struct reactor *reactor = context;
    arena_reset(reactor->scratch);
    if (error) {
        reactor_refuse(reactor, route, request, reactor_refusal_of(error->code), error->message);
        return;
    }
    Pb__Envelope *envelope = reply_new(reactor, request);
    envelope->reply->body_case = PB__REPLY__BODY_BACKED_UP;
    Pb__BackedUp *done = envelope->reply->backed_up = ARENA_NEW(reactor->scratch, Pb__BackedUp);
    pb__backed_up__init(done);
    done->path = arena_string(reactor->scratch, path);
    done->size_bytes = bytes;
    done->journal_records = records;
    reactor_say(reactor, route, envelope);
}

void requests_on_audited(void *context, uint64_t route, uint64_t request, Pb__Audited *result, const struct panther_error *error)
{
    struct reactor *reactor = context;
    arena_reset(reactor->scratch);
    if (error) {
        reactor_refuse(reactor, route, request, reactor_refusal_of(error->code), error->message);
        return;
    }
    if (result->n_runs > AUDITED_RUNS_MAX) {
        reactor_refuse(reactor, route, request, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID,
                       "there are too many runs for one answer: audit a backup with --data");
        return;
    }
    Pb__Envelope *envelope = reply_new(reactor, request);
    envelope->reply->body_case = PB__REPLY__BODY_AUDITED;
    envelope->reply->audited = result;
    reactor_say(reactor, route, envelope);
}

void requests_on_retention(void *context, uint64_t route, uint64_t request, Pb__Retention *told, const struct panther_error *error)
{
    struct reactor *reactor = context;
    arena_reset(reactor->scratch);
    if (error) {
        reactor_refuse(reactor, route, request, reactor_refusal_of(error->code), error->message);
        return;
    }
    Pb__Envelope *envelope = reply_new(reactor, request);
    envelope->reply->body_case = PB__REPLY__BODY_RETENTION;
    envelope->reply->retention = told;
    reactor_say(reactor, route, envelope);
}

static bool files_are_missing(struct reactor *reactor, uint64_t route, uint64_t number, const Pb__Submit *submit)
{
    Pb__Envelope *envelope = reply_new(reactor, number);
    Pb__Submitted *submitted = ARENA_NEW(reactor->scratch, Pb__Submitted);
    pb__submitted__init(submitted);
    submitted->missing = ARENA_ARRAY(reactor->scratch, char *, submit->n_files + 1);
    for (size_t i = 0; i < submit->n_files && !submit->dry_run; i++) {
        if (!blob_claim(reactor->options->folder, submit->files[i]->hash)) {
            submitted->missing[submitted->n_missing++] = submit->files[i]->hash;
        }
    }
    if (!submitted->n_missing) {
        return false;
    }
    envelope->reply->body_case = PB__REPLY__BODY_SUBMITTED;
    envelope->reply->submitted = submitted;
    reactor_say(reactor, route, envelope);
    return true;
}

static void take_submit(struct reactor *reactor, struct core_event *event, const Pb__Request *request)
{
    if (event->role == PB__ROLE__ROLE_OPERATOR && files_are_missing(reactor, event->route, request->number, request->submit)) {
        return;
    }
    struct experiment_plugins plugins;
    const Pb__PluginDescription **items;
    plugins.count = core_plugins(reactor->core, &items, reactor->scratch);
    plugins.items = items;
    struct submission_checked checked;
    submission_check(request->submit, &plugins, reactor->scratch, &checked);
    event->kind = CORE_SUBMIT;
    event->request = request->number;
    event->submit = request->submit;
    event->experiment = checked.experiment;
    event->diagnostics = checked.diagnostics.items;
    event->diagnostic_count = checked.diagnostics.count;
    event->content_hash = checked.content_hash;
    reactor_step(reactor, event);
}

static bool archive_is_missing(struct reactor *reactor, const struct core_event *event, const Pb__Request *request)
{
    const char *hash = request->push_plugin->hash;
    if (event->role != PB__ROLE__ROLE_OPERATOR || !*hash || blob_claim(reactor->options->folder, hash)) {
        return false;
    }
    Pb__Envelope *envelope = reply_new(reactor, request->number);
    Pb__PluginPush *answer = ARENA_NEW(reactor->scratch, Pb__PluginPush);
    pb__plugin_push__init(answer);
    answer->missing = true;
    envelope->reply->body_case = PB__REPLY__BODY_PLUGIN_PUSH;
    envelope->reply->plugin_push = answer;
    reactor_say(reactor, event->route, envelope);
    return true;
}

static void take_query(struct reactor *reactor, uint64_t route, const Pb__Request *request)
{
    if (reader_ask(reactor->reader, route, request->number, request->query)) {
        reactor_refuse(reactor, route, request->number, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, "too many queries wait: try again");
    }
}

static void take_backup(struct reactor *reactor, const struct core_event *event, const Pb__Request *request)
{
    if (event->role != PB__ROLE__ROLE_OPERATOR) {
        reactor_refuse(reactor, event->route, request->number, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "a backup needs the role operator");
    } else if (backup_ask(reactor->backup, event->route, request->number, request->backup->path)) {
        reactor_refuse(reactor, event->route, request->number, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, "another backup is being made");
    }
}

static void take_audit(struct reactor *reactor, const struct core_event *event, const Pb__Request *request)
{
    if (audits_ask(reactor->audits, event->route, request->number, request->audit->run)) {
        reactor_refuse(reactor, event->route, request->number, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY,
                       "another audit is on its way: try again");
    }
}

// What the sockets refused before it came to us.
static void count_refusals(struct reactor *reactor)
{
    struct bus_server_counters network;
    struct bulk_counters content;
    bus_server_counters(reactor->server, &network);
    bulk_counters(reactor->bulk, &content);
    core_counter_set(reactor->core, "messages", network.messages);
    core_counter_set(reactor->core, "handshakes_refused", bus_zap_refused());
    core_counter_set(reactor->core, "connections_unheard", network.unheard);
    core_counter_set(reactor->core, "unframed", network.unframed);
    core_counter_set(reactor->core, "slow_peers_closed", network.slow_peers);
    core_counter_set(reactor->core, "bulk_malformed", content.malformed);
    core_counter_set(reactor->core, "bulk_refused", content.refused);
    core_counter_set(reactor->core, "bulk_deferred", content.deferred);
    core_counter_set(reactor->core, "bulk_wrong_hash", content.wrong_hash);
    core_counter_set(reactor->core, "bulk_stored", content.stored);
}

void requests_take(struct reactor *reactor, struct core_event *event, const Pb__Request *request)
{
    switch (request->body_case) {
    case PB__REQUEST__BODY_QUERY:
        take_query(reactor, event->route, request);
        break;
    case PB__REQUEST__BODY_BACKUP:
        take_backup(reactor, event, request);
        break;
    case PB__REQUEST__BODY_GET_RETENTION:
        if (retention_ask(reactor->retention, event->route, request->number)) {
            reactor_refuse(reactor, event->route, request->number, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, "somebody else asks: try again");
        }
        break;
    case PB__REQUEST__BODY_AUDIT:
        take_audit(reactor, event, request);
        break;
    case PB__REQUEST__BODY_SUBMIT:
        take_submit(reactor, event, request);
        break;
    case PB__REQUEST__BODY_PUSH_PLUGIN:
        if (!archive_is_missing(reactor, event, request)) {
            reactor_step(reactor, event);
        }
        break;
    case PB__REQUEST__BODY_GET_STATUS:
        count_refusals(reactor);
        reactor_look_at_space(reactor);
        reactor_tell_space(reactor); // with the figures of now
        reactor_step(reactor, event);
        break;
    default:
        reactor_step(reactor, event);
    }
}
