"""The tiny guest for tests: built once per recipe, kept beside the programs of a build."""
import fcntl
import hashlib
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def folder(build):
    """What guest/tiny/build filled, below build; or what ORIEL_TINY names."""
    if "ORIEL_TINY" in os.environ:
        return pathlib.Path(os.environ["ORIEL_TINY"])
    files = sorted(path for part in ("tiny", "hook") for path in (SOURCE / "guest").glob(f"{part}/*") if path.is_file())
    parts = [*files, SOURCE / "guest/kernel", *sorted((SOURCE / "base").glob("hook_wire.?")), SOURCE / "base/utf8.c", SOURCE / "base/regional.c"]
    recipe = hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()[:12]
    made = pathlib.Path(build) / f"tiny-{recipe}"
    with open(pathlib.Path(build) / "tiny.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "tiny.json").exists():
            subprocess.run([SOURCE / "guest/tiny/build", made], check=True, capture_output=True, timeout=600)
    return made


def efi_disk(build, tiny):
    """The disk that boots the tiny guest by UEFI, below build."""
    parts = [SOURCE / "guest/tiny/efi", SOURCE / "guest/kernel", pathlib.Path(tiny) / "initrd"]
    made = pathlib.Path(build) / f"tiny-efi-{hashlib.sha256(b''.join(path.read_bytes() for path in parts)).hexdigest()[:12]}.qcow2"
    with open(pathlib.Path(build) / "tiny.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            half = made.with_suffix(".new")
            subprocess.run([SOURCE / "guest/tiny/efi", tiny, half], check=True, capture_output=True, timeout=600)
            half.rename(made)
    return made
