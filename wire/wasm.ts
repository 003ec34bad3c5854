/** Part of the global, whose types come with a browser's only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** Exports of a module that is kept in base64. @throws where WebAssembly or what the module needs is not to be had */
export function instantiate(base64: string): unknown {
  return new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(base64, "base64"))).exports;
}

/** Whether all is to be done in JavaScript: WEIR_SIMD=0, by which tests are what a machine without vectors is. */
export function simdIsOff(): boolean {
  return process.env["WEIR_SIMD"] === "0";
}

/** Makes something of vectors when it is first asked for, and says undefined where they are not to be had. */
export function onceWithVectors<T>(make: () => T): () => T | undefined {
  let made: { readonly it: T | undefined } | undefined;
  return () => {
    made ??= { it: orNone(make) };
    return made.it;
  };
}

function orNone<T>(make: () => T): T | undefined {
  if (simdIsOff()) return undefined;
  try {
    return make();
  } catch {
    return undefined;
  }
}
