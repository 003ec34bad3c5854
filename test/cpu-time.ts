/** CPU time of one run on this thread, in ms. */
export function cpuMs(work: () => unknown): number {
  const before = threadCpuMs();
  work();
  return threadCpuMs() - before;
}

/**
 * CPU time that this thread has taken, in ms. Linux counts a running thread's by the scheduler's tick, four or ten ms, until
 * somebody asks for its process's: work of less than a tick would cost nothing in one turn and a whole one in the next.
 */
export function threadCpuMs(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
