"""Layers of any origin on disk: what they may do to each other, and that nothing of theirs lands outside."""

from __future__ import annotations

import gzip
import io
import os
import resource
import signal
import stat
import tarfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.image.layer_cache import UNUSED_DAYS
from deployer.image.unpacked import hold, set_aside_unused, unpack, unpacked_image, unpacked_layer

LINK, HARD, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, content: str = "", *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Entry:
    info, data = tarfile.TarInfo(name), content.encode()
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    return info, data


def folder(name: str, mode: int = 0o755) -> Entry:
    return entry(name, kind=DIR, mode=mode)


def symlink(name: str, link: str) -> Entry:
    return entry(name, kind=LINK, link=link)


def layer(path: Path, *entries: Entry, form: int = tarfile.PAX_FORMAT) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=form) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(raw.getvalue(), 1))
    return path


def tree(tmp_path: Path, *layers: Sequence[Entry]) -> Path:
    """The layers unpacked upon each other, once at a time and once through the cache: both must say the same."""
    blobs = [layer(tmp_path / f"layer-{number}", *entries) for number, entries in enumerate(layers)]
    out = tmp_path / "out"
    unpack(blobs, out)
    alone = [unpacked_layer(blob, f"sha256:{blob.name}", tmp_path / "cache") for blob in blobs]
    assert listed(unpacked_image("sha256:image", alone, tmp_path / "cache")) == listed(out)
    return out


