"""The house as a running process has it: everything a journey needs, wired in one place."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from counterfoil.bureau.http_bureau import HttpBureau
from counterfoil.bureau.jose import KeyFileSigner
from counterfoil.bureau.membership import load_membership
from counterfoil.bureau.occasion import Occasions, load_occasions
from counterfoil.bureau.port import Bureau
from counterfoil.capacity.http_statements import HttpStatements
from counterfoil.capacity.port import StatementSource
from counterfoil.consents.notice import Notices
from counterfoil.consents.notice_file import load_notices
from counterfoil.contracts.paper import DeferredSeals
from counterfoil.contracts.port import LenderSeals, NoCodes, OneTimeCodes, SandboxCodes
from counterfoil.contracts.seal_places import SealPlaces
from counterfoil.contracts.shelf import Shelf
from counterfoil.customers.http_messages import HttpCarrier
from counterfoil.customers.message_port import MessageCarrier, NoCarrier, SandboxCarrier
from counterfoil.customers.verification_policy import IdentityPolicy, load_identity_policy
from counterfoil.customers.verification_port import IdentitySource, sources_of
from counterfoil.evidence.staging import Leaves
from counterfoil.features.registry import Registry
from counterfoil.features.registry_file import load_registry
from counterfoil.journeys.contracting.templates import Templates, shipped_templates
from counterfoil.journeys.counter import Counter, LineDesk
from counterfoil.journeys.deciding.follow_experiments import Experiments, following_experiments
from counterfoil.journeys.deciding.follow_policies import following_policies
from counterfoil.journeys.deciding.policies import Policies
from counterfoil.journeys.guarding.assessed import Assessed, AssessedCarrier, AssessedTokens
from counterfoil.journeys.guarding.refused_reads import noting_refused_reads
from counterfoil.journeys.knowing.registries import Registries
from counterfoil.journeys.proving.follow_log import LogFollower, following
from counterfoil.journeys.serving.carried_codes import CarriedCodes
from counterfoil.kernel.clock import Clock, SandboxClock, SystemClock
from counterfoil.kernel.errors import RefusedError
from counterfoil.kernel.ids import IdSource
from counterfoil.lending.catalogue import Catalogue, load_catalogue
from counterfoil.payments.account_tokens import AccountTokens, HttpTokens, SandboxTokens
from counterfoil.payments.rail_file import check_lenders, load_rails
from counterfoil.payments.rail_terms import RailTerms
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Engine
from counterfoil.platform.database import Database
from counterfoil.platform.files import write_once
from counterfoil.platform.metrics import Metrics
from counterfoil.platform.origin import SANDBOX, claim_database
from counterfoil.platform.sandbox_time import following_time
from counterfoil.platform.settings import Settings
from counterfoil.platform.trail_book import RefusalBook, TrailBook
from counterfoil.privacy.key_service import TransitAddress, open_vault
from counterfoil.privacy.vault import Vault

_SECRET_BYTES: Final = 32
#: Pool beyond the engine's own connections: pages, reads, worker, close of day.
_CONNECTIONS_BESIDE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What journeys are handed."""

    settings: Settings
    database: Database
    counter: Counter
    catalogue: Catalogue
    #: Templates of the documents that customers sign: what ships, and what was published.
    templates: Templates
    #: By which versions is decided.
    policies: Policies
    #: Who is decided by another version, and which few are accepted to learn from them.
    experiments: Experiments
    #: What customers are asked to agree to.
    notices: Notices
    #: What may be known of customers, from whom, and for what: what ships, and what is in force.
    registries: Registries
    #: On which occasions a bureau may be asked.
    occasions: Occasions
    #: The payment rails of the rails file.
    rails: Sequence[RailTerms]
    #: The credit bureau; None where the lender is no member of one.
    bureau: Bureau | None
    #: The bank that gives account statements; None where none is connected.
    statement_source: StatementSource | None
    #: Which identity checks acts need.
    identity_policy: IdentityPolicy
    #: Who can be asked about identities, by source.
    identity_sources: Mapping[str, IdentitySource]
    vault: Vault
    clock: Clock
    ids: IdSource
    #: Writes lines of the trail that stand by themselves.
    book: TrailBook
    #: Lets nobody fill the trail with refusals.
    refusals: RefusalBook
    #: Makes the leaves of the evidence log, dated by the real clock whatever `clock` says.
    leaves: Leaves
    #: The real clock, whatever `clock` says: witnesses live in real time.
    wall: Clock
    #: Tells of witnessed heads of the log.
    log: LogFollower
    metrics: Metrics
    #: Secret under which quotes are signed.
    quote_key: bytes
    #: Secret under which one-time codes are kept.
    code_key: bytes
    #: Carries one-time codes to customers.
    codes: OneTimeCodes
    #: Carries messages to customers.
    messages: MessageCarrier
    #: Makes tokens of account numbers; None where customers have to bring the token.
    account_tokens: AccountTokens | None
    #: The electronic signature of each lender of record.
    seals: LenderSeals
    #: Knows what may be done because its impact on persons was assessed.
    assessed: Assessed

    @property
    def registry(self) -> Registry:
        """Return the registry of features in force."""
        return self.registries.in_force

    @property
    def shelf(self) -> Shelf:
        """Return the templates that were published."""
        return self.templates.in_force

    async def business_date(self) -> date:
        """Return the business date."""
        return await self.counter.engine.business_date()


