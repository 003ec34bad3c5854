/** What is read ahead of its turn, at most; of bytes, exceeded by one item. */
export interface ReadAheadLimits {
  readonly items: number;
  readonly bytes: number;
}

/** Items in their order, each with what `read` made of it, though several are read at a time. */
export async function* readAhead<T extends { readonly bytes: number }, R>(
  items: AsyncIterable<T>,
  read: (item: T) => Promise<R>,
  limits: ReadAheadLimits,
): AsyncGenerator<{ readonly item: T; readonly result: R }> {
  const started: { item: T; result: Promise<R> }[] = [];
  let bytes = 0;
  const finishFirst = async (): Promise<{ item: T; result: R }> => {
    const { item, result } = started.shift()!;
    bytes -= item.bytes;
    return { item, result: await result };
  };
  for await (const item of items) {
    started.push({ item, result: read(item) });
    bytes += item.bytes;
    while (started.length >= limits.items || bytes >= limits.bytes) yield await finishFirst();
  }
  while (started.length > 0) yield await finishFirst();
}