def listed(root: Path) -> dict[str, str]:
    """Each entry below the root: `/` for a folder, `-> target` for a symlink, a file's content."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = f"-> {path.readlink()}"
        else:
            found[str(path.relative_to(root))] = "/" if path.is_dir() else path.read_text("utf-8")
    return found


def test_folders_that_no_entry_names_are_made(tmp_path: Path) -> None:
    """For everybody to enter, whatever the umask and without a mark of how they came."""
    before = os.umask(0o077)
    try:
        out = tree(tmp_path, [entry("a/b/c", "c")])
    finally:
        os.umask(before)
    assert [stat.S_IMODE((out / name).stat().st_mode) for name in ("", "a", "a/b")] == [0o755] * 3


def test_a_whiteout_takes_away_what_lies_below(tmp_path: Path) -> None:
    """A file, a folder with all in it, a symlink and not what it leads to."""
    lower = [entry("a/file"), entry("a/deep/er/file"), entry("kept", "kept"), symlink("link", "kept")]
    out = tree(tmp_path, lower, [entry("a/.wh.file"), entry("a/.wh.deep"), entry(".wh.link"), entry("a/.wh.absent")])
    assert listed(out) == {"a": "/", "kept": "kept"}


def test_an_opaque_folder_hides_all_that_lies_below(tmp_path: Path) -> None:
    """What its own layer puts there stays, in whatever order the entries come."""
    lower = [entry("a/old"), entry("a/deep/old"), entry("b", "b")]
    out = tree(tmp_path, lower, [entry("a/new", "new"), entry("a/.wh..wh..opq"), entry("a/deep/new", "new")])
    assert listed(out) == {"a": "/", "a/new": "new", "a/deep": "/", "a/deep/new": "new", "b": "b"}


def test_a_file_may_come_back_in_the_layer_that_takes_it_away(tmp_path: Path) -> None:
    """A whiteout is about the layers below, and a later layer may bring the name again."""
    out = tree(tmp_path, [entry("a", "1")], [entry("a", "2"), entry(".wh.a")], [entry(".wh.a")], [entry("a", "4")])
    assert listed(out) == {"a": "4"}


def test_what_aufs_kept_for_itself_is_left_out(tmp_path: Path) -> None:
    """Old Docker layers may have such entries."""
    out = tree(tmp_path, [entry("a"), entry(".wh..wh.aufs"), folder(".wh..wh.plnk"), entry(".wh..wh.plnk/1.2", "x")])
    assert listed(out) == {"a": ""}


def test_an_entry_under_a_symlinked_folder_lands_in_the_real_one(tmp_path: Path) -> None:
    """As in Debian, where /lib is a symlink to usr/lib: in the same layer or a later one, relative or absolute."""
    lower = [
        folder("usr"),
        folder("usr/lib"),
        symlink("lib", "usr/lib"),
        symlink("abs", "/usr/lib"),
        entry("lib/1", "1"),
    ]
    out = tree(tmp_path, lower, [entry("lib/2", "2")], [entry("abs/deep/3", "3")], [entry("lib/.wh.1")])
    found = {"usr/lib/2": "2", "usr/lib/deep": "/", "usr/lib/deep/3": "3"}
    assert listed(out) == {"usr": "/", "usr/lib": "/", "lib": "-> usr/lib", "abs": "-> /usr/lib", **found}


def test_a_folder_that_a_layer_names_replaces_a_symlink(tmp_path: Path) -> None:
    """And what the symlink led to is left alone."""
    out = tree(tmp_path, [entry("real/x", "x"), symlink("a", "real")], [folder("a"), entry("a/y", "y")])
    assert listed(out) == {"real": "/", "real/x": "x", "a": "/", "a/y": "y"}


@pytest.mark.parametrize(
    ("lower", "upper", "left"),
    [
        (entry("a"), entry("a/b", "b"), {"a": "/", "a/b": "b"}),
        (entry("a"), folder("a"), {"a": "/"}),
        (entry("a/b/c"), entry("a", "file"), {"a": "file"}),
        (entry("a/b/c"), symlink("a", "nowhere"), {"a": "-> nowhere"}),
        (symlink("a", "nowhere"), entry("a", "file"), {"a": "file"}),
    ],
    ids=["file-way", "file-folder", "folder-file", "folder-link", "link-file"],
)
def test_a_later_entry_replaces_one_of_another_kind(
    tmp_path: Path, lower: Entry, upper: Entry, left: dict[str, str]
) -> None:
    """Between layers and within one."""
    assert listed(tree(tmp_path, [lower], [upper])) == left
    (tmp_path / "one").mkdir()
    assert listed(tree(tmp_path / "one", [lower, upper])) == left


def test_a_hard_link_is_one_file_with_its_target(tmp_path: Path) -> None:
    """In its own layer, and one to a file of a layer below."""
    lower = [entry("a", "content", mode=0o755), entry("b/hard", kind=HARD, link="./a")]
    out = tree(tmp_path, lower, [entry("late", kind=HARD, link="b/hard"), entry("itself", "i")])
    assert (out / "a").samefile(out / "b" / "hard") and (out / "a").samefile(out / "late")
    assert listed(out) == {"a": "content", "b": "/", "b/hard": "content", "late": "content", "itself": "i"}


def test_writing_to_a_name_leaves_its_hard_links_alone(tmp_path: Path) -> None:
    """A replaced file is a new one: neither another name of it nor the unpacked layer changes."""
    out = tree(tmp_path, [entry("a", "old"), entry("b", kind=HARD, link="a")], [entry("a", "new")])
    assert listed(out) == {"a": "new", "b": "old"}
    assert (tmp_path / "cache" / "layers" / "layer-0" / "a").read_text("utf-8") == "old"


def test_devices_and_pipes_of_a_base_are_left_out(tmp_path: Path) -> None:
    """Only root may make them, and a function has its own /dev."""
    kinds = {"null": tarfile.CHRTYPE, "disk": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE}
    out = tree(tmp_path, [folder("dev"), *(entry(f"dev/{name}", kind=kind) for name, kind in kinds.items())])
    assert listed(out) == {"dev": "/"}


def test_no_entry_keeps_a_bit_that_gives_rights(tmp_path: Path) -> None:
    """setuid, setgid, sticky, and write access for others are dropped; the owner can always read and enter."""
    out = tree(tmp_path, [entry("su", mode=0o6777), folder("tmp", 0o1777), entry("tmp/none", mode=0), folder("no", 0)])
    modes = {name: stat.S_IMODE((out / name).stat().st_mode) for name in ("su", "tmp", "tmp/none", "no")}
    assert modes == {"su": 0o755, "tmp": 0o755, "tmp/none": 0o400, "no": 0o700}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
def test_long_and_foreign_names_are_kept(tmp_path: Path, form: int) -> None:
    """Beyond the 100 bytes of a plain tar header, names and link targets."""
    name = "/".join(["ä" * 60, "b" * 120, "c\nd"])
    unpack([layer(tmp_path / "layer", entry(name, "x"), symlink("link", name), form=form)], tmp_path / "out")
    assert (tmp_path / "out" / "link").read_text("utf-8") == "x"


def test_names_may_begin_with_a_dot(tmp_path: Path) -> None:
    """As `tar -C root .` writes them, the root itself among them."""
    out = tree(tmp_path, [folder("./"), folder("./a/"), entry("./a//./b", "b")], [entry("a/.wh.b")])
    assert listed(out) == {"a": "/"}


def test_a_layer_need_not_be_compressed(tmp_path: Path) -> None:
    """Plain tar is a layer's form too; what cannot be read is named."""
    plain = tmp_path / "plain"
    plain.write_bytes(gzip.decompress(layer(tmp_path / "layer", entry("a", "a")).read_bytes()))
    unpack([plain], tmp_path / "out")
    assert listed(tmp_path / "out") == {"a": "a"}
    plain.write_bytes(b"\x28\xb5\x2f\xfd rest")
    with pytest.raises(DeployerError, match="Zstandard"):
        unpack([plain], tmp_path / "other")


