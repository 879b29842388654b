"""Files, images and bytes, in and out: multipart forms, raw bodies, content types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType
from PIL import Image

Text = Annotated[Path, ContentType("text/*")]
Pdf = Annotated[Path, ContentType("application/pdf")]


@bentoml.service
class Files:
    @bentoml.api
    def size(self, file: Path) -> int:
        return len(file.read_bytes())

    @bentoml.api
    def sizes(self, files: list[Path], note: str = "") -> list[str]:
        return [f"{len(file.read_bytes())}{note}" for file in files]

    @bentoml.api
    async def words(self, text: Text) -> int:
        return len(text.read_text().split())

    @bentoml.api
    def pdf(self, ctx: bentoml.Context, title: str = "none") -> Pdf:
        path = Path(ctx.temp_dir) / "report.pdf"
        path.write_bytes(b"%PDF-1.4\n\xff\xfe" + title.encode())
        return path

    @bentoml.api
    def unnamed(self, ctx: bentoml.Context) -> Path:
        path = Path(ctx.temp_dir) / "table.csv"
        path.write_text("a,b\n1,2\n")
        return path

    @bentoml.api
    def flip(self, image: Image.Image) -> Image.Image:
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    @bentoml.api
    def colour(self, image: Annotated[Image.Image, ContentType("image/png")], x: int = 0) -> list[int]:
        return list(image.convert("RGB").getpixel((x, 0)))

    @bentoml.api
    def grey(self, image: Image.Image, /) -> Image.Image:
        return image.convert("L")

    @bentoml.api
    def first_bytes(self, count: int) -> bytes:
        return bytes(range(256))[:count]
