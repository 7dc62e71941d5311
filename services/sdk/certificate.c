// Test certificates (panther_certificate): a CA per instance, intermediates, leaf; RFC 5280, made with GnuTLS.
#include "services/sdk/certificate.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "services/sdk/handle.h"

#define DAY_S (24 * 60 * 60)
#define VALID_FOR_DAYS 30   // longer than any campaign
#define CHAIN_LENGTH_MAX 16 // chains of 9 are tested; beyond 16 every stack gives up
#define RSA_BITS 2048
#define SERIAL_BYTES 16

struct signer {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
};

struct authority {
    struct signer signer;
    const char *path;
    unsigned made; // certificates so far, for their names
};

static void signer_clear(struct signer *signer)
{
    if (signer->certificate != NULL) {
        gnutls_x509_crt_deinit(signer->certificate);
    }
    if (signer->key != NULL) {
        gnutls_x509_privkey_deinit(signer->key);
    }
    *signer = (struct signer){0};
}

void authority_free(struct authority **authority)
{
    if (*authority != NULL) {
        signer_clear(&(*authority)->signer);
        free(*authority);
        *authority = NULL;
    }
}

static int generate_key(gnutls_x509_privkey_t *key, enum panther_key_type type)
{
    const int result = gnutls_x509_privkey_init(key);
    if (result < 0) {
        return result;
    }
    if (type == PANTHER_KEY_RSA) {
        return gnutls_x509_privkey_generate(*key, GNUTLS_PK_RSA, RSA_BITS, 0);
    }
    return gnutls_x509_privkey_generate(*key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int set_serial(gnutls_x509_crt_t certificate)
{
    unsigned char serial[SERIAL_BYTES];
    const int result = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
    serial[0] &= 0x7f; // RFC 5280: a positive number
    return result < 0 ? result : gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
}

static int set_validity(gnutls_x509_crt_t certificate, bool expired)
{
    const time_t now = time(NULL);
    const time_t end = expired ? now - DAY_S : now + (time_t)VALID_FOR_DAYS * DAY_S;
    const int result = gnutls_x509_crt_set_activation_time(certificate, now - (time_t)VALID_FOR_DAYS * DAY_S);
    return result < 0 ? result : gnutls_x509_crt_set_expiration_time(certificate, end);
}

// What every certificate has; the caller adds names and usage, and signs.
static int begin(struct signer *signer, const char *common_name, enum panther_key_type type, bool expired)
{
    unsigned char key_id[64];
    size_t key_id_bytes = sizeof(key_id);
    int result = generate_key(&signer->key, type);
    result = result < 0 ? result : gnutls_x509_crt_init(&signer->certificate);
    result = result < 0 ? result : gnutls_x509_crt_set_version(signer->certificate, 3);
    result = result < 0 ? result : set_serial(signer->certificate);
    result = result < 0 ? result : set_validity(signer->certificate, expired);
    result = result < 0 ? result
                        : gnutls_x509_crt_set_dn_by_oid(signer->certificate, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                                        (unsigned)strlen(common_name));
    result = result < 0 ? result : gnutls_x509_crt_set_key(signer->certificate, signer->key);
    result = result < 0 ? result : gnutls_x509_crt_get_key_id(signer->certificate, 0, key_id, &key_id_bytes);
    return result < 0 ? result : gnutls_x509_crt_set_subject_key_id(signer->certificate, key_id, key_id_bytes);
}

static int sign(const struct signer *signer, const struct signer *issuer)
{
    return gnutls_x509_crt_sign2(signer->certificate, issuer->certificate, issuer->key, GNUTLS_DIG_SHA256, 0);
}

static int make_issuer(struct signer *signer, const struct signer *issuer, const char *common_name, enum panther_key_type type)
{
    int result = begin(signer, common_name, type, false);
    result = result < 0 ? result : gnutls_x509_crt_set_basic_constraints(signer->certificate, 1, -1);
    result = result < 0 ? result : gnutls_x509_crt_set_key_usage(signer->certificate, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    return result < 0 ? result : sign(signer, issuer != NULL ? issuer : signer);
}

static int add_name(gnutls_x509_crt_t certificate, const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, name, address) == 1) {
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
    }
    if (inet_pton(AF_INET6, name, address) == 1) {
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND);
    }
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int make_leaf(struct signer *leaf, const struct signer *issuer, const struct panther_certificate_request *request,
                     const char *const *names)
{
    int result = begin(leaf, names[0], request->key_type, request->expired);
    for (size_t i = 0; result >= 0 && names[i] != NULL; i++) {
        result = add_name(leaf->certificate, names[i]);
    }
    result = result < 0 ? result : gnutls_x509_crt_set_basic_constraints(leaf->certificate, 0, -1);
    result = result < 0 ? result : gnutls_x509_crt_set_key_usage(leaf->certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
    result = result < 0 ? result : gnutls_x509_crt_set_key_purpose_oid(leaf->certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
    result = result < 0 ? result : gnutls_x509_crt_set_key_purpose_oid(leaf->certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    return result < 0 ? result : sign(leaf, issuer);
}

static int append_certificate(struct text *pem, gnutls_x509_crt_t certificate)
{
    gnutls_datum_t data = {0};
    const int result = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &data);
    if (result >= 0) {
        text_append_bytes(pem, data.data, data.size);
        gnutls_free(data.data);
    }
    return result;
}

static const char *write_key(struct panther_service *service, const char *name, gnutls_x509_privkey_t key)
{
    gnutls_datum_t data = {0};
    if (gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &data) < 0) {
        return NULL;
    }
    const char *path = panther_write_bytes(service, name, data.data, data.size);
    gnutls_free(data.data);
    if (path != NULL) {
        chmod(path, 0600);
    }
    return path;
}

static int refuse(struct panther_service *service, int result)
{
    return panther_fail(service, "cannot make a certificate: %s", gnutls_strerror(result));
}

static int need_authority(struct panther_service *service, enum panther_key_type type)
{
    if (service->authority != NULL) {
        return 0;
    }
    struct authority *authority = NEW(struct authority);
    struct text pem = {0};
    int result = make_issuer(&authority->signer, NULL, "panther test CA", type);
    result = result < 0 ? result : append_certificate(&pem, authority->signer.certificate);
    if (result >= 0) {
        authority->path = panther_write_bytes(service, "ca.pem", text_string(&pem), pem.length);
    }
    text_free(&pem);
    if (authority->path == NULL) {
        authority_free(&authority);
        return refuse(service, result);
    }
    authority->path = arena_string(service->arena, authority->path);
    service->authority = authority;
    return 0;
}

// Signers from the first intermediate down to the leaf; chain[count - 1] is the leaf.
static int make_chain(struct panther_service *service, const struct panther_certificate_request *request, struct signer *chain,
                      unsigned count)
{
    const char *const usual[] = {"localhost", panther_own_address(service), NULL};
    const char *const wrong[] = {"wrong.invalid", NULL};
    const struct signer *issuer = &service->authority->signer;
    int result = 0;
    for (unsigned i = 0; result >= 0 && i + 1 < count; i++) {
        const char *name = panther_format(service, "panther test intermediate %u.%u", service->authority->made, i + 1);
        result = make_issuer(&chain[i], issuer, name, request->key_type);
        issuer = &chain[i];
    }
    const char *const *names = request->wrong_name ? wrong : request->names != NULL ? request->names : usual;
    return result < 0 ? result : make_leaf(&chain[count - 1], issuer, request, names);
}

static int write_chain(struct panther_service *service, const char *stem, const struct signer *chain, unsigned count,
                       struct panther_certificate *certificate)
{
    struct text pem = {0};
    int result = 0;
    for (unsigned i = count; result >= 0 && i > 0; i--) {
        result = append_certificate(&pem, chain[i - 1].certificate);
    }
    if (result < 0) {
        refuse(service, result);
    } else {
        certificate->certificate_path =
            panther_write_bytes(service, panther_format(service, "%s.pem", stem), text_string(&pem), pem.length);
        certificate->key_path = write_key(service, panther_format(service, "%s.key", stem), chain[count - 1].key);
    }
    text_free(&pem);
    return certificate->certificate_path != NULL && certificate->key_path != NULL ? 0 : PANTHER_FAILED;
}

const struct panther_certificate *panther_certificate_make(struct panther_service *service, const struct panther_certificate_request *given)
{
    struct panther_certificate_request request = {0};
    struct signer chain[CHAIN_LENGTH_MAX] = {{0}};
    memcpy(&request, given, given->struct_bytes < sizeof(request) ? given->struct_bytes : sizeof(request));
    const unsigned count = request.chain_length > 0 ? request.chain_length : 1;
    if (count > CHAIN_LENGTH_MAX) {
        panther_fail(service, "a certificate chain of %u is longer than %d", count, CHAIN_LENGTH_MAX);
        return NULL;
    }
    if (need_authority(service, request.key_type) < 0) {
        return NULL;
    }
    struct panther_certificate *certificate = ARENA_NEW(handle_arena(service), struct panther_certificate);
    service->authority->made++;
    int result = make_chain(service, &request, chain, count);
    if (result < 0) {
        refuse(service, result);
    } else {
        result = write_chain(service, request.name != NULL ? request.name : "server", chain, count, certificate);
    }
    for (unsigned i = 0; i < count; i++) {
        signer_clear(&chain[i]);
    }
    certificate->authority_path = service->authority->path;
    return result < 0 ? NULL : certificate;
}
