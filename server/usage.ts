/** The command's options: what they are called and how they are explained. */

export const USAGE = `usage: millrace [options]
  --pg-port N      port for PostgreSQL clients (5433; 0 = any free one)
  --http-port N    port for HTTP and WebSocket (8080; 0 = any free one)
  --host H         address to listen on (127.0.0.1)
  --data DIR       where data is kept (./data)
  --config FILE    where settings are read from (millrace.conf in the data directory)
  --files DIR      where connectors of type file may read and write (nowhere)
  --memory-limit S what views and queries may hold, such as 4GB (a quarter of the memory)
  --no-demo        without the demo stream and view
  --ssl            speak TLS on both ports, with --ssl-cert-file and --ssl-key-file
  --hba-file FILE  rules that say who may connect how, in pg_hba.conf's form
  --password-file F  a password for the first superuser, if it has none (or MILLRACE_PASSWORD)
  --insecure       allow an address that others can reach, without TLS and password
  -c NAME=VALUE    any setting that SHOW ALL lists; --name VALUE does it too
  --help           this text
Each has a variable too: MILLRACE_PG_PORT, MILLRACE_DATA, MILLRACE_NO_DEMO=1 …
`;
