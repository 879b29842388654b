"""Documentation routes, which BentoML's own clients read, of a service with something to describe."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import bentoml
from pydantic import BaseModel, Field


class Question(BaseModel):
    text: str = Field(description="What is asked.", examples=["why?"])
    times: int = Field(default=1, ge=1)


@bentoml.service(labels={"owner": "corpus"})
class Documented:
    """Answers questions."""

    @bentoml.api
    def ask(self, question: Question) -> str:
        """Answer one question."""
        return question.text * question.times

    @bentoml.api
    async def stream(self, question: Question) -> AsyncGenerator[str, None]:
        yield question.text

    @bentoml.api
    def read(self, file: Path) -> str:
        return file.read_text()
