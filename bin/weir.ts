#!/usr/bin/env node
// What any Node can read, CommonJS without types (package.json beside it says so): it tells an older one what is wrong, which
// would stumble over the first type otherwise.
const [major] = process.versions.node.split(".");
if (Number(major) >= 24) void import("./program.mts");
else {
  console.error(
    `weir: this is Node ${process.versions.node}, and Weir runs on Node 24: npm start installs it here, and npx weir uses it`,
  );
  process.exitCode = 1;
}
