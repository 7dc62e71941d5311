// The services beside a plugin under check: what a tester drives, and the server of a client. `--drive WORD=PLUGIN` names one; else the
// first installed IUT that speaks the protocol in that role and works on this host.
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "common/system/process.h"
#include "services/sdk/author/contract.h"

static bool has_text(char *const *texts, size_t count, const char *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], wanted) == 0)
            return true;
    return false;
}

// Empty words of a drive fit everything.
static bool speaks(const struct contract *contract, const Pb__PluginDescription *description, const char *protocol, const char *role)
{
    for (size_t i = 0; i < description->n_protocols; i++) {
        const Pb__ProtocolDescription *known = description->protocols[i];
        bool same_version = strcmp(known->name, contract->protocol) != 0 || !*contract->version ||
                            has_text(known->versions, known->n_versions, contract->version);
        if ((!*protocol || strcmp(known->name, protocol) == 0) && (!*role || has_text(known->roles, known->n_roles, role)) && same_version)
            return true;
    }
    return false;
}

static bool needs_options(const Pb__PluginDescription *description)
{
    for (size_t i = 0; i < description->n_options; i++)
        if (description->options[i]->required)
            return true;
    return false;
}

static bool is_fit(const struct contract *contract, const char *path, const char *protocol, const char *role)
{
    const Pb__PluginDescription *description = author_describe(path, contract->arena, NULL);
    if (!description || description->kind != PB__PLUGIN_KIND__PLUGIN_KIND_IUT || needs_options(description) ||
        strcmp(description->name, contract->description->name) == 0 || !speaks(contract, description, protocol, role))
        return false;
    const Pb__PluginPresence *presence = author_probe(path, contract->arena, NULL);
    return presence && presence->usable;
}

// NAME.so, or NAME/ with its service.yaml or NAME.so
static const char *plugin_at(const struct contract *contract, const char *folder, const char *entry)
{
    size_t length = strlen(entry);
    if (length > 3 && strcmp(entry + length - 3, ".so") == 0)
        return arena_printf(contract->arena, "%s/%s", folder, entry);
    return author_plugin_in(arena_printf(contract->arena, "%s/%s", folder, entry), contract->arena);
}

static const char *search(const struct contract *contract, const char *folder, const char *protocol, const char *role)
{
    struct dirent **entries = NULL;
    const char *found = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *path = found || entries[i]->d_name[0] == '.' ? NULL : plugin_at(contract, folder, entries[i]->d_name);
        if (path && is_fit(contract, path, protocol, role))
            found = path;
        free(entries[i]);
    }
    free(entries);
    return found;
}

static const char *find(const struct contract *contract, const char *protocol, const char *role)
{
    static const char *const places[] = {"../plugins", "../lib/panther/plugins"}; // of a build, of an installation
    CLEANUP_FREE char *programs = program_folder();
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof places / sizeof *places; i++)
        found = search(contract, arena_printf(contract->arena, "%s/%s", programs, places[i]), protocol, role);
    return found;
}

// ---- which

// "plugin[:name=value,...]", by name or path.
static void add(struct contract *contract, const char *word, const char *spec, const char *role, bool is_drive)
{
    struct panther_error error = {0};
    size_t length = strcspn(spec, ":");
    const char *path = author_find(arena_string_bytes(contract->arena, spec, length), contract->arena, &error);
    if (!path)
        snprintf(contract->peer_problem, sizeof contract->peer_problem, "%s", error.message);
    else if (contract->peer_count < CONTRACT_LIST_MAX)
        contract->peers[contract->peer_count++] =
            (struct contract_peer){.word = word,
                                   .plugin = path,
                                   .options = spec[length] ? arena_string(contract->arena, spec + length + 1) : NULL,
                                   .role = *role ? role : "server",
                                   .is_drive = is_drive};
}

