import {
  type CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from "@aws-sdk/client-cloudformation";

const NAMESPACE = "AWS::RedshiftServerless::Namespace";

/** Whether CloudFormation is taking a deployment back: then it asks for what was there before, and must get it. */
export async function isRollingBack(client: CloudFormationClient, stackId: string): Promise<boolean> {
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackId }));
  return Stacks?.[0]?.StackStatus?.endsWith("ROLLBACK_IN_PROGRESS") ?? false;
}

/** Names of the Redshift Serverless namespaces that the stack has. */
export async function namespacesOf(client: CloudFormationClient, stackId: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of paginateListStackResources({ client }, { StackName: stackId })) {
    for (const { ResourceType, PhysicalResourceId, ResourceStatus } of page.StackResourceSummaries ?? []) {
      if (ResourceType !== NAMESPACE || PhysicalResourceId === undefined) continue;
      // One that an earlier update took out of the template is DELETE_SKIPPED, and no longer the stack's.
      if (!ResourceStatus?.startsWith("DELETE_")) names.push(PhysicalResourceId);
    }
  }
  return names;
}
