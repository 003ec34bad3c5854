import { existsSync } from "node:fs";
import { basename } from "node:path";
import { columnNameNear, identifier } from "../../wire/log-type.ts";
import { tableNameProblem } from "../../wire/redshift-names.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { AccessError } from "../access/access-error.ts";
import type { Outcome } from "../access/place-command.ts";
import type { FileLine } from "../try/read-lines.ts";
import { rejectJson, rejectText } from "../try/tally.ts";
import { addToConfig } from "./add-to-config.ts";
import type { InferArguments } from "./command.ts";
import { infer, type Proposal } from "./infer.ts";
import { sampleFile, type Stretch } from "./sample.ts";
import { typeText } from "./type-text.ts";

const CONFIG_FILE = "weir.config.ts";

/** What of the lines may be rejected by a type that is good. */
const REJECTED_MAX_PERCENT = 1;

/** Proposes a type. The type goes to stdout, so that it can be kept as it is; what is to be said of it to stderr. */
export async function runInfer(
  files: readonly string[],
  { name, tag, config: file = CONFIG_FILE, write, json }: InferArguments,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<Outcome> {
  const config = write || existsSync(file) ? await loadConfig(file) : undefined;
  const stretches: Stretch[] = [];
  for (const one of files) stretches.push(...(await sampleFile(one)));
  const isBlank = ({ data }: FileLine): boolean => data.toString("latin1").trim() === "";
  if (stretches.every((stretch) => stretch.every(isBlank)))
    throw new AccessError(
      "BAD_REQUEST",
      `${files.join(", ")}: no lines`,
      "A type is made of lines that there are.",
    );
  const proposal = infer(stretches, {
    name: nameOf(name, files[0]!, config),
    tags: tag,
    hasTable: config !== undefined && config.warehouse.kind !== "none",
  });
  const { tally, multiLine, type } = proposal;
  const text = typeText(proposal);
  const ok = tally.rows > 0 && tally.rejectedPercent <= REJECTED_MAX_PERCENT;
  const said = [
    ...figures(proposal),
    ...(write ? [await addToConfig(file, type.name, typeText(proposal, "    "), loadConfig)] : []),
  ];
  if (!json) console.error(`${said.join("\n\n")}\n`);
  const { lines, rows, rejected, filtered, firstRejects } = tally;
  return {
    ok,
    text,
    json: {
      ok,
      type,
      toConfirm: [proposal.remarks.parse, proposal.remarks.time].filter((one) => one !== undefined),
      ...(multiLine && { multiLine }),
      lines,
      rows,
      rejected,
      filtered,
      firstRejects: firstRejects.map(rejectJson),
      typescript: text,
      ...(write && { written: file }),
    },
  };
}

function figures({ tally, multiLine, type }: Proposal): string[] {
  const start = multiLine && `multi_line = { start = '${multiLine.start}' }`;
  return [
    ...tally.firstRejects.map(rejectText),
    `${type.name}: ${tally.text(multiLine ? "events" : "lines")}`,
    ...(tally.notUtf8 > 0
      ? [
          `${tally.notUtf8.toLocaleString("en")} lines are not UTF-8: with \`encoding\` in its [[files]], such as "windows-1252", ` +
            'the agent converts them; with invalidUtf8: "replace" the type takes them as they are',
        ]
      : []),
    ...(multiLine
      ? [
          `${multiLine.continued.toLocaleString("en")} lines go on with the event before, as stack traces do. The agent joins ` +
            `them with this in its [[files]]:\n    ${start}`,
        ]
      : []),
  ];
}

/** @throws AccessError BAD_REQUEST for a name that no type may have, or that one has already */
function nameOf(given: string | undefined, file: string, config: WeirConfig | undefined): string {
  const names = new Set(config?.types.map(({ name }) => name));
  if (given === undefined) {
    const near = nameFrom(file);
    const name = tableNameProblem(near) === undefined ? near : `log_${near}`;
    let [free, i] = [name, 2];
    while (names.has(free)) free = `${name}_${i++}`;
    return free;
  }
  const problem = identifier.safeParse(given).error?.issues[0]?.message ?? tableNameProblem(given);
  if (problem !== undefined) throw new AccessError("BAD_REQUEST", `--name ${given}: ${problem}`);
  if (!names.has(given)) return given;
  throw new AccessError("BAD_REQUEST", `the configuration has a log type ${given}`, "Say another --name.");
}

/** `access` of /var/log/nginx/access.log-20261126.gz. */
const nameFrom = (file: string): string =>
  columnNameNear(
    basename(file).replace(
      /(?:\.(?:log|txt|csv|tsv|json|ndjson|jsonl|out|gz|zst|\d+))*(?:[._-]\d[\d-]*)?(?:\.\w+)*$/i,
      "",
    ),
  ) ?? "log";