static void add_installed(struct contract *contract, const char *word, const char *protocol, const char *role, bool is_drive)
{
    const char *path = find(contract, protocol, role);
    if (path)
        add(contract, word, path, role, is_drive);
    else
        snprintf(contract->peer_problem, sizeof contract->peer_problem, "it works on a %s%s%s, and no plugin here is one: name it by --%s",
                 protocol, *protocol ? " " : "", role, is_drive ? arena_printf(contract->arena, "drive %s=PLUGIN", word) : "need PLUGIN");
}

// "word=plugin" of that word; NULL: nothing was said.
static const char *said(const struct contract *contract, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < contract->drive_count; i++)
        if (strncmp(contract->drives[i], word, length) == 0 && contract->drives[i][length] == '=')
            return contract->drives[i] + length + 1;
    return NULL;
}

static void add_drives(struct contract *contract)
{
    const Pb__PluginDescription *description = contract->description;
    for (size_t i = 0; i < description->n_drives; i++) {
        const Pb__DriveDescription *drive = description->drives[i];
        const char *spec = said(contract, drive->name);
        if (spec)
            add(contract, drive->name, spec, drive->role, true);
        else if (drive->required)
            add_installed(contract, drive->name, drive->protocol, drive->role, true);
    }
}

// "[name=]plugin[:options]"; without a name the service is called as the plugin.
static void add_needs(struct contract *contract)
{
    for (size_t i = 0; i < contract->need_count; i++) {
        const char *text = contract->needs[i];
        size_t before = strcspn(text, "=:");
        const char *spec = text[before] == '=' ? text + before + 1 : text;
        const char *name = arena_string_bytes(contract->arena, text, before), *slash = strrchr(name, '/');
        name = slash ? slash + 1 : name;
        add(contract, arena_string_bytes(contract->arena, name, strcspn(name, ".")), spec, "server", false);
    }
    if (contract->need_count == 0 && !contract_is_tester(contract) && strcmp(contract->role, "client") == 0)
        add_installed(contract, "server", contract->protocol, "server", false);
}

bool contract_find_peers(struct contract *contract, struct judgement *judgement)
{
    if (!contract->peers_are_known) {
        add_drives(contract);
        add_needs(contract);
    }
    contract->peers_are_known = true;
    if (*contract->peer_problem)
        judge_skip(judgement, "%s", contract->peer_problem);
    return !*contract->peer_problem;
}

// ---- started

struct panther_test *contract_peer_instance(const struct contract *contract, const struct contract_peer *peer)
{
    struct panther_test *test = panther_test_new(peer->plugin);
    panther_test_phase_ms(test, CONTRACT_PHASE_MS);
    panther_test_protocol(test, contract->protocol, contract->version, peer->role);
    char *options = peer->options ? arena_string(contract->arena, peer->options) : NULL, *rest = NULL;
    for (char *option = options ? strtok_r(options, ",", &rest) : NULL; option; option = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(option, '=');
        if (equals)
            *equals = '\0';
        panther_test_option(test, option, equals ? equals + 1 : "true");
    }
    return test;
}

static bool start_one(struct contract *contract, struct contract_peer *peer)
{
    struct judgement judgement = {0};
    if (peer->test)
        return true;
    peer->test = contract_peer_instance(contract, peer);
    if (contract_start(peer->test, &judgement))
        return true;
    snprintf(contract->peer_problem, sizeof contract->peer_problem, "the %s that it works on (%s) does not start: %.300s", peer->word,
             peer->plugin, judgement.text);
    return false;
}

bool contract_start_peers(struct contract *contract, struct judgement *judgement)
{
    bool all = contract_find_peers(contract, judgement);
    for (size_t i = 0; all && i < contract->peer_count; i++)
        all = start_one(contract, &contract->peers[i]);
    if (!all)
        judge_skip(judgement, "%s", contract->peer_problem);
    return all;
}

void contract_end_peers(struct contract *contract)
{
    for (size_t i = 0; i < contract->peer_count; i++)
        panther_test_end(&contract->peers[i].test);
    contract->peer_count = 0;
}
