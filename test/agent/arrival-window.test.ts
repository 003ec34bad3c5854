import { expect, test } from "vitest";
import { ArrivalWindow } from "../../agent/kinesis/arrival-window.ts";

test("what is on its way counts until it has arrived and a second has gone by", () => {
  const window = new ArrivalWindow(1_000, 10);
  window.sending(900);
  expect(window.readyAtMs(100, 0)).toBe(0);
  expect(window.readyAtMs(101, 50_000)).toBe(Infinity);
  window.arrived(900, 60_000);
  expect(window.readyAtMs(101, 60_000)).toBe(61_005);
  expect(window.readyAtMs(101, 61_005)).toBe(61_005);
});

test("the first arrivals that make room decide, by bytes and by records", () => {
  const window = new ArrivalWindow(1_000, 3);
  for (const bytes of [300, 300, 300]) window.sending(bytes);
  window.arrived(300, 10);
  window.arrived(300, 20);
  window.arrived(300, 30);
  expect(window.readyAtMs(1, 40)).toBe(1_015);
  expect(window.readyAtMs(500, 40)).toBe(1_025);
  expect(window.readyAtMs(1_000, 40)).toBe(1_035);
});

test("what the shard refused takes no room, and a lone record of any size is let through", () => {
  const window = new ArrivalWindow(1_000, 10);
  window.sending(900);
  window.refused(900);
  expect(window.readyAtMs(5_000, 7)).toBe(7);
});