HOSTILE = {
    "up": [[entry("../evil")]],
    "absolute": [[entry("/evil")]],
    "up-inside": [[entry("a/../../evil")]],
    "folder-up": [[folder("a/..")]],
    "hard-link-up": [[entry("evil", kind=HARD, link="../secret")]],
    "hard-link-absolute": [[entry("evil", kind=HARD, link="/secret")]],
    "hard-link-nowhere": [[entry("evil", kind=HARD, link="absent")]],
    "hard-link-to-a-folder": [[folder("a"), entry("evil", kind=HARD, link="a")]],
    "hard-link-to-the-root": [[entry("evil", kind=HARD, link="./")]],
    "hard-link-to-a-folder-below": [[folder("a")], [entry("evil", kind=HARD, link="a")]],
    "whiteout-up": [[entry("a/.wh...")]],
    "whiteout-itself": [[entry("a/.wh..")]],
    "whiteout-of-nothing": [[entry("a/.wh.")]],
    "loop": [[symlink("a", "b"), symlink("b", "a"), entry("a/evil")]],
    "loop-between-layers": [[symlink("a", "b")], [symlink("b", "a")], [entry("a/evil")]],
}


@pytest.mark.parametrize("layers", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_image_leaves_nothing_behind(tmp_path: Path, layers: Sequence[Sequence[Entry]]) -> None:
    """Whatever names a place outside is refused, and neither a file nor a folder stays."""
    (tmp_path / "secret").write_text("secret", "utf-8")
    blobs = [layer(tmp_path / f"layer-{number}", *entries) for number, entries in enumerate(layers)]
    with pytest.raises(DeployerError):
        unpack(blobs, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(blob.name for blob in blobs), "secret"]


ESCAPES = {
    "write": [entry("out/evil", "x")],
    "deeper": [entry("out/a/b/evil", "x")],
    "folder": [folder("out/evil")],
    "change-folder": [folder("out/victim", 0o700)],
    "whiteout": [entry("out/.wh.victim")],
    "opaque": [entry("out/.wh..wh..opq")],
    "opaque-below": [entry("out/victim/.wh..wh..opq")],
    "hard-link": [entry("stolen", kind=HARD, link="out/victim/secret"), entry("out/victim/secret", "made")],
    "replace": [entry("out/victim", "x")],
    "marker-folder": [symlink("way", "out/.wh..."), entry("way/x", "x")],
}


@pytest.mark.parametrize("between", [False, True], ids=["in-one-layer", "between-layers"])
@pytest.mark.parametrize("up", [False, True], ids=["absolute", "relative"])
@pytest.mark.parametrize("entries", ESCAPES.values(), ids=ESCAPES.keys())
def test_a_symlink_leads_nowhere_outside(tmp_path: Path, entries: Sequence[Entry], up: bool, between: bool) -> None:
    """A symlink to a real folder of this machine, and then an attempt to write, to remove or to link through it."""
    outside = tmp_path / "outside"
    (outside / "victim").mkdir(parents=True)
    (outside / "victim" / "secret").write_text("secret", "utf-8")
    before = listed(outside), (outside / "victim").stat().st_mode
    link = symlink("out", "../" * 30 + str(outside).lstrip("/") if up else str(outside))
    layers = [[link], entries] if between else [[link, *entries]]
    blobs = [layer(tmp_path / f"layer-{number}", *part) for number, part in enumerate(layers)]
    try:
        unpack(blobs, tmp_path / "tree")
    except DeployerError:
        assert not (tmp_path / "tree").exists()
    assert (listed(outside), (outside / "victim").stat().st_mode) == before
    assert (outside / "victim" / "secret").stat().st_nlink == 1


def test_a_layer_that_is_unpacked_is_not_unpacked_again(tmp_path: Path) -> None:
    """Its time says that it was used, which is what keeps it."""
    blob = layer(tmp_path / "layer", entry("a", "a"))
    place = unpacked_layer(blob, "sha256:1", tmp_path / "cache")
    blob.unlink()
    os.utime(place, (0, 0))
    assert unpacked_layer(blob, "sha256:1", tmp_path / "cache") == place
    assert place.stat().st_mtime > 0


def test_what_nothing_uses_is_set_aside(tmp_path: Path) -> None:
    """Layers and trees of long ago and what a killed process left; what was used since stays where it is."""
    cache, blob = tmp_path / "cache", layer(tmp_path / "layer", entry("a", "a"))
    for name in ("old", "used"):
        unpacked_image(name, [unpacked_layer(blob, name, cache)], cache)
    (cache / "roots" / ".old.abandoned").mkdir()
    now = (cache / "layers" / "old").stat().st_mtime + (UNUSED_DAYS + 1) * 86400
    assert set_aside_unused(cache, now=now - 2 * 86400) == [cache / "roots" / ".old.abandoned"]
    for part in ("layers", "roots"):
        os.utime(cache / part / "used", (now, now))
    gone = set_aside_unused(cache, now=now)
    assert sorted(f"{path.parent.name}/{path.name[:4]}" for path in gone) == ["layers/.old", "roots/.old", "roots/.old"]
    assert all(path.is_dir() for path in gone)
    assert sorted(path.name for path in cache.glob("*/*") if path not in gone) == ["used", "used"]
    assert set_aside_unused(tmp_path / "absent", now=now) == []


def test_nothing_is_set_aside_while_something_runs_from_the_cache(tmp_path: Path) -> None:
    """Whichever process asks; afterwards it goes."""
    cache, blob = tmp_path / "cache", layer(tmp_path / "layer", entry("a", "a"))
    place, later = unpacked_layer(blob, "old", cache), time.time() + (UNUSED_DAYS + 1) * 86400
    with hold(cache), hold(cache):
        assert set_aside_unused(cache, now=later) == []
        assert place.is_dir()
    assert len(set_aside_unused(cache, now=later)) == 1
    assert not place.exists()


def test_several_may_unpack_the_same_image_at_once(tmp_path: Path) -> None:
    """One of them puts the folder there, the others take it, and nothing else stays."""
    cache, blob = tmp_path / "cache", layer(tmp_path / "layer", *(entry(f"a/{number}") for number in range(300)))

    def image(_: int) -> Path:
        return unpacked_image("image", [unpacked_layer(blob, "layer", cache)], cache)

    with ThreadPoolExecutor(4) as threads:
        places = set(threads.map(image, range(8)))
    assert places == {cache / "roots" / "image"}
    assert len(list((cache / "roots" / "image" / "a").iterdir())) == 300
    assert sorted(path.name for path in cache.glob("*/*")) == ["image", "layer"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """The error names the layer, and the next attempt begins anew."""
    cache, blob = tmp_path / "cache", layer(tmp_path / "layer", entry("a", "a" * (1 << 20)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, before[1]))
        with pytest.raises(DeployerError, match="could not be unpacked"):
            unpacked_layer(blob, "layer", cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list((cache / "layers").iterdir()) == []
    assert (unpacked_layer(blob, "layer", cache) / "a").stat().st_size == 1 << 20
