"""What people see of an image layout: its layers, its largest packages, and how much of Lambda's room it takes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from deployer.ui import print_json

if TYPE_CHECKING:
    from deployer.image.inspect import ImageReport

WIDTH = 120  # where nobody's terminal says otherwise


def print_report_as_json(report: ImageReport) -> None:
    """The public shape of `deployer image inspect --output json`."""
    print_json(asdict(report))


def print_report(report: ImageReport) -> None:
    """Tables on standard output, nothing in them cut off."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    layers = Table("layer", _right("MB packed"), _right("MB unpacked"), _right("files"), "contents")
    for layer in report.layers:
        layers.add_row(Text(layer.title), _mb(layer.size), _mb(layer.unpacked), str(layer.files), Text(layer.contents))
    console.print(layers)
    packages = Table("largest packages", "version", _right("MB unpacked"))
    for package in report.packages:
        packages.add_row(Text(package.name), Text(package.version), _mb(package.size))
    if report.packages:
        console.print(packages)
    share = f"{100 * report.unpacked / report.limit:.1f} %"
    click.echo(f"{'digest':<14} {report.digest}")
    click.echo(f"{'architecture':<14} {report.architecture}")
    click.echo(f"{'base':<14} {report.base or 'none'}")
    click.echo(f"{'packed':<14} {_mb(report.size)} MB")
    click.echo(f"{'unpacked':<14} {_mb(report.unpacked)} MB, {share} of Lambda's {report.limit / 1000**3:.0f} GB")
    for name, value in report.labels.items():
        click.echo(f"{'label':<14} {name}={value}")


def _right(title: str) -> Column:
    return Column(title, justify="right")


def _mb(size: int) -> str:
    return f"{size / 1000**2:.1f}"
