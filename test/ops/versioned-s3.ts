import type { S3Client } from "@aws-sdk/client-s3";

/**
 * Stands in for a bucket with versions, which fauxqs has not: puts and deletes add versions, only a delete by version
 * removes one, a listing of versions has pages of three, and DeleteObjects takes 1,000 at most.
 */
export class VersionedS3 {
  readonly #objects = new Map<string, { readonly id: string; readonly body?: string }[]>();
  #next = 0;
  /** Keys that S3 refuses to remove. */
  readonly locked = new Set<string>();
  readonly client = {
    send: (command: object) => Promise.resolve(this.#answer(command)),
  } as unknown as S3Client;

  put(key: string, body?: string): void {
    const version = { id: `v${this.#next++}`, ...(body !== undefined && { body }) };
    this.#objects.set(key, [version, ...(this.#objects.get(key) ?? [])]);
  }

  /** Versions and markers that are left of each key. */
  get left(): Record<string, number> {
    const counts = [...this.#objects].map(([key, versions]) => [key, versions.length] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  #answer(command: object): object {
    const { input } = command as { readonly input: Input };
    switch (command.constructor.name) {
      case "GetBucketVersioningCommand":
        return { Status: "Enabled" };
      case "ListObjectVersionsCommand":
        return this.#list(input);
      case "DeleteObjectsCommand":
        return this.#delete(input.Delete!.Objects);
      default:
        throw new Error(`not made for ${command.constructor.name}`);
    }
  }

  #list({ Prefix = "", KeyMarker = "", VersionIdMarker }: Input): object {
    const all = [...this.#objects.keys()]
      .filter((key) => key.startsWith(Prefix))
      .toSorted()
      .flatMap((Key) => this.#objects.get(Key)!.map(({ id, body }) => ({ Key, VersionId: id, body })));
    const last = all.findIndex(({ Key, VersionId }) => Key === KeyMarker && VersionId === VersionIdMarker);
    const page = all.slice(last + 1, last + 4);
    const end = page.at(-1);
    return {
      Versions: page.filter(({ body }) => body !== undefined),
      DeleteMarkers: page.filter(({ body }) => body === undefined),
      IsTruncated: last + 4 < all.length,
      NextKeyMarker: end?.Key,
      NextVersionIdMarker: end?.VersionId,
    };
  }

  #delete(objects: readonly { readonly Key: string; readonly VersionId?: string }[]): object {
    if (objects.length > 1_000) throw new Error("MalformedXML: more than 1,000 objects");
    const refused = objects.filter(({ Key }) => this.locked.has(Key));
    for (const { Key, VersionId } of objects) {
      if (this.locked.has(Key)) continue;
      if (VersionId === undefined) this.put(Key);
      else
        this.#objects.set(
          Key,
          (this.#objects.get(Key) ?? []).filter(({ id }) => id !== VersionId),
        );
    }
    return { Errors: refused.map(({ Key }) => ({ Key, Code: "AccessDenied", Message: "Object Lock" })) };
  }
}

interface Input {
  readonly Prefix?: string;
  readonly KeyMarker?: string;
  readonly VersionIdMarker?: string;
  readonly Delete?: { readonly Objects: readonly { readonly Key: string; readonly VersionId?: string }[] };
}
