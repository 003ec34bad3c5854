import { GetNamespaceCommand, type RedshiftServerlessClient } from "@aws-sdk/client-redshift-serverless";

/** @returns whether the account has a namespace of this name; undefined when it does not say */
export async function hasNamespace(
  client: RedshiftServerlessClient,
  namespaceName: string,
): Promise<boolean | undefined> {
  try {
    await client.send(new GetNamespaceCommand({ namespaceName }));
    return true;
  } catch (error) {
    return (error as Error).name === "ResourceNotFoundException" ? false : undefined;
  }
}
