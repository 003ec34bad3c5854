/**
 * The SDK heeds a signal only once it has credentials, and they may not come.
 *
 * @throws what the answer fails with, or the signal's reason when that is first
 */
export function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    const settled = (): void => signal.removeEventListener("abort", abort);
    answer.then(resolve, reject).finally(settled);
  });
}
