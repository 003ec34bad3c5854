/**
 * List prices of us-east-1 in USD, without free tiers, discounts and taxes, as AWS's pricing pages have them. Which of
 * them were seen again in November 2026, and where, is in docs/cost.md.
 */
export const PRICES = {
  kinesis: {
    onDemandStreamHour: 0.04,
    onDemandInGb: 0.08,
    onDemandOutGb: 0.04,
    /** Beyond the first day, up to a week. */
    onDemandKeptGbMonth: 0.1,
    shardHour: 0.015,
    /** A record counts one for each 25 KB that it has begun. */
    millionPutUnits: 0.014,
    /** Beyond the first day, up to a week. */
    keptShardHour: 0.02,
  },
  /** arm64. */
  lambda: { gbSecond: 0.0000133334, millionRequests: 0.2 },
  s3: { gbMonth: 0.023, thousandPuts: 0.005, thousandGets: 0.0004 },
  redshift: { rpuHour: 0.375, minBusySeconds: 60 },
  cloudWatch: { metricMonth: 0.3, alarmMonth: 0.1, logsGb: 0.5 },
  kms: { keyMonth: 1 },
  secretMonth: 0.4,
  firehose: { gb: 0.029, roundingKb: 5, icebergGb: 0.075 },
  msk: { brokerHour: 0.204, storageGbMonth: 0.1, connectUnitHour: 0.11 },
  ec2: { m7gLargeHour: 0.0816, gp3GbMonth: 0.08, betweenZonesGb: 0.02 },
} as const;
