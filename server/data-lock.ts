/**
 * One server a data directory: a second one would write into the logs of the first. The file `server.pid` names the
 * process that holds it; one that a crash left behind names a process that is gone, or another one that got its number.
 */
import { linkSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'server.pid';

type Holder = Readonly<{ pid: number; started: string | null }>;

/** Null when the directory is ours until the process exits; else the process that holds it. */
export function lockDataDirectory(directory: string): number | null {
  const path = join(directory, FILE);
  const own: Holder = { pid: process.pid, started: startOf(process.pid) };
  const text = `${own.pid} ${own.started ?? ''}\n`;
  // twice: what a crash left behind is removed first
  for (let attempt = 0; attempt < 2; attempt++) {
    if (create(path, text)) {
      process.on('exit', () => rmSync(path, { force: true }));
      return null;
    }
    const holder = read(path);
    if (holder !== null && isAlive(holder)) return holder.pid;
    removeLeft(path);
  }
  return read(path)?.pid ?? 0;
}

/** The file is there with its text or not at all: others read it meanwhile. */
function create(path: string, text: string): boolean {
  const made = ownName(path);
  writeFileSync(made, text);
  try {
    linkSync(made, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(made, { force: true });
  }
}

/** Another server may have found it too, and be there by now: its file goes back. */
function removeLeft(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new Error(`${FILE} is a directory`);
  const aside = ownName(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const holder = read(aside);
  if (holder !== null && isAlive(holder)) linkSync(aside, path);
  rmSync(aside, { force: true });
}

const ownName = (path: string): string => `${path}.${process.pid}`;

function read(path: string): Holder | null {
  try {
    const [pid, started] = readFileSync(path, 'utf8').trim().split(' ');
    return /^\d+$/.test(pid ?? '') ? { pid: Number(pid), started: started ?? null } : null;
  } catch {
    return null;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return now === null || started === null || now === started;
}

/** When the process started, in ticks since the machine did; null where the system has no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name before it is in parentheses, and may hold spaces
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // a zombie holds nothing any more
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? null);
  } catch {
    return null;
  }
}
