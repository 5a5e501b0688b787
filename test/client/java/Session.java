import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Timer;
import java.util.TimerTask;
import org.postgresql.PGConnection;

/** What the JDBC driver does with a server: run with a port; prints one line a finding. */
public class Session {
  private static final long PATIENCE_MS = 30_000;
  private static String url;

  public static void main(String[] arguments) throws Exception {
    url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/millrace?user=anna";
    after(PATIENCE_MS, () -> System.exit(3));
    execute("CREATE TABLE people (id int4 PRIMARY KEY, name text NOT NULL, wealth numeric(10,2))");
    execute("CREATE STREAM live (n int4)");
    execute("CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS n FROM people GROUP BY name");
    try (Connection connection = DriverManager.getConnection(url)) {
      rows(connection);
      types(connection);
      metadata(connection);
      cursor(connection);
    }
    live();
    cancel();
    System.exit(0);
  }

  private static void found(String name, Object value) {
    System.out.println(name + ": " + value);
  }

  private static void execute(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static void after(long milliseconds, Task task) {
    new Timer(true).schedule(new TimerTask() {
      @Override
      public void run() {
        try {
          task.run();
        } catch (Exception error) {
          error.printStackTrace();
        }
      }
    }, milliseconds);
  }

  private interface Task {
    void run() throws Exception;
  }

  private static List<String> column(ResultSet rows, String name) throws SQLException {
    List<String> values = new ArrayList<>();
    while (rows.next()) values.add(rows.getString(name));
    return values;
  }

  private static void rows(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO people VALUES (?, ?, ?)")) {
      for (int id = 1; id <= 3; id++) {
        insert.setInt(1, id);
        insert.setString(2, "name " + id);
        insert.setBigDecimal(3, id == 3 ? null : new BigDecimal("1.50"));
        insert.addBatch();
      }
      found("batch", insert.executeBatch().length);
    }
    connection.commit();
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO people VALUES (1, 'again')");
    } catch (SQLException error) {
      found("conflict", error.getSQLState());
    }
    connection.rollback();
    connection.setAutoCommit(true);
    // past its threshold the driver names the statement, and reads binary
    try (PreparedStatement select = connection.prepareStatement("SELECT name, wealth FROM people WHERE id = ?")) {
      String last = "";
      for (int i = 0; i < 10; i++) {
        select.setInt(1, 2);
        try (ResultSet rows = select.executeQuery()) {
          rows.next();
          last = rows.getString(1) + " " + rows.getBigDecimal(2);
        }
      }
      found("prepared", last);
    }
  }

  private static void types(Connection connection) throws SQLException {
    OffsetDateTime moment = OffsetDateTime.of(2026, 5, 1, 12, 30, 0, 5000, ZoneOffset.UTC);
    String sql = "SELECT ?::int8, ?::float8, ?::bool, ?::text, ?::bytea, ?::timestamptz, ?::int4[], ?::numeric";
    boolean same = true;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      for (int i = 0; i < 8; i++) {
        select.setLong(1, 1L << 62);
        select.setDouble(2, 0.5);
        select.setBoolean(3, true);
        select.setString(4, "text");
        select.setBytes(5, new byte[] {0, (byte) 255});
        select.setObject(6, moment);
        select.setArray(7, connection.createArrayOf("int4", new Integer[] {1, null, 3}));
        select.setBigDecimal(8, new BigDecimal("-1.50"));
        try (ResultSet row = select.executeQuery()) {
          row.next();
          Integer[] array = (Integer[]) row.getArray(7).getArray();
          same &= row.getLong(1) == 1L << 62 && row.getDouble(2) == 0.5 && row.getBoolean(3);
          same &= row.getString(4).equals("text") && row.getBytes(5)[1] == (byte) 255;
          same &= row.getObject(6, OffsetDateTime.class).isEqual(moment) && array[1] == null && array[2] == 3;
          same &= row.getBigDecimal(8).equals(new BigDecimal("-1.50"));
        }
      }
    }
    found("types", same);
  }

  private static void metadata(Connection connection) throws SQLException {
    DatabaseMetaData metadata = connection.getMetaData();
    found("product", metadata.getDatabaseProductName() + " " + metadata.getDatabaseMajorVersion());
    found("schemas", column(metadata.getSchemas(), "TABLE_SCHEM"));
    found("tables", column(metadata.getTables(null, "public", "%", null), "TABLE_NAME"));
    found("table types", column(metadata.getTables(null, "public", "%", null), "TABLE_TYPE"));
    found("columns", column(metadata.getColumns(null, "public", "people", "%"), "TYPE_NAME"));
    found("key", column(metadata.getPrimaryKeys(null, "public", "people"), "COLUMN_NAME"));
    // each of these is a query of the catalog: none may fail
    metadata.getImportedKeys(null, "public", "people").close();
    metadata.getExportedKeys(null, "public", "people").close();
    metadata.getCrossReference(null, "public", "people", null, "public", "people").close();
    metadata.getIndexInfo(null, "public", "people", false, false).close();
    metadata.getBestRowIdentifier(null, "public", "people", DatabaseMetaData.bestRowSession, true).close();
    metadata.getVersionColumns(null, "public", "people").close();
    metadata.getTablePrivileges(null, "public", "people").close();
    metadata.getColumnPrivileges(null, "public", "people", "%").close();
    metadata.getProcedures(null, null, "%").close();
    metadata.getFunctions(null, "public", "%").close();
    metadata.getFunctionColumns(null, "public", "%", "%").close();
    metadata.getProcedureColumns(null, "public", "%", "%").close();
    metadata.getUDTs(null, "public", "%", null).close();
    metadata.getCatalogs().close();
    metadata.getTableTypes().close();
    metadata.getTypeInfo().close();
    metadata.getClientInfoProperties().close();
    metadata.getSQLKeywords();
    found("metadata", "complete");
  }

  private static void cursor(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(2);
      found("cursor", column(statement.executeQuery("SELECT id FROM people ORDER BY id"), "id"));
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  /** Each row is written only when the one before has arrived; the fetch size does not matter. */
  private static void live() throws SQLException {
    try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.setFetchSize(100);
      after(500, () -> execute("INSERT INTO live VALUES (1)"));
      List<Integer> seen = new ArrayList<>();
      ResultSet rows = statement.executeQuery("SELECT n FROM live EMIT CHANGES");
      while (seen.size() < 3 && rows.next()) {
        seen.add(rows.getInt("n"));
        if (seen.size() < 3) execute("INSERT INTO live VALUES (" + (seen.size() + 1) + ")");
      }
      found("live", seen);
      // Statement.cancel() would do nothing here: the driver has the first row, and takes the statement for done.
      // A cancel that comes between two fetches is lost: others follow.
      Thread canceling = new Thread(() -> cancelUntilInterrupted(connection));
      canceling.start();
      try {
        while (rows.next()) seen.add(rows.getInt("n"));
      } catch (SQLException error) {
        found("live canceled", error.getSQLState());
      }
      canceling.interrupt();
    }
  }

  private static void cancelUntilInterrupted(Connection connection) {
    try {
      while (true) {
        Thread.sleep(200);
        connection.unwrap(PGConnection.class).cancelQuery();
      }
    } catch (InterruptedException | SQLException over) {
      // the rows have ended
    }
  }

  private static void cancel() throws SQLException {
    try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
      after(300, statement::cancel);
      statement.executeQuery("SELECT n FROM live EMIT CHANGES");
    } catch (SQLException error) {
      found("canceled", error.getSQLState());
    }
    try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.executeQuery("SELECT n FROM live EMIT CHANGES");
    } catch (SQLException error) {
      found("timed out", error.getSQLState());
    }
  }
}
