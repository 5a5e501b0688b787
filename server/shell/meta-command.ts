/** Commands of the shell itself: a line that starts with a backslash. */
export type MetaCommand =
  | Readonly<{ kind: 'statements'; statements: readonly string[] }>
  | Readonly<{ kind: 'quit' }>
  | Readonly<{ kind: 'timing' }>
  | Readonly<{ kind: 'print'; text: string }>;

const HELP = `  \\d            streams, tables, views and sinks
  \\d NAME       columns of a relation
  \\ds \\dt \\dv   streams; tables; views and materialized views
  \\timing       show how long statements take, or stop showing it
  \\?            this text
  \\q            quit
A statement ends with a semicolon and may have several lines. Continuous queries print rows as they come; Ctrl-C ends them.
`;

/** What people type who don't know of backslashes yet. */
const WORDS: Readonly<Record<string, string>> = { help: '\\?', quit: '\\q', exit: '\\q' };

/** The command that a line is, with its backslash; null where it is part of a statement. */
export function commandOf(line: string): string | null {
  const text = line.trim();
  return text.startsWith('\\') ? text : (WORDS[text.replace(/;$/, '').toLowerCase()] ?? null);
}

export function readMetaCommand(line: string): MetaCommand {
  const [command = '', name = ''] = line.trim().replace(/;$/, '').split(/\s+/);
  const show = (...whats: readonly string[]): MetaCommand => ({
    kind: 'statements',
    statements: whats.map((what) => `SHOW ${what}`),
  });
  switch (command) {
    case '\\q':
      return { kind: 'quit' };
    case '\\timing':
      return { kind: 'timing' };
    case '\\?':
    case '\\h':
      return { kind: 'print', text: HELP };
    case '\\d':
      return name === ''
        ? show('STREAMS', 'TABLES', 'VIEWS', 'MATERIALIZED VIEWS', 'SINKS')
        : { kind: 'statements', statements: [`DESCRIBE ${name}`] };
    case '\\ds':
      return show('STREAMS');
    case '\\dt':
      return show('TABLES');
    case '\\dv':
    case '\\dm':
      return show('VIEWS', 'MATERIALIZED VIEWS');
    default:
      return { kind: 'print', text: `unknown command ${command}; \\? lists them\n` };
  }
}
