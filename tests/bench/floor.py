"""The floor under accepting: a FastAPI POST of the same model that does nothing. `python -m tests.bench.floor PORT`."""

from __future__ import annotations

import sys
from http import HTTPStatus

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from services.intake.api.bodies import FilingBody


class Nothing(BaseModel):
    """An answer that says nothing."""

    code: str = "H56.97.21-200102-0001"


app = FastAPI(openapi_url=None)


@app.post("/v1/dossiers", status_code=HTTPStatus.CREATED)
async def do_nothing(body: FilingBody) -> Nothing:
    """Read a filing and answer."""
    return Nothing()


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
