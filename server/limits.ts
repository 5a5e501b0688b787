/** The server's bounds (I4), beside those of common/limits.ts. Bytes and milliseconds as their names say. */
import { assert } from '../common/assert.ts';
import {
  BLOCK_ROWS_MAX,
  RESULT_CACHE_ENTRY_BYTES_MAX,
  STATEMENT_BYTES_MAX,
  UNSENT_BYTES_MAX,
} from '../common/limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** PostgreSQL's own bound of a startup packet. */
export const STARTUP_BYTES_MAX = 10_000;
/** An answer to a question at login, as in PostgreSQL. */
export const PASSWORD_BYTES_MAX = 1_024;
/** What a client that has not logged in may have sent ahead; beyond it the socket waits. */
export const LOGIN_BYTES_HIGH = 16 * KIB;
/** The least that millrace.statement_size_limit may be. */
export const STATEMENT_BYTES_LEAST = KIB;
/** Longest message of any kind: above it 54000, and the message is skipped. */
export const MESSAGE_BYTES_MAX = STATEMENT_BYTES_MAX + 64 * KIB;
/** A length beyond PostgreSQL's own bound can only be garbage: the connection ends. */
export const MESSAGE_BYTES_ABSURD = 1024 * MIB;
/** Received and not yet decoded; above it the socket is no longer read. */
export const INPUT_BYTES_HIGH = MIB;
/** Sent and not yet taken by the kernel; above it a result is no longer pulled. */
export const OUTPUT_BYTES_HIGH = MIB;
/** Encoded at once before the socket gets it. */
export const FLUSH_BYTES = 256 * KIB;
/** Time for a client to read why its connection ends. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Files that settings name: configuration, rules, keys, passwords. */
export const CONFIGURED_FILE_BYTES_MAX = MIB;
/** Lines of a file of rules: each login looks through them. */
export const HBA_RULES_MAX = 10_000;
/** A shorter secret of HS256 could be guessed (RFC 7518, section 3.2). */
export const JWT_SECRET_BYTES_LEAST = 32;
/** Clocks differ: a token is good for so long before and after its time. */
export const JWT_TOLERANCE_SECONDS = 5;

/** HTTP: a request's headers, and the whole of it; how often that is checked. */
export const HTTP_HEADERS_TIMEOUT_MS = 30_000;
export const HTTP_REQUEST_TIMEOUT_MS = 300_000;
export const HTTP_CHECK_MS = 5_000;
/** Of a body whose answer is given already: so much is thrown away, for so long, before the connection is closed. */
export const DISCARD_BYTES_MAX = 256 * MIB;
export const DISCARD_MS_MAX = 10_000;
export const HTTP_HEADER_BYTES_MAX = 16 * KIB;
export const SHUTDOWN_TIMEOUT_MS = 5_000;

/** Rounds of PBKDF2 in new verifiers, and the most that a given one may ask for. */
export const SCRAM_ITERATIONS = 4_096;
export const SCRAM_ITERATIONS_MAX = 1_000_000;

/** After so many wrong passwords for a user from an address further ones wait; for how many that is known, and how long. */
export const LOGIN_FAILURES_FREE = 5;
export const LOGIN_FAILURES_KEPT_MAX = 10_000;
export const LOGIN_FAILURES_KEPT_MS = 900_000;
/** Between two attempts of one who guesses; who would have to wait longer for a turn is sent away. */
export const LOGIN_DELAY_MS_LEAST = 100;
export const LOGIN_DELAY_MS_MAX = 10_000;
export const LOGIN_WAIT_MS_MAX = 5_000;
/** Right passwords of HTTP that need no second check for a while; checks at once and waiting. */
export const PASSWORDS_REMEMBERED_MAX = 1_000;
export const PASSWORDS_REMEMBERED_MS = 60_000;
export const PASSWORD_CHECKS_AT_ONCE = 2;
export const PASSWORD_CHECKS_WAITING_MAX = 100;
/** Failed logins in the audit log: so many at once, then so many a second; the others are counted. */
export const AUDIT_FAILURES_BURST = 100;
export const AUDIT_FAILURES_SECOND = 5;
/** Of a name or reason that somebody sent. */
export const AUDIT_CHARACTERS_MAX = 200;
/** Logins by HTTP request that are told once in so long. */
export const AUDIT_LOGINS_KEPT_MAX = 10_000;
export const AUDIT_LOGINS_KEPT_MS = 600_000;

