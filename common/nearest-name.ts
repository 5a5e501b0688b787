/** Which known names somebody may have meant: as PostgreSQL picks them for its hints. */

const EDITS_MAX = 3;
const NAME_CHARACTERS_MAX = 100;

/** Those at the least distance, if it is at most three edits and half the name's length. */
export function nearestNames(name: string, known: Iterable<string>): readonly string[] {
  if (name.length > NAME_CHARACTERS_MAX) return [];
  let best = Math.min(EDITS_MAX, Math.floor(name.length / 2));
  let found: string[] = [];
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance > best) continue;
    if (distance < best) found = [];
    best = distance;
    found.push(candidate);
  }
  return found;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
