"""A file system that can only be read, or that Linux makes so while the service runs: it is said, and nothing acknowledged is lost.

Mounts are made in a namespace of their own, which takes root. Where they can't be made, the claims do not hold and say so."""

import os
import subprocess
import tempfile

from Harness.claims import soon
from Harness.process import START_SECONDS
from Harness.service import Service, wait_until
from ledger import EXIT_SECONDS, SignUps, emails

SAID = "can only be read"
# Words that would lead an operator astray.
MISLEADING = ("root", "not yours", "grdb", "CREATE TABLE")
FROZEN_CALLS = 5


def frozen(*paths):
    """The words that run a program to which these files or folders can only be read."""
    steps = [f'mount --bind "{path}" "{path}" && mount -o remount,bind,ro "{path}"' for path in paths]
    return ["unshare", "-m", "sh", "-c", " && ".join([*steps, 'exec "$@"']), "sh"]


def can_be_mounted(claims):
    """Whether this process may mount; said as a claim."""
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run([*frozen(folder), "touch", f"{folder}/file"], capture_output=True, text=True, check=False)
        made = tried.returncode != 0 and "Read-only file system" in tried.stderr
    return claims("a namespace of mounts can be made (run this as root, in a container that lets it mount)", made, tried)


def refused(claims, what, gatehouse, *paths, command=("serve", "--port", "1", "--ops-port", "2"), data=None):
    """The program ends at once, with the sentence."""
    words = [*frozen(*paths), str(gatehouse.binary), *command, "--data", data or gatehouse.folder]
    try:
        run = subprocess.run(words, capture_output=True, text=True, env=gatehouse.environment, timeout=START_SECONDS, check=False)
        said, status = run.stderr.strip(), run.returncode
    except subprocess.TimeoutExpired:
        said, status = "it serves", None
    right = status == 1 and SAID in said and not any(word in said for word in MISLEADING) and said.count("The ledger") <= 1
    return claims(f"{what}: {command[0]} says that it {SAID}", right and not said.endswith(".."), (status, said))


def at_the_start(claims):
    with Service() as gatehouse:
        user, api = gatehouse.new_user(), gatehouse.apis[0]
        api.stop()
        folder = gatehouse.folder
        refused(claims, "the data folder", gatehouse, folder)
        refused(claims, "the data folder", gatehouse, folder, command=("user", "list"))
        refused(claims, "the data folder", gatehouse, folder, command=("key", "create", "--name", "n", "--scopes", "gate"))
        os.mkdir(f"{folder}/above", 0o700)
        refused(claims, "a new data folder", gatehouse, f"{folder}/above", data=f"{folder}/above/new")
        # So it looks after an error of the disk: nothing can be written, though the folder's mount says otherwise.
        refused(claims, "the lock", gatehouse, f"{folder}/lock")
        refused(claims, "the ledger's file", gatehouse, gatehouse.ledger)
        api.start(frozen(f"{folder}/secret"))
        found = gatehouse.ask("GET", "/v1/session", bearer=user.token)
        claims("the secret: it need not be written, and the service starts", found.status == 200, found)


def while_it_serves(claims):
    """EROFS on whatever is written from some moment on, as after an error of the disk (`errors=remount-ro`)."""
    with Service() as gatehouse:
        api = gatehouse.apis[0]
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            calls = "pwrite64,ftruncate,fallocate"
            injection = f"inject={calls}:error=EROFS:when={FROZEN_CALLS}+"
            tracer = subprocess.Popen(
                ["strace", "-f", "-qq", "-e", f"trace={calls}", "-e", injection, "-p", str(api.process.pid)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            ended = soon(lambda: not api.running, EXIT_SECONDS)
        tracer.kill()
        tracer.wait()
        claims("EROFS while it serves: the process stops by itself", ended is not None and api.process.returncode == 70, api.process.poll())
        claims("EROFS while it serves: and says that the disk failed", "The disk failed" in api.tail(), api.tail())
        claims("EROFS while it serves: no status but 201 and 503", set(load.statuses) <= {201, 503, "no answer"}, set(load.statuses))
        if api.running:
            api.kill()
        refused(claims, "the next start", gatehouse, gatehouse.folder)
        api.start()
        missing = load.acknowledged - emails(gatehouse)
        claims(f"writable again: all {len(load.acknowledged)} acknowledged sign-ups are there", not missing, missing)


def run(claims):
    if can_be_mounted(claims):
        at_the_start(claims)
        while_it_serves(claims)
