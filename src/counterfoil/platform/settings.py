"""Settings: everything that differs between two installations, read from the environment.

Each is `COUNTERFOIL_` and its name in capitals; a `.env` file in the working directory is read
as well. Nothing here is a rule of lending: those are products and rule packs.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least urgent line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """One installation's settings."""

    model_config = SettingsConfigDict(
        env_prefix="COUNTERFOIL_", env_file=".env", extra="ignore", frozen=True
    )

    home: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default=Path(".counterfoil"),
        description="Directory for all that is kept on disk: embedded database, keys, log, files.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description=(
            "PostgreSQL 15 or newer, as postgresql://user:password@host/name. "
            "When it is not set, an embedded server runs in the home directory."
        ),
    )
    database_connections: int = Field(
        default=10, ge=1, le=200, description="Most connections one process opens."
    )
    database_lock_timeout_ms: int = Field(
        default=5_000, ge=1, description="Longest wait for a lock, in milliseconds."
    )
    database_statement_timeout_ms: int = Field(
        default=60_000, ge=1, description="Longest run of one statement, in milliseconds."
    )
    environment: str = Field(
        default="sandbox",
        pattern=r"^[a-z][a-z0-9_-]{0,31}$",
        description="Name of this installation, shown on pages and in logs.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port the server listens on.")
    node: int = Field(
        default=0,
        ge=0,
        le=1_023,
        description="Number that keeps this process's identifiers apart from other processes'.",
    )
    engine_shards: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Command batches under way at once; one decides while another commits.",
    )
    rail_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description=(
            "Address of the bank's payout interface. When it is not set, a sandbox pays out over "
            "a simulated bank in its own process."
        ),
    )
    debit_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description=(
            "Address of the bank's interface for debits. When it is not set, a sandbox collects "
            "from a simulated bank in its own process, and any other environment presents nothing."
        ),
    )
    cipher_suite: str = Field(
        default="aes-256-gcm",
        pattern=r"^(aes-256-gcm|sm4-gcm|aes-256-gcm-siv)$",
        description=(
            "What personal data is sealed with from now on: `aes-256-gcm`, `sm4-gcm` or "
            "`aes-256-gcm-siv`; everything sealed before stays readable."
        ),
    )
    key_service_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description=(
            "Address of a HashiCorp Vault whose transit engine wraps the data keys. When it is not "
            "set, key files in the home directory do."
        ),
    )
    key_service_key: str = Field(
        default="counterfoil",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="Name of the transit key; a second one, with `-index` behind it, is needed.",
    )
    key_service_token_file: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default=Path(".counterfoil/keys/vault-token"),
        description="File with the token for the Vault; read for every call, so it may be renewed.",
    )
    cost_sheet_reading_seconds: int = Field(
        default=5,
        ge=0,
        le=600,
        description="Least time a cost sheet is open before an agreement can be signed.",
    )
    contract_seal: Path | None = Field(
        default=None,
        description=(
            "PKCS#12 file with one key and certificate that signs contracts for every lender. For "
            "installations with one lender of record; the directory of seals takes its place."
        ),
    )
    contract_seals: Path | None = Field(
        default=None,
        description=(
            "Directory with a PKCS#12 file for each lender of record, `LENDER.p12`. When neither "
            "is set, each lender has a key and certificate made in the home directory."
        ),
    )
    contract_seal_password: SecretStr | None = Field(
        default=None, description="Password of the PKCS#12 files by which contracts are signed."
    )
    contract_font: Path | None = Field(
        default=None,
        description=(
            "TrueType font with Chinese characters that is embedded in contracts. When it is not "
            "set, readers use their own Song font."
        ),
    )
    sandbox_parties: bool = Field(
        default=True,
        description=(
            "Whether a sandbox that names neither witnesses nor a bureau runs some beside itself."
        ),
    )
    worker: bool = Field(
        default=True, description="Whether `counterfoil serve` also runs the background jobs."
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="Least urgent line written: debug to error."
    )
    log_format: LogFormat = Field(
        default=LogFormat.CONSOLE, description="`console` for people, `json` for collectors."
    )

    notices: Path | None = Field(
        default=None,
        description=(
            "Directory with the notices that customers are asked to agree to, and their parties. "
            "When it is not set, the examples that come with the program are used."
        ),
    )

    products: Path | None = Field(
        default=None,
        description=(
            "Directory with the product catalogue, its lock and its rule packs. When it is not "
            "set, the products that come with the program are on offer."
        ),
    )
    rails: Path | None = Field(
        default=None,
        description=(
            "File with the payment rails: limits, hours, fees, error codes and their order. When "
            "it is not set, the rails that come with the program are used."
        ),
    )

    staff_safeguards: bool | None = Field(
        default=None,
        description=(
            "Whether staff who see persons or approve need a second factor, and whether rights "
            "that nobody uses expire. When it is not set, everywhere but in a sandbox."
        ),
    )
    rights_unused_days: int = Field(
        default=90,
        ge=7,
        description="Days after which a right that was neither used nor confirmed is suspended.",
    )
    emergency_minutes: int = Field(
        default=60, ge=5, le=240, description="Longest that emergency access lasts, in minutes."
    )

    case_days: int = Field(
        default=14, ge=1, le=180, description="Days for which a customer's case is open at most."
    )
    training_required: bool = Field(
        default=False,
        description=(
            "Whether acts that the access matrix names ask for a course that was passed. Set it "
            "when trainings are recorded."
        ),
    )
    training_grace_days: int = Field(
        default=0, ge=0, le=90, description="Days for which a course counts on after it ran out."
    )
    training_warning_days: int = Field(
        default=30,
        ge=1,
        le=180,
        description="Days before its end from which a course is warned of.",
    )

    export_group_min: int = Field(
        default=5,
        ge=2,
        description=(
            "Least number of persons that share age, region and product in data that is exported."
        ),
    )

    log_origin: str | None = Field(
        default=None,
        pattern=r"^[^\s+]{1,200}$",
        description=(
            "Name of the evidence log, such as `log.lender.example/2026`. It is given to the log "
            "when it is begun and cannot change; when it is not set, the year is put into "
            "`log.counterfoil.example/<year>`."
        ),
    )
    log_directory: Path | None = Field(
        default=None,
        description=(
            "Directory of the evidence log's static files: head, tiles, entries, policy. "
            "When it is not set, `log` in the home directory."
        ),
    )
    witnesses: Path | None = Field(
        default=None,
        description=(
            "File with the witnesses of the evidence log, as lines of a policy with their "
            "addresses: `witness`, `group` and one `quorum`. Without it leaves are numbered, but "
            "nothing is signed."
        ),
    )
    log_cadence_ms: int = Field(
        default=1_000,
        ge=10,
        description="Time between two heads of the evidence log, in milliseconds.",
    )

    review_working_days: int = Field(
        default=5,
        ge=1,
        le=60,
        description="Working days within which a person concludes a review or a referred case.",
    )
    cost_of_funds_annual_e8: int = Field(
        default=3_000_000,
        ge=0,
        le=100_000_000,
        description=(
            "What money costs the lender a year, 1e-8: 3 % is 3000000. Profit in reports on"
            " experiments and versions is after it; no price and no limit follows from it."
        ),
    )
    rights_days: int = Field(
        default=15,
        ge=1,
        le=30,
        description="Days within which a person's request about their own data is answered.",
    )
    incident_notice_hours: int = Field(
        default=72,
        ge=1,
        le=720,
        description="Hours within which authority and persons are told of an incident with data.",
    )
    policy_review_overturned_percent: int = Field(
        default=20,
        ge=0,
        le=100,
        description=(
            "Share of reviewed decisions overturned beyond which a policy version is looked at."
        ),
    )
    policy_review_cases_min: int = Field(
        default=5,
        ge=1,
        description="Reviewed decisions of a version before that share says anything.",
    )

    identity_policy: Path | None = Field(
        default=None,
        description=(
            "File that says which identity checks an act needs, and of which sources. When it is "
            "not set, the document that comes with the program is used."
        ),
    )
    identity_required: bool = Field(
        default=False,
        description=(
            "Whether opening, raising and drawing wait for identity checks. Set it when the "
            "sources are joined; until then checks are kept and shown, and hold nobody up."
        ),
    )

    occasions: Path | None = Field(
        default=None,
        description=(
            "File that says on which occasions a credit bureau may be asked. When it is not set, "
            "a first application and a request for a higher limit."
        ),
    )
    statement_source_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description=(
            "Address of the bank that gives account statements under a customer's consent. When it "
            "is not set, statements come as files only."
        ),
    )
    statement_source_token_file: Path | None = Field(
        default=None,
        description="File with the token for that bank; read for every call, so it may be renewed.",
    )
    message_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description=(
            "Address of the service that carries messages: SMS, e-mail, app notes and letters. "
            "When it is not set, a sandbox writes them to a file, and nobody else sends any."
        ),
    )
    account_token_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description=(
            "Address of the bank that makes tokens of account numbers. When it is not set, a "
            "sandbox makes them itself, and elsewhere customers give the token that they have."
        ),
    )
    account_token_file: Path | None = Field(
        default=None,
        description="File with the token for that bank; read for every call, so it may be renewed.",
    )
    message_token_file: Path | None = Field(
        default=None,
        description="File with the token for it; read for every call, so it may be renewed.",
    )
    stress_scenarios: Path | None = Field(
        default=None,
        description=(
            "Directory with the scenarios (TOML) of scheduled stress tests. When it is not set, "
            "the two that come with the program are used."
        ),
    )
    stress_days: int = Field(
        default=30,
        ge=1,
        le=366,
        description="Days after which a live model is held against each scenario again.",
    )
    bureau_membership: Path | None = Field(
        default=None,
        description=(
            "Directory with what the credit bureau gave and the lender's own keys for it. When it "
            "is not set, nobody can be asked."
        ),
    )

    @property
    def guards_staff(self) -> bool:
        """Return whether the second factor and the expiry of rights bind."""
        if self.staff_safeguards is None:
            return self.environment != "sandbox"
        return self.staff_safeguards

    @property
    def is_embedded(self) -> bool:
        """Return whether the database is the embedded one."""
        return self.database_url is None
