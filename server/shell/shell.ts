/** `npm run sql`: an interactive shell for those without psql. */
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { DATABASE } from '../../runtime/plan/authorization.ts';
import { KeptLines } from './kept-lines.ts';
import { commandOf, readMetaCommand } from './meta-command.ts';
import { StatementBuffer } from './statement-buffer.ts';
import { TablePrinter } from './table-printer.ts';
import { type Address, SSL_MODES } from './open-socket.ts';
import { knownPassword, promptPassword } from './password.ts';
import { type QueryEvents, type Report, WireClient } from './wire-client.ts';

const HISTORY_LINES_MAX = 1_000;
const HISTORY_FILE = process.env['MILLRACE_HISTORY'] ?? join(homedir(), '.millrace_history');
const PROMPTS: Readonly<Record<string, string>> = { I: 'millrace=> ', T: 'millrace=*> ', E: 'millrace=!> ' };
const CONTINUED = 'millrace-> ';

const write = (text: string): void => {
  process.stdout.write(text);
};

function printReport(report: Report): void {
  const lines = [
    `${report.severity}:  ${report.message}${report.code === '00000' ? '' : ` (${report.code})`}`,
  ];
  if (report.detail !== undefined) lines.push(`DETAIL:  ${report.detail}`);
  if (report.hint !== undefined) lines.push(`HINT:  ${report.hint}`);
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** The line of the statement that an error points at, and where in it. */
function printPlace(statement: string, position: number): void {
  const before = [...statement].slice(0, position - 1).join('');
  const start = before.lastIndexOf('\n') + 1;
  const line = statement.slice(start).split('\n')[0] ?? '';
  const number = before.split('\n').length;
  const head = `LINE ${number}: `;
  process.stderr.write(`${head}${line}\n${' '.repeat(head.length + [...before.slice(start)].length)}^\n`);
}

const UNFINISHED = 'A statement is being typed: a semicolon ends it, Ctrl-C drops it.\n';

class Shell {
  readonly #client: WireClient;
  readonly #buffer = new StatementBuffer();
  readonly keptLines = new KeptLines();
  #timing = false;
  #running = false;
  failed = false;

  constructor(client: WireClient) {
    this.#client = client;
  }

  get prompt(): string {
    return this.#buffer.isEmpty ? (PROMPTS[this.#client.status] ?? 'millrace=> ') : CONTINUED;
  }

  get connected(): boolean {
    return !this.#client.closed;
  }

  /** Ctrl-C: ends the query that runs, or drops the statement that is being typed. */
  interrupt(): void {
    if (this.#running) this.#client.cancel();
    else {
      this.#buffer.clear();
      this.keptLines.clear();
    }
  }

  /** False to quit. */
  async line(text: string): Promise<boolean> {
    const command = commandOf(text);
    if (command !== null && this.#buffer.isEmpty) return this.#meta(command);
    if (command !== null) process.stderr.write(UNFINISHED);
    for (const statement of this.#buffer.add(text)) await this.#run(statement);
    return true;
  }

  async finish(): Promise<void> {
    const rest = this.#buffer.rest();
    if (rest !== '' && this.connected) await this.#run(rest);
    this.#client.end();
  }

  async #meta(text: string): Promise<boolean> {
    const command = readMetaCommand(text);
    switch (command.kind) {
      case 'quit':
        return false;
      case 'timing':
        this.#timing = !this.#timing;
        write(`Timing is ${this.#timing ? 'on' : 'off'}.\n`);
        return true;
      case 'print':
        write(command.text);
        return true;
      case 'statements':
        for (const statement of command.statements) await this.#run(statement);
        return true;
    }
  }

  async #run(statement: string): Promise<void> {
    const started = performance.now();
    this.#running = true;
    await this.#client.query(statement, this.#printer(statement));
    this.#running = false;
    if (this.#timing) write(`Time: ${(performance.now() - started).toFixed(3)} ms\n`);
  }

  #printer(statement: string): QueryEvents {
    let table: TablePrinter | null = null;
    return {
      columns: (columns) => {
        table = new TablePrinter(columns, write);
      },
      row: (values) => table?.row(values),
      copyData: (chunk) => write(chunk.toString('utf8')),
      complete: (tag) => {
        if (table === null) write(`${tag}\n`);
        table?.end();
        table = null;
      },
      notice: (notice) => {
        table?.flush();
        printReport(notice);
      },
      error: (error) => {
        this.failed = true;
        table?.end();
        table = null;
        printReport(error);
        if (error.position !== undefined) printPlace(statement, error.position);
      },
    };
  }
}

function readHistory(): string[] {
  try {
    return readFileSync(HISTORY_FILE, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .reverse();
  } catch {
    return [];
  }
}

function saveHistory(newestFirst: readonly string[]): void {
  const lines = newestFirst.slice(0, HISTORY_LINES_MAX).reverse();
  try {
    writeFileSync(HISTORY_FILE, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch (error) {
    process.stderr.write(`history was not saved: ${(error as NodeJS.ErrnoException).code}\n`);
  }
}

function openReadline(terminal: boolean): Interface {
  const options = { input: process.stdin, output: process.stdout, terminal, historySize: HISTORY_LINES_MAX };
  const readline = createInterface(
    terminal ? { ...options, history: readHistory() } : { input: process.stdin },
  );
  return readline;
}

type Options = Readonly<{ address: Address; user: string; command: string | undefined }>;

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', short: 'h', default: process.env['PGHOST'] ?? '127.0.0.1' },
      port: { type: 'string', short: 'p', default: process.env['MILLRACE_PG_PORT'] ?? '5433' },
      user: { type: 'string', short: 'U', default: process.env['PGUSER'] ?? 'millrace' },
      sslmode: { type: 'string', default: process.env['PGSSLMODE'] ?? 'prefer' },
      command: { type: 'string', short: 'c' },
    },
  });
  const sslMode = SSL_MODES.find((mode) => mode === values.sslmode);
  if (sslMode === undefined) {
    process.stderr.write(`--sslmode ${values.sslmode} is none of ${SSL_MODES.join(', ')}\n`);
    process.exit(2);
  }
  const root = process.env['PGSSLROOTCERT'];
  const rootCertificates = root === undefined || root === '' ? null : readFileSync(root, 'utf8');
  const address = { host: values.host, port: Number(values.port), sslMode, rootCertificates };
  return { address, user: values.user, command: values.command };
}

async function main(): Promise<number> {
  const { address, user, command } = readOptions();
  const { host, port } = address;
  const database = DATABASE.name;
  let client: WireClient;
  try {
    client = await WireClient.open(
      address,
      { user, database, application_name: 'millrace shell' },
      async () => knownPassword({ host, port, user, database }, process.env) ?? (await promptPassword(user)),
    );
  } catch (error) {
    const hint =
      (error as NodeJS.ErrnoException).code === undefined ? '' : 'Is the server running? npm start\n';
    process.stderr.write(`cannot connect to ${host}:${port}: ${(error as Error).message}\n${hint}`);
    return 2;
  }
  const shell = new Shell(client);
  if (command !== undefined) {
    await shell.line(command);
    await shell.finish();
    return shell.failed ? 1 : 0;
  }
  const terminal = process.stdin.isTTY === true;
  const readline = openReadline(terminal);
  if (terminal) {
    readline.on('history', (newestFirst: string[]) => {
      if (!shell.keptLines.keeps(newestFirst[0] ?? '')) newestFirst.shift();
      saveHistory(newestFirst);
    });
  }
  const interrupt = (): void => {
    shell.interrupt();
    if (terminal) readline.write(null, { ctrl: true, name: 'u' });
  };
  readline.on('SIGINT', interrupt);
  process.on('SIGINT', interrupt);
  if (terminal) write('Millrace. \\? for help, \\q to quit.\n');
  const prompt = (): void => {
    if (!terminal) return;
    readline.setPrompt(shell.prompt);
    readline.prompt();
  };
  prompt();
  for await (const line of readline) {
    if (!(await shell.line(line)) || !shell.connected) break;
    prompt();
  }
  readline.close();
  await shell.finish();
  if (!shell.connected && terminal) process.stderr.write('connection lost\n');
  return shell.failed && !terminal ? 1 : 0;
}

process.exitCode = await main();
