// The test CA of one instance: made when the first certificate is asked for.
#ifndef PANTHER_SERVICES_SDK_CERTIFICATE_H
#define PANTHER_SERVICES_SDK_CERTIFICATE_H

struct authority;
void authority_free(struct authority **authority); // accepts NULL

#endif