@asynccontextmanager
async def open_house(
    settings: Settings, url: str, *, clock: Clock | None = None, first_date: date | None = None
) -> AsyncIterator[House]:
    """Open the house on a migrated database; `first_date` starts the calendar of a new one.

    Raises RefusedError where a sandbox is to open a database with data of real persons.
    """
    is_sandbox = settings.environment == SANDBOX
    wall, real = clock or (SandboxClock() if is_sandbox else SystemClock()), SystemClock()
    keys = settings.home / "keys"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    vault = vault_of(settings)
    ids = IdSource(wall.milliseconds, settings.node)
    catalogue, registries = load_catalogue(settings.products), Registries(load_registry())
    identity, templates = load_identity_policy(settings.identity_policy), shipped_templates()
    metrics, leaves = Metrics.create(), Leaves(real)
    metrics.ciphertexts_rejected.set_function(lambda: vault.rejections.total)
    desk = LineDesk(catalogue, wall, ids, leaves)
    async with (
        _database(settings, url, wall, first_date) as database,
        following_time(database, wall),
        Engine(database, desk, shards=settings.engine_shards, metrics=metrics) as engine,
        _outside(settings, database, vault, ids, wall) as outside,
        following(database, leaves) as log,
        following_policies(database, wall, metrics, registries, templates) as policies,
        following_experiments(database, _secret(keys / "experiment.key")) as experiments,
        _books(database, ids, wall) as (book, refusals),
    ):
        vault.note_refused_read = noting_refused_reads(database, wall, ids)
        yield House(
            settings=settings,
            database=database,
            counter=Counter(engine, desk),
            catalogue=catalogue,
            templates=templates,
            policies=policies,
            experiments=experiments,
            notices=load_notices(settings.notices),
            registries=registries,
            occasions=load_occasions(settings.occasions),
            rails=_rails(settings, catalogue),
            bureau=outside.bureau,
            statement_source=outside.statement_source,
            identity_policy=identity,
            identity_sources=sources_of(identity, is_sandbox=is_sandbox),
            vault=vault,
            clock=wall,
            ids=ids,
            book=book,
            refusals=refusals,
            leaves=leaves,
            wall=real,
            log=log,
            metrics=metrics,
            quote_key=_secret(keys / "quote.key"),
            code_key=_secret(keys / "one-time-code.key"),
            codes=outside.codes,
            messages=outside.messages,
            account_tokens=outside.account_tokens,
            seals=_seals(settings, real),
            assessed=outside.assessed,
        )


@asynccontextmanager
async def _database(
    settings: Settings, url: str, wall: Clock, first_date: date | None
) -> AsyncIterator[Database]:
    """Give the database: marked as this installation's kind, and with its calendar begun."""
    connections = max(settings.database_connections, settings.engine_shards + _CONNECTIONS_BESIDE)
    async with Database(
        url,
        connections_max=connections,
        lock_timeout_ms=settings.database_lock_timeout_ms,
        statement_timeout_ms=settings.database_statement_timeout_ms,
    ) as database:
        await _claim(database, settings, wall)
        await _start_calendar(database, wall, first_date)
        yield database


@asynccontextmanager
async def _books(
    database: Database, ids: IdSource, clock: Clock
) -> AsyncIterator[tuple[TrailBook, RefusalBook]]:
    """Give the books of the trail; what they have counted is told before the house closes."""
    book = TrailBook(database)
    refusals = RefusalBook(book, ids, clock)
    try:
        yield book, refusals
    finally:
        await refusals.close()


# ----------------------------------------------------------------------- services of others


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outside:
    """Who is reached outside the house, as the settings name them."""

    bureau: Bureau | None
    statement_source: StatementSource | None
    messages: MessageCarrier
    account_tokens: AccountTokens | None
    codes: OneTimeCodes
    assessed: Assessed


@asynccontextmanager
async def _outside(
    settings: Settings, database: Database, vault: Vault, ids: IdSource, clock: Clock
) -> AsyncIterator[_Outside]:
    assessed = Assessed(database, clock, settings.environment)
    async with (
        _bureau(settings) as bureau,
        _statement_source(settings) as statement_source,
        _carrier(settings, assessed) as messages,
        _account_tokens(settings, assessed) as account_tokens,
        _codes(settings, messages, database, vault, ids) as codes,
    ):
        yield _Outside(
            bureau=bureau,
            statement_source=statement_source,
            messages=messages,
            account_tokens=account_tokens,
            codes=codes,
            assessed=assessed,
        )


