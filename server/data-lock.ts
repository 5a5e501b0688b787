/**
 * One server a data directory: a second one would write into the logs of the first. The file `server.pid` names the
 * process that holds it; one that a crash left behind names a process that is gone, or another one that got its number.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'server.pid';

type Holder = Readonly<{ pid: number; started: string | null }>;

/** Null when the directory is ours until the process exits; else the process that holds it. */
export function lockDataDirectory(directory: string): number | null {
  const path = join(directory, FILE);
  const own: Holder = { pid: process.pid, started: startOf(process.pid) };
  // twice: what a crash left behind is removed first
  for (let attempt = 0; attempt < 2; attempt++) {
    if (create(path, `${own.pid} ${own.started ?? ''}\n`)) {
      process.on('exit', () => rmSync(path, { force: true }));
      return null;
    }
    const holder = read(path);
    if (holder !== null && isAlive(holder)) return holder.pid;
    rmSync(path, { force: true });
  }
  return read(path)?.pid ?? 0;
}

function create(path: string, text: string): boolean {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, text);
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

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
