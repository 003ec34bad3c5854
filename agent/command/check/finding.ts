/** Something that was looked at, and whether it keeps an agent from running. */
export interface Finding {
  readonly isProblem: boolean;
  /** Begins with what it is about: a setting, or `files "tag"`. */
  readonly text: string;
}

export function fine(text: string): Finding {
  return { isProblem: false, text };
}

export function problem(text: string): Finding {
  return { isProblem: true, text };
}
