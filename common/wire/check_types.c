// types.proto: the vocabulary that every conversation shares.
#include <math.h>

#include "common/wire/check.h"

const char *outcome_check(const Pb__Outcome *outcome)
{
    REFUSE(!is_within(outcome->text, TEXT_MAX_BYTES), "outcome.text is too long");
    return NULL;
}

const char *endpoint_check(const Pb__Endpoint *endpoint)
{
    REFUSE(!name_is_valid(endpoint->name), "endpoint.name is not a name");
    REFUSE(!is_address(endpoint->address), "endpoint.address is not numeric");
    REFUSE(endpoint->port == 0 || endpoint->port > UINT16_MAX, "endpoint.port is not a port");
    REFUSE(endpoint->transport == PB__TRANSPORT__TRANSPORT_UNSPECIFIED, "endpoint.transport is not set");
    return NULL;
}

const char *setting_check(const Pb__Setting *setting)
{
    REFUSE(!name_is_valid(setting->name), "setting.name is not a name");
    REFUSE(!are_within(setting->n_values, setting->values, LIST_MAX, SETTING_VALUE_MAX_BYTES), "setting.values are too many or too long");
    return NULL;
}

const char *metric_check(const Pb__Metric *metric)
{
    REFUSE(!is_token(metric->name), "metric.name is empty or unprintable");
    REFUSE(!isfinite(metric->value), "metric.value is not a number");
    REFUSE(!is_within(metric->unit, SHORT_MAX_BYTES), "metric.unit is too long");
    REFUSE(!is_empty(metric->case_name) && !is_token(metric->case_name), "metric.case_name is unprintable");
    return NULL;
}

const char *file_reference_check(const Pb__FileReference *file)
{
    REFUSE(!name_is_valid(file->name), "file.name is not a name");
    REFUSE(!is_hash(file->hash), "file.hash is not a hash");
    REFUSE(!is_within(file->path, PATH_MAX_BYTES), "file.path is too long");
    return NULL;
}

const char *label_check(const Pb__Label *label)
{
    REFUSE(!is_token(label->name), "label.name is empty or unprintable");
    REFUSE(!is_within(label->value, LABEL_VALUE_MAX_BYTES), "label.value is too long");
    return NULL;
}

const char *override_check(const Pb__Override *override)
{
    REFUSE(is_empty(override->path) || !is_within(override->path, FULL_NAME_MAX_BYTES - 1), "override.path is empty or too long");
    REFUSE(!is_within(override->value, SETTING_VALUE_MAX_BYTES), "override.value is too long");
    return NULL;
}

const char *rerun_check(const Pb__Rerun *rerun)
{
    REFUSE(rerun == NULL, NULL);
    REFUSE(is_empty(rerun->of) || !is_within(rerun->of, FULL_NAME_MAX_BYTES - 1), "rerun.of is empty or too long");
    REFUSE(!are_within(rerun->n_cells, rerun->cells, RERUN_CELLS_MAX, FULL_NAME_MAX_BYTES - 1),
           "rerun.cells are too many, or one is too long");
    REFUSE(rerun->times > RERUN_TIMES_MAX, "rerun.times is more than anybody waits for");
    return NULL;
}

const char *drive_check(const Pb__Drive *drive)
{
    REFUSE(!name_is_valid(drive->name), "drive.name is not a name");
    REFUSE(drive->n_services == 0 || !are_names(drive->n_services, drive->services, SERVICES_PER_TEST_MAX), "drive.services are not names");
    return NULL;
}
