import { Server } from "node:net";

/** Keeps `npm run test:fast` what it says: a test that listens belongs to `npm test` alone. */
Server.prototype.listen = () => {
  throw new Error("this test starts a server: test/kinds.ts should have seen it");
};
