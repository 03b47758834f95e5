"""What a month of profiling costs by list price, us-east-1, as known in 2025; every assumption is a constant here."""

from dataclasses import dataclass

MONTH_S = 30 * 86400
# Lambda on arm64. A function has one vCPU per 1,769 MB, so a CPU second costs the same GB-seconds at any memory.
GB_S_PER_CPU_S = 1769 / 1024
GB_S, INVOCATION = 0.0000133334, 0.20 / 1e6
S3_PUT, S3_GET = 0.005 / 1000, 0.0004 / 1000
OBJECT_CPU_S = 0.05  # beyond the records: reading, writing, the invocation itself
OBJECTS_PER_INSTANCE_MINUTE = 1  # that Data Capture writes
REQUESTS_PER_INSTANCE = 100  # a second
# Model Monitor: hourly data-quality jobs on one ml.m5.xlarge, start-up included, as long as they take at this traffic.
JOB_HOUR, JOB_S, JOB_S_PER_RECORD = 0.23, 300.0, 20e-6


@dataclass(frozen=True)
class Month:
    """US$ a month at a rate of requests a second, all of them captured."""

    requests_per_s: int
    objects: int
    streaming: float
    storage: float
    model_monitor: float


def month(requests_per_s: int, cpu_s_per_record: float) -> Month:
    objects = max(1, requests_per_s // REQUESTS_PER_INSTANCE) * OBJECTS_PER_INSTANCE_MINUTE * MONTH_S // 60
    cpu = requests_per_s * MONTH_S * cpu_s_per_record + objects * OBJECT_CPU_S
    hourly = JOB_S + requests_per_s * 3600 * JOB_S_PER_RECORD
    return Month(
        requests_per_s,
        objects,
        streaming=cpu * GB_S_PER_CPU_S * GB_S + objects * INVOCATION,
        storage=objects * (S3_PUT + S3_GET),
        model_monitor=MONTH_S / 3600 * hourly / 3600 * JOB_HOUR,
    )
