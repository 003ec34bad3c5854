/** The name that was meant, where one is near enough: a letter or two, or other signs between the words. */
export function closest(name: string, names: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const most = Math.min(2, Math.floor(name.length / 3));
  const ranked = names
    .map((other) => ({ other, by: distance(plain(name), plain(other)) }))
    .sort((a, b) => a.by - b.by);
  return ranked[0] && ranked[0].by <= most ? ranked[0].other : undefined;
}

/** How many letters are to be put in, taken out, replaced or exchanged with the next. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      next[j] = Math.min(last[j]! + 1, next[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        next[j] = Math.min(next[j]!, before[j - 2]! + 1);
      }
    }
    [before, last] = [last, next];
  }
  return last[b.length]!;
}

/** `: did you mean "gzip"?`, and nothing where no name is near. */
export function didYouMean(name: string, names: readonly string[]): string {
  const near = closest(name, names);
  return near === undefined ? "" : `: did you mean "${near}"?`;
}