/** Of one setting's value, of names with a prefix of the user's own in a session, and of what a transaction may have to undo. */
export const SETTING_CHARACTERS_MAX = 32 * KIB;
export const CUSTOM_SETTINGS_MAX = 1_000;
export const SETTING_CHANGES_MAX = 10_000;

export const PREPARED_STATEMENTS_MAX = 10_000;
export const PORTALS_MAX = 1_000;
/** What sessions keep from one statement to the next, all of them together and one: above it 53200. */
export const HELD_BYTES_MAX = 512 * MIB;
export const HELD_BYTES_SESSION_MAX = 128 * MIB;
/** What a character of a prepared statement takes, with its tree and plan, about. */
export const PREPARED_BYTES_CHARACTER = 8;
/** An answer of the system catalog that waits for its reader is counted from this size on. */
export const HELD_ANSWER_BYTES_MIN = MIB;
/** Finite results that wait for their readers, all together: above it those of the session that has the most end. */
export const WAITING_RESULTS_BYTES_MAX = 512 * MIB;
/** Messages looked at ahead of an Execute. */
export const MESSAGES_AHEAD_MAX = 100;
export const SAVEPOINTS_MAX = 10_000;
/** What a SCROLL or WITH HOLD cursor may keep; above it 53400. */
export const CURSOR_BYTES_MAX = 64 * MIB;
/** What one keeps that was not told to: above it, it only goes forward. */
export const CURSOR_TRIED_BYTES_MAX = 4 * MIB;

/** Channels that a session listens to, LISTENs and UNLISTENs of a transaction, and notifications that it may send: above them 54000. */
export const CHANNELS_MAX = 1_000;
export const CHANNEL_CHANGES_MAX = 2 * CHANNELS_MAX;
export const NOTIFICATIONS_OF_BLOCK_MAX = 10_000;
/** Of a NOTIFY, PostgreSQL's own: its payload, and the name of its channel (22023). */
export const NOTIFICATION_BYTES_MAX = 7_999;
export const CHANNEL_BYTES_MAX = 63;
/** Changes of a relation that a notification names; PostgreSQL's clients take payloads of less than 8,000 bytes. */
export const NOTIFIED_CHANGES_BYTES_MAX = 7_900;
/** Ten a second of each relation. */
export const NOTIFICATION_INTERVAL_MS = 100;

/**
 * millrace.read_tick = 'latest-common': queries read one tick until the session was silent for so long, and for no longer
 * than this.
 */
export const REFRESH_PAUSE_MS = 200;
export const REFRESH_MS_MAX = 5_000;

/**
 * A plan that is evaluated so often within so long is evaluated with each change from then on, until it was not asked for
 * so long; of so many plans at once.
 */
export const POLLED_EVALUATIONS = 8;
export const POLLED_WITHIN_MS = 250;
export const POLLED_PLANS_MAX = 32;

/** Answers of the PostgreSQL protocol that are kept; a longer one goes out as it comes. */
export const KEPT_ANSWER_BYTES_MAX = 256 * KIB;
/** A longer text, by itself or with its parameters, is not worth its place. */
export const KEPT_TEXT_CHARACTERS_MAX = 16_384;
export const KEPT_KEY_CHARACTERS_MAX = 32_768;

