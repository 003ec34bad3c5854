/** CPU time of one run in ms: the least of three, as a busy machine may slow down the others. */
export function cpuMs(work: () => unknown): number {
  const times = [0, 1, 2].map(() => {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}
