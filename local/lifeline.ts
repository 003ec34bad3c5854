import net from "node:net";
import { Worker, isMainThread } from "node:worker_threads";

/**
 * Loaded before the script of every process that `process.ts` starts (`node --import`).
 *
 * The parent holds the other end of file descriptor 3 and never writes to it. When the parent goes,
 * however it goes, the kernel closes that end and this process kills itself. A thread of its own
 * watches, because a script stuck in a loop would not.
 */
const LIFELINE_FD = 3;

/** Only this machine may talk to the parts: none of them asks who is there. */
const HOST = "127.0.0.1";

function holdOn(): void {
  const watch = `
    const { Socket } = require("node:net");
    const end = () => process.kill(process.pid, "SIGKILL");
    new Socket({ fd: ${LIFELINE_FD}, readable: true }).on("end", end).on("error", end).resume();
  `;
  // A worker inherits --import, and would start a watcher of its own.
  new Worker(watch, { eval: true, execArgv: [], env: {} }).unref();
}

function listenOnLoopbackOnly(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with `this` below
  const listen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
    const [where, ...rest] = args;
    const callback = rest.filter((argument) => typeof argument === "function");
    if (typeof where === "number") return listen.call(this, { port: where, host: HOST }, ...callback);
    if (typeof where === "object" && where !== null && "port" in where) {
      return listen.call(this, { ...where, host: HOST }, ...callback);
    }
    return listen.apply(this, args);
  };
}

if (isMainThread) {
  holdOn();
  listenOnLoopbackOnly();
}
