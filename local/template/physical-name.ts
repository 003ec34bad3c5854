/** Where the laptop cloud pretends to be. */
export interface Place {
  readonly account: string;
  readonly region: string;
  readonly stackName: string;
}

/** How CloudFormation would name a resource, made the same on every start. */
interface ResourceKind {
  /** The property that fixes the name, where the template does. */
  readonly nameProperty: string;
  readonly name: (logicalId: string) => string;
  /** What Ref gives, where that is not the name. */
  readonly ref?: (name: string, place: Place) => string;
  /** Attributes for Fn::GetAtt. */
  readonly attributes: Readonly<Record<string, (name: string, place: Place) => string>>;
}

const asIs = (logicalId: string): string => logicalId;

/** What the deployment of a laptop refers to; a reference to anything else is an error. */
const KINDS: Readonly<Record<string, ResourceKind>> = {
  "AWS::Kinesis::Stream": {
    nameProperty: "Name",
    name: asIs,
    attributes: { Arn: (name, { region, account }) => `arn:aws:kinesis:${region}:${account}:stream/${name}` },
  },
  "AWS::S3::Bucket": {
    nameProperty: "BucketName",
    name: (logicalId) => logicalId.toLowerCase(),
    attributes: { Arn: (name) => `arn:aws:s3:::${name}` },
  },
  "AWS::Lambda::Function": {
    nameProperty: "FunctionName",
    name: asIs,
    attributes: {
      Arn: (name, { region, account }) => `arn:aws:lambda:${region}:${account}:function:${name}`,
    },
  },
  "AWS::IAM::Role": {
    nameProperty: "RoleName",
    name: asIs,
    attributes: { Arn: (name, { account }) => `arn:aws:iam::${account}:role/${name}` },
  },
  "AWS::SNS::Topic": {
    nameProperty: "TopicName",
    name: asIs,
    ref: (name, { region, account }) => `arn:aws:sns:${region}:${account}:${name}`,
    attributes: {},
  },
  "AWS::RedshiftServerless::Workgroup": {
    nameProperty: "WorkgroupName",
    name: (logicalId) => logicalId.toLowerCase(),
    attributes: {
      "Workgroup.WorkgroupArn": (name, { region, account }) =>
        `arn:aws:redshift-serverless:${region}:${account}:workgroup/${name}`,
    },
  },
};

/** @returns undefined for a type of resource the laptop cloud does not have */
export function resourceKind(type: string): ResourceKind | undefined {
  return KINDS[type];
}
