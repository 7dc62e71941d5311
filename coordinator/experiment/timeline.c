// Reads the timeline. Without a trigger an entry begins where the one before it ends, so `case` entries run in their order.
#include "coordinator/experiment/timeline.h"

#include <string.h>

#include "common/base/map.h"
#include "coordinator/experiment/faults.h"
#include "coordinator/experiment/links.h"
#include "coordinator/experiment/plugins.h"

const struct document_key timeline_after_keys[] = {
    DOCUMENT_KEY("start_of", TEXT, .help = "id of an entry"), DOCUMENT_KEY("end_of", TEXT, .help = "id of an entry"),
    DOCUMENT_KEY("plus", DURATION, .help = "later than that; alone: than the moment all services are ready"), DOCUMENT_END};
const struct document_key timeline_when_keys[] = {DOCUMENT_KEY("ready", TEXTS, .help = "services"),
                                                  DOCUMENT_KEY("plus", DURATION, .help = "later than that"), DOCUMENT_END};
const struct document_key timeline_keys[] = {
    DOCUMENT_KEY("id", TEXT, .help = "for triggers and windows"),
    DOCUMENT_KEY("service", TEXT, .help = "that it is done to, or beside; the tester of a case"),
    DOCUMENT_KEY("case", TEXT, .help = "a case of a tester"),
    DOCUMENT_KEY("run", TEXTS, .help = "a command beside a service: a text for the shell, or a list of arguments"),
    DOCUMENT_KEY("timeout", DURATION, .help = "of run; default: the case's"),
    DOCUMENT_KEY("stop", TEXT, .help = "a service"),
    DOCUMENT_KEY("start", TEXT, .help = "a service that was stopped or killed"),
    DOCUMENT_KEY("restart", TEXT, .help = "a service"),
    DOCUMENT_KEY("fault", CHOICE, .choices = faults_kinds),
    DOCUMENT_KEY("for", DURATION, .help = "how long the fault lasts; default: to the end"),
    DOCUMENT_KEY("signal", CHOICE, .choices = faults_signals, .help = "of kill"),
    DOCUMENT_KEY("limit", SIZE, .help = "of disk_full: the largest file; of memory: of the service"),
    DOCUMENT_KEY("bytes", SIZE, .help = "of memory: taken from the host"),
    DOCUMENT_KEY("offset", TEXT, .help = "of clock: +90s"),
    DOCUMENT_KEY("clock", CHOICE, .choices = faults_clocks, .help = "of clock"),
    DOCUMENT_KEY("groups", ANY, .help = "of partition: lists of services"),
    DOCUMENT_KEY("one_way", BOOLEAN, .help = "of partition: only what the first group sends is lost"),
    DOCUMENT_KEY("links", LIST, .keys = links_keys, .help = "of link"),
    DOCUMENT_KEY("from", TEXT, .help = "of link"),
    DOCUMENT_KEY("to", TEXT, .help = "of link"),
    DOCUMENT_KEY("between", TEXTS, .help = "of link"),
    DOCUMENT_KEY("after", MAP, .keys = timeline_after_keys),
    DOCUMENT_KEY("when", MAP, .keys = timeline_when_keys),
    DOCUMENT_KEY("background", BOOLEAN, .help = "the next entry does not wait for this one"),
    DOCUMENT_END};

// ---- triggers

bool timeline_read_moment(const struct document *document, const struct value *map, const char *noun, const struct document_key *keys,
                          Pb__Moment *moment)
{
    if (!document_is_map(document, map, noun))
        return false;
    document_check_keys(document, map, keys, noun);
    const struct value *start = document_get(map, "start_of"), *end = document_get(map, "end_of");
    const char *text = document_text(document, start ? start : end, start ? "start_of" : "end_of");
    if (start && end)
        document_error(document, map, "%s is start_of or end_of one entry, not both", noun);
    if (text)
        moment->entry = arena_string(document->arena, text);
    moment->end = end != NULL && !start;
    document_duration(document, document_get(map, "plus"), "plus", 0, TIMEOUT_MAX_MS, &moment->plus_ms);
    return !(start && end) && (text || !(start || end));
}

static Pb__Trigger *new_trigger(const struct document *document)
{
    Pb__Trigger *trigger = ARENA_NEW(document->arena, Pb__Trigger);
    pb__trigger__init(trigger);
    return trigger;
}

