// initialize: ports, certificate, content, build, files; no process of the instance lives yet.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/units.h"
#include "panther/content.h"
#include "services/sdk/declared/build.h"
#include "services/sdk/declared/driver.h"
#include "services/sdk/declared/option.h"
#include "services/sdk/declared/rules.h"
#include "services/sdk/handle.h"

// Outputs of all cases of a tester: what a pattern with $(case) becomes. A tester of more cases names one pattern for all of them.
#define OUTPUTS_TOLD_MAX 1024

static int refuse(struct scope *scope, const char *what)
{
    return panther_fail(scope->service, "%s: %s", what, scope->problem);
}

static int make_ports(struct scope *scope)
{
    const struct document *document = scope->document;
    driver.ports = ARENA_ARRAY(scope->arena, int, document->port_count + 1);
    scope->ports = driver.ports;
    for (size_t i = 0; i < document->port_count; i++) {
        const struct port_rule *rule = &document->ports[i];
        uint64_t wanted = 0;
        if (!condition_holds(rule->when, scope)) {
            continue;
        }
        const char *text = rule->wanted != NULL ? template_text(rule->wanted, scope) : "0";
        if (text == NULL || (text[0] != '\0' && !unsigned_parse(text, &wanted)) || wanted > UINT16_MAX) {
            return panther_fail(scope->service, "port %s: \"%s\" is no port number", rule->name, text != NULL ? text : scope->problem);
        }
        driver.ports[i] = panther_port_wanted(scope->service, rule->name, rule->transports, (unsigned)wanted);
        if (driver.ports[i] < 0) {
            return driver.ports[i];
        }
    }
    return 0;
}

// ---- certificate

// "true" of a flag that is a text with references.
static int flag_of(const struct template *template, struct scope *scope, bool *flag)
{
    const char *text = template != NULL ? template_text(template, scope) : "false";
    if (text == NULL || !boolean_parse(text, flag)) {
        return panther_fail(scope->service, "certificate: \"%s\" is neither true nor false", text != NULL ? text : scope->problem);
    }
    return 0;
}

static int key_type_of(const struct template *template, struct scope *scope, enum panther_key_type *type)
{
    const char *text = template != NULL ? template_text(template, scope) : "ec";
    if (text == NULL || (strcmp(text, "ec") != 0 && strcmp(text, "rsa") != 0)) {
        return panther_fail(scope->service, "certificate: key \"%s\" is neither ec nor rsa", text != NULL ? text : scope->problem);
    }
    *type = strcmp(text, "rsa") == 0 ? PANTHER_KEY_RSA : PANTHER_KEY_EC;
    return 0;
}

static const char *const *texts_of(const struct templates *templates, struct scope *scope)
{
    const char **texts = ARENA_ARRAY(scope->arena, const char *, templates->count + 1);
    for (size_t i = 0; i < templates->count; i++) {
        texts[i] = template_text(templates->items[i], scope);
        if (texts[i] == NULL) {
            return NULL;
        }
    }
    return texts;
}

static int make_certificate(struct scope *scope)
{
    const struct certificate_rule *rule = &scope->document->certificate;
    struct panther_certificate_request request = {.struct_bytes = sizeof(request), .chain_length = (unsigned)rule->chain};
    if (!rule->is_wanted || !condition_holds(rule->when, scope)) {
        return 0;
    }
    if (key_type_of(rule->key, scope, &request.key_type) < 0 || flag_of(rule->expired, scope, &request.expired) < 0 ||
        flag_of(rule->wrong_name, scope, &request.wrong_name) < 0) {
        return PANTHER_FAILED;
    }
    if (rule->names.count > 0) {
        request.names = texts_of(&rule->names, scope);
        if (request.names == NULL) {
            return refuse(scope, "certificate");
        }
    }
    driver.certificate = scope->certificate = panther_certificate_make(scope->service, &request);
    return driver.certificate != NULL ? 0 : PANTHER_FAILED;
}

// ---- content and files

