import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseConfig, type WeirConfigInput } from "../../wire/config.ts";

const PAGE = readFileSync(new URL("../../docs/other-producers.md", import.meta.url), "utf8");
const RECIPES = [...PAGE.matchAll(/^## (.*)\n(?:(?!^## )[^])*?^```js\n([^]*?)^```/gm)].map(
  ([, title, text]) => ({
    title,
    text: text!,
  }),
);

test.each(RECIPES)("the recipe for $title is a configuration", async ({ text }) => {
  const module = `export default ${text}`;
  const { default: config } = (await import(`data:text/javascript,${encodeURIComponent(module)}`)) as {
    default: WeirConfigInput;
  };
  expect(parseConfig(config, "recipe").types).toHaveLength(1);
});

test("there is a recipe for each producer", () => {
  expect(RECIPES.map(({ title }) => title!.split(/[: ,]/)[0])).toEqual(
    expect.arrayContaining([
      "Fluent",
      "Fluentd",
      "amazon-kinesis-agent",
      "The",
      "CloudWatch",
      "OpenTelemetry",
      "PutRecord",
    ]),
  );
});
