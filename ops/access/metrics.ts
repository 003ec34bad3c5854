import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
} from "@aws-sdk/client-cloudwatch";

const PERIOD_SECONDS = 300;
const LOOK_BACK_MS = 600_000;
const DAY_SECONDS = 86_400;

/** What CloudWatch knows of a place. */
export class PlaceMetrics {
  readonly #client: CloudWatchClient;
  readonly #router: string;
  readonly #loaders: readonly string[];

  /** @param functions by their names */
  constructor(client: CloudWatchClient, router: string, loaders: readonly string[]) {
    this.#client = client;
    this.#router = router;
    this.#loaders = loaders;
  }

  /** @returns the greatest of the last ten minutes; undefined where the router was not called */
  async iteratorAgeSeconds(now: Date): Promise<number | undefined> {
    const metric = {
      Namespace: "AWS/Lambda",
      MetricName: "IteratorAge",
      Dimensions: [{ Name: "FunctionName", Value: this.#router }],
    };
    const query = { Id: "age", MetricStat: { Metric: metric, Period: PERIOD_SECONDS, Stat: "Maximum" } };
    const values = await this.#values([query], new Date(now.getTime() - LOOK_BACK_MS), now);
    return values.length === 0 ? undefined : Math.max(...values) / 1_000;
  }

  /** What the loaders think their loads have cost, in RPU-seconds. */
  async rpuSeconds(from: Date, to: Date): Promise<number> {
    const queries = this.#loaders.map((service, i) => ({
      Id: `rpu${i}`,
      MetricStat: {
        Metric: {
          Namespace: "Weir",
          MetricName: "RpuSecondsEstimated",
          Dimensions: [{ Name: "service", Value: service }],
        },
        Period: DAY_SECONDS,
        Stat: "Sum",
      },
    }));
    if (queries.length === 0) return 0;
    return (await this.#values(queries, from, to)).reduce((sum, value) => sum + value, 0);
  }

  async #values(MetricDataQueries: MetricDataQuery[], StartTime: Date, EndTime: Date): Promise<number[]> {
    const values: number[] = [];
    let NextToken: string | undefined;
    do {
      const command = new GetMetricDataCommand({ MetricDataQueries, StartTime, EndTime, NextToken });
      const page = await this.#client.send(command);
      values.push(...(page.MetricDataResults ?? []).flatMap(({ Values }) => Values ?? []));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return values;
  }
}