static Pb__Trigger *read_after(const struct document *document, const struct value *after)
{
    Pb__Moment moment = PB__MOMENT__INIT;
    Pb__Trigger *trigger = new_trigger(document);
    if (timeline_read_moment(document, after, "after", timeline_after_keys, &moment) && !moment.entry[0] && !document_get(after, "plus"))
        document_error(document, after, "after needs start_of, end_of or plus");
    trigger->entry = moment.entry;
    trigger->end = moment.end;
    trigger->plus_ms = moment.plus_ms;
    return trigger;
}

static Pb__Trigger *read_when(struct scope *scope, const struct value *when)
{
    const struct document *document = &scope->document;
    Pb__Trigger *trigger = new_trigger(document);
    const struct value **texts;
    uint32_t plus = 0;
    if (!document_is_map(document, when, "when"))
        return trigger;
    document_check_keys(document, when, timeline_when_keys, "when");
    size_t count = document_texts(document, document_get(when, "ready"), "ready", &texts);
    trigger->ready = ARENA_ARRAY(document->arena, char *, count);
    if (count == 0)
        document_error(document, when, "when needs services: `when: {ready: [server]}`");
    for (size_t i = 0; i < count; i++)
        if (scope_check_service(scope, texts[i], texts[i]->text, "ready"))
            trigger->ready[trigger->n_ready++] = arena_string(document->arena, texts[i]->text);
    document_duration(document, document_get(when, "plus"), "plus", 0, TIMEOUT_MAX_MS, &plus);
    trigger->plus_ms = plus;
    return trigger;
}

static void read_trigger(struct scope *scope, const struct value *map, Pb__TimelineEntry *entry)
{
    const struct value *after = document_get(map, "after"), *when = document_get(map, "when");
    if (after && when)
        document_error(&scope->document, map, "an entry has after or when, not both");
    else if (after)
        entry->trigger = read_after(&scope->document, after);
    else if (when)
        entry->trigger = read_when(scope, when);
}

// ---- what is done

static const char *read_service(struct scope *scope, const struct value *value, const char *what)
{
    const char *text = document_text(&scope->document, value, what);
    return text && scope_check_service(scope, value, text, what) ? text : NULL;
}

// The only tester there is, when none is named.
static const char *only_tester(const Pb__Test *test)
{
    const char *name = NULL;
    for (size_t i = 0; i < test->n_services; i++) {
        if (!test->services[i]->tester[0])
            continue;
        if (name)
            return NULL;
        name = test->services[i]->name;
    }
    return name;
}

static void read_case(struct scope *scope, const struct value *map, Pb__TimelineEntry *entry)
{
    const struct document *document = &scope->document;
    const struct value *service = document_get(map, "service");
    const char *text = document_constant(document, document_get(map, "case"), "case");
    const char *tester = service ? read_service(scope, service, "service") : only_tester(scope->test);
    if (!service && !tester)
        document_error(document, map, "whose case is it? name the tester: `service: NAME`");
    entry->body_case = PB__TIMELINE_ENTRY__BODY_RUN_CASE;
    entry->run_case = arena_string(document->arena, text ? text : "");
    entry->service = arena_string(document->arena, tester ? tester : "");
    if (tester && !scope->test->services[scope_service_index(scope, tester)]->tester[0])
        document_error(document, service, "only a tester has cases; \"%s\" is none", tester);
}

static void add_argument(struct scope *scope, Pb__RunBeside *run, const struct value *value)
{
    scope_check(scope, value->text, value, SCOPE_AXES | SCOPE_CELL);
    run->argv[run->n_argv++] = arena_string(scope->document.arena, value->text);
}

void timeline_check_run(const struct document *document, const Pb__TimelineEntry *entry)
{
    const struct value place = scope_place(entry->line, entry->column);
    size_t bytes = 0;
    for (size_t i = 0; i < entry->run->n_argv; i++)
        bytes += strlen(entry->run->argv[i]);
    if (bytes > COMMAND_LINE_MAX_BYTES)
        document_error(document, &place, "the command is longer than %d bytes; put what is long in a file", COMMAND_LINE_MAX_BYTES);
    if (entry->run->n_argv > 0 && entry->run->argv[0][0] == '\0')
        document_error(document, &place, "run names no program");
}

