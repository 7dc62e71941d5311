// See statistics.h.
#include "agent/environment/link/statistics.h"

#include <jansson.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define NS_PER_US 1000

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, number(value));
}

static json_t *counts_json(const struct direction_counts *counts)
{
    json_t *object = json_object(), *dropped = json_object();
    put(object, "sent", counts->sent);
    put(object, "sent_bytes", counts->sent_bytes);
    put(object, "delivered", counts->delivered);
    put(object, "delivered_bytes", counts->delivered_bytes);
    put(object, "duplicated", counts->duplicated);
    put(object, "corrupted", counts->corrupted);
    put(object, "reordered", counts->reordered);
    put(object, "marked", counts->marked);
    put(object, "rebound", counts->rebound);
    for (enum drop drop = DROP_NONE + 1; drop < DROPS; drop++)
        put(dropped, drop_name(drop), counts->dropped[drop]);
    json_object_set_new(object, "dropped", dropped);
    return object;
}

static void add(struct direction_counts *total, const struct direction_counts *counts)
{
    total->sent += counts->sent;
    total->sent_bytes += counts->sent_bytes;
    total->delivered += counts->delivered;
    total->delivered_bytes += counts->delivered_bytes;
    total->duplicated += counts->duplicated;
    total->corrupted += counts->corrupted;
    total->reordered += counts->reordered;
    total->marked += counts->marked;
    total->rebound += counts->rebound;
    for (size_t i = 0; i < DROPS; i++)
        total->dropped[i] += counts->dropped[i];
}

static json_t *directions_json(const struct statistics *statistics, struct direction_counts *total)
{
    json_t *list = json_array();
    for (size_t from = 0; from < statistics->place_count; from++) {
        for (size_t to = 0; to < statistics->place_count; to++) {
            const struct direction_counts *counts = switch_counts(statistics->packet_switch, from, to);
            if (!counts)
                continue;
            json_t *direction = counts_json(counts);
            json_object_set_new(direction, "from", json_string(statistics->places[from].service));
            json_object_set_new(direction, "to", json_string(statistics->places[to].service));
            json_array_append_new(list, direction);
            add(total, counts);
        }
    }
    return list;
}

int statistics_write(const char *path, const struct statistics *statistics, struct panther_error *error)
{
    struct direction_counts total = {0};
    uint64_t not_read = 0;
    json_t *root = json_object();
    json_object_set_new(root, "directions", directions_json(statistics, &total));
    json_object_set_new(root, "total", counts_json(&total));
    for (size_t i = 0; i < statistics->place_count; i++)
        not_read += namespaces_not_read(&statistics->places[i]);
    put(root, "not_read", not_read); // the switch was too slow for them: outside of the seed
    put(root, "not_captured", statistics->not_captured);
    const struct switch_lateness lateness = switch_lateness(statistics->packet_switch);
    put(root, "late", lateness.late);
    put(root, "latest_us", lateness.worst_ns / NS_PER_US);
    CLEANUP_FREE char *offset = memory_printf("%llu", (unsigned long long)statistics->wall_offset_ns);
    json_object_set_new(root, "boottime_offset_ns", json_string(offset)); // JSON's numbers would round it
    char *text = json_dumps(root, JSON_INDENT(1));
    INVARIANT(text != NULL);
    int result = file_write_atomic(path, text, strlen(text), 0644, error);
    free(text);
    json_decref(root);
    return result;
}
