"""PostgreSQL artifacts: a team's networks, in a table of the database that holds the study.

A network is one row. It is sent by one statement outside any transaction, because a slow connection may need
minutes for it, and ``postgres_storage`` ends sessions that are idle in a transaction.
"""

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

from optuna.artifacts.exceptions import ArtifactNotFound
from sqlalchemy import (
    DDL,
    Column,
    Engine,
    Executable,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    event,
    select,
)
from sqlalchemy.dialects.postgresql import insert


class Patient(Protocol):
    """What is needed of ``postgres_storage.PatientStorage``."""

    engine: Engine

    def patiently(self, work: Callable[[], Any]) -> Any: ...


_METADATA = MetaData()
_STUDIES = Table("studies", _METADATA, Column("study_id", Integer, primary_key=True))  # Optuna's
TABLE = Table(
    "catwalk_artifacts",
    _METADATA,
    Column("artifact_id", String, primary_key=True),
    # What belongs to a study that is deleted goes with it.
    Column("study_id", ForeignKey(_STUDIES.c.study_id, ondelete="CASCADE"), nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
)
# PostgreSQL would try to compress each network, in vain.
_AS_IT_IS = "ALTER TABLE catwalk_artifacts ALTER content SET STORAGE EXTERNAL"
event.listen(TABLE, "after_create", DDL(_AS_IT_IS))  # type: ignore[no-untyped-call]


def create_table(engine: Engine) -> None:
    """Create the table if it is missing; the caller sees to it that nobody else does at the same time."""
    TABLE.create(engine, checkfirst=True)


class PostgresArtifactStore:
    """Optuna's protocol of an artifact store (``optuna.artifacts``), and the ids of what is stored.

    Args:
        storage: the study's; as long as its server can't be reached, this waits as that does.
        study_id: the study's, in the database.
    """

    def __init__(self, storage: Patient, study_id: int) -> None:
        self._storage, self._study_id = storage, study_id
        self._engine = storage.engine.execution_options(isolation_level="AUTOCOMMIT")

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The artifact as a file.

        Raises:
            ArtifactNotFound: there is none.
        """
        rows = self._execute(select(TABLE.c.content).where(TABLE.c.artifact_id == artifact_id))
        if not rows:
            raise ArtifactNotFound(artifact_id)
        return io.BytesIO(rows[0][0])

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store an artifact, all of it or nothing; if two store the same, one of them does."""
        row = {"artifact_id": artifact_id, "study_id": self._study_id, "content": content_body.read()}
        self._execute(insert(TABLE).values(row).on_conflict_do_nothing())

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact, if it is there."""
        self._execute(delete(TABLE).where(TABLE.c.artifact_id == artifact_id))

    def ids(self) -> set[str]:
        """The ids of all artifacts of this study."""
        return {
            row[0]
            for row in self._execute(select(TABLE.c.artifact_id).where(TABLE.c.study_id == self._study_id))
        }

    def _execute(self, statement: Executable) -> list[Any]:
        def once() -> list[Any]:
            with self._engine.connect() as connection:
                result = connection.execute(statement)
                return list(result.all()) if result.returns_rows else []

        return cast(list[Any], self._storage.patiently(once))
