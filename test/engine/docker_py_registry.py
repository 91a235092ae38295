"""What docker-py users do with a registry, against the engine at DOCKER_HOST. Arguments: an open registry, one with a login."""
import sys

import docker

client = docker.from_env()
open_host, login_host = sys.argv[1:]
image = client.images.get("busybox")

name = f"{open_host}/py/image"
assert image.tag(name, "1") and image.tag(name, "2")
lines = list(client.images.push(name, tag="1", stream=True, decode=True))
pushed = next(line["aux"] for line in lines if "aux" in line)
assert pushed["Tag"] == "1" and pushed["Digest"].startswith("sha256:"), pushed
client.images.push(name)
data = client.images.get_registry_data(f"{name}:1")
assert data.id == pushed["Digest"], data.id
assert data.has_platform(f"linux/{image.attrs['Architecture']}")
for tag in ("1", "2"):
    client.images.remove(f"{name}:{tag}")
pulled = client.images.pull(name, tag="1")
assert pulled.id == image.id
assert f"{name}@{pushed['Digest']}" in pulled.attrs["RepoDigests"], pulled.attrs["RepoDigests"]
assert {tag for each in client.images.pull(name, all_tags=True) for tag in each.tags} >= {f"{name}:1", f"{name}:2"}
by_digest = client.images.pull(f"{name}@{pushed['Digest']}")
assert by_digest.id == image.id
try:
    client.images.pull(name, tag="nope")
    raise AssertionError("a tag that is not there must raise")
except docker.errors.NotFound as error:
    assert "manifest unknown" in str(error), error

secret = f"{login_host}/py/secret"
image.tag(secret, "1")
assert "no basic auth credentials" in client.images.push(secret, tag="1")
try:
    client.login("tester", "wrong", registry=login_host)
    raise AssertionError("a wrong password must raise")
except docker.errors.APIError as error:
    assert "401" in str(error), error
assert client.login("tester", "secret", registry=login_host)["Status"] == "Login Succeeded"
assert '"aux"' in client.images.push(secret, tag="1")
client.images.remove(f"{secret}:1")
assert client.images.pull(secret, tag="1", auth_config={"username": "tester", "password": "secret"}).id == image.id

found = client.images.search(f"{open_host}/py/image", limit=5)
assert [each["name"] for each in found] == [name], found

container = client.containers.create("busybox", "true", name="py-commit")
committed = container.commit("py-committed", tag="1", message="why", author="me", changes="ENV A=b")
assert committed.attrs["Comment"] == "why" and "A=b" in committed.attrs["Config"]["Env"], committed.attrs
container.remove()
print("all as expected", file=sys.stderr)
