// What pgx does with a server: run with a port; prints one JSON object.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib"
)

const patience = 20 * time.Second

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type person struct {
	ID   int32
	Name *string
}

func main() {
	background, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	address := fmt.Sprintf("postgres://anna@127.0.0.1:%s/millrace", os.Args[1])
	seen := map[string]any{}
	connection, err := pgx.Connect(background, address)
	check(err)
	other, err := pgx.Connect(background, address)
	check(err)
	// A connection is one goroutine's at a time.
	var turn sync.Mutex
	execute := func(sql string, arguments ...any) {
		turn.Lock()
		defer turn.Unlock()
		_, err := other.Exec(background, sql, arguments...)
		check(err)
	}
	execute("CREATE TABLE people (id int4 PRIMARY KEY, name text)")
	execute("CREATE STREAM live (n int4)")

	// A batch is one round trip: parse, bind and execute of each, then one Sync.
	batch := &pgx.Batch{}
	batch.Queue("INSERT INTO people VALUES ($1, $2)", 1, "Anna")
	batch.Queue("INSERT INTO people VALUES ($1, $2)", 2, nil)
	batch.Queue("SELECT count(*) FROM people")
	results := connection.SendBatch(background, batch)
	for range 2 {
		_, err = results.Exec()
		check(err)
	}
	var count int64
	check(results.QueryRow().Scan(&count))
	check(results.Close())
	seen["batch"] = count

	rows, err := connection.Query(background, "SELECT id, name FROM people ORDER BY id")
	check(err)
	people, err := pgx.CollectRows(rows, pgx.RowToStructByPos[person])
	check(err)
	seen["people"] = people

	moment := time.Date(2026, 5, 1, 12, 30, 0, 5000, time.UTC)
	wanted := []any{int64(1 << 62), 0.5, true, "text", []byte{0, 255}, moment, []int32{1, 2}, []string{"a", "b"}}
	got, err := connection.Query(background,
		"SELECT $1::int8, $2::float8, $3::bool, $4::text, $5::bytea, $6::timestamptz, $7::int4[], $8::text[]", wanted...)
	check(err)
	got.Next()
	values := make([]any, len(wanted))
	for i, value := range wanted {
		values[i] = reflect.New(reflect.TypeOf(value)).Interface()
	}
	check(got.Scan(values...))
	got.Close()
	same := true
	for i, value := range values {
		found := reflect.ValueOf(value).Elem().Interface()
		if at, ok := found.(time.Time); ok {
			same = same && at.Equal(moment)
		} else {
			same = same && reflect.DeepEqual(found, wanted[i])
		}
	}
	seen["types"] = same

	var numeric, document string
	check(connection.QueryRow(background, "SELECT $1::numeric::text, $2::jsonb::text", "1.50", map[string]any{"a": 1}).Scan(&numeric, &document))
	seen["texts"] = []string{numeric, document}

	copied, err := connection.CopyFrom(background, pgx.Identifier{"people"}, []string{"id", "name"},
		pgx.CopyFromRows([][]any{{int32(10), "x"}, {int32(11), nil}}))
	check(err)
	seen["copied"] = copied

	var failure *pgconn.PgError
	transaction, err := connection.Begin(background)
	check(err)
	_, err = transaction.Exec(background, "INSERT INTO people VALUES (1, 'again')")
	if !errors.As(err, &failure) {
		panic("no error")
	}
	seen["conflict"] = failure.Code
	check(transaction.Rollback(background))

	seen["live"] = live(background, connection, execute)

	// Its context ends a query that waits, and the connection with it.
	short, cancel := context.WithTimeout(background, 300*time.Millisecond)
	_, err = other.Exec(short, "SELECT n FROM live EMIT CHANGES")
	cancel()
	seen["ended"] = errors.Is(err, context.DeadlineExceeded)

	_, err = connection.Exec(background, "LISTEN news")
	check(err)
	other, err = pgx.Connect(background, address)
	check(err)
	execute("NOTIFY news, 'hello'")
	notification, err := connection.WaitForNotification(background)
	check(err)
	seen["notified"] = notification.Payload

	// database/sql, as most programs use it: prepared statements of its pool.
	pool, err := sql.Open("pgx", address)
	check(err)
	var name string
	for range 5 {
		check(pool.QueryRow("SELECT name FROM people WHERE id = $1", 1).Scan(&name))
	}
	check(pool.Close())
	seen["pool"] = name
	check(json.NewEncoder(os.Stdout).Encode(seen))
}

// Each row is written only when the one before has arrived.
func live(background context.Context, connection *pgx.Conn, execute func(string, ...any)) []int32 {
	// Query returns when the first row is there
	time.AfterFunc(500*time.Millisecond, func() { execute("INSERT INTO live VALUES (1)") })
	rows, err := connection.Query(background, "SELECT n FROM live EMIT CHANGES")
	check(err)
	var seen []int32
	for len(seen) < 3 && rows.Next() {
		var tick, diff int64
		var n int32
		check(rows.Scan(&tick, &diff, &n))
		seen = append(seen, n)
		if len(seen) < 3 {
			execute("INSERT INTO live VALUES ($1)", n+1)
		}
	}
	// a result that is left early is read to its end, which a continuous one has not: it is canceled
	check(connection.PgConn().CancelRequest(background))
	rows.Close()
	return seen
}
