import { readFile } from 'node:fs/promises';

/** Linux counts in hundredths of a second, whatever its own clock does. */
const TICK_MS = 10;

/** CPU time that a process has used since its start, in its own code and in the kernel, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field, the name, is in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]];
  return (Number(user) + Number(system)) * TICK_MS;
}
