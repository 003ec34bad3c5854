/** The stand-ins take any credentials, but the SDK's clients will not go without. */
export const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;
