// Keys: who may come in which role, and the enrolment of a host.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

static void emit_key_added(struct core *core, const char *name, int role, const char *public_key, const char *enroll_for)
{
    struct arena *arena = core->effects->arena;
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_KEY_ADDED;
    record->key_added = NEW_MESSAGE(core, Pb__KeyRecord, pb__key_record);
    record->key_added->name = arena_string(arena, name);
    record->key_added->role = (Pb__Role)role;
    record->key_added->public_key = arena_string(arena, public_key);
    record->key_added->added_by = arena_string(arena, core->event->peer_name);
    record->key_added->enroll_for = arena_string(arena, enroll_for);
    core_emit(core, record);
}

static void emit_key_revoked(struct core *core, const struct key_entry *key)
{
    struct arena *arena = core->effects->arena;
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_KEY_REVOKED;
    record->key_revoked = NEW_MESSAGE(core, Pb__KeyRevokedRecord, pb__key_revoked_record);
    record->key_revoked->name = arena_string(arena, key->name);
    record->key_revoked->public_key = arena_string(arena, key->public_key);
    record->key_revoked->by = arena_string(arena, core->event->peer_name);
    core_emit(core, record);
}

static bool is_repeat(const struct core *core, const Pb__AddKey *add)
{
    const struct key_entry *same_name = map_get_text(core->durable->keys, add->name);
    return same_name && !same_name->revoked && strcmp(same_name->public_key, add->public_key) == 0 && same_name->role == (int)add->role;
}

static bool is_refused(struct core *core, uint64_t request, const Pb__AddKey *add)
{
    const struct key_entry *same_name = map_get_text(core->durable->keys, add->name);
    const struct key_entry *same_key = map_get_text(core->durable->keys_by_public, add->public_key);
    if (is_repeat(core, add)) {
        return false;
    }
    if ((same_name && !same_name->revoked) || same_key) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT, 0,
                    same_key ? "this key is known already (as %s)" : "there is a key named %s already: revoke it first",
                    same_key ? same_key->name : add->name);
        return true;
    }
    const struct key_entry *taken = map_get_text(core->durable->keys, add->enroll_for);
    if (taken && !taken->revoked) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT, 0,
                    "%s has a key already; `panther-coord keys revoke %s` first, if it is to get another one", taken->name, taken->name);
        return true;
    }
    return false;
}

// Among themselves: a name or a key that stands there twice.
static const char *said_twice(const Pb__AddKeys *add)
{
    struct map *seen = map_new();
    const char *name = NULL;
    for (size_t i = 0; i < add->n_keys && !name; i++) {
        bool twice = map_put_text(seen, add->keys[i]->name, seen) || map_put_text(seen, add->keys[i]->public_key, seen);
        name = twice ? add->keys[i]->name : NULL;
    }
    map_free(&seen);
    return name;
}

static void reply_added(struct core *core, uint64_t request, const char *name)
{
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_KEY_ADDED;
    reply->key_added = NEW_MESSAGE(core, Pb__KeyAdded, pb__key_added);
    reply->key_added->name = arena_string(core->effects->arena, name);
    reply->key_added->server_key = arena_string(core->effects->arena, core->server_key);
    reply->key_added->endpoint = arena_string(core->effects->arena, core->endpoint);
}

static void add_one(struct core *core, const Pb__AddKey *add)
{
    if (!is_repeat(core, add)) {
        emit_key_added(core, add->name, (int)add->role, add->public_key, add->enroll_for);
    }
}

void keys_add(struct core *core, uint64_t request, const Pb__AddKey *add)
{
    if (!is_refused(core, request, add)) {
        add_one(core, add);
        reply_added(core, request, add->name);
    }
}

void keys_add_all(struct core *core, uint64_t request, const Pb__AddKeys *add)
{
    const char *twice = said_twice(add);
    if (twice) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT, 0, "%s, or its key, is named twice", twice);
        return;
    }
    for (size_t i = 0; i < add->n_keys; i++) {
        if (is_refused(core, request, add->keys[i])) {
            return;
        }
    }
    for (size_t i = 0; i < add->n_keys; i++) {
        add_one(core, add->keys[i]);
    }
    reply_added(core, request, "");
}

void keys_revoke(struct core *core, uint64_t request, const char *name)
{
    const struct key_entry *key = map_get_text(core->durable->keys, name);
    if (!key) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, 0, "there is no key named %s", name);
        return;
    }
    if (strcmp(key->name, core->event->peer_name) == 0) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 0, "%s cannot revoke itself", name);
        return;
    }
    if (!key->revoked) {
        emit_key_revoked(core, key);
        sessions_key_revoked(core, name);
    }
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_KEY_REVOKED;
    reply->key_revoked = NEW_MESSAGE(core, Pb__KeyRevoked, pb__key_revoked);
    reply->key_revoked->name = arena_string(core->effects->arena, name);
}

// ---- enrolment: the one-time key may do this once, and nothing else

void keys_enroll(struct core *core)
{
    const struct core_event *event = core->event;
    const struct key_entry *once = map_get_text(core->durable->keys, event->peer_name);
    if (event->envelope->body_case != PB__ENVELOPE__BODY_ENROLL || !once) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, 0, "this key may only enroll a host");
        core_close(core, event->route);
        return;
    }
    const Pb__Enroll *enroll = event->envelope->enroll;
    const char *name = arena_string(core->effects->arena, once->enroll_for);
    const struct key_entry *taken = map_get_text(core->durable->keys, name);
    if ((taken && !taken->revoked) || map_get_text(core->durable->keys_by_public, enroll->public_key)) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT, 0, "agent %s has a key already, or this key is known",
                    name);
        core_close(core, event->route);
        return;
    }
    emit_key_added(core, name, PB__ROLE__ROLE_AGENT, enroll->public_key, "");
    emit_key_revoked(core, once);
    Pb__Envelope *envelope = core_send(core, event->route, 0);
    envelope->body_case = PB__ENVELOPE__BODY_ENROLLED;
    envelope->enrolled = NEW_MESSAGE(core, Pb__Enrolled, pb__enrolled);
    envelope->enrolled->name = arena_string(core->effects->arena, name);
    envelope->enrolled->server_key = arena_string(core->effects->arena, core->server_key);
}
