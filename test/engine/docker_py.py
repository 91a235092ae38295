"""What docker-py users do, against the engine at DOCKER_HOST. Ends with an assertion error at the first difference."""
import io
import sys
import tarfile

import docker

client = docker.from_env()
assert client.ping()
assert client.version()["ApiVersion"]

output = client.containers.run("busybox", ["echo", "hello"], remove=True)
assert output == b"hello\n", output

try:
    client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    raise AssertionError("a failing container must raise")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3, error
    assert b"bad" in error.stderr, error.stderr

container = client.containers.run(
    "busybox", ["sh", "-c", "echo started; sleep 600"], detach=True, name="py", labels={"made": "by-python"},
    environment={"A": "b"}, mem_limit="64m", ports={"80/tcp": None},
)
container.reload()
assert container.status == "running", container.status
assert container.attrs["HostConfig"]["Memory"] == 64 * 1024 * 1024
assert container.ports["80/tcp"][0]["HostPort"]
assert client.containers.list(filters={"label": "made=by-python"})[0].id == container.id
code, text = container.exec_run(["sh", "-c", "echo $A; exit 4"])
assert (code, text) == (4, b"b\n"), (code, text)
code, streams = container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
assert streams == (b"out\n", b"err\n"), streams
_, sock = container.exec_run("cat", stdin=True, socket=True)
raw = sock._sock if hasattr(sock, "_sock") else sock
raw.sendall(b"through")
assert raw.recv(100).endswith(b"through")
raw.close()
assert container.logs() == b"started\n", container.logs()
assert next(container.logs(stream=True, follow=True)) == b"started\n"
assert any("sleep" in " ".join(row) for row in container.top()["Processes"])
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w") as archive:
    entry = tarfile.TarInfo("file")
    entry.size = 4
    archive.addfile(entry, io.BytesIO(b"data"))
assert container.put_archive("/tmp", buffer.getvalue())
stream, stat = container.get_archive("/tmp/file")
assert (stat["name"], stat["size"], stat["linkTarget"]) == ("file", 4, ""), stat
got = tarfile.open(fileobj=io.BytesIO(b"".join(stream)))
assert got.extractfile("file").read() == b"data"
try:
    container.get_archive("/none")
    raise AssertionError("what is not there must raise")
except docker.errors.NotFound:
    pass
assert {"Path": "/tmp/file", "Kind": 1} in container.diff(), container.diff()
names = tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))).getnames()
assert "tmp/file" in names and "bin/busybox" in names
made = container.commit(repository="committed", tag="py", message="why", author="me", changes=["CMD cat /tmp/file"])
assert made.tags == ["committed:py"] and made.history()[0]["Comment"] == "why", made.history()
assert client.containers.run("committed:py", remove=True) == b"data"
client.images.remove("committed:py")
container.stop(timeout=0)
assert container.wait()["StatusCode"] == 137
container.rename("py2")
container.start()
container.kill()
container.remove(force=True)
try:
    client.containers.get("py2")
    raise AssertionError("it must be gone")
except docker.errors.NotFound:
    pass

image = client.images.get("busybox")
assert image.tag("renamed", "tag")
assert "renamed:tag" in client.images.get("busybox").tags
saved = b"".join(image.save(named=True))
client.images.remove("renamed:tag")
loaded = client.images.load(saved)
assert loaded[0].id == image.id, loaded
assert image.history()
assert client.images.list()
client.api.import_image_from_data(buffer.getvalue(), repository="from-python")
client.images.remove("from-python")

events = client.events(since=0, until=1, decode=True)
assert list(events) == []
assert client.networks.list(names=["bridge"])
assert client.volumes.list() == []
assert client.info()["Containers"] == 0, client.info()["Containers"]
assert client.containers.prune()["SpaceReclaimed"] >= 0
assert client.df()["Images"]
print(f"docker-py {docker.__version__}: all as expected", file=sys.stderr)
