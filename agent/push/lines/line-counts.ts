/** What came from standard input or one Unix socket since the agent began. */
export class LineCounts {
  connections = 0;
  /** Open at this moment. */
  open = 0;
  /** Turned away at the limit. */
  refused = 0;
  lines = 0;
  /** Line feeds not included. */
  bytes = 0;
}