static void read_run(struct scope *scope, const struct value *map, Pb__TimelineEntry *entry)
{
    const struct document *document = &scope->document;
    const struct value *value = document_get(map, "run"), *service = document_get(map, "service");
    Pb__RunBeside *run = ARENA_NEW(document->arena, Pb__RunBeside);
    pb__run_beside__init(run);
    entry->body_case = PB__TIMELINE_ENTRY__BODY_RUN;
    entry->run = run;
    run->timeout_ms = scope->test->timeouts->case_ms;
    document_duration(document, document_get(map, "timeout"), "timeout", 1, TIMEOUT_MAX_MS, &run->timeout_ms);
    const char *name = read_service(scope, service, "service");
    entry->service = arena_string(document->arena, name ? name : "");
    if (!service)
        document_error(document, map, "run needs a service beside which it runs");
    run->argv = ARENA_ARRAY(document->arena, char *, ARGUMENTS_MAX + 2);
    if (value->kind == VALUE_SCALAR) {
        run->argv[run->n_argv++] = arena_string(document->arena, "/bin/sh");
        run->argv[run->n_argv++] = arena_string(document->arena, "-c");
        add_argument(scope, run, value);
        timeline_check_run(document, entry);
        return;
    }
    if (!document_is_list(document, value, "run"))
        return;
    if (value->count == 0 || value->count > ARGUMENTS_MAX) {
        document_error(document, value, "run is a command of 1 to %d arguments", ARGUMENTS_MAX);
        return;
    }
    for (size_t i = 0; i < value->count; i++)
        if (document_text(document, value->items[i], "an argument of run"))
            add_argument(scope, run, value->items[i]);
    timeline_check_run(document, entry);
}

static void read_change(struct scope *scope, const struct value *map, const char *key, int change, Pb__TimelineEntry *entry)
{
    const char *name = read_service(scope, document_get(map, key), key);
    entry->body_case = PB__TIMELINE_ENTRY__BODY_CHANGE;
    entry->change = (Pb__ServiceChange)change;
    entry->service = arena_string(scope->document.arena, name ? name : "");
    if (name && scope->test->services[scope_service_index(scope, name)]->tester[0])
        document_error(&scope->document, document_get(map, key), "%s: \"%s\" is a tester; only what is tested can be changed", key, name);
    if (document_get(map, "service"))
        document_error(&scope->document, document_get(map, "service"), "`%s: SERVICE` names the service already", key);
}

static void read_fault(struct scope *scope, const struct value *map, Pb__TimelineEntry *entry)
{
    const struct document *document = &scope->document;
    const struct value *service = document_get(map, "service");
    Pb__Fault *fault = faults_read(scope, map, timeline_keys);
    if (!fault)
        return;
    const char *name = read_service(scope, service, "service");
    bool of_network = faults_are_of_network(fault->kind);
    entry->body_case = PB__TIMELINE_ENTRY__BODY_FAULT;
    entry->fault = fault;
    fault->id = entry->id;
    entry->service = arena_string(document->arena, name && !of_network ? name : "");
    // The programs of a service keep their clock while they run: it is renewed, which a tester is not.
    if (name && strcmp(fault->kind, "clock") == 0 && scope->test->services[scope_service_index(scope, name)]->tester[0])
        document_error(document, service, "clock: \"%s\" is a tester; only what is tested begins anew, with another clock", name);
    if (!service && !of_network)
        document_error(document, map, "the fault %s needs a service", fault->kind);
    if (service && of_network)
        document_error(document, service, "the fault %s is done to the network, not to a service", fault->kind);
}

static const struct {
    const char *key;
    int change;
} bodies[] = {{"case", 0},
              {"run", 0},
              {"stop", PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP},
              {"start", PB__SERVICE_CHANGE__SERVICE_CHANGE_START},
              {"restart", PB__SERVICE_CHANGE__SERVICE_CHANGE_RESTART},
              {"fault", 0}};
#define BODIES (sizeof bodies / sizeof *bodies)

static void read_body(struct scope *scope, const struct value *map, Pb__TimelineEntry *entry)
{
    const struct document *document = &scope->document;
    size_t count = 0, which = 0;
    for (size_t i = 0; i < BODIES; i++)
        if (document_get(map, bodies[i].key)) {
            count++;
            which = i;
        }
    if (count != 1) {
        document_check_keys(document, map, timeline_keys, "an entry of the timeline");
        document_error(document, map, "an entry of the timeline is one of case, run, stop, start, restart and fault");
        return;
    }
    const char *key = bodies[which].key;
    if (strcmp(key, "fault") != 0) {
        document_check_keys(document, map, timeline_keys, "an entry of the timeline");
        if (document_get(map, "for"))
            document_error(document, document_get(map, "for"), "`for` belongs to a fault");
    }
    if (strcmp(key, "run") != 0 && document_get(map, "timeout"))
        document_error(document, document_get(map, "timeout"), "`timeout` belongs to run; a case has the test's");
    if (bodies[which].change)
        read_change(scope, map, key, bodies[which].change, entry);
    else if (strcmp(key, "case") == 0)
        read_case(scope, map, entry);
    else if (strcmp(key, "run") == 0)
        read_run(scope, map, entry);
    else
        read_fault(scope, map, entry);
}

