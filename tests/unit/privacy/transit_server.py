"""HashiCorp Vault's transit engine as far as the product uses it: a double on a real socket.

Follows the answers of Vault 1.15: derived keys (HKDF-SHA-256 over the context), `vault:vN:` texts,
batches whose items fail one by one under a status of 400, `min_decryption_version`, and its
errors. Faults are switched on by name.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hvs.token-of-the-tests"


@dataclass
class TransitKey:
    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    min_decryption_version: int = 1


@dataclass
class Transit:
    """The engine; `fault` is one of sealed, slow, standby, garbage, short, or empty."""

    keys: dict[str, TransitKey] = field(default_factory=dict)
    fault: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def make_key(self, name: str) -> None:
        self.keys[name] = TransitKey()

    async def answer(self, request: Request) -> Response:
        operation, name = request.path_params["operation"], request.path_params["name"]
        self.calls.append((operation, name))
        refused = await self._refused(request)
        if refused is not None:
            return refused
        key = self.keys.get(name)
        if key is None:
            return _errors(400 if operation != "keys" else 404, "encryption key not found")
        if operation == "keys":
            return await self._administer(request, key, request.path_params.get("act", ""))
        items = orjson.loads(await request.body())["batch_input"]
        results = [_run(operation, key, item) for item in items]
        if self.fault == "short":
            results = results[:-1]
        failed = any("error" in result for result in results)
        return JSONResponse({"data": {"batch_results": results}}, 400 if failed else 200)

    async def _refused(self, request: Request) -> Response | None:
        if self.fault == "slow":
            await self.released.wait()
        if self.fault == "sealed":
            return _errors(503, "Vault is sealed")
        if self.fault == "standby":
            return Response(status_code=429)
        if self.fault == "garbage":
            return Response("<html>proxy</html>", 200)
        if request.headers.get("x-vault-token") != TOKEN:
            return _errors(403, "permission denied")
        return None

    async def _administer(self, request: Request, key: TransitKey, act: str) -> Response:
        if act == "rotate":
            key.versions.append(os.urandom(32))
        elif act == "config":
            body = orjson.loads(await request.body())
            key.min_decryption_version = body["min_decryption_version"]
            if key.min_decryption_version > len(key.versions):
                return _errors(400, "cannot set min decryption version past the latest")
        if request.method == "POST":
            return Response(status_code=204)
        return JSONResponse({"data": {"latest_version": len(key.versions), "derived": True}})


def _run(operation: str, key: TransitKey, item: dict[str, str]) -> dict[str, Any]:
    context = base64.b64decode(item.get("context", ""))
    if not context:
        return {"error": "missing 'context' for key derivation"}
    if operation == "encrypt":
        return _encrypted(key, base64.b64decode(item["plaintext"]), context)
    clear = _decrypted(key, item["ciphertext"], context)
    if isinstance(clear, str):
        return {"error": clear}
    if operation == "decrypt":
        return {"plaintext": base64.b64encode(clear).decode()}
    return _encrypted(key, clear, context)


def _encrypted(key: TransitKey, clear: bytes, context: bytes) -> dict[str, Any]:
    version, nonce = len(key.versions), os.urandom(12)
    sealed = nonce + _derived(key, version, context).encrypt(nonce, clear, None)
    text = f"vault:v{version}:{base64.b64encode(sealed).decode()}"
    return {"ciphertext": text, "key_version": version}


def _decrypted(key: TransitKey, text: str, context: bytes) -> bytes | str:
    parts = text.split(":", 2)
    if len(parts) != 3 or parts[0] != "vault" or not parts[1][1:].isdigit():
        return "invalid ciphertext: no prefix"
    version = int(parts[1][1:])
    if version < key.min_decryption_version:
        return "ciphertext or signature version is disallowed by policy (too old)"
    if version > len(key.versions):
        return "invalid ciphertext: version is too new"
    try:
        sealed = base64.b64decode(parts[2], validate=True)
        return _derived(key, version, context).decrypt(sealed[:12], sealed[12:], None)
    except (ValueError, InvalidTag):
        return "cipher: message authentication failed"


def _derived(key: TransitKey, version: int, context: bytes) -> AESGCM:
    secret = key.versions[version - 1]
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(secret))


def _errors(status: int, text: str) -> Response:
    return JSONResponse({"errors": [text]}, status)


@asynccontextmanager
async def running(*keys: str) -> AsyncIterator[Transit]:
    """Run the double on a port of its own."""
    transit = Transit()
    for key in keys:
        transit.make_key(key)
    routes = [
        Route("/v1/transit/keys/{name}", _endpoint(transit, "keys"), methods=["GET"]),
        Route("/v1/transit/keys/{name}/{act}", _endpoint(transit, "keys"), methods=["POST"]),
        Route("/v1/transit/{operation}/{name}", transit.answer, methods=["POST"]),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes), port=0, log_config=None, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    transit.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    ticking = asyncio.create_task(server.main_loop())
    try:
        yield transit
    finally:
        transit.released.set()
        server.should_exit = True
        await ticking
        await server.shutdown()


def _endpoint(transit: Transit, operation: str) -> Any:
    async def answer(request: Request) -> Response:
        request.path_params["operation"] = operation
        return await transit.answer(request)

    return answer