def _bureau(settings: Settings) -> AbstractAsyncContextManager[HttpBureau | None]:
    """Return the way to the bureau that the lender is a member of, if it is of one."""
    if settings.bureau_membership is None:
        return nullcontext()
    membership = load_membership(settings.bureau_membership)
    return HttpBureau(membership, KeyFileSigner(membership.signing_key))


def _statement_source(settings: Settings) -> AbstractAsyncContextManager[HttpStatements | None]:
    """Return the way to the bank that gives statements, if one is connected."""
    if settings.statement_source_url is None:
        return nullcontext()
    return HttpStatements(
        settings.statement_source_url, token_file=settings.statement_source_token_file
    )


@asynccontextmanager
async def _carrier(settings: Settings, assessed: Assessed) -> AsyncIterator[MessageCarrier]:
    """Give who carries messages: the service that is named, in a sandbox a file, else nobody."""
    if settings.message_url is not None:
        service = HttpCarrier(settings.message_url, token_file=settings.message_token_file)
        async with service as carrier:
            yield AssessedCarrier(carrier, assessed)
    elif settings.environment != SANDBOX:
        yield NoCarrier()
    else:
        yield SandboxCarrier(settings.home / "simulator" / "messages.jsonl")


@asynccontextmanager
async def _account_tokens(
    settings: Settings, assessed: Assessed
) -> AsyncIterator[AccountTokens | None]:
    """Give who makes tokens of account numbers: a bank; in a sandbox a keyed hash."""
    if settings.account_token_url is not None:
        bank = HttpTokens(settings.account_token_url, token_file=settings.account_token_file)
        async with bank as tokens:
            yield AssessedTokens(tokens, assessed)
    elif settings.environment != SANDBOX:
        yield None
    else:
        yield SandboxTokens(_secret(settings.home / "keys" / "account-token.key"))


@asynccontextmanager
async def _codes(
    settings: Settings,
    carrier: MessageCarrier,
    database: Database,
    vault: Vault,
    numbers: IdSource,
) -> AsyncIterator[OneTimeCodes]:
    """Give who brings one-time codes: a sandbox shows them in its answers."""
    if settings.environment == SANDBOX:
        yield SandboxCodes()
    elif settings.message_url is None:
        yield NoCodes()
    else:
        carried = CarriedCodes(carrier, database, vault, numbers)
        yield carried
        await carried.settle()


# ----------------------------------------------------------------------- keys and first steps


def vault_of(settings: Settings) -> Vault:
    """Return the vault of an installation."""
    return open_vault(settings.home / "keys", settings.cipher_suite, _transit(settings))


def _transit(settings: Settings) -> TransitAddress | None:
    if settings.key_service_url is None:
        return None
    return TransitAddress(
        url=settings.key_service_url,
        token_file=settings.key_service_token_file,
        key=settings.key_service_key,
    )


def _rails(settings: Settings, catalogue: Catalogue) -> Sequence[RailTerms]:
    """Return the rails; raise InvalidRailsError for an account of a lender that nobody knows."""
    rails = load_rails(settings.rails)
    lenders = {terms.lender_id for terms in catalogue.all()}
    if settings.rails is not None:
        check_lenders(rails, lenders)
        return rails
    # The shipped accounts are those of the shipped products' lender.
    return [
        replace(terms, collections=[c for c in terms.collections if c.lender_id in lenders])
        for terms in rails
    ]


def _seals(settings: Settings, wall: Clock) -> LenderSeals:
    """Return the lenders' seals: of containers, or those that are made at first use."""
    password = settings.contract_seal_password
    places = SealPlaces(
        keys=settings.home / "keys",
        container=settings.contract_seal,
        folder=settings.contract_seals,
        password=None if password is None else password.get_secret_value(),
    )
    return DeferredSeals(places, wall)


async def _claim(database: Database, settings: Settings, clock: Clock) -> None:
    """Mark whose data the database holds; a sandbox never opens that of real persons."""
    async with database.transaction() as connection:
        refused = await claim_database(connection, settings.environment, now=clock.now())
    if refused is not None:
        raise RefusedError(refused)


async def _start_calendar(database: Database, clock: Clock, first_date: date | None) -> None:
    """Start the calendar of a new database on the first date, by default today."""
    now = clock.now()
    async with database.transaction() as connection:
        await PLATFORM.start_business_date.execute(
            connection, business_date=first_date or now.date(), moved_at=now
        )


def _secret(path: Path) -> bytes:
    """Return a secret of the installation; made once, whole, readable by the owner alone."""
    write_once(path, secrets.token_bytes(_SECRET_BYTES))
    key = path.read_bytes()
    if len(key) != _SECRET_BYTES:
        raise ValueError(f"{path} does not hold {_SECRET_BYTES} bytes; remove it to renew it")
    return key