// ---- an entry

static char *read_id(const struct document *document, const struct value *map, size_t number)
{
    const struct value *id = document_get(map, "id");
    const char *text = document_text(document, id, "id");
    if (text)
        document_word(document, id, text, "the id");
    return text ? arena_string(document->arena, text) : arena_printf(document->arena, "entry-%zu", number);
}

static void read_entry(struct scope *scope, const struct value *map, struct map *ids)
{
    const struct document *document = &scope->document;
    bool background = false;
    Pb__TimelineEntry *entry = ARENA_NEW(document->arena, Pb__TimelineEntry);
    pb__timeline_entry__init(entry);
    entry->line = map->line;
    entry->column = map->column;
    entry->id = read_id(document, map, scope->test->n_timeline + 1);
    scope->test->timeline[scope->test->n_timeline++] = entry;
    if (map_put_text(ids, entry->id, entry))
        document_error(document, map, "the timeline has two entries called \"%.80s\"", entry->id);
    document_boolean(document, document_get(map, "background"), "background", &background);
    entry->background = background;
    read_trigger(scope, map, entry);
    read_body(scope, map, entry);
}

// ---- together

const Pb__TimelineEntry *timeline_find(const struct scope *scope, const struct value *place, const char *id)
{
    const Pb__Test *test = scope->test;
    const char **names = ARENA_ARRAY(scope->document.arena, const char *, test->n_timeline);
    for (size_t i = 0; i < test->n_timeline; i++) {
        if (strcmp(test->timeline[i]->id, id) == 0)
            return test->timeline[i];
        names[i] = test->timeline[i]->id;
    }
    document_error(&scope->document, place, "there is no entry \"%.80s\" on the timeline%s", id,
                   document_hint(&scope->document, id, names, test->n_timeline));
    return NULL;
}

static size_t index_of(const Pb__Test *test, const char *id)
{
    size_t at = 0;
    while (at < test->n_timeline && strcmp(test->timeline[at]->id, id) != 0)
        at++;
    return at;
}

// The entry whose start or end this one waits for; n_timeline: none.
static size_t waits_for(const Pb__Test *test, size_t at)
{
    const Pb__Trigger *trigger = test->timeline[at]->trigger;
    if (trigger)
        return trigger->entry[0] ? index_of(test, trigger->entry) : test->n_timeline;
    while (at-- > 0)
        if (!test->timeline[at]->background)
            return at;
    return test->n_timeline;
}

// Each waits for one other at the most, so a walk that takes more steps than there are entries goes in a circle.
static void check_circles(const struct scope *scope)
{
    const Pb__Test *test = scope->test;
    for (size_t i = 0; i < test->n_timeline; i++) {
        size_t at = waits_for(test, i), steps = 0;
        while (at < test->n_timeline && at != i && steps++ < test->n_timeline)
            at = waits_for(test, at);
        if (at != i)
            continue;
        const struct value place = scope_place(test->timeline[i]->line, test->timeline[i]->column);
        document_error(&scope->document, &place, "the entry \"%s\" waits for itself", test->timeline[i]->id);
        return; // the others of the circle say the same
    }
}

void timeline_read(struct scope *scope, const struct value *timeline)
{
    const struct document *document = &scope->document;
    if (!document_is_list(document, timeline, "timeline"))
        return;
    if (timeline->count > TIMELINE_MAX) {
        document_error(document, timeline, "a timeline has at most %d entries", TIMELINE_MAX);
        return;
    }
    scope->test->timeline = ARENA_ARRAY(document->arena, Pb__TimelineEntry *, timeline->count);
    struct map *ids = map_new();
    for (size_t i = 0; i < timeline->count; i++)
        if (document_is_map(document, timeline->items[i], "an entry of the timeline"))
            read_entry(scope, timeline->items[i], ids);
    map_free(&ids);
    for (size_t i = 0; i < scope->test->n_timeline; i++) {
        const Pb__TimelineEntry *entry = scope->test->timeline[i];
        const struct value place = scope_place(entry->line, entry->column);
        if (entry->trigger && entry->trigger->entry[0])
            timeline_find(scope, &place, entry->trigger->entry);
    }
    check_circles(scope);
}
