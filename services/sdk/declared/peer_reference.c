#include "services/sdk/declared/peer_reference.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "services/sdk/declared/document.h"
#include "services/sdk/declared/scope.h"

static const char *const attributes[] = {"address", "port", "endpoint", "service", "hex",
                                         "decimal", "name", "folder",   "profile", "generation"};

// "https.port" or "port"
static bool parse_attribute(struct reading *reading, const char *rest, const struct value *place, struct peer_part *part)
{
    const char *dot = strrchr(rest, '.');
    const char *word = dot != NULL ? dot + 1 : rest;
    part->port = dot != NULL ? arena_string_bytes(reading->arena, rest, (size_t)(dot - rest)) : NULL;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (strcmp(attributes[i], word) == 0) {
            part->attribute = (enum peer_attribute)i;
            return true;
        }
    }
    unknown(reading, place, "part of a service", word, attributes, sizeof attributes / sizeof *attributes);
    return false;
}

bool peer_part_of_drive(struct reading *reading, const char *rest, const struct value *place, struct peer_part *part)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->drive_count + 1);
    for (size_t i = 0; i < document->drive_count; i++) {
        const char *name = names[i] = document->drives[i].name;
        const size_t bytes = strlen(name);
        if (strncmp(name, rest, bytes) == 0 && rest[bytes] == '.') {
            part->drive = name;
            return parse_attribute(reading, rest + bytes + 1, place, part);
        }
    }
    if (strcmp(rest, "network.folder") == 0 && document->drive_count > 0) {
        part->drive = "network"; // what joins the services is a case's peer, too
        return parse_attribute(reading, "folder", place, part);
    }
    unknown(reading, place, "word of drives", arena_string_bytes(reading->arena, rest, strcspn(rest, ".")), names, document->drive_count);
    return false;
}

bool peer_part_of_need(struct reading *reading, const char *rest, const struct value *place, struct peer_part *part)
{
    const size_t bytes = strcspn(rest, ".");
    uint64_t number = 0;
    if (rest[bytes] == '\0' || bytes == 0) {
        MISTAKE(reading, place, "$(need.%.80s) names a service and a part of it: $(need.SERVICE.address)", rest);
        return false;
    }
    const char *service = arena_string_bytes(reading->arena, rest, bytes);
    if (unsigned_parse(service, &number) && number > 0 && number < UINT16_MAX) {
        part->number = (size_t)number;
    } else {
        part->service = service;
    }
    return parse_attribute(reading, rest + bytes + 1, place, part);
}

static const struct panther_peer *find_peer(const struct peer_part *part, struct scope *scope)
{
    if (part->drive != NULL) {
        return panther_driven(scope->service, part->drive, 0);
    }
    return part->service != NULL ? panther_peer_named(scope->service, part->service) : panther_peer(scope->service, part->number - 1);
}

static const char *of_endpoint(const struct peer_part *part, struct scope *scope, const struct panther_endpoint *endpoint, const char **why)
{
    *why = "its address is no IPv4 address";
    switch (part->attribute) {
    case PEER_ADDRESS:
        return endpoint->address;
    case PEER_PORT:
        return arena_printf(scope->arena, "%u", (unsigned)endpoint->port);
    case PEER_ENDPOINT:
        return panther_endpoint_text(scope->service, endpoint);
    case PEER_NAME:
        return endpoint->name;
    case PEER_HEX:
        return panther_address_hex(scope->service, endpoint->address);
    case PEER_DECIMAL:
        return panther_address_decimal(scope->service, endpoint->address);
    case PEER_SERVICE:
    case PEER_FOLDER:
    case PEER_PROFILE:
    case PEER_GENERATION:
        break;
    }
    return NULL;
}

// What only a case with a setup knows.
static const char *of_case(const struct peer_part *part, struct scope *scope, const char **why)
{
    const struct panther_case_peer *peer = part->drive != NULL ? panther_case_peer(scope->service, part->drive) : NULL;
    if (peer == NULL) {
        *why = "no case that drives it by profiles, execute, fresh or conditions runs";
        return NULL;
    }
    if (part->attribute == PEER_FOLDER) {
        *why = "it is on another host";
        return peer->folder;
    }
    return part->attribute == PEER_PROFILE ? peer->profile : arena_printf(scope->arena, "%u", (unsigned)peer->generation);
}

const char *peer_part_text(const struct peer_part *part, struct scope *scope, const char **why)
{
    if (part->attribute >= PEER_FOLDER) {
        return of_case(part, scope, why);
    }
    const struct panther_peer *peer = find_peer(part, scope);
    if (peer == NULL) {
        *why = "there is no such service";
        return NULL;
    }
    if (part->attribute == PEER_SERVICE) {
        return peer->service;
    }
    const struct panther_endpoint *endpoint = panther_endpoint(peer, part->port, 0);
    if (endpoint == NULL) {
        *why = arena_printf(scope->arena, "service %s has %s%s", peer->service, part->port != NULL ? "no endpoint " : "no endpoint at all",
                            part->port != NULL ? part->port : "");
        return NULL;
    }
    return of_endpoint(part, scope, endpoint, why);
}