static int make_content(struct scope *scope)
{
    const struct content_rule *rule = &scope->document->content;
    struct panther_list sizes = {0, rule->sizes};
    if (rule->folder == NULL || !condition_holds(rule->when, scope)) {
        return 0;
    }
    while (rule->sizes != NULL && rule->sizes[sizes.count] != NULL) {
        sizes.count++;
    }
    const char *page = rule->page != NULL ? template_text(rule->page, scope) : NULL;
    if (rule->page != NULL && page == NULL) {
        return refuse(scope, "content");
    }
    const struct panther_list *chosen = rule->sizes_option != NULL ? scope_slot(scope, rule->sizes_option) : &sizes;
    return panther_site(scope->service, rule->folder, chosen, page != NULL && page[0] != '\0' ? page : NULL) != NULL ? 0 : PANTHER_FAILED;
}

static const char *write_copy(const struct file_rule *rule, const char *path, struct scope *scope)
{
    size_t bytes = 0;
    const char *data = panther_read_file(scope->service, rule->copy, &bytes);
    if (data == NULL) {
        panther_fail(scope->service, "cannot read %s, or it has more than %d bytes", rule->copy, PANTHER_OUTPUT_MAX_BYTES);
        return NULL;
    }
    return panther_write_bytes(scope->service, path, data, bytes);
}

static const char *write_text(const struct file_rule *rule, const char *path, struct scope *scope)
{
    const char *text = template_text(rule->text, scope);
    if (text == NULL) {
        panther_fail(scope->service, "file %s: %s", path, scope->problem);
        return NULL;
    }
    return panther_write_bytes(scope->service, path, text, strlen(text));
}

static int make_file(const struct file_rule *rule, struct scope *scope)
{
    const char *path = template_text(rule->path, scope);
    struct stat status = {.st_mode = 0644};
    if (path == NULL) {
        return refuse(scope, "files");
    }
    if (!path_stays(path)) {
        return panther_fail(scope->service, "file %s does not lie in the work folder", path);
    }
    const char *written = rule->copy != NULL ? write_copy(rule, path, scope) : write_text(rule, path, scope);
    if (written == NULL) {
        return PANTHER_FAILED;
    }
    if (rule->copy != NULL && stat(rule->copy, &status) < 0) {
        status.st_mode = 0644;
    }
    const mode_t mode = rule->mode != 0 ? (mode_t)rule->mode : status.st_mode & 0777;
    return chmod(written, mode) == 0 ? 0 : panther_fail(scope->service, "file %s: its mode cannot be set", path);
}

static int make_files(struct scope *scope)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < scope->document->file_count; i++) {
        if (condition_holds(scope->document->files[i].when, scope)) {
            result = make_file(&scope->document->files[i], scope);
        }
    }
    return result;
}

// ---- outputs

static bool is_told(const char *path)
{
    for (size_t i = 0; i < driver.told_count; i++) {
        if (strcmp(driver.told[i], path) == 0) {
            return true;
        }
    }
    return false;
}

// Again in each case of a tester, since a path may hold $(case); each is declared once.
void driver_tell_outputs(struct scope *scope)
{
    for (size_t i = 0; i < scope->document->output_count; i++) {
        const struct output_rule *rule = &scope->document->outputs[i];
        const char *path = condition_holds(rule->when, scope) ? template_text(rule->path, scope) : NULL;
        if (path == NULL || is_told(path) || driver.told_count == OUTPUTS_TOLD_MAX) {
            continue;
        }
        driver.told[driver.told_count++] = arena_string(scope->service->arena, path);
        panther_artifact(scope->service, path, rule->kind);
    }
}

// ---- the phase

int driver_initialize(struct panther_service *service, const void *settings)
{
    driver.settings = profile_settings(driver.document, settings, service->arena);
    driver.told = ARENA_ARRAY(service->arena, const char *, OUTPUTS_TOLD_MAX);
    struct scope scope = driver_scope(service, NULL);
    int result = make_ports(&scope);
    result = result == 0 ? make_certificate(&scope) : result;
    result = result == 0 ? make_content(&scope) : result;
    result = result == 0 ? build_make(&scope, &driver.build) : result;
    scope.build = driver.build;
    result = result == 0 ? make_files(&scope) : result;
    if (result == 0) {
        driver_tell_outputs(&scope);
    }
    return result;
}