export const PLAN_CACHE_ENTRIES = 1_000;
/** Longer texts are not cached, and parsed and planned in a thread of their own; it ends when there was none for so long. */
export const LARGE_TEXT_BYTES = 64 * KIB;
export const PLANNER_IDLE_MS = 10_000;

/** One query of the system catalog: time and bytes of its result; beyond them 57014 and 54000. */
export const CATALOG_QUERY_MS_MAX = 30_000;
export const CATALOG_RESULT_BYTES_MAX = 64 * MIB;
/** Queries that wait for those before them. */
export const CATALOG_QUEUE_MAX = 10_000;
/** The mirror that answers: its start, its end without questions, and its time after a cancel. */
export const CATALOG_START_MS_MAX = 60_000;
export const CATALOG_IDLE_MS = 5 * 60_000;
export const CATALOG_GRACE_MS = 100;
/**
 * What the mirror may hold, 128 MB of which it has from its start, and in temporary files: beyond them 53200. It is replaced
 * after an answer that leaves it with more than what may be kept.
 */
export const CATALOG_MEMORY_BYTES_MAX = 384 * MIB;
export const CATALOG_TEMPORARY_BYTES_MAX = 64 * MIB;
export const CATALOG_KEPT_BYTES_MAX = 256 * MIB;
/** Of a query's text, as pg_stat_activity shows it. */
export const CATALOG_QUERY_CHARACTERS_MAX = 1_024;
/** Users without a role that a mirror knows at a time. */
export const CATALOG_STUB_ROLES_MAX = 1_000;

/** Bodies of POST /streams after inflation, and of POST /query. */
export const INGEST_BODY_BYTES_MAX = 64 * MIB;
/** The same for all requests together; beyond it 429. */
export const INGEST_HELD_BYTES_MAX = 256 * MIB;
/** Rows and bytes of an answer that HTTP gives whole. */
export const HTTP_ROWS_MAX = 1_000_000;
export const HTTP_RESULT_BYTES_MAX = 64 * MIB;
export const IDEMPOTENCY_KEYS_MAX = 10_000;
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;

export const SOCKET_PAYLOAD_BYTES_MAX = MIB;
export const SOCKET_SUBSCRIPTIONS_MAX = 100;
export const SOCKET_PING_MS = 30_000;

/** How often continuous results are checked for readers that are too slow. */
export const SLOW_READER_CHECK_MS = 50;

assert(STARTUP_BYTES_MAX < MESSAGE_BYTES_MAX, 'a startup packet is a small message');
assert(MESSAGE_BYTES_MAX < MESSAGE_BYTES_ABSURD, 'an oversized message can still be skipped');
assert(NOTIFIED_CHANGES_BYTES_MAX <= NOTIFICATION_BYTES_MAX, 'changes fit into a notification');
assert(LOGIN_DELAY_MS_LEAST <= LOGIN_DELAY_MS_MAX, 'a delay grows');
assert(KEPT_TEXT_CHARACTERS_MAX <= KEPT_KEY_CHARACTERS_MAX, 'a text that is kept has room for parameters');
assert(OUTPUT_BYTES_HIGH < UNSENT_BYTES_MAX, 'a reader is slow before it is too slow');
assert(CURSOR_BYTES_MAX < HELD_BYTES_SESSION_MAX, 'a session may keep a whole cursor');
assert(HELD_BYTES_SESSION_MAX < HELD_BYTES_MAX, 'one session leaves something to the others');
assert(CURSOR_TRIED_BYTES_MAX < CURSOR_BYTES_MAX, 'who asks to scroll may keep more');
assert(KEPT_ANSWER_BYTES_MAX < RESULT_CACHE_ENTRY_BYTES_MAX, 'an answer fits into the cache');
assert(BLOCK_ROWS_MAX <= HTTP_ROWS_MAX, 'what a block wrote can be read in one answer');
assert(SOCKET_PAYLOAD_BYTES_MAX <= STATEMENT_BYTES_MAX, 'a frame holds a statement');
