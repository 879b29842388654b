"""Files, images and forms by the IO descriptors of BentoML 1.0 to 1.3."""

import io

import bentoml
from bentoml.io import JSON, File, Image, Multipart, NumpyNdarray, Text
from PIL.Image import Transpose

legacy = getattr(bentoml, "legacy", bentoml)
svc = legacy.Service("legacy_files")


@svc.api(input=File(), output=JSON())
def size(file):
    return len(file.read())


@svc.api(input=File(mime_type="application/pdf"), output=Text())
def of_a_kind(file):
    return str(len(file.read()))


@svc.api(input=JSON(), output=File(mime_type="application/pdf"))
def pdf(count):
    return io.BytesIO(b"%PDF-1.4\n" + bytes(range(256))[:count])


@svc.api(input=Image(), output=Image(mime_type="image/png"))
def flip(image):
    return image.transpose(Transpose.FLIP_LEFT_RIGHT)


@svc.api(input=Image(), output=JSON())
async def colour(image):
    return list(image.convert("RGB").getpixel((0, 0)))


@svc.api(input=Multipart(image=Image(), note=Text(), options=JSON()), output=JSON())
def form(image, note, options):
    return {"size": image.size, "note": note, "options": options}


@svc.api(input=Multipart(row=NumpyNdarray(), name=Text()), output=Multipart(twice=NumpyNdarray(), name=Text()))
def parts(row, name):
    return {"twice": row * 2, "name": name.upper()}
