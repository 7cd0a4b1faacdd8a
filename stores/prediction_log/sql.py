"""Run one read-only SQL statement over the prediction log, cut off from files and network."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from lifecycle.errors import InvalidInput

VIEW = "predictions"
READ_ONLY = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def run_sql(dataset: ds.Dataset, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
    """Return the result of one SELECT over the view `predictions`, in DuckDB's dialect, times in UTC.

    `parameters` stand in for each `?` of the statement, in order.
    Raises InvalidInput for anything but one SELECT, and for SQL that DuckDB cannot run or that reaches for
    a file, another database, an extension or a setting.
    """
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(sql)]
        if len(kinds) != 1 or kinds[0] not in READ_ONLY:
            found = ", ".join(kind.name for kind in kinds) or "nothing"
            raise InvalidInput(f"the prediction log answers one SELECT statement at a time; this is {found}: {sql!r}")
        with _connection(dataset) as connection:
            return connection.sql(sql, params=list(parameters)).to_arrow_table()
    except duckdb.Error as error:
        raise InvalidInput(f"the query {sql!r} cannot be run: {error}") from error


def _connection(dataset: ds.Dataset) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"python_enable_replacements": False})
    connection.register(VIEW, dataset)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection
