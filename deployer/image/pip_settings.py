"""pip's configuration for a build with Docker: the user's package indexes and the Bento's, as build secrets.

A secret is in no layer, in no history and in no build argument, so a password in an index address stays outside.
"""

from __future__ import annotations

import configparser
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from deployer.files import replace_file
from deployer.image.package_index import pip_settings
from deployer.image.requirements import Requirements

CONFIG, CERTIFICATES = "pip.conf", "ca.pem"
CERTIFICATES_IN_BUILD = "/run/secrets/ca"
Say = Callable[[str], None]


def write(folder: Path, wanted: Requirements, variables: Mapping[str, str], say: Say) -> None:
    """Put `pip.conf`, and `ca.pem` where the user has certificates of their own, into the private `folder`.

    The user's main index goes before the Bento's; further ones are added up, as pip itself does.
    """
    files = _user_files(variables)
    own = {**variables, **pip_settings(variables)}
    main = own.get("UV_DEFAULT_INDEX") or own.get("UV_INDEX_URL") or files.get("index-url") or wanted.index_url
    extra = _words(own.get("UV_INDEX"), own.get("UV_EXTRA_INDEX_URL"), files.get("extra-index-url"))
    found = _words((own.get("UV_FIND_LINKS") or "").replace(",", " "), files.get("find-links"))
    trusted = _words(own.get("PIP_TRUSTED_HOST"), own.get("UV_INSECURE_HOST"), files.get("trusted-host"))
    users = {"index-url": _words(main), "extra-index-url": [*map(_without_name, extra)], "find-links": found}
    settings = {name: [place for place in places if _reachable(place)] for name, places in users.items()}
    if settings != users:
        say("package indexes and wheels in folders of this machine are not there in a build with Docker: left out")
    settings["extra-index-url"] += wanted.extra_index_urls
    settings["find-links"] += wanted.find_links
    settings["trusted-host"] = [*trusted, *wanted.trusted_hosts]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates = own.get("SSL_CERT_FILE") or files.get("cert") or ""
    if Path(certificates).is_file():
        shutil.copyfile(certificates, folder / CERTIFICATES)
        settings["cert"] = [CERTIFICATES_IN_BUILD]
    replace_file(folder / CONFIG, _spelled(settings), private=True)


def _spelled(settings: Mapping[str, list[str]]) -> str:
    lines = ["[global]", "disable-pip-version-check = true", "no-input = true"]
    for name, values in settings.items():
        lines += [f"{name} = " + "\n    ".join(values)] if values else []
    return "\n".join(lines) + "\n"


def _user_files(variables: Mapping[str, str]) -> dict[str, str]:
    """`[global]` and `[install]` of pip's configuration files, the later ones over the earlier."""
    home, xdg = variables.get("HOME", ""), variables.get("XDG_CONFIG_HOME", "")
    mine = [f"{xdg}/pip/pip.conf" if xdg else f"{home}/.config/pip/pip.conf"]
    places = ["/etc/pip.conf", f"{home}/.pip/pip.conf", *mine, variables.get("PIP_CONFIG_FILE", "")]
    if variables.get("PIP_CONFIG_FILE") == os.devnull:
        return {}
    found: dict[str, str] = {}
    for place in places:
        parser = configparser.RawConfigParser()
        try:
            parser.read(place or os.devnull, encoding="utf-8")
        except (configparser.Error, UnicodeError):
            continue
        for section in ("global", "install"):
            found.update(parser.items(section) if parser.has_section(section) else ())
    return found


def _words(*texts: str | None) -> list[str]:
    return list(dict.fromkeys(word for text in texts for word in (text or "").split()))


def _without_name(index: str) -> str:
    """uv allows `name=URL`."""
    name, equals, url = index.partition("=")
    return url if equals and "/" not in name else index


def _reachable(place: str) -> bool:
    """A folder of this machine does not exist where Docker builds."""
    return place.startswith(("http://", "https://"))
