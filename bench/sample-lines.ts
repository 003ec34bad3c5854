/** Made-up log lines of about 200 bytes, the same in every run. */
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
  "curl/8.14.1",
];
const CAMERAS = ["Canon EOS R5", "NIKON Z 8", "iPhone 16 Pro", "DSC-RX100M7"];
const ACTIONS = ["view", "upload", "like", "delete"];
const START_MS = Date.UTC(2026, 10, 21, 10);

/** Lines of the sample configuration's type `photo`, one field of which has no column. */
export function* photoLines(): Generator<string> {
  const random = numbers(1);
  for (let i = 0; ; i++) {
    yield JSON.stringify({
      time: new Date(START_MS + i * 7).toISOString(),
      photo_id: 10_000_000 + random(9_000_000),
      user_id: random(500_000),
      action: pick(ACTIONS, random),
      width: 1_024 + random(4_000),
      height: 768 + random(3_000),
      bytes: random(9_000_000),
      exif: { camera: pick(CAMERAS, random) },
      tags: ["sea", `t${random(1_000)}`],
      request: random(2 ** 31).toString(16),
    });
  }
}

/** Lines of the sample configuration's type `access`. */
export function* accessLines(): Generator<string> {
  const random = numbers(2);
  for (let i = 0; ; i++) {
    const time = clf(START_MS + i * 7);
    const request = `GET /photos/${random(9_000_000)}/large.jpg?w=${random(2_000)} HTTP/1.1`;
    const answer = `${random(10) === 0 ? 404 : 200} ${random(300_000)}`;
    const referer = `https://www.example.com/albums/${random(100_000)}`;
    yield `10.1.${random(256)}.${random(256)} - - [${time}] "${request}" ${answer} "${referer}" "${pick(AGENTS, random)}"`;
  }
}

/** The same as nginx writes them with the time that a request took. */
export function* nginxLines(): Generator<string> {
  const random = numbers(3);
  for (const line of accessLines()) yield `${line} rt=${(random(3_000) / 1_000).toFixed(3)}`;
}

/** Lines of the sample configuration's type `user`. */
export function* ltsvLines(): Generator<string> {
  const random = numbers(4);
  for (let i = 0; ; i++) {
    const fields = {
      time: START_MS + i * 7,
      user_id: random(500_000),
      event: pick(ACTIONS, random),
      country: pick(["DE", "FR", "JP", "US"], random),
      amount: (random(100_000) / 100).toFixed(2),
      referrer: `https://www.example.com/albums/${random(100_000)}`,
      agent: pick(AGENTS, random),
    };
    yield Object.entries(fields)
      .map(([name, value]) => `${name}:${value}`)
      .join("\t");
  }
}

/** Lines of a daemon, with times in ISO 8601. */
export function* syslogLines(): Generator<string> {
  const random = numbers(5);
  for (let i = 0; ; i++) {
    const time = new Date(START_MS + i * 7).toISOString();
    const message = `Accepted publickey for ${pick(ACTIONS, random)} from 10.1.${random(256)}.${random(256)} port ${random(65_536)} ssh2: ED25519 SHA256:${random(2 ** 31).toString(36)}`;
    yield `${time} host-${random(50)} sshd[${random(32_768)}]: ${message}`;
  }
}

/** Lines up to so many bytes, line feeds included. */
export function take(lines: Iterable<string>, maxBytes: number): Buffer[] {
  const taken: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    const data = Buffer.from(line);
    bytes += data.length + 1;
    if (bytes > maxBytes) break;
    taken.push(data);
  }
  return taken;
}

/** `21/Nov/2026:10:00:00 +0000` */
function clf(epochMs: number): string {
  const [, day, month, year, time] = new Date(epochMs).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

function pick<T>(of: readonly T[], random: (below: number) => number): T {
  return of[random(of.length)]!;
}

/** Park and Miller's minimal standard generator. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}
